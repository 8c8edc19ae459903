"""A body in motion keeps order, slows its sender down and passes endings on."""

import asyncio

import pytest

from trunkline.wire.body import HIGH_WATER, BodyCut, BodyStream


async def read(stream: BodyStream) -> list[bytes]:
    return [chunk async for chunk in stream]


async def test_pieces_come_in_order_and_end():
    stream = BodyStream(6)
    reading = asyncio.ensure_future(read(stream))
    for piece in (b"ab", b"", b"cd", b"ef"):
        await asyncio.sleep(0)
        stream.push(piece)
    stream.finish()
    assert await reading == [b"ab", b"cd", b"ef"]
    assert (stream.length, stream.complete) == (6, True)


async def test_a_slow_reader_slows_the_sender_down():
    calls: list[bool] = []
    stream = BodyStream(None, calls.append)
    for _ in range(5):
        stream.push(b"x" * (HIGH_WATER // 4))
    assert calls == [True]
    for _ in range(5):
        await anext(stream)
    assert calls == [True, False]


async def test_a_cut_comes_after_the_bytes_that_are_here():
    stream = BodyStream(10)
    stream.push(b"abc")
    stream.fail(BodyCut("gone"))
    assert await anext(stream) == b"abc"
    with pytest.raises(BodyCut, match="gone"):
        await anext(stream)


async def test_a_waiting_reader_is_told_of_a_cut():
    stream = BodyStream(10)
    reading = asyncio.ensure_future(read(stream))
    await asyncio.sleep(0)
    stream.fail(BodyCut("gone"))
    with pytest.raises(BodyCut):
        await reading


async def test_bytes_read_ahead_can_be_put_back():
    stream = BodyStream(2)
    stream.push(b"cd")
    stream.finish()
    stream.unread(b"ab")
    assert stream.length == 4
    assert await read(stream) == [b"ab", b"cd"]


async def test_a_closed_stream_takes_nothing_and_lets_the_sender_run():
    calls: list[bool] = []
    stream = BodyStream(None, calls.append)
    stream.push(b"x" * (HIGH_WATER + 1))
    stream.close()
    stream.push(b"y")
    assert calls == [True, False]
    assert await read(stream) == []


async def test_a_failure_after_the_end_is_none():
    stream = BodyStream(1)
    stream.push(b"a")
    stream.finish()
    stream.fail(BodyCut("late"))
    assert await read(stream) == [b"a"]
