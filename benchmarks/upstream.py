"""A small upstream in a process of its own: streams chunk by chunk, and swallows images.

`python -m benchmarks.upstream PORT CHUNKS TICK_MS HOLD`: a request for a stream gets its head with a role chunk and the first
token at once, then a chunk per tick, each in a packet of its own, then `[DONE]`; with HOLD=1 it stays open after the first
token instead. Any other request is read to its end and gets the short answer. Not for: playing a vendor (that is the simulator).
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import cast

import uvloop

from benchmarks.payload import ANSWER, chunk, framed

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_0123456789abcdef\r\ntransfer-encoding: chunked\r\n\r\n"
)
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER.encode(),
)
ROLE = framed(chunk("", first=True))
TOKEN = framed(chunk("token one of many"))
LAST = framed(chunk("", last=True)) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Plan:
    """How streams go, and which are open."""

    def __init__(self, chunks: int, hold: bool) -> None:
        self.chunks = chunks
        self.hold = hold
        self.open: dict[asyncio.Transport, int] = {}

    def tick(self) -> None:
        """One chunk to each open stream."""
        for transport, left in list(self.open.items()):
            if left > 0:
                transport.write(TOKEN)
                self.open[transport] = left - 1
            else:
                transport.write(LAST)
                del self.open[transport]


class Upstream(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._head = b""
        self._left = 0
        self._stream = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's are of no subclass
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._plan.open.pop(self._transport, None)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._took(len(data), data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, body = self._head[:end].lower(), self._head[end + 4 :]
        self._head = b""
        _, _, length = head.partition(b"content-length:")
        self._left = int(length.partition(b"\r\n")[0] or 0)
        self._stream = False
        self._took(len(body), body)

    def _took(self, size: int, data: bytes) -> None:
        self._stream = self._stream or b'"stream":true' in data
        self._left -= size
        if self._left <= 0:
            self._left = 0
            self._answer()

    def _answer(self) -> None:
        if not self._stream:
            self._transport.write(WHOLE)
            return
        self._transport.write(HEAD + ROLE)
        self._transport.write(TOKEN)
        if not self._plan.hold:
            self._plan.open[self._transport] = self._plan.chunks - 1


async def serve(port: int, chunks: int, tick_s: float, hold: bool) -> None:
    loop = asyncio.get_running_loop()
    plan = Plan(chunks, hold)
    await loop.create_server(lambda: Upstream(plan), "127.0.0.1", port, backlog=4096)

    def tick(due: float) -> None:
        plan.tick()
        due = max(due + tick_s, loop.time())
        loop.call_at(due, tick, due)

    tick(loop.time() + tick_s)
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, chunks, tick_ms, hold = sys.argv[1:]
    uvloop.run(serve(int(port), int(chunks), float(tick_ms) / 1000, hold == "1"))
