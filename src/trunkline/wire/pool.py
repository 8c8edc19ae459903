"""Who may use which connection of one origin. Bookkeeping only: opening and writing are the client's callbacks.

`Pool.change` is the one place where a connection or a seeker changes its state; `take` and `give` are its shortcuts
for the common case (a connection is idle and nobody waits), so that a call then costs no object, task or timer. The
`repr` says everything that tests need to know.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """What the pool asks of a connection."""

    def usable(self, now: float) -> bool: ...
    def close(self) -> None: ...


C = TypeVar("C", bound=Member)
S = TypeVar("S")


class Change(Enum):
    """What can happen to a pool."""

    WANTED = "a seeker wants a connection"
    OPENED = "the dial of a seeker succeeded: the connection is its own"
    LEFT = "a seeker gave up, or its dial failed"
    FREED = "an exchange ended and its connection can be used again"
    LOST = "a connection is closed"


class Pool(Generic[C, S]):
    """Connections of one origin and the line of those who wait for one."""

    __slots__ = (
        "_clock",
        "_dial",
        "_hand",
        "busy",
        "dialing",
        "idle",
        "limit",
        "name",
        "waiting",
    )

    def __init__(
        self,
        name: str,
        *,
        limit: int,
        dial: Callable[[S], None],
        hand: Callable[[C, S], None],
        clock: Callable[[], float],
    ) -> None:
        self.name, self.limit = name, limit
        self._dial, self._hand, self._clock = dial, hand, clock
        self.idle: list[C] = []  # the last one used is used first, so that the surplus can expire
        self.busy: set[C] = set()
        self.dialing: set[S] = set()
        self.waiting: deque[S] = deque()

    def __repr__(self) -> str:
        counts = f"idle={len(self.idle)} busy={len(self.busy)} dialing={len(self.dialing)} waiting={len(self.waiting)}"
        return f"<Pool {self.name} {counts} limit={self.limit}>"

    @property
    def size(self) -> int:
        return len(self.idle) + len(self.busy) + len(self.dialing)

    @property
    def empty(self) -> bool:
        return not (self.idle or self.busy or self.dialing or self.waiting)

    def take(self, now: float) -> C | None:
        """An idle connection that still works, unless others wait for one: the shortcut of WANTED, then case 5."""
        while self.idle and not self.waiting:
            connection = self.idle.pop()
            if connection.usable(now):
                self.busy.add(connection)
                return connection
            connection.close()
        return None

    def give(self, connection: C) -> None:
        """The counterpart of `take`: the shortcut of FREED while nobody waits."""
        if self.waiting:
            self.change(Change.FREED, connection=connection)
        else:
            self.busy.discard(connection)
            self.idle.append(connection)

    def change(self, what: Change, *, connection: C | None = None, seeker: S | None = None) -> None:
        """Apply one change, then serve those who wait, first come first served."""
        if what is Change.FREED and connection is not None:  # 1. busy -> idle
            self.busy.discard(connection)
            self.idle.append(connection)
        elif what is Change.LOST and connection is not None:  # 2. busy or idle -> gone: there is room again
            self.busy.discard(connection)
            if connection in self.idle:
                self.idle.remove(connection)
        elif what is Change.OPENED and connection is not None and seeker is not None:  # 3. dialing -> busy
            self.dialing.discard(seeker)
            self.busy.add(connection)
        elif what is Change.LEFT and seeker is not None:  # 4. waiting or dialing -> gone
            self.dialing.discard(seeker)
            if seeker in self.waiting:
                self.waiting.remove(seeker)
        elif (
            what is Change.WANTED and seeker is not None
        ):  # new -> waiting, for as long as the next lines take
            self.waiting.append(seeker)
        while self.waiting:
            if self.idle:  # 5. an idle connection goes to the first in line, or is dropped if it went stale
                idle = self.idle.pop()
                if idle.usable(self._clock()):
                    self.busy.add(idle)
                    self._hand(idle, self.waiting.popleft())
                else:
                    idle.close()
            elif self.size < self.limit:  # 6. there is room: the first in line dials
                first = self.waiting.popleft()
                self.dialing.add(first)
                self._dial(first)
            else:  # 7. full: wait
                break

    def expire(self, now: float) -> None:
        """Close idle connections that are past their time or that the vendor closed."""
        for connection in [each for each in self.idle if not each.usable(now)]:
            connection.close()
