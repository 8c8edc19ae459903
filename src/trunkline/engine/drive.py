"""Runs a call without a task for as long as all it waits for is a vendor's answer, which is what most calls do.

A task and a future per call cost about a tenth of the whole call. So a call's coroutine is stepped by hand: when it waits for a
response, the response steps it on; when it waits for anything else, it goes on inside a task, where asyncio's own
tools work. Not for: anything but `Gateway._run`, which lets no exception out.
"""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Coroutine, Generator
from typing import Any

from trunkline.core.exchange import Exchange
from trunkline.core.ports import Response

Steps = Coroutine[Any, None, None]


class Drive:
    """One running call."""

    __slots__ = ("_coroutine", "_exchange", "_loop")

    def __init__(self, coroutine: Steps, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine = coroutine
        self._exchange = exchange
        self._loop = loop

    def go(self) -> None:
        """Steps on until the call waits or is over."""
        try:
            awaited = self._coroutine.send(None)
        except StopIteration:
            return
        if awaited is None or isinstance(awaited, asyncio.Future):
            task = self._exchange.task = self._loop.create_task(carry(self._coroutine, awaited))
            task.add_done_callback(self._carried)
        else:
            awaited.waiter = self.go

    def _carried(self, task: asyncio.Task[None]) -> None:
        """A task that was cancelled in the turn in which it was made never began: the call is told here, so that it ends."""
        del task
        if getattr(self._coroutine, "cr_frame", None) is not None:
            with contextlib.suppress(StopIteration, asyncio.CancelledError):
                self._coroutine.throw(asyncio.CancelledError())


@types.coroutine
def arrival(response: Response) -> Generator[Response, None, None]:
    """Waits until a response is ready. Raises what it failed with."""
    if not response.status and response.error is None:
        try:
            yield response
        finally:
            # A call that is dropped here must not be stepped by giving its response up.
            response.waiter = None
    if response.error is not None:
        raise response.error


@types.coroutine
def in_task() -> Generator[None, None, None]:
    """Moves the call into a task of its own, for what needs one (timeouts of asyncio)."""
    yield


async def carry(coroutine: Steps, awaited: Any = None) -> None:
    """Runs such a coroutine, from where it waits now or from its begin, inside the task that awaits this."""
    await _rest(coroutine, awaited)


@types.coroutine
def _rest(coroutine: Steps, awaited: Any) -> Generator[Any, None, None]:
    """The rest of a coroutine that was begun by hand, as something a task can await."""
    while True:
        try:
            if awaited is None or isinstance(awaited, asyncio.Future):
                yield awaited
            else:
                future = awaited.ready
                if not future.done():
                    yield from _settled(future)
        except BaseException as error:
            thrown: BaseException | None = error
        else:
            thrown = None
        try:
            awaited = coroutine.send(None) if thrown is None else coroutine.throw(thrown)
        except StopIteration:
            awaited = None
            return
        finally:
            # Else this frame would hold what holds this frame.
            del thrown


def _settled(future: asyncio.Future[Any]) -> Generator[Any, None, None]:
    """Waits for a future; how it ended is read from the response."""
    try:
        yield from future
    except asyncio.CancelledError:
        raise
    except Exception:
        return
