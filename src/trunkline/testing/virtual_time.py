"""An event loop whose time passes by itself and at once: while anything is ready it stands still, then it jumps to the next timer.

So an hour of queues, pauses and timeouts runs in a second, always the same way. Not for: anything that waits for the world
outside (sockets, threads, processes); a loop that waits for nothing that can come raises `NothingLeft` instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from trunkline.testing.script import FakeClock

T = TypeVar("T")


class NothingLeft(Exception):
    """Everything waits, and no timer is set."""


class _Jumping(selectors.BaseSelector):
    """Instead of waiting for files it lets the time pass that the loop would have waited for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._real = selectors.SelectSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft("everything waits, and no timer is set")
        self.now += max(0.0, timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Any:
        return self._real.get_map()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at time 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def works(self, seconds: float) -> None:
        """Work that takes so long: time passes although nothing waits for it."""
        self._jumping.now += seconds


class LoopClock(FakeClock):
    """The clock of the running loop, for a Trial; `advance` has no place here."""

    def __init__(self, wall: float = 1_795_262_400.0) -> None:
        super().__init__()
        self._began_wall = wall
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> float:
        # Far from 0, which stands for "never" in many places.
        return self._loop.time() + 1000.0

    def wall(self) -> float:
        return self._loop.time() + self._began_wall

    def advance(self, seconds: float) -> None:
        raise AssertionError(f"time passes by itself here, not by {seconds} s")


async def passes(seconds: float) -> None:
    """Lets so much virtual time pass. Fails on a loop whose time is real."""
    assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop), "this time would be real"
    await asyncio.sleep(seconds)


def run(story: Coroutine[Any, Any, T]) -> T:
    """Runs a story in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story)
