"""Finds an error in a parsed JSON body of any known shape, trying the most telling first; pure.

problem+json, error objects and texts, error lists (JSON:API, GraphQL), FastAPI details, gRPC, envelopes, AWS. Not for: what it
means (`classify.py`), nor bodies that are no JSON (`markup_error.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.engine.facts import CODE, GRPC, MESSAGE_CHARS, MESSAGES, Facts, flat, unique
from trunkline.engine.pointer import found, scalar

_ID_NAMES = (
    "request_id",
    "requestId",
    "requestID",
    "RequestId",
    "correlationId",
    "correlation_id",
    "trace_id",
    "traceId",
)
_CODES = (
    "code",
    "Code",
    "error_code",
    "errorCode",
    "err_code",
    "type",
    "error_type",
    "errorType",
    "status",
    "reason",
    "category",
    "name",
    "__type",
    "status_code",
    "kind",
)
_EMPTY_CODES = frozenset(
    ("error", "fail", "failed", "failure", "about:blank", "blank", "unknown", "null", "none")
)
_PARAMS = ("param", "parameter", "field", "pointer", "path", "attribute", "loc", "property")


def from_tree(tree: Any, problem: bool = False) -> Facts:
    """Facts of a parsed JSON body, trying the known shapes in order."""
    if isinstance(tree, list):
        inner = next((t for t in tree if isinstance(t, dict)), None)
        if inner is None:
            return Facts("", tree, flat(tree)[:MESSAGE_CHARS])
        return from_tree(inner)._replace(tree=inner if "error" in inner else tree)
    if not isinstance(tree, dict):
        return Facts("text", tree, flat(tree)[:MESSAGE_CHARS])
    for name, where in _shapes(tree, problem):
        facts = _facts(name, where, tree)
        if facts is not None:
            return unwrapped(facts)
    return Facts("", tree)


_TOLD = ("message", "Message", "msg", "err_msg", "error_message", "errorMessage")
_CODED = ("__type", "err_code", "error_code", "errorCode")


def _shapes(tree: dict[str, Any], problem: bool) -> Iterator[tuple[str, Any]]:
    """The places where an error may stand, best first."""
    if problem or ("title" in tree and ("detail" in tree or "status" in tree) and "errors" not in tree):
        yield "problem", tree
    for key in ("error", "Error"):
        if isinstance(tree.get(key), dict | list):
            yield "error", tree[key]
    if isinstance(tree.get("error"), str):
        yield "error-text", tree
    for key in ("errors", "Errors"):
        if tree.get(key):
            yield "errors", tree[key]
    yield from _nested(tree)
    if any(key in tree for key in _TOLD):
        yield "message", tree
    if "detail" in tree:
        yield "detail", tree["detail"]
    if any(key in tree for key in _CODED):
        yield "message", tree


def _nested(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    data, status = tree.get("data"), tree.get("status")
    if isinstance(data, dict) and data.get("error"):
        yield "data-error", data["error"]
    for key in ("notification", "base_resp", "fault"):
        if isinstance(tree.get(key), dict):
            yield key, tree[key]
    if isinstance(status, dict) and status.get("error"):
        yield "status-error", status["error"]


def _facts(name: str, where: Any, tree: dict[str, Any]) -> Facts | None:
    item = where
    if isinstance(where, list):
        item = next((w for w in where if w), None)
    if item is None:
        return None
    if name == "error-text":
        return _error_text(tree)
    if name == "errors" and isinstance(item, dict) and all(isinstance(v, list) for v in item.values()):
        field = next(iter(item))
        message, codes, param = f"{field}: {flat(item[field])}", [], field
    elif isinstance(item, dict):
        message = next((text for key in MESSAGES if (text := flat(item.get(key)))), "")
        codes = list(_codes(name, item))
        param = next((text for key in _PARAMS if (text := _field(item.get(key)))), "") or _field(
            (item.get("source") or {}) if isinstance(item.get("source"), dict) else None
        )
        if not message and not codes:
            message = flat(item)
            param = param or next(iter(item), "")
    else:
        message, codes, param = flat(item), [], ""
        if CODE.fullmatch(message) and not message.isdigit():
            codes = [message]
    if not message and not codes:
        return None
    outer = [] if item is tree else [c for c in _codes("", tree) if c not in ("error", "fail", "failed")]
    return Facts(
        name,
        tree,
        message[:MESSAGE_CHARS],
        unique(*codes, *outer),
        param,
        _id_in(tree),
        _status(name, item, tree),
    )


def _error_text(tree: dict[str, Any]) -> Facts:
    """`{"error": "text or code"}`, with `error_description` or `message` beside it (OAuth 2, Slack, Hugging
    Face, Spring).
    """
    text: str = tree["error"]
    beside = next(
        (
            t
            for key in ("error_description", "message", "detail", "details", "error_msg", "msg")
            if (t := flat(tree.get(key)))
        ),
        "",
    )
    is_code = bool(CODE.fullmatch(text))
    codes = [
        scalar(tree[k])
        for k in ("code", "error_code", "errorCode", "error_type", "type")
        if isinstance(tree.get(k), str | int)
    ]
    message = beside or text
    codes = [text, *codes] if is_code or (beside and len(text) < 60) else codes
    return Facts(
        "error-text",
        tree,
        message[:MESSAGE_CHARS],
        unique(*codes),
        _field(tree.get("field")),
        _id_in(tree),
        _status("", {}, tree),
    )


def _codes(name: str, item: dict[str, Any]) -> Iterator[str]:
    extensions = item.get("extensions")
    if isinstance(extensions, dict) and isinstance(extensions.get("code"), str):
        yield extensions["code"]
    details = item.get("details")
    if isinstance(details, dict) and isinstance(details.get("error_code"), str):
        yield details["error_code"]
    for listed in (details, item.get("errors"), item.get("violations")):
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("reason"), str):
                yield entry["reason"]
    for key in _CODES:
        value = item.get(key)
        if (
            isinstance(value, str)
            and value
            and len(value) < 200
            and not (name == "problem" and key == "status")
        ):
            short = (
                value.split("#")[-1]
                if key == "__type"
                else value.rstrip("/").rsplit("/", 1)[-1]
                if name == "problem" and key == "type"
                else value
            )
            if (
                short.lower() not in _EMPTY_CODES
                and CODE.fullmatch(short)
                and not (key == "status" and short.isdecimal())
            ):
                yield short
        elif (
            isinstance(value, int)
            and not isinstance(value, bool)
            and key in ("code", "Code", "error_code", "errorCode", "err_code", "status_code")
        ):
            yield GRPC[value] if value in GRPC and isinstance(item.get("details"), list) else str(value)
    inner = item.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        yield inner["code"]


def _status(name: str, item: dict[str, Any] | Any, tree: dict[str, Any]) -> int:
    """An HTTP status of 400 to 599 claimed in the body."""
    spots = [tree.get("statusCode"), tree.get("status"), tree.get("status_code"), tree.get("code")]
    if isinstance(item, dict):
        spots = [
            item.get("code"),
            item.get("status"),
            item.get("statusCode"),
            item.get("status_code"),
            item.get("http_status_code"),
            *spots,
        ]
    numbers = (int(v) if isinstance(v, str) and v.isdecimal() and len(v) == 3 else v for v in spots)
    return next((n for n in numbers if isinstance(n, int) and 400 <= n <= 599), 0)


def unwrapped(facts: Facts) -> Facts:
    """Gateways put the vendor's own JSON, as a string, into their message or metadata: look into it, once."""
    raw = next(found(facts.tree, "/error/metadata/raw"), None)
    for text in (facts.message, raw):
        if not isinstance(text, str) or text[:1] not in ("{", "["):
            continue
        try:
            inner = from_json(text)
        except (DecodeError, RecursionError):
            continue
        inner = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(inner, dict):
            continue
        for name, where in _shapes(inner, False):
            within = _facts(name, where, inner)
            if within is not None:
                codes = unique(*within.codes, *facts.codes)
                return facts._replace(
                    message=within.message,
                    codes=codes,
                    param=within.param or facts.param,
                    status=within.status or facts.status,
                )
    return facts


def _field(value: Any) -> str:
    if isinstance(value, str):
        return value[:200]
    if isinstance(value, list) and value and all(isinstance(v, str | int) for v in value):
        return ".".join(str(v) for v in value)[:200]
    if isinstance(value, dict):
        return _field(value.get("pointer") or value.get("parameter"))
    return ""


def _id_in(tree: dict[str, Any]) -> str:
    for place in (tree, tree.get("error"), tree.get("extensions")):
        if isinstance(place, dict):
            for name in _ID_NAMES:
                value = place.get(name)
                if isinstance(value, str) and value:
                    return value[:200]
    return ""
