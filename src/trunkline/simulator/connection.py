"""One client connection of the simulator: bytes in, exchanges run one after the other, bytes out, hang-ups noted.

Not for: what is answered (`server.py`, `vendors/`) or how a reply goes wrong (`wire_faults.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from trunkline.simulator import playback, wire_faults
from trunkline.simulator import reply as replies
from trunkline.simulator.faults import Fault
from trunkline.simulator.ledger import Entry
from trunkline.simulator.reply import Reply
from trunkline.simulator.request import Request

if TYPE_CHECKING:
    from trunkline.simulator.server import Simulator

BODY_KEPT = 128 << 20
"""A longer request body is counted and let go; vendors then see only this much of it."""


class Exchange:
    """One request and what is known about its answer."""

    __slots__ = ("bytes_in", "entry", "fault", "keep_alive", "parts", "request", "started")

    def __init__(self, request: Request, entry: Entry | None, fault: Fault | None, keep_alive: bool) -> None:
        self.request = request
        self.entry = entry
        self.fault = fault
        self.keep_alive = keep_alive
        self.parts: list[bytes] = []
        self.bytes_in = 0
        self.started = False


class Connection(asyncio.Protocol):
    """The protocol of one connection; also the `Line` that replies are played on."""

    def __init__(self, simulator: Simulator, number: int) -> None:
        self._simulator = simulator
        self._number = number
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._arriving: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._running: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._blocked = False
        self._gone = False
        self._deaf = False
        self._in_head = False
        self.method = ""
        self.closing = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._simulator.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._gone:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return
        except httptools.HttpParserError as error:
            self._malformed(error)

    def connection_lost(self, exc: Exception | None) -> None:
        ours = self._gone
        self._gone = True
        self._simulator.connections.discard(self)
        if self._task is not None:
            self._task.cancel()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._abandon(ours)

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _abandon(self, ours: bool) -> None:
        """Ends what was under way when the connection ended, whoever ended it."""
        for exchange in (self._running, *self._waiting):
            if exchange is not None:
                self._simulator.ended(exchange, "cut" if ours else "client_gone")
        if self._arriving is not None:
            self._simulator.ended(self._arriving, "cut" if ours else "incomplete")
        if not ours:
            self._simulator.hangups += 1
            self._simulator.partial_heads += 1 if self._in_head else 0

    def _malformed(self, error: Exception) -> None:
        context = error.__context__
        if isinstance(error, httptools.HttpParserCallbackError) and context is not None:
            raise context
        self._simulator.malformed(self._number)
        if self._arriving is not None:
            self._simulator.ended(self._arriving, "malformed")
            self._arriving = None
        body = b'{"error":{"code":"malformed","message":"The simulator could not parse this as HTTP/1.1."}}'
        self.put(replies.whole(Reply(400, body), "GET", close=True))
        self.close()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._in_head = True
        self._target = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        keep_alive = self._parser.should_keep_alive()
        exchange = self._simulator.begin(self._number, method, self._target, self._fields, keep_alive)
        self._fields = []
        self._in_head = False
        self._arriving = exchange
        if exchange.fault is not None and exchange.fault.name in wire_faults.EARLY:
            self._waiting.append(exchange)
            self._next()
        elif exchange.request.fields.get("expect", "").lower() == "100-continue":
            self.put(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        exchange = self._arriving
        if exchange is not None:
            exchange.bytes_in += len(data)
            if exchange.bytes_in <= BODY_KEPT:
                exchange.parts.append(data)

    def on_message_complete(self) -> None:
        exchange, self._arriving = self._arriving, None
        if exchange is None:
            return
        self._simulator.received(exchange)
        if not exchange.started:
            self._waiting.append(exchange)
            self._next()

    # Running exchanges.

    def _next(self) -> None:
        while self._running is None and self._waiting and not self._gone:
            exchange = self._running = self._waiting.popleft()
            exchange.started = True
            self.method = exchange.request.method
            self.closing = not exchange.keep_alive
            fault = exchange.fault
            wire_fault = wire_faults.FAULTS.get(fault.name) if fault else None
            if (
                fault is not None
                and wire_fault is not None
                and (fault.name in wire_faults.EARLY or not fault.acts)
            ):
                reply = Reply(500, acted=False)
            else:
                reply = self._simulator.answer(exchange)
            if wire_fault is None and reply.pieces is None and not reply.first_ms:
                self.put(replies.whole(reply, self.method, self.closing))
                self._finished("answered")
            else:
                self._task = asyncio.get_running_loop().create_task(self._run(reply, wire_fault, fault))

    async def _run(self, reply: Reply, wire_fault: wire_faults.WireFault | None, fault: Fault | None) -> None:
        try:
            if wire_fault is not None and fault is not None:
                outcome = await wire_fault(self, reply, fault)
            else:
                outcome = await playback.play(self, reply)
        except asyncio.CancelledError:
            return
        except BaseException:
            self.reset()
            self._finished("cut")
            raise
        self._task = None
        self._finished(outcome)
        self._next()

    def _finished(self, outcome: str) -> None:
        exchange, self._running = self._running, None
        if exchange is not None:
            self._simulator.ended(exchange, outcome)
        if self.closing:
            self.close()

    # The line that replies are played on.

    def put(self, data: bytes) -> None:
        if not self._gone and self._transport is not None:
            if self._running is not None and self._running.entry is not None:
                self._running.entry.bytes_out += len(data)
            self._transport.write(data)

    async def room(self) -> None:
        if self._blocked and not self._gone:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained
            self._drained = None

    def close(self) -> None:
        if not self._gone and self._transport is not None:
            self._gone = True
            self._transport.close()

    def reset(self) -> None:
        if not self._gone and self._transport is not None:
            self._gone = True
            sock = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def deafen(self) -> None:
        if not self._gone and self._transport is not None and not self._deaf:
            self._deaf = True
            self._transport.pause_reading()

    @property
    def idle(self) -> bool:
        """Whether no request is arriving, waiting or running here."""
        return self._running is None and self._arriving is None and not self._waiting
