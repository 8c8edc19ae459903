"""One connection from a client: bytes to requests, one at a time and in order, and replies back.

States: HEAD (idle, or a head is arriving), BODY (a body is being collected), STREAM (the request was handed
on, its body still arrives), WAIT (the request is complete, its reply is not), LINGER (nothing more is read or
written; waiting for the client to notice), GONE. Not for: verdicts (`head`, `guard`, `chunked`) nor
listening, sweeping and draining (`server`).
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import Callable
from typing import Protocol, cast

from trunkline.wire import guard
from trunkline.wire.body import BodyCut, BodyStream
from trunkline.wire.chunked import ChunkedReader
from trunkline.wire.guard import Refusal
from trunkline.wire.head import HeadReader
from trunkline.wire.limits import ServerLimits
from trunkline.wire.reply import Reply, status_line
from trunkline.wire.request import Request

HEAD, BODY, STREAM, WAIT, LINGER, GONE = range(6)
STATES = ("HEAD", "BODY", "STREAM", "WAIT", "LINGER", "GONE")

# After a client's half-close: when to ask its system whether it is still there, and when to look at the
# answer.
PROBE_S = 0.3
PROBE_ANSWER_S = 0.15
_RESET = struct.pack("ii", 1, 0)


class Host(Protocol):
    """What a connection needs of its server."""

    limits: ServerLimits
    heads: HeadReader
    now: float  # the loop's time at the last sweep: good enough for timeouts, and free
    date: bytes
    draining: bool

    @property
    def handler(self) -> Callable[[Request, Reply], None]: ...

    def refusal(self, refusal: Refusal) -> tuple[bytes, bytes]: ...

    def opened(self, connection: Inbound) -> bool: ...

    def closed(self, connection: Inbound) -> None: ...

    def finished(self) -> None: ...

    def failed(self, error: Exception) -> None: ...


class Inbound(asyncio.Protocol):
    """The server's end of one connection."""

    __slots__ = (
        "_body_bytes",
        "_chunks",
        "_eof",
        "_final",
        "_held",
        "_pieces",
        "_pumping",
        "_rate_from",
        "_read_paused",
        "_reply",
        "_request",
        "_server",
        "_write_paused",
        "_write_size",
        "peer",
        "secure",
        "since",
        "state",
        "transport",
    )

    def __init__(self, server: Host) -> None:
        self._server = server
        self.state = HEAD
        self.since = server.now  # when this state began; in BODY and STREAM, when counting of the rate began
        self.peer = ""
        self.secure = False
        self.transport: asyncio.Transport
        self._request: Request | None = None
        self._reply: Reply | None = None
        self._held = b""  # received and not yet looked at
        self._pieces: list[bytes] = []
        self._chunks: ChunkedReader | None = None
        self._body_bytes = 0  # of the body so far; while lingering, of what was thrown away
        self._rate_from = 0
        self._write_size = 0
        self._eof = False
        self._final = False  # nothing that is not here yet will be served
        self._pumping = False
        self._read_paused = False
        self._write_paused = False

    def __repr__(self) -> str:
        return f"<Inbound {self.peer} {STATES[self.state]} since={self.since:.0f} held={len(self._held)}>"

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.secure = transport.get_extra_info("ssl_object") is not None
        if not self._server.opened(self):
            self._refuse(
                Refusal(
                    503,
                    "too_many_connections",
                    "The server has as many connections as it may have.",
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = GONE
        self._held = b""
        self._abandon("the client went away")
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        if (
            not self.state and not self._held and not self._write_paused
        ):  # the short way for a whole request: HEAD is 0
            end = data.find(b"\r\n\r\n") + 4
            if end > 3:
                try:
                    request = self._server.heads.read(data if end == len(data) else data[:end])
                except Refusal as refusal:
                    self._refuse(refusal, data.startswith(b"HEAD "))
                    return
                length = request.length
                if (
                    length is not None
                    and end + length == len(data)
                    and length <= self._server.limits.buffer_limit
                ):
                    if length:
                        request.body = data[end:]
                    self._dispatch(request, WAIT)
                    return
                self._held = data[end:]
                self._open(request)
                self._pump()
                return
        if self.state == LINGER:
            self._discard(data)
            return
        if not self.state and not self._held:
            self.since = self._server.now
        self._held += data
        self._pump()
        if len(self._held) > self._server.limits.held_bytes and (self.state == WAIT or self._write_paused):
            self._pause_reading(True)

    def eof_received(self) -> bool:
        if self.state == LINGER or (self.state == HEAD and self._held in (b"", b"\r", b"\r\n")):
            return False
        if self.state == WAIT:
            if self.secure:
                return False  # TLS knows no half-close: asyncio closes, and the call is cancelled
            self._eof = self._final = True
            if self._reply is not None and not self._held:
                self._reply.last()
            asyncio.get_running_loop().call_later(PROBE_S, self._probe, self._reply)
            return True
        self._eof = True
        self._refuse(Refusal(400, "incomplete_request", "The connection ended within a request."))
        return not self.secure

    def pause_writing(self) -> None:
        self._write_paused = True
        self._write_size = -1
        if self._reply is not None and self._reply.flow is not None:
            self._reply.flow(True)

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._reply is not None and self._reply.flow is not None:
            self._reply.flow(False)
        if self.state == HEAD:
            self._go_on()

    # What the reply calls

    @property
    def date(self) -> bytes:
        return self._server.date

    def complete(self) -> bool:
        """Whether the running request's body is here in full, so that another request could follow."""
        return self.state == WAIT

    def ended(self, keep: bool) -> None:
        """The reply is complete."""
        self._reply = None
        if not keep or self.state != WAIT:
            self._linger()
        else:
            self._request = None
            self.state = HEAD
            self.since = self._server.now
            if self._held or self._read_paused or self._eof:
                self._go_on()
        if self._server.draining:
            self._server.finished()

    def cut(self, reset: bool) -> None:
        """The reply ends here, incomplete."""
        self._abandon("the reply was cut")
        if reset:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
            self.state = GONE
        else:
            self._close()

    # What the server's sweep calls

    def sweep(self, now: float) -> None:
        """Close what has taken too long."""
        limits = self._server.limits
        age = now - self.since
        if self._write_paused:
            self._sweep_stall(now)
        elif self.state == HEAD:
            if self._held in (b"", b"\r", b"\r\n"):
                if age > limits.idle_timeout_s:
                    self._linger()
            elif age > limits.header_timeout_s:
                self._refuse(
                    Refusal(
                        408,
                        "request_timeout",
                        "The head of the request took too long to arrive.",
                    )
                )
        elif self.state in (BODY, STREAM) and not self._read_paused:
            if age > limits.body_grace_s and self._body_bytes - self._rate_from < limits.body_rate * age:
                self._refuse(
                    Refusal(
                        408,
                        "request_timeout",
                        "The body of the request arrives too slowly.",
                    )
                )
        elif self.state == LINGER:
            if self.transport.get_write_buffer_size():
                self._sweep_stall(now)
            elif age > limits.linger_s:
                self.transport.abort()
        elif self.state == WAIT and self._eof:
            self._check_alive(self._reply)

    def _sweep_stall(self, now: float) -> None:
        size = self.transport.get_write_buffer_size()
        if size != self._write_size:
            self._write_size = size
            self.since = now
        elif now - self.since > self._server.limits.stall_timeout_s:
            self.transport.abort()

    def retire(self) -> None:
        """The server drains: close if idle, else let the running reply be the last."""
        if self.state == HEAD and not self._held:
            self._close()
            return
        self._final = True
        if self._reply is not None:
            self._reply.last()

    def busy(self) -> bool:
        return self.state in (BODY, STREAM, WAIT) or (self.state == HEAD and bool(self._held))

    def kill(self) -> None:
        self.transport.abort()

    # From bytes to requests

    def _pump(self) -> None:
        """Work on the held bytes until they are used up, incomplete, or must wait for a reply."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._held and self._step():
                pass
        except Refusal as refusal:
            self._refuse(refusal, self._held.startswith(b"HEAD "))
        finally:
            self._pumping = False

    def _step(self) -> bool:
        """One step on the held bytes; False when more must arrive or happen first."""
        if self.state == HEAD:
            return not self._write_paused and self._step_head()
        if self.state in (BODY, STREAM):
            self._step_body()
            return True
        if self.state in (LINGER, GONE):
            self._held = b""
        return False

    def _step_head(self) -> bool:
        held = self._held
        end = held.find(b"\r\n\r\n", 2 if held.startswith(b"\r\n") else 0) + 4
        if end == 3:
            self._server.heads.beginning(held)
            return False
        request = self._server.heads.read(held[:end])
        self._held = held[end:]
        self._open(request)
        return True

    def _open(self, request: Request) -> None:
        """A good head has arrived: hand the request on, or begin to collect its body."""
        if request.length == 0:
            self._dispatch(request, WAIT)
            return
        self.state = BODY
        self.since = self._server.now
        self._request = request
        self._pieces = []
        self._body_bytes = self._rate_from = 0
        self._chunks = ChunkedReader(self._server.limits.fields) if request.length is None else None
        if request.expects and not self._held:
            self.transport.write(status_line(100) + b"\r\n")

    def _step_body(self) -> None:
        request = self._request
        assert request is not None
        data, self._held = self._held, b""
        pieces, ended = self._decode(request, data)
        if request.stream is not None:
            for piece in pieces:
                request.stream.push(piece)
            if ended:
                self.state = WAIT
                self._chunks = None
                request.stream.finish()
            return
        self._pieces += pieces
        if ended or self._body_bytes > self._server.limits.buffer_limit:
            request.body = b"".join(self._pieces)
            self._pieces = []
            if ended:
                self._chunks = None
                self._dispatch(request, WAIT)
            else:
                rest = None if request.length is None else request.length - self._body_bytes
                request.stream = BodyStream(rest, self._pause_reading)
                self._dispatch(request, STREAM)

    def _decode(self, request: Request, data: bytes) -> tuple[list[bytes], bool]:
        """The body's bytes in `data`, and whether the body ends with them; what follows it is held again."""
        if self._chunks is not None:
            pieces = self._chunks.feed(data)
            self._held = self._chunks.rest
            self._body_bytes += sum(map(len, pieces))
            limit = self._server.limits.body_bytes
            if self._body_bytes > limit:
                raise Refusal(413, "request_too_large", f"The body is longer than {limit} bytes.")
            return pieces, self._chunks.ended
        missing = (request.length or 0) - self._body_bytes
        if len(data) > missing:
            data, self._held = data[:missing], data[missing:]
        self._body_bytes += len(data)
        return [data], len(data) == missing

    def _dispatch(self, request: Request, state: int) -> None:
        request.peer = self.peer
        request.secure = self.secure
        self.state = state
        self._request = request
        keep = request.persistent and not (self._final and not self._held)
        reply = self._reply = Reply(self, request.method == "HEAD", request.minor, keep)
        try:
            self._server.handler(request, reply)
        except Exception as error:  # a defect of the app must not take the connection with it
            self._server.failed(error)
            if reply.started:
                reply.abort()
            else:
                reply.send(500, b"", b"")

    def _go_on(self) -> None:
        """A reply has ended and there is more to do than wait for bytes."""
        if self._read_paused:
            self._pause_reading(False)
        self._pump()
        if self._eof and self.state == HEAD and not self._pumping:
            if self._held in (b"", b"\r", b"\r\n"):
                self._linger()
            else:
                self._refuse(
                    Refusal(
                        400,
                        "incomplete_request",
                        "The connection ended within a request.",
                    )
                )

    # Endings

    def _refuse(self, refusal: Refusal, bare: bool = False) -> None:
        """Answer what is not served, where that is still possible, and close."""
        if self.state in (LINGER, GONE):
            return
        reply, request = self._reply, self._request
        fields, body = self._server.refusal(refusal)
        self._abandon(refusal.reason)
        if reply is not None and reply.started:
            self.cut(False)
            return
        if refusal.status == 405:
            fields += guard.ALLOW
        Reply(self, bare or (request is not None and request.method == "HEAD"), 1, False).send(
            refusal.status, fields, body
        )

    def _abandon(self, reason: str) -> None:
        """Nothing more will come for the running request: tell its reader and its writer."""
        request, reply = self._request, self._reply
        self._request = self._reply = self._chunks = None
        self._pieces = []
        if request is not None and request.stream is not None:
            request.stream.fail(BodyCut(reason))
        if reply is not None:
            reply.lost()

    def _linger(self) -> None:
        """Close in two steps (RFC 9112 section 9.6).

        A plain close while the client still sends would reset the connection and eat the reply.
        """
        if self._request is not None or self._reply is not None:
            self._abandon("the reply has ended")
        self.state = LINGER
        self.since = self._server.now
        self._held = b""
        self._body_bytes = 0
        self._chunks = None
        self._pieces = []
        if self._eof or not self.transport.can_write_eof():
            self._close()
            return
        if self._read_paused:
            self._pause_reading(False)
        self.transport.write_eof()

    def _close(self) -> None:
        """Close once what is written has gone out; the sweep sees to it that this does not take for ever."""
        self.state = LINGER
        self.since = self._server.now
        self._held = b""
        self.transport.close()

    def _discard(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > self._server.limits.linger_bytes:
            self.transport.abort()

    def _pause_reading(self, pause: bool) -> None:
        if pause is self._read_paused or self.state == GONE:
            return
        self._read_paused = pause
        if pause:
            self.transport.pause_reading()
        elif not self._eof:
            self.since = self._server.now
            self._rate_from = self._body_bytes
            self.transport.resume_reading()

    # A client that has closed its sending half may be waiting for the reply or be gone: only a write can tell

    def _probe(self, reply: Reply | None) -> None:
        if reply is not None and reply is self._reply and not self._write_paused:
            reply.probe()
            asyncio.get_running_loop().call_later(PROBE_ANSWER_S, self._check_alive, reply)

    def _check_alive(self, reply: Reply | None) -> None:
        if reply is None or reply is not self._reply:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return
        poll = select.poll()
        poll.register(sock.fileno(), 0)
        if any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0)):
            self.transport.abort()
