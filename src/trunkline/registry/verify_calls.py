"""Errors about calling a vendor: versions, operations, rules of errors.

Not for: how it is reached (`verify_access.py`), policies (`verify_flow.py`), fallbacks (`verify_fallback.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.core.errors import KINDS

from .document import Place
from .findings import did_you_mean, one_of
from .item import Item
from .patterns import HEADER_NAME, SAID_NAME, compiles, template_fault
from .shape_vendor import ErrorRule, Operation


def verify_calls(item: Item) -> None:
    """Writes every error."""
    _version(item)
    _wire(item)
    for n, operation in enumerate(item.own.operations):
        _operation(item, n, operation)
    for n, rule in enumerate(item.own.errors):
        _rule(item, n, rule)
    _pointers(item)


def _version(item: Item) -> None:
    version = item.own.api_version
    if version is None:
        return
    inherited = item.entry.api_version if item.entry else None
    if version.none and (version.value or version.header or version.query or version.path):
        said = "`none` says that there is no version to pin."
        item.fault(("api_version", "none"), "bad-value", said, "Keep it, or the version.")
    if not version.value and not version.none and not (inherited and inherited.value):
        cure = 'Add e.g. `value: "2026-01-01"`, or `none:` with the reason why there is none.'
        item.fault(("api_version",), "missing-key", "`value` is missing.", cure)
    if sum(bool(x) for x in (version.header, version.query, version.path)) > 1:
        item.fault(
            ("api_version",),
            "bad-value",
            "The version is sent in one place.",
            "Keep one of `header`, `query`, `path`.",
        )
    if version.path and not version.path.startswith("/"):
        item.fault(
            ("api_version", "path"),
            "bad-value",
            "A path begins with `/`.",
            f"Write `/{version.path}`.",
            value=version.path,
        )


def _wire(item: Item) -> None:
    tls = item.own.tls
    if tls and bool(tls.cert_file) != bool(tls.key_file):
        item.fault(("tls",), "missing-key", "`cert_file` and `key_file` belong together.", "Give both.")
    if item.own.idempotency and not HEADER_NAME.fullmatch(item.own.idempotency.header):
        item.fault(
            ("idempotency", "header"),
            "bad-value",
            "This is no header name.",
            "Write e.g. `Idempotency-Key`.",
        )


def _operation(item: Item, n: int, operation: Operation) -> None:
    at: Place = ("operations", n)
    if operation.name in [other.name for other in item.own.operations[:n]]:
        said = f"The operation `{operation.name}` is declared twice."
        item.fault(
            (*at, "name"), "duplicate-name", said, "Give each a name of its own.", value=operation.name
        )
    if not SAID_NAME.fullmatch(operation.name):
        item.fault(
            (*at, "name"),
            "bad-name",
            "This is no name of an operation.",
            "Use letters, digits, `.`, `-`, `_`.",
        )
    known = [o.name for o in item.entry.operations] if item.entry else []
    for key in ("method", "path"):
        if not getattr(operation, key) and operation.name not in known:
            said = f"`{key}` is missing: the catalog has no operation `{operation.name}` to take it from."
            near = did_you_mean(operation.name, known)
            item.fault(at, "missing-key", said, near or f"Add `{key}:`.", value=operation.name)
    fault = template_fault(operation.path) if operation.path else ""
    if fault:
        item.fault(
            (*at, "path"),
            "bad-path",
            fault,
            "Write e.g. `/contacts/{id}` or `/files/{path+}`.",
            value=operation.path,
        )


def _rule(item: Item, n: int, rule: ErrorRule) -> None:
    for at, code, message, cure in rule_faults(rule):
        item.fault(("errors", n, *at), code, message, cure)


def _pointers(item: Item) -> None:
    for part in ("ok_body", "usage"):
        for pointer, pattern in (getattr(item.own, part) or {}).items():
            where = pointer if part == "ok_body" else pattern
            if not where.startswith("/"):
                item.fault(
                    (part, pointer), "bad-pointer", f"`{where}` is no JSON pointer.", "Begin it with `/`."
                )
            if part == "ok_body" and not compiles(pattern):
                item.fault(
                    (part, pointer),
                    "bad-pattern",
                    "This is no regular expression.",
                    "Correct it.",
                    value=pattern,
                )


def rule_faults(rule: ErrorRule) -> Iterator[tuple[Place, str, str, str]]:
    """(place, code, message, cure) of each fault of a rule of the classifier."""
    if rule.kind != "ok" and rule.kind not in KINDS:
        yield (
            ("kind",),
            "unknown-code",
            f"`{rule.kind}` is no code of a failure.",
            did_you_mean(rule.kind, KINDS) or one_of(KINDS),
        )
    for pointer, pattern in rule.body.items():
        if pointer and not pointer.startswith("/"):
            yield ("body", pointer), "bad-pointer", f"`{pointer}` is no JSON pointer.", "Begin it with `/`."
        if not compiles(pattern):
            yield ("body", pointer), "bad-pattern", "This is no regular expression.", "Correct it."
    for name, pattern in rule.header.items():
        if not compiles(pattern):
            yield ("header", name), "bad-pattern", "This is no regular expression.", "Correct it."
    for part, pattern in (("text", rule.text), ("code", rule.code)):
        if not compiles(pattern):
            yield (part,), "bad-pattern", "This is no regular expression.", "Correct it."
    if not (rule.status or rule.body or rule.header or rule.text or rule.code or rule.event):
        yield (
            (),
            "bad-rule",
            "A rule without a condition would hold always.",
            "Add e.g. `status`, `body` or `code`.",
        )
