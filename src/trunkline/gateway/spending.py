"""Limits and budgets of callers in the gateway process, and where their money stands: counted from the journal at the start, and
anew when a budget comes that was not there before.

Counting reads the last checkpoint and the journal after it, in a thread; only what was appended meanwhile is read on the loop, in
one turn with the taking over, so that no call is counted twice or not at all. Not for: the counting itself (`journal/spend.py`), nor
for admitting calls (`plugins/policies/`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from trunkline.core.exchange import Exchange
from trunkline.core.service import Callers, Snapshot
from trunkline.engine.tariffs import Tally
from trunkline.gateway.log import say
from trunkline.gateway.watch import Watched
from trunkline.journal.reader import JournalVersion
from trunkline.journal.spend import FILE_NAME, SpendBook, opened
from trunkline.plugins.policies.budget import Budget
from trunkline.plugins.policies.caller_limits import CallerLimits
from trunkline.plugins.policies.token_estimate import Estimator

AGAIN_S = 1.0


class Spending:
    """`running` gives the calls that run, once there is a gateway."""

    running: Callable[[], Iterable[Exchange]] = tuple

    def __init__(
        self,
        state: Path,
        clock: Callable[[], float],
        wall: Callable[[], float],
        tally: Tally | None = None,
    ) -> None:
        self._journal = state / "journal"
        self._checkpoint = state / FILE_NAME
        estimator = Estimator()
        self.limits = CallerLimits(clock, wall, estimator)
        self.budget = Budget(wall, estimator)
        self._tally = tally
        self._started = False
        self._found = False
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def watched(self) -> Watched:
        """The checkpoint, in case that it is made only after the start (after a restore, or when it was lost)."""
        return Watched(self._checkpoint, self._appeared)

    def load(self, snapshot: Snapshot, callers: Callers) -> None:
        """Takes over what the registry and the keys say. A new budget holds at once, from 0 until it has been counted."""
        self.limits.load(snapshot.caller_limits, callers.keys)
        if self.budget.load(snapshot.budgets, callers.keys, callers.former) and self._started:
            self._count_later()

    def start(self) -> None:
        """Before the first call, with the journal open: budgets stand where they stood."""
        self._started = True
        if self.budget.idle:
            self._count_later()  # only what browser tokens have spent
            return
        book = opened(self._journal, self._checkpoint)
        self._take_over(book)

    def _appeared(self) -> None:
        if self._started and not self._found:
            self._found = True
            self._count_later()

    def _count_later(self) -> None:
        if self._task is not None and not self._task.done():
            self._again = True
            return
        self._task = asyncio.get_running_loop().create_task(self._count())

    async def _count(self) -> None:
        while True:
            self._again = False
            # Calls that began when there was no budget are not settled with it: they are counted when they have ended.
            running = () if self.budget.idle else self.running()
            unseen = [one for one in running if self.budget not in one.policies]
            try:
                self._take_over(await asyncio.to_thread(opened, self._journal, self._checkpoint))
            except (OSError, JournalVersion) as problem:
                say(f"what was spent could not be counted: {problem}")
            while not (self._again or all(one.over for one in unseen)):  # noqa: ASYNC110 - seldom, and soon over
                await asyncio.sleep(AGAIN_S)
            if not self._again and not unseen:
                return

    def _take_over(self, book: SpendBook) -> None:
        book.catch_up()
        self.budget.recount(book.spend, self.running())
        if self._tally is not None:
            self._tally.take_over(book.spend.units)
        self._found = book.found
        book.close()
        if book.problem:
            say(book.problem)

    async def settled(self) -> None:
        """Returns when nothing is being counted."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])
