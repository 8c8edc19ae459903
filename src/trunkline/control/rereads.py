"""The supervisor's side of reading a secret anew because a vendor refused its value: asks the store, and answers once it is published.

Not for: publishing (`reload.py`), nor for the gateway's side (`gateway/rereads.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.control.stores import Stores
from trunkline.core import codec, reread
from trunkline.core.outside import is_outside
from trunkline.core.reread import Ask, Done

KEPT = 200
PATIENCE_S = 10.0
"""A store that has not answered by then is waited for no longer."""


class Waiting(msgspec.Struct, frozen=True):
    """A wish that an outside store has to answer: when it was made, and which value was there then."""

    ask: Ask
    at: float
    serial: int


class Rereads:
    """Wishes of the gateway. `values` gives what is published, by reference."""

    def __init__(
        self,
        state: State,
        stores: Stores,
        values: Callable[[], dict[str, str]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._stores = stores
        self._values = values
        self._wall = wall
        self._seen: object = None
        self._handled = {one.id for one in reread.asked(state.path)}  # those of a gateway before this one
        self._waiting: dict[str, Waiting] = {}
        self._near: dict[str, tuple[Ask, str]] = {}
        """Wishes that a look at files and the built-in store answers, with the value published then."""

    def look(self) -> bool:
        """Takes new wishes up. True when what is published should be made anew before `settle`."""
        for ask in self._new():
            self._handled.add(ask.id)
            if is_outside(ask.ref):
                known = self._stores.known(ask.ref)
                self._waiting[ask.id] = Waiting(ask, self._wall(), known.serial if known is not None else 0)
                self._stores.again([ask.ref])
            else:
                self._near[ask.id] = (ask, self._values().get(ask.ref, ""))
        return bool(self._near) or any(self._answered(one) for one in self._waiting.values())

    def settle(self) -> None:
        """Answers what is answered by now; what was found is published."""
        now_there = self._values()
        found = [Done(ask.ref, ask.id, now_there.get(ask.ref, "") != old) for ask, old in self._near.values()]
        for one in [one for one in self._waiting.values() if self._answered(one)]:
            known = self._stores.known(one.ask.ref)
            changed = known is not None and known.serial != one.serial
            problem = known.seen.problem if known is not None else ""
            found.append(Done(one.ask.ref, one.ask.id, changed, problem))
            del self._waiting[one.ask.id]
        self._near.clear()
        if found:
            with self._state.change() as connection:
                audit.add(connection, self._state, [_entry(one) for one in found])
            kept = [*reread.done(self._state.path), *found][-KEPT:]
            self._state.write(self._state.path / reread.DONE, codec.to_json(kept) + b"\n")

    def _new(self) -> list[Ask]:
        path = self._state.path / reread.ASKED
        try:
            stat = path.stat()
        except OSError:
            return []
        mark = (stat.st_ino, stat.st_mtime_ns)
        if mark == self._seen:
            return []
        self._seen = mark
        return [ask for ask in reread.asked(self._state.path) if ask.id not in self._handled]

    def _answered(self, one: Waiting) -> bool:
        known = self._stores.known(one.ask.ref)
        return known is None or known.asked_at >= one.at or self._wall() - one.at > PATIENCE_S


def _entry(one: Done) -> audit.Entry:
    detail = {"changed": one.changed, **({"problem": one.problem} if one.problem else {})}
    return audit.Entry("gateway", "secret.reread", one.ref, detail)
