"""One change of a contract: where, what it was, what it is now, whom it hurts. Pure data and its words.

Not for: finding it (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trunkline.core.alerting import Severity

Harm = Literal["breaking", "risky", "harmless"]
HARMS: tuple[Harm, ...] = ("harmless", "risky", "breaking")
"""From the least."""
SEVERITY: dict[Harm, Severity] = {"breaking": "critical", "risky": "warning", "harmless": "info"}

RESPONSE: dict[str, Harm] = {
    "removed": "breaking",
    "renamed": "breaking",
    "retyped": "breaking",
    "nullable": "breaking",
    "emptied": "risky",
    "optional": "breaking",
    "added": "harmless",
    "widened": "risky",
    "format": "risky",
    "word added": "risky",
    "word removed": "harmless",
    "shape added": "risky",
    "shape removed": "risky",
    "status": "risky",
    "refused": "breaking",
    "undocumented": "harmless",
}
"""What a change of what the vendor sends means for those who read it."""
REQUEST: dict[str, Harm] = {
    "removed": "risky",
    "renamed": "breaking",
    "retyped": "breaking",
    "required": "breaking",
    "added": "harmless",
    "word added": "harmless",
    "word removed": "breaking",
    "format": "risky",
    "deprecated": "risky",
    "operation removed": "breaking",
}
"""What a change of what the vendor takes means for those who send it."""
_IN_ERRORS: Harm = "risky"
"""Who reads errors reads a few fields of them; no change there is worse."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `part`: `reply`, `error`, `request`, `status`, `error status`, `stream`, or `event NAME`."""

    part: str
    place: str
    kind: str
    was: str = ""
    now: str = ""
    harm: Harm = "breaking"
    evidence: str = ""
    """How often it was seen before and since, in words."""

    @property
    def key(self) -> str:
        """The same for the same change however often it is seen."""
        return f"{self.part} {self.place} {self.kind} {self.now if self.kind in _BY_VALUE else ''}".strip()

    @property
    def title(self) -> str:
        """One line for people."""
        where = f"{self.part} {self.place}".strip()
        told = f"{self.was} -> {self.now}" if self.was and self.now else self.now or self.was
        return f"{where}: {WORDS.get(self.kind, self.kind)}" + (f" ({told})" if told else "")


_BY_VALUE = frozenset(
    ("word added", "word removed", "retyped", "format", "status", "shape added", "refused", "renamed")
)
WORDS = {
    "removed": "no longer there",
    "added": "new",
    "renamed": "has another name",
    "retyped": "another type",
    "nullable": "may be null now",
    "emptied": "always null now",
    "optional": "no longer always there",
    "required": "must be sent now",
    "widened": "no longer whole numbers only",
    "format": "another format",
    "word added": "new value",
    "word removed": "value no longer used",
    "shape added": "new kind of object",
    "shape removed": "kind of object no longer sent",
    "status": "another status",
    "refused": "requests that were accepted are refused",
    "deprecated": "deprecated",
    "operation removed": "the operation is gone",
    "undocumented": "used, but not described",
}


def harm_of(part: str, kind: str) -> Harm:
    """Whom a change hurts, by the direction of what changed."""
    if part == "request" and kind != "refused":
        return REQUEST.get(kind, "risky")
    harm = RESPONSE.get(kind, "risky")
    return _IN_ERRORS if part.startswith("error") and harm == "breaking" else harm


def worst(changes: Sequence[Change]) -> Harm:
    """The worst of some changes."""
    return max((change.harm for change in changes), key=HARMS.index, default="harmless")
