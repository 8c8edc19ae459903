"""Calls of unknown outcome in the admin API: the open ones, one with what to look for, saying what was found; and their number.

Not for: what a resolution does (`control/unknown.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline.console import shapes
from trunkline.console.identity import Identity
from trunkline.control import unknown
from trunkline.control.state import State
from trunkline.core.errors import CallError
from trunkline.ledger.query import BadCursor, CallFilter
from trunkline.ledger.unknown import open_count

if TYPE_CHECKING:
    from trunkline.console.context import Console
    from trunkline.ledger.usage import Rollups

COUNT_S = 10.0


class OpenUnknown:
    """How many are open; looked up at most every ten seconds, since it reads files of many days."""

    def __init__(self, ledger_folder: Path, rollups: Rollups, clock: Callable[[], float]) -> None:
        self._folder = ledger_folder
        self._rollups = rollups
        self._clock = clock
        self._at = float("-inf")
        self._count = 0

    def count(self) -> int:
        """Calls whose outcome nobody knows."""
        now = self._clock()
        if not 0 <= now - self._at < COUNT_S:
            self._count, self._at = open_count(self._folder, self._rollups), now
        return self._count

    def forget(self) -> None:
        """The next look is a fresh one."""
        self._at = float("-inf")


def unknowns(console: Console, query: shapes.UnknownQuery, who: Identity) -> Any:
    """Those that are open, newest first; with `all` also those that were resolved."""
    wanted = CallFilter(
        state="outcome_unknown", integration=query.integration, unresolved=not query.all, teams=who.teams
    )
    try:
        page = console.ledger.calls(wanted, limit=query.limit, before=query.before)
    except BadCursor as fault:
        raise CallError("invalid_request", str(fault)) from None
    # The number over all days is of every team; who sees some of them gets what this page holds.
    open_ = console.unknown.count() if who.teams is None else sum(not one["resolution"] for one in page.calls)
    return {"open": open_, "calls": page.calls, "next": page.next}


def show(console: Console, query: shapes.UnknownCallQuery, who: Identity) -> Any:
    """One call with what to look for at its vendor."""
    call = console.ledger.call(query.id, who.teams)
    if call is None:
        raise CallError("not_found", f"there is no call with the call id or correlation id {query.id!r}")
    return unknown.described(State(console.state_dir), call, query.key)


def resolve(console: Console, query: shapes.ResolveQuery, who: Identity) -> Any:
    """Says what became of a call."""
    call = console.ledger.call(query.id, who.teams)
    if call is None:
        raise CallError("not_found", f"there is no call with the call id or correlation id {query.id!r}")
    try:
        found = unknown.resolve(
            State(console.state_dir),
            call["call_id"],
            query.as_,
            note=query.note,
            actor=who.actor,
            now=console.clock(),
        )
    except unknown.UnknownProblem as problem:
        raise CallError("invalid_request", str(problem)) from None
    console.unknown.forget()
    return found
