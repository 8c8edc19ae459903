"""What is wrong, or could be better, in a registry: one shape for errors and lint, with the place and the cure.

Not for: failures of calls (`core/errors.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about the registry that a person should know. `value` is empty wherever it could be a secret."""

    severity: Severity
    code: str
    """Stable name of the rule, e.g. `unknown-key`."""
    file: str
    line: int = 0
    """1-based; 0: the file as a whole."""
    column: int = 0
    item: str = ""
    """Dotted path of the item, e.g. `integrations.crm.timeout.total`."""
    value: str = ""
    message: str
    cure: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        item = f" {self.item}:" if self.item else ""
        cure = f" {self.cure}" if self.cure else ""
        return f"{place}: {self.severity}[{self.code}]{item} {self.message}{cure}"


class RegistryInvalid(Exception):
    """The registry cannot be used. `findings` holds every error that was seen, not only the first."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean X?`, or an empty string when nothing known is near."""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""


def one_of(known: Iterable[str], limit: int = 40) -> str:
    """The known words as a sentence: `Known: a, b, c.`"""
    words = sorted(known)
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return f"Known: {', '.join(words[:limit])}{more}." if words else "None is known."
