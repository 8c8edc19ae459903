"""Replies that break the rules of the wire: cut, late, dripping, lying about their length, or no HTTP at all.

Not for: well-formed replies with wrong content (`altered.py`), nor errors that a vendor tells properly (`corpus.py`).
A fault here gets the reply that would have been sent, and returns the ledger's outcome: `answered` or `cut`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from hashlib import shake_128

import msgspec

from trunkline.simulator import playback
from trunkline.simulator import reply as replies
from trunkline.simulator.faults import Fault
from trunkline.simulator.playback import Line, pause
from trunkline.simulator.reply import Reply

WireFault = Callable[[Line, Reply, Fault], Awaitable[str]]

_DELIVERY_MS = 20.0
"""Time for bytes already sent to be read by the client before a reset overtakes them."""


def frames(line: Line, reply: Reply) -> Iterator[bytes]:
    """The reply as it would be sent: the head first, then each framed piece, then the end."""
    if reply.pieces is None:
        yield replies.whole(msgspec.structs.replace(reply, body=b""), "HEAD").replace(
            b"content-length: 0\r\n", b"content-length: %d\r\n" % len(reply.body)
        )
        yield reply.body
        return
    yield replies.head(reply, b"transfer-encoding: chunked\r\n")
    for piece in reply.pieces:
        yield replies.chunk(piece)
    yield replies.LAST_CHUNK


def cut_point(parts: list[bytes], reply: Reply, fault: Fault) -> list[bytes]:
    """The parts up to where the reply breaks: `events` pieces of a stream, or `bytes` of a body; half by default."""
    head, *rest = parts
    if reply.pieces is not None:
        return [head, *rest[: int(fault.number("events", len(rest) // 2))]]
    body = rest[0]
    return [head, body[: int(fault.number("bytes", len(body) // 2))]]


async def _send(line: Line, reply: Reply, parts: list[bytes]) -> None:
    for number, part in enumerate(parts):
        if number > 1:
            await pause(reply.gap_ms)
        line.put(part)
        await line.room()


async def never(line: Line, reply: Reply, fault: Fault) -> str:
    """F8: takes the request and does not answer; with `ms` it closes after that time."""
    await asyncio.sleep(fault.number("ms", 86_400_000) / 1000)
    line.close()
    return "cut"


async def slow_start(line: Line, reply: Reply, fault: Fault) -> str:
    """F9: the first byte comes after `ms` (30,000)."""
    reply.first_ms += fault.number("ms", 30_000)
    return await playback.play(line, reply)


async def drip(line: Line, reply: Reply, fault: Fault) -> str:
    """F10: `bytes_per_s` (1), head included unless `head=fast`."""
    rate = max(fault.number("bytes_per_s", 1), 0.001)
    step = max(1, int(rate / 20))
    parts = frames(line, reply)
    if fault.args.get("head") == "fast":
        line.put(next(parts))
    data = b"".join(parts)
    for start in range(0, len(data), step):
        line.put(data[start : start + step])
        await asyncio.sleep(step / rate)
    return "answered"


async def reset(line: Line, reply: Reply, fault: Fault) -> str:
    """F11: RST before any byte of an answer, after `ms` (0)."""
    await pause(fault.number("ms", 0))
    line.reset()
    return "cut"


async def reset_mid(line: Line, reply: Reply, fault: Fault) -> str:
    """F12, F13: RST after `events` of a stream or `bytes` of a body."""
    await _send(line, reply, cut_point(list(frames(line, reply)), reply, fault))
    await pause(_DELIVERY_MS)
    line.reset()
    return "cut"


async def fin(line: Line, reply: Reply, fault: Fault) -> str:
    """FIN before any byte of an answer, after `ms` (0)."""
    await pause(fault.number("ms", 0))
    line.close()
    return "cut"


async def fin_mid(line: Line, reply: Reply, fault: Fault) -> str:
    """FIN after `events` of a stream (between chunks) or `bytes` of a body shorter than its content-length."""
    await _send(line, reply, cut_point(list(frames(line, reply)), reply, fault))
    line.close()
    return "cut"


async def fin_mid_chunk(line: Line, reply: Reply, fault: Fault) -> str:
    """F14: FIN inside a chunk; a body that is not streamed is sent chunked for this."""
    if reply.pieces is None:
        reply.pieces = [reply.body]
    parts = list(frames(line, reply))
    kept = parts[: max(2, int(fault.number("events", len(parts) // 2)))]
    kept[-1] = kept[-1][: max(len(kept[-1]) - 5, 4)]
    await _send(line, reply, kept)
    line.close()
    return "cut"


async def stall(line: Line, reply: Reply, fault: Fault) -> str:
    """The reply begins, then nothing more comes; with `ms` it is cut after that time."""
    await _send(line, reply, cut_point(list(frames(line, reply)), reply, fault))
    await asyncio.sleep(fault.number("ms", 86_400_000) / 1000)
    line.close()
    return "cut"


async def interim(line: Line, reply: Reply, fault: Fault) -> str:
    """F25: `n` (1000) replies of `status` (103) before the real one."""
    status = int(fault.args.get("status", 103))
    fields = b"link: </style.css>; rel=preload\r\n" if status == 103 else b""
    for number in range(int(fault.number("n", 1000))):
        line.put(b"HTTP/1.1 %d Interim\r\n%b\r\n" % (status, fields))
        if number % 64 == 63:
            await line.room()
            await asyncio.sleep(0)
    return await playback.play(line, reply)


async def close_idle(line: Line, reply: Reply, fault: Fault) -> str:
    """F30: answers properly and announces nothing, then closes the kept-alive connection after `ms` (0)."""
    await playback.play(line, reply)
    await pause(fault.number("ms", 0))
    line.close()
    return "answered"


async def http10(line: Line, reply: Reply, fault: Fault) -> str:
    """An HTTP/1.0 answer whose body ends with the connection: valid, and often forgotten."""
    head = replies.head(reply, b"", close=True).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    await _send(line, reply, [head, *(reply.pieces if reply.pieces is not None else [reply.body])])
    line.close()
    return "answered"


async def trailers(line: Line, reply: Reply, fault: Fault) -> str:
    """Chunked, with trailer fields after the last chunk: valid; they must never become headers."""
    if reply.pieces is None:
        reply.pieces = [reply.body]
    parts = list(frames(line, reply))
    parts[-1] = b"0\r\nx-checksum: sim\r\nset-cookie: trailer=1\r\n\r\n"
    await _send(line, reply, parts)
    return "answered"


async def drop_request(line: Line, reply: Reply, fault: Fault) -> str:
    """Stops reading at the end of the request's head: a long body finds no room; after `ms` (60,000) it closes."""
    line.deafen()  # deaf to the client's hang-up too, hence an end by itself
    await asyncio.sleep(fault.number("ms", 60_000) / 1000)
    line.close()
    return "cut"


