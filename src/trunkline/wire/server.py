"""HTTP/1.1 server: listens, sweeps, refuses and drains. Knows nothing of calls: each good request goes to one
handler.

    server = Server(handler)              # handler(request, reply): called on the loop, must not block
    await server.start("127.0.0.1", 4000)
    ...
    await server.drain(35)

What one connection does is in `inbound`; what is refused in `guard`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate

from trunkline.wire.body import BodyCut, BodyStream
from trunkline.wire.guard import Refusal
from trunkline.wire.head import HeadReader
from trunkline.wire.inbound import Inbound
from trunkline.wire.limits import ServerLimits
from trunkline.wire.outbox import Direct, Outbox
from trunkline.wire.reply import Reply
from trunkline.wire.request import Request

__all__ = [
    "BodyCut",
    "BodyStream",
    "Handler",
    "Reply",
    "Request",
    "Server",
    "ServerLimits",
]

Handler = Callable[[Request, Reply], None]
Refuse = Callable[[int, str, str], tuple[bytes, bytes]]

SWEEP_S = 1.0
HANDSHAKE_S = 10.0
BACKLOG = 2048


def plain_refusal(status: int, code: str, reason: str) -> tuple[bytes, bytes]:
    """Fields and body of a refusal where the app has no shape of its own."""
    body = json.dumps({"error": {"code": code, "message": reason}}).encode()
    return b"content-type: application/json\r\n", body


class Server:
    """Listens on one address. `refuse(status, code, reason)` gives fields and body of what the wire itself
    refuses.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: ServerLimits | None = None,
        refuse: Refuse | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.handler = handler
        self.limits = limits or ServerLimits()
        self.heads = HeadReader(
            head_bytes=self.limits.head_bytes,
            target_bytes=self.limits.target_bytes,
            fields=self.limits.fields,
            body_bytes=self.limits.body_bytes,
        )
        self.refused: Counter[str] = Counter()
        self.draining = False
        self.port = 0
        self.now = 0.0
        self.date = b""
        self.outbox: Outbox | Direct = Direct()
        self._refuse = refuse or plain_refusal
        self._tls = tls
        self._connections: set[Inbound] = set()
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    @property
    def connections(self) -> int:
        """Open connections, idle ones too."""
        return len(self._connections)

    @property
    def active(self) -> int:
        """Connections on which a request is arriving or running. Counted when asked: for health and metrics,
        not per call.
        """
        return sum(connection.busy() for connection in self._connections)

    async def start(self, host: str | None, port: int, *, sock: socket.socket | None = None) -> None:
        """Listen on `host` and `port` (0 = any free one, then in `port`), or on `sock`, which is bound
        already.
        """
        loop = asyncio.get_running_loop()
        self.outbox = Outbox(loop)
        handshake = HANDSHAKE_S if self._tls else None
        if sock is not None:
            self._listener = await loop.create_server(
                lambda: Inbound(self),
                sock=sock,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=handshake,
            )
        else:
            self._listener = await loop.create_server(
                lambda: Inbound(self),
                host,
                port,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=handshake,
            )
        self.port = self._listener.sockets[0].getsockname()[1]
        self._tick()

    async def drain(self, timeout_s: float) -> bool:
        """Stop listening, close idle connections, let running requests end; True if all did. What is left is
        cut.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.retire()
        finished = await self._until(lambda: not self.active, deadline)
        # Replies that are written may still be on their way out: give them the time that any closing
        # connection has.
        linger = asyncio.get_running_loop().time() + self.limits.linger_s
        await self._until(
            lambda: not self._connections,
            max(linger, deadline) if finished else deadline,
        )
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._connections):
            connection.transport.abort()
        return finished

    async def _until(self, done: Callable[[], bool], deadline: float) -> bool:
        while not done():
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                return done()
        return True

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self.sweep(loop.time())
        self._timer = loop.call_later(SWEEP_S, self._tick)

    def sweep(self, now: float) -> None:
        """Close every connection that has taken too long at `now`, the loop's time. One timer for all
        connections.
        """
        self.now = now
        self.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()
        for connection in list(self._connections):
            connection.sweep(now)

    # What connections call

    def opened(self, connection: Inbound) -> bool:
        """A client connected; False when there are too many."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.max_connections

    def closed(self, connection: Inbound) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._changed.set()

    def finished(self) -> None:
        """A request has ended while draining."""
        self._changed.set()

    def refusal(self, refusal: Refusal) -> tuple[bytes, bytes]:
        """Count a refusal; fields and body of the answer to it."""
        self.refused[refusal.code] += 1
        return self._refuse(refusal.status, refusal.code, refusal.reason)

    def failed(self, error: Exception) -> None:
        """The handler raised, which it must not: report it to the loop."""
        asyncio.get_running_loop().call_exception_handler(
            {"message": "the request handler raised", "exception": error}
        )
