"""Has a secret's source read once more when a vendor refuses its value, and the call made again if there is another one.

One question at a time per reference, none within seconds of the last; only calls that were refused wait. The supervisor looks and
publishes (`control/rereads.py`). Not for: tokens that are fetched (`tokens.py`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

from trunkline.core import reread
from trunkline.core.call import Live, Member
from trunkline.core.codec import to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.reread import Ask
from trunkline.core.service import Sealed
from trunkline.gateway.process import write
from trunkline.gateway.watch import Watched

YOUNG_S = 10.0
"""What was read less than this ago and is refused is not read again: it would be the same."""
WAIT_S = 8.0
NOTE = "secret=reread"
_KEPT = 50
_WORLDS = 7
"""Members of older worlds that are kept for running calls."""


class Source:
    """The credential of one integration under one reference, over the worlds of running calls."""

    def __init__(self, rereads: Rereads, ref: str, value: str) -> None:
        self._rereads = rereads
        self.ref = ref
        self.value = value
        self._changed_at = float("-inf")
        self._members: list[Member] = []

    def bind(self, member: Member, value: str) -> None:
        """A member of a new world. Those of older worlds get its credential, so that running calls can go on with it."""
        if value != self.value:
            for old in self._members:
                if old.renewal is self:
                    old.signer, old.label = member.signer, member.label
                    old.hide(value, self.value)
                    old.targets.clear()  # heads that were written before hold the value before
            self.value, self._changed_at = value, self._rereads.clock()
        self._members = [*self._members[-_WORLDS:], member]
        member.renewal = self

    async def ready(self, within_s: float) -> None:
        """What is missing stays missing until it is published."""

    def refused(self, attempt: Attempt, error: CallError) -> None:
        """Asks, unless the answer is known, or this call had its second try."""
        exchange = attempt.exchange
        if NOTE in exchange.notes or not (self._changed(attempt) or self._rereads.ask(self.ref)):
            return
        exchange.notes += (NOTE,)
        error.again, error.retry_at = True, self._rereads.wall()

    async def renewed(self, attempt: Attempt, within_s: float) -> bool:
        if not self._changed(attempt):
            await self._rereads.answered(self.ref, within_s)
        return self._changed(attempt)

    def _changed(self, attempt: Attempt) -> bool:
        return self._changed_at >= attempt.started

    def __repr__(self) -> str:
        return f"Source({self.ref!r})"


class Rereads:
    """All wishes of this process. `look` takes published secrets over at once."""

    def __init__(
        self,
        state: Path,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        look: Callable[[], object] = lambda: None,
    ) -> None:
        self.clock, self.wall, self.look = clock, wall, look
        self._state = state
        self._sources: dict[tuple[str, str], Source] = {}
        self._open: dict[str, tuple[str, asyncio.Future[None]]] = {}
        """Reference -> id of the wish, and what its waiters wait for."""
        self._asked_at: dict[str, float] = {}
        self._asks: list[Ask] = []
        self.watched = Watched(state / reread.DONE, self.take)

    def adopt(self, services: Iterable[Live], sealed: Sealed) -> None:
        """Binds the members of a new world."""
        before, self._sources = self._sources, {}
        for live in services:
            auth = live.spec.auth
            if auth.kind in ("none", "oauth2") or live.spec.simulated:
                continue
            for member in live.members:
                value = sealed.values.get(member.name, "")
                if member.problem is None and value and not member.name.startswith("env:"):
                    key = (live.name, member.name)
                    source = self._sources.get(key) or before.get(key) or Source(self, member.name, value)
                    self._sources[key] = source
                    source.bind(member, value)

    def ask(self, ref: str) -> bool:
        """Has it read again; False when that was done a moment ago."""
        now = self.clock()
        if ref in self._open:
            return True
        if now - self._asked_at.get(ref, float("-inf")) < YOUNG_S:
            return False
        self._asked_at[ref] = now
        loop = asyncio.get_running_loop()
        wish = Ask(ref, secrets.token_hex(6))
        self._asks = [*self._asks[-_KEPT:], wish]
        self._open[ref] = (wish.id, loop.create_future())
        try:
            write(self._state / reread.ASKED, to_json(self._asks))
        except OSError:
            self._end(ref)
        return True

    async def answered(self, ref: str, within_s: float) -> None:
        """Returns when the wish is answered; at the latest after so many seconds."""
        wish = self._open.get(ref)
        if wish is None or within_s <= 0:
            return
        limit_s = min(within_s, WAIT_S)
        done, _ = await asyncio.wait({wish[1]}, timeout=limit_s)
        if not done and limit_s == WAIT_S:
            self._end(ref)

    def take(self) -> None:
        """The supervisor has answered: what it found is taken over first."""
        known = {one.id for one in reread.done(self._state)}
        answered = [ref for ref, (wish, _) in self._open.items() if wish in known]
        if answered:
            self.look()
        for ref in answered:
            self._end(ref)

    def _end(self, ref: str) -> None:
        _, waiting = self._open.pop(ref, ("", None))
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