async def early_reply(line: Line, reply: Reply, fault: Fault) -> str:
    """Answers `status` (413) before the request's body has been read, then closes."""
    body = b'{"error":{"code":"too_large","message":"Refused before the body was read."}}'
    line.put(replies.whole(Reply(int(fault.number("status", 413)), body), "POST", close=True))
    await pause(_DELIVERY_MS)
    line.close()
    return "answered"


async def reset_early(line: Line, reply: Reply, fault: Fault) -> str:
    """RST as soon as the request's head is here."""
    line.reset()
    return "cut"


def _bytes(make: Callable[[Line, Reply, Fault], bytes], doc: str, outcome: str = "cut") -> WireFault:
    """A fault that only sends certain bytes and closes."""

    async def play(line: Line, reply: Reply, fault: Fault) -> str:
        line.put(make(line, reply, fault))
        await pause(_DELIVERY_MS)
        line.close()
        return outcome

    play.__doc__ = doc
    return play


def _body(reply: Reply) -> bytes:
    return reply.body if reply.pieces is None else b"".join(reply.pieces)


def _with_framing(reply: Reply, framing: bytes, body: bytes) -> bytes:
    return replies.head(reply, framing) + body


def _cl_te(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    framing = b"content-length: %d\r\ntransfer-encoding: chunked\r\n" % len(body)
    return _with_framing(reply, framing, replies.chunk(body) + replies.LAST_CHUNK)


def _double_length(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    return _with_framing(
        reply, b"content-length: %d\r\ncontent-length: %d\r\n" % (len(body), len(body) // 2), body
    )


def _nul_header(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    return _with_framing(reply, b"x-odd: a\0b\r\ncontent-length: %d\r\n" % len(body), body)


def _short_length(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    return _with_framing(
        reply, b"content-length: %d\r\n" % max(len(body) - int(fault.number("bytes", 10)), 0), body
    )


def _long_length(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    return _with_framing(
        reply, b"content-length: %d\r\n" % (len(body) + int(fault.number("bytes", 10))), body
    )


def _bad_chunk(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    return _with_framing(
        reply, b"transfer-encoding: chunked\r\n", replies.chunk(body[:20]) + b"zz\r\n" + body[20:]
    )


def _extra_reply(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = b'{"poison":"this answer belongs to no request"}'
    return replies.whole(
        msgspec.structs.replace(reply, status=200, body=_body(reply), pieces=None), line.method
    ) + replies.whole(Reply(200, body), "GET")


def _forbidden_body(line: Line, reply: Reply, fault: Fault) -> bytes:
    body = _body(reply)
    bodiless = msgspec.structs.replace(reply, status=int(fault.number("status", 204)))
    return _with_framing(bodiless, b"content-length: %d\r\n" % len(body), body)


FAULTS: dict[str, WireFault] = {
    "never": never,
    "slow_start": slow_start,
    "drip": drip,
    "reset": reset,
    "reset_mid": reset_mid,
    "reset_early": reset_early,
    "fin": fin,
    "fin_mid": fin_mid,
    "fin_mid_chunk": fin_mid_chunk,
    "stall": stall,
    "interim": interim,
    "close_idle": close_idle,
    "http10": http10,
    "trailers": trailers,
    "drop_request": drop_request,
    "early_reply": early_reply,
    "garbage": _bytes(
        lambda line, reply, fault: shake_128(b"garbage").digest(int(fault.number("bytes", 512))),
        "Bytes that are no HTTP.",
    ),
    "bad_status": _bytes(
        lambda *_: b"HTTP/1.1 2OO FINE\r\ncontent-length: 0\r\n\r\n", "A status line that is none."
    ),
    "cl_te": _bytes(_cl_te, "F24: both content-length and chunked."),
    "double_length": _bytes(_double_length, "F24: two content-lengths that differ."),
    "nul_header": _bytes(_nul_header, "F24: a NUL in a field value."),
    "short_length": _bytes(_short_length, "More bytes than the content-length says (`bytes`)."),
    "long_length": _bytes(_long_length, "Fewer bytes than the content-length says (`bytes`), then FIN."),
    "bad_chunk": _bytes(_bad_chunk, "A chunk size that is no number."),
    "extra_reply": _bytes(_extra_reply, "A second answer that nobody asked for, on the same connection."),
    "forbidden_body": _bytes(_forbidden_body, "A body where HTTP allows none (`status` 204)."),
}

EARLY = frozenset({"drop_request", "early_reply", "reset_early"})
"""These strike at the end of the request's head; nothing is carried out."""
