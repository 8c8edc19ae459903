"""An object of the Python interface where it does not belong: closed, copied, in another event loop, in a forked child."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from trunkline import AsyncTrunkline, Trunkline
from trunkline.client.transport import Arriving, Ask

pytestmark = pytest.mark.row("A5")
WHOLE = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
PIECE = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'


class Answers:
    """A gateway that answers at once; a stream is never at its end."""

    where = "a test"

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.left = self.closed = 0

    async def send(self, ask: Ask) -> Arriving:
        self.asked.append(ask)
        return Arriving(200, {}, self._pieces(json.loads(ask.body).get("stream")))

    async def _pieces(self, stream: bool) -> AsyncIterator[bytes]:
        try:
            yield PIECE if stream else json.dumps(WHOLE).encode()
            while stream:
                await asyncio.sleep(0)
                yield PIECE
        finally:
            self.left += 1

    async def close(self) -> None:
        self.closed += 1


def loops() -> int:
    return sum(one.name == "trunkline" for one in threading.enumerate())


def test_what_is_closed_stays_closed_and_leaves_no_thread() -> None:
    gateway, before = Answers(), loops()
    with Trunkline(transport=gateway) as trunkline:
        assert trunkline.complete("hi", model="m").text == "hi"
        pieces = iter(trunkline.stream("hi", model="m"))
        assert next(pieces).text == "a"
    trunkline.close()
    uses: list[Callable[[], Any]] = [
        lambda: next(pieces),
        lambda: trunkline.complete("hi", model="m"),
        lambda: trunkline.integration("stripe").get("/"),
    ]
    for use in uses:
        with pytest.raises(RuntimeError, match="closed; make a new one"):
            use()
    assert (gateway.closed, loops()) == (1, before)


def test_a_stream_that_is_left_early_is_cut_also_from_within_an_event_loop() -> None:
    gateway = Answers()
    with Trunkline(transport=gateway) as trunkline:
        for _ in trunkline.stream("hi", model="m"):
            break
        pieces = iter(trunkline.stream("hi", model="m"))
        next(pieces)

        async def elsewhere() -> None:
            pieces.close()  # type: ignore[attr-defined]

        asyncio.run(elsewhere())
        trunkline.complete("hi", model="m")
    assert gateway.left == 3


@pytest.mark.parametrize("made", [Trunkline, AsyncTrunkline])
@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_copied_and_says_what_to_do(made: Any, copied: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="make one in each process"):
        copied(made("http://127.0.0.1:4000", key="tl_test_not_a_real_key"))


async def test_what_is_closed_twice_is_closed_once() -> None:
    gateway = Answers()
    async with AsyncTrunkline(transport=gateway) as trunkline:
        await trunkline.complete("hi", model="m")
        await trunkline.close()
    await trunkline.close()
    assert gateway.closed == 1


def test_a_second_event_loop_is_told_what_is_wrong() -> None:
    trunkline = AsyncTrunkline(transport=Answers())

    async def ask() -> str:
        return (await trunkline.complete("hi", model="m")).text

    assert asyncio.run(ask()) == "hi"
    for again in (ask, trunkline.close):
        with pytest.raises(RuntimeError, match=r"belongs to the event loop of its first call"):
            asyncio.run(again())


def test_a_forked_child_is_told_and_may_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Answers()
    with Trunkline(transport=gateway) as trunkline:
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(RuntimeError, match="before a fork"):
                trunkline.complete("hi", model="m")
            trunkline.close()
        assert (gateway.closed, trunkline.complete("hi", model="m").text) == (0, "hi")


def test_complete_refuses_to_stream() -> None:
    with Trunkline(transport=Answers()) as trunkline:
        with pytest.raises(TypeError, match=r"use stream\(\.\.\.\)"):
            trunkline.complete("hi", model="m", stream=True)
        assert trunkline.complete("hi", model="m", stream=False).text == "hi"
