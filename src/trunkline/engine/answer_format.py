"""Looks at answers that were to follow a schema, when their vendor speaks another dialect than the caller: what the vendor does not enforce
would otherwise be found out by the caller's code. What does not fit is told in the report; the answer goes out as it is.

Not for: calls of one dialect, which pass unread, nor asking once more (`repair.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.core.answer import Event, Grown, Opened, Stopped
from trunkline.core.conversation import Change, Request, Text, ToolCall
from trunkline.engine.json_schema import misfit

LONGEST = 1 << 20
"""Characters of an answer that are kept to be looked at."""


class FormatWatch:
    """One answer, whole (as events) or as it streams."""

    __slots__ = ("_calls", "_room", "_schema", "_texts", "_told", "_whole")

    def __init__(self, asked: Request) -> None:
        wanted = asked.format
        self._schema = wanted.schema if wanted is not None and wanted.kind == "schema" else None
        self._texts: dict[int, list[str]] = {}
        self._told: set[tuple[int, int]] = set()
        """Choice and number of parts that are words."""
        self._calls: set[int] = set()
        self._whole: set[int] = set()
        self._room = LONGEST

    def see(self, events: Iterable[Event]) -> None:
        """Events of the answer, in their order."""
        if self._schema is None:
            return
        for event in events:
            if isinstance(event, Grown):
                if event.field == "text" and (event.choice, event.part) in self._told:
                    self._grow(event.choice, event.value)
            elif isinstance(event, Opened):
                if isinstance(event.what, Text):
                    self._told.add((event.choice, event.part))
                    self._grow(event.choice, event.what.text)
                elif isinstance(event.what, ToolCall):
                    self._calls.add(event.choice)
            elif isinstance(event, Stopped) and event.stop == "end":
                self._whole.add(event.choice)

    def _grow(self, choice: int, text: str) -> None:
        self._room -= len(text)
        if self._room >= 0:
            self._texts.setdefault(choice, []).append(text)

    def found(self) -> list[Change]:
        """What does not fit, of answers that came to their end in words."""
        if self._schema is None or self._room < 0:
            return []
        whole = sorted(self._whole - self._calls)
        wrong = [misfit("".join(self._texts.get(choice, ())), self._schema) for choice in whole]
        return [Change("changed", "format", f"the answer does not fit: {words}") for words in wrong if words]
