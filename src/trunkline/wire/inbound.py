"""One connection from a client: bytes to requests, one at a time and in order, and replies back.

States: HEAD (idle, or a head is arriving), BODY (a body is being collected), STREAM (the request was handed
on, its body still arrives), WAIT (the request is complete, its reply is not), LINGER (it closes: nothing more
is served), GONE. Not for: verdicts (`head`, `guard`, `chunked`), nor listening, sweeping and draining
(`server`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from trunkline.wire import guard, presence
from trunkline.wire.body import BodyCut, BodyStream
from trunkline.wire.guard import Refusal
from trunkline.wire.repeat import Repeats
from trunkline.wire.reply import Reply, status_line
from trunkline.wire.request import Request
from trunkline.wire.upload import Upload

if TYPE_CHECKING:
    from trunkline.wire.server import Server

HEAD, BODY, STREAM, WAIT, LINGER, GONE = range(6)
STATES = ("HEAD", "BODY", "STREAM", "WAIT", "LINGER", "GONE")

# An idle connection keeps its last head no longer than this: for memory, and for the secrets in it.
FORGET_S = 5.0
# What may be held without being the beginning of a request: RFC 9112 section 2.2.
_NOTHING = (b"", b"\r", b"\r\n")


class Inbound(asyncio.Protocol):
    """The server's end of one connection."""

    __slots__ = (
        "_discarded",
        "_eof",
        "_final",
        "_held",
        "_pumping",
        "_rate_from",
        "_read_paused",
        "_repeats",
        "_reply",
        "_server",
        "_upload",
        "_write_paused",
        "_write_size",
        "outbox",
        "peer",
        "secure",
        "since",
        "state",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self.outbox = server.outbox
        self.state = HEAD
        self.since = server.now  # when this state began; in BODY and STREAM, when counting for the rate began
        self.peer = ""
        self.secure = False
        self.transport: asyncio.Transport
        self._reply: Reply | None = None
        self._upload: Upload | None = None  # in BODY and STREAM
        self._repeats = Repeats()
        self._held = b""  # received and not yet looked at
        self._eof = False
        self._final = False  # nothing that has not begun to arrive will be served
        self._pumping = False
        self._read_paused = False
        self._write_paused = False
        self._write_size = 0  # of what was unread by the client at the last sweep
        self._rate_from = 0  # the body's size at `since`
        self._discarded = 0

    def __repr__(self) -> str:
        return f"<Inbound {self.peer} {STATES[self.state]} since={self.since:.0f} held={len(self._held)}>"

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclass of it
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.secure = transport.get_extra_info("ssl_object") is not None
        if not self._server.opened(self):
            self._refuse(Refusal(503, "too_many_connections", "The server has too many connections."))

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = GONE
        self._held = b""
        self._abandon("the client went away")
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client. The usual case, one whole request while idle, takes the short way."""
        if not self.state and not self._held and not self._write_paused:  # HEAD is 0
            most = self._server.limits.buffer_limit
            repeated = self._repeats.recall(data, most)
            if repeated is not None:
                self._dispatch(repeated, WAIT)
                return
            end = data.find(b"\r\n\r\n") + 4
            if end > 3:
                head = data[:end]
                try:
                    request = self._server.heads.read(head)
                except Refusal as refusal:
                    self._refuse(refusal, data.startswith(b"HEAD "))
                    return
                self._repeats.remember(head, request)
                length = request.length
                if length == len(data) - end and length <= most:
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
        if not self.state and self._held in _NOTHING:
            self.since = self._server.now
        self._held += data
        self._pump()
        if len(self._held) > self._server.limits.held_bytes and (self.state == WAIT or self._write_paused):
            self._pause_reading(True)

    def eof_received(self) -> bool:
        """Hear that the client sends no more; whether the connection stays open for the reply."""
        self.outbox.flush()
        if self.state == LINGER or (self.state == HEAD and self._held in _NOTHING):
            return False
        self._eof = self._final = True
        if self.state != WAIT:
            self._refuse(Refusal(400, "incomplete_request", "The connection ended within a request."))
        elif self.secure:
            return False  # TLS knows no half-close: the connection closes, and the call is cancelled
        elif self._reply is not None:
            if not self._held:
                self._reply.last()
            presence.watch(self.transport, self._reply)
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
        self._reply = None
        if not keep or self.state != WAIT:
            self._linger()
        else:
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
            self.state = GONE
            presence.reset(self.transport)
        else:
            self._close()
        if self._server.draining:
            self._server.finished()

    # What the server calls

    def sweep(self, now: float) -> None:
        """Close what has taken too long."""
        limits = self._server.limits
        age = now - self.since
        if self._write_paused:
            self._sweep_stall(now)
        elif self.state == HEAD:
            if self._held in _NOTHING:
                if age > limits.idle_timeout_s:
                    self._linger()
                elif FORGET_S < age < FORGET_S + 3.0:  # once or twice, not with every sweep
                    self._repeats = Repeats()
            elif age > limits.header_timeout_s:
                self._refuse(Refusal(408, "request_timeout", "The head took too long to arrive."))
        elif self._upload is not None:
            come = self._upload.size - self._rate_from
            if not self._read_paused and age > limits.body_grace_s and come < limits.body_rate * age:
                self._refuse(Refusal(408, "request_timeout", "The body arrives too slowly."))
        elif self.state == LINGER:
            if self.transport.get_write_buffer_size():
                self._sweep_stall(now)
            elif age > limits.linger_s:
                self.transport.abort()

    def _sweep_stall(self, now: float) -> None:
        size = self.transport.get_write_buffer_size()
        if size != self._write_size:
            self._write_size = size
            self.since = now
        elif now - self.since > self._server.limits.stall_timeout_s:
            self.transport.abort()

    def retire(self) -> None:
        """The server drains: close if idle, else let the request that is here be the last."""
        self._final = True
        if not self.busy():
            self._close()
        elif self._reply is not None and not self._held:
            self._reply.last()

    def busy(self) -> bool:
        """Whether a request is arriving or running."""
        return self.state in (BODY, STREAM, WAIT) or (self.state == HEAD and self._held not in _NOTHING)

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
        """Take one step on the held bytes; False when more must arrive or happen first."""
        if self.state == HEAD:
            return not self._write_paused and self._step_head()
        if self._upload is not None:
            self._step_body(self._upload)
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
        """Go on from a good head: hand the request on, or begin to collect its body."""
        if request.length == 0:
            self._dispatch(request, WAIT)
            return
        self.state = BODY
        self.since = self._server.now
        self._rate_from = 0
        self._upload = Upload(request, self._server.limits)
        if request.expects and not self._held:
            self.outbox.flush()
            self.transport.write(status_line(100) + b"\r\n")

    def _step_body(self, upload: Upload) -> None:
        data, self._held = self._held, b""
        upload.feed(data)
        self._held = upload.rest
        request = upload.request
        if upload.ended:
            self._upload = None
        if request.stream is not None:
            if upload.ended:
                self.state = WAIT
        elif upload.ended:
            request.body = upload.taken()
            self._dispatch(request, WAIT)
        elif upload.size > self._server.limits.buffer_limit:
            request.body = upload.taken()
            request.stream = BodyStream(upload.missing, self._pause_reading)
            self._dispatch(request, STREAM)

    def _dispatch(self, request: Request, state: int) -> None:
        request.peer = self.peer
        request.secure = self.secure
        self.state = state
        keep = request.persistent and not (self._final and not self._held)
        reply = self._reply = Reply(self, request.method == "HEAD", request.minor, keep)
        if self._eof:
            presence.watch(self.transport, reply)
        try:
            self._server.handler(request, reply)
        except Exception as error:  # a defect of the app must not take the connection with it
            self._server.failed(error)
            if reply.started:
                reply.abort()
            else:
                reply.send(500, b"", b"")

    def _go_on(self) -> None:
        """A reply has gone out, and there is more to do than to wait for bytes."""
        self.outbox.flush()
        self._pause_reading(False)
        self._pump()
        if self._eof and self.state == HEAD and not self._pumping and not self._write_paused:
            if self._held in _NOTHING:
                self._linger()
            else:
                self._refuse(Refusal(400, "incomplete_request", "The connection ended within a request."))

    def _pause_reading(self, pause: bool) -> None:
        if pause is self._read_paused or self.state == GONE:
            return
        self._read_paused = pause
        if pause:
            self.transport.pause_reading()
        elif not self._eof:
            if self._upload is not None:  # the time in which nothing could arrive does not count for the rate
                self.since = self._server.now
                self._rate_from = self._upload.size
            self.transport.resume_reading()

    def _refuse(self, refusal: Refusal, bare: bool = False) -> None:
        """Answer what is not served, where that is still possible, and close."""
        if self.state in (LINGER, GONE):
            return
        reply, upload = self._reply, self._upload
        fields, body = self._server.refusal(refusal)
        self._abandon(refusal.reason)
        if reply is not None and reply.started:
            self.cut(False)
            return
        if refusal.status == 405:
            fields += guard.ALLOW
        bare = bare or (upload is not None and upload.request.method == "HEAD")
        Reply(self, bare, 1, False).send(refusal.status, fields, body)

    def _abandon(self, reason: str) -> None:
        """Nothing more will come of the running request: tell its reader and its writer."""
        upload, reply = self._upload, self._reply
        self._upload = self._reply = None
        if upload is not None:
            upload.stop(BodyCut(reason))
        if reply is not None:
            reply.lost()

    def _linger(self) -> None:
        """Close in two steps (RFC 9112 9.6): a plain close while the client sends would reset and eat the reply."""
        self._abandon("the reply has ended")
        self.outbox.flush()
        if self._eof or not self.transport.can_write_eof():
            self._close()
            return
        self.state = LINGER
        self.since = self._server.now
        self._held = b""
        self._pause_reading(False)
        self.transport.write_eof()

    def _close(self) -> None:
        """Close once what is written has gone out; the sweep sees to it that this does not take for ever."""
        self.state = LINGER
        self.since = self._server.now
        self._held = b""
        self.outbox.flush()
        self.transport.close()

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > self._server.limits.linger_bytes:
            self.transport.abort()
