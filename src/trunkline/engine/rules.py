"""The rules by which one service's failures are told apart, compiled once from its catalog and registry data.

Not for: what holds for all vendors (`generic.py`), nor applying them (`classify.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.core.errors import KINDS
from trunkline.core.service import ErrorRule, ErrorShape
from trunkline.engine.facts import Facts
from trunkline.engine.pointer import found, scalar

OK = "ok"
"""The kind of a rule that accepts what a later rule would refuse."""


class Rule:
    """An `ErrorRule` with its patterns compiled."""

    __slots__ = (
        "again",
        "body",
        "code",
        "event",
        "header",
        "kind",
        "later",
        "never_acted",
        "retry_at",
        "scope",
        "status",
        "text",
        "told",
    )

    def __init__(self, rule: ErrorRule, where: str) -> None:
        if rule.kind != OK and rule.kind not in KINDS:
            raise ValueError(
                f"{where}: unknown kind {rule.kind!r}; it must be a code of core/errors.py, or `ok`"
            )
        self.kind = rule.kind
        self.status = frozenset(rule.status)
        self.body = [(pointer, _pattern(p, where)) for pointer, p in rule.body.items()]
        self.header = [(name.lower().encode(), _pattern(p, where)) for name, p in rule.header.items()]
        self.code = _pattern(rule.code, where) if rule.code else None
        self.text = _pattern(rule.text, where) if rule.text else None
        self.event = rule.event
        self.told = bool(rule.body or rule.code or rule.text or rule.header or rule.event)
        self.retry_at = rule.retry_at
        self.scope = rule.scope
        self.never_acted = rule.never_acted
        self.again = rule.again
        self.later = rule.later

    def holds(
        self, facts: Facts, statuses: tuple[int, ...], fields: Mapping[bytes, bytes], event: str
    ) -> bool:
        """Whether all its conditions do. An error inside a success or a stream has no status, so codes and
        texts decide alone.
        """
        if self.status and not self.status.intersection(statuses) and (0 not in statuses or not self.told):
            return False
        if self.event and self.event != event:
            return False
        if self.code is not None and not any(self.code.fullmatch(c) for c in facts.codes):
            return False
        if any(not _matches(pattern, facts.tree, pointer) for pointer, pattern in self.body):
            return False
        if any(
            not pattern.fullmatch(fields.get(name, b"").decode("latin-1")) for name, pattern in self.header
        ):
            return False
        return self.text is None or self.text.search(facts.message) is not None

    def in_body(self, tree: Any) -> bool:
        """Whether its conditions on the body hold; it may have others."""
        return all(_matches(pattern, tree, pointer) for pointer, pattern in self.body)


def _pattern(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE | re.DOTALL)
    except re.error as problem:
        raise ValueError(f"{where}: {text!r} is no regular expression: {problem}") from None


def _matches(pattern: re.Pattern[str], tree: Any, pointer: str) -> bool:
    values = [scalar(v) for v in found(tree, pointer)]
    return any(pattern.fullmatch(v) for v in values or [""])


class Rules:
    """How one service fails, compiled once from its catalog and registry data. Raises ValueError for a rule
    that cannot be.
    """

    __slots__ = ("expects", "ids", "inside_ok", "rules", "shape", "wanted")

    def __init__(
        self,
        errors: Sequence[ErrorRule] = (),
        error_shape: ErrorShape | None = None,
        ok_body: Mapping[str, str] | None = None,
        *,
        request_id_headers: Sequence[str] = (),
    ) -> None:
        self.rules = [Rule(rule, f"error rule {n} ({rule.kind})") for n, rule in enumerate(errors, 1)]
        self.shape = error_shape or ErrorShape()
        self.expects = [
            (pointer, _pattern(p, f"ok_body {pointer}")) for pointer, p in (ok_body or {}).items()
        ]
        self.inside_ok = [r for r in self.rules if any(200 <= s < 300 for s in r.status)]
        self.ids = tuple(name.lower().encode() for name in request_id_headers)
        self.wanted = bool(self.expects or self.inside_ok)
        """Whether a success must be read in full to be believed."""

    def meets(self, tree: Any) -> bool:
        """Whether a parsed body is what `ok_body` says of a success; what is not there is not judged."""
        return all(
            pattern.fullmatch(scalar(v)) for pointer, pattern in self.expects for v in found(tree, pointer)
        )

    def believes(self, tree: Any) -> bool:
        """Whether neither `ok_body` nor a rule for good statuses speaks against a parsed 2xx body."""
        return self.meets(tree) and not any(rule.in_body(tree) for rule in self.inside_ok)
