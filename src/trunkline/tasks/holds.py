"""Which labels are held back: a vendor that said when it will be back is not asked before, and then by one task first. Pure.

So a thousand deferred calls to one paused vendor cost it one request per pause, and the calls of other vendors go on. Kept in
memory: after a restart each label is asked anew, once. Not for: limits toward vendors, which the gateway keeps.
"""

from __future__ import annotations

from typing import NamedTuple


class _Hold(NamedTuple):
    until: float
    trying: bool


class Holds:
    """Labels that failed lately. `until` is the time before which nothing of a label is begun; then one try decides."""

    def __init__(self) -> None:
        self._held: dict[str, _Hold] = {}

    def trials(self, now: float) -> list[str]:
        """Labels of which one task may begin now."""
        return [label for label, hold in self._held.items() if not hold.trying and hold.until <= now]

    def all(self) -> list[str]:
        """Every label that is held."""
        return list(self._held)

    def begun(self, label: str) -> None:
        """A task of a label begins; if the label is held, it is the one that tries."""
        hold = self._held.get(label)
        if hold is not None:
            self._held[label] = hold._replace(trying=True)

    def ended(self, label: str, until: float | None) -> None:
        """A try of a label ended: `until` says when it may be tried again; None: it is back."""
        if until is None:
            self._held.pop(label, None)
        elif label:
            before = self._held.get(label)
            self._held[label] = _Hold(max(until, before.until if before is not None else 0.0), trying=False)

    def over(self, label: str) -> None:
        """A task of a label does not run any more, whatever came of it."""
        hold = self._held.get(label)
        if hold is not None:
            self._held[label] = hold._replace(trying=False)

    def next_open(self, now: float) -> float:
        """When the next held label opens; 0 if none will by itself."""
        return min((hold.until for hold in self._held.values() if hold.until > now), default=0.0)

    def __repr__(self) -> str:
        return f"Holds({ {label: hold.until for label, hold in self._held.items()} })"
