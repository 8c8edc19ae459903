"""The worker's loop: takes over what was accepted, runs what is due, shows what changed, erases what is old, goes when idle.

Not for: how any of that is done; nor for processes and signals (`trunkline/worker.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from sqlalchemy.exc import OperationalError

from trunkline.core.deferral import ANSWER_KEPT_S, TASK_KEPT_S
from trunkline.journal.deferrals import Board, Inbox
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.showing import Showing

LOOK_S = 0.2
TEND_S = 30.0
IDLE_S = 30.0
BATCH = 200


class Taking(Protocol):
    """What takes over what was accepted (intake.py)."""

    def take(self) -> int: ...


class Loop:
    """One worker's work, look by look."""

    def __init__(
        self,
        engine: LeaseEngine,
        intake: Taking,
        inbox: Inbox,
        board: Board,
        showing: Showing,
        *,
        away_until: Callable[[], float],
        said: Callable[[str], None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`away_until`: before that time nothing begins, because the gateway is not there."""
        self._engine = engine
        self._intake = intake
        self._inbox = inbox
        self._board = board
        self._showing = showing
        self._away_until = away_until
        self._said = said
        self._wall = wall
        self._tended_at = 0.0
        self._next_at = 0.0
        self._busy_at = wall()
        self._complaint = ""

    def look(self) -> bool:
        """Once over everything; True if there may be more to do at once. What a database or disk refuses now is tried at the next look."""
        try:
            busy = self._look()
        except (OperationalError, OSError) as problem:
            self._complain(str(getattr(problem, "orig", problem)))
            return False
        self._complain("")
        return busy

    def _look(self) -> bool:
        now = self._wall()
        taken = self._intake.take()
        begun = self._engine.turn() if now >= self._away_until() else 0
        if now - self._tended_at >= TEND_S:
            self._tend(now)
            self._tended_at = now
        self._showing.show()
        self._next_at = self._showing.sum_up(inbox=len(self._inbox.names()))
        if taken or begun or self._engine.running or (self._next_at and self._next_at <= now + IDLE_S):
            self._busy_at = now
        return bool(taken or begun)

    def _tend(self, now: float) -> None:
        """What is due seldom: bodies that are old enough are erased, then whole tasks; what was left unshown is shown."""
        while self._engine.erase(now - ANSWER_KEPT_S, BATCH):
            self._showing.show()
        for task_id, owner in self._engine.store.remove(now - TASK_KEPT_S):
            self._board.remove(owner, task_id)
            self._showing.removed()
        self._showing.catch_up()

    @property
    def idle(self) -> bool:
        """Whether nothing has to be done for so long that the process may end."""
        return self._wall() - self._busy_at >= IDLE_S and not self._engine.running

    def wait(self) -> None:
        """Until something ended, or it is time for the next look."""
        self._engine.woken.wait(LOOK_S)
        self._engine.woken.clear()

    def stop(self, patience_s: float) -> bool:
        """Begins nothing any more and lets what runs end; True if all of it did."""
        in_time = self._engine.drain(patience_s)
        try:
            self._showing.show()
            self._showing.sum_up(inbox=len(self._inbox.names()))
        except (OperationalError, OSError) as problem:
            self._complain(str(getattr(problem, "orig", problem)))
        return in_time

    def _complain(self, problem: str) -> None:
        """Says a trouble once, and that it is over."""
        if problem != self._complaint:
            self._said(f"tasks stand still: {problem}; trying on" if problem else "tasks go on")
        self._complaint = problem
