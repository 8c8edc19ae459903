"""`--one-port`: hands `/console/...` to the console process, for platforms that give a single port (ruling 26).

The console does its own full login; nothing is trusted for coming through here. Not for: calls to vendors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from trunkline.core.ports import Inbound, Outbound
from trunkline.core.text import HOP_BY_HOP
from trunkline.plugins.policies.grants import address_seal
from trunkline.wire.client import Client, Origin
from trunkline.wire.errors import WireError

PREFIX = b"/console"
FROM = b"x-trunkline-from"
"""In which the console is told whom it serves, with a seal that no caller can make."""
_DROPPED = HOP_BY_HOP | {b"host", b"content-length", b"x-forwarded-for", b"forwarded", b"origin", FROM}
_ABSENT = b'{"source":"trunkline","code":"shutting_down","message":"the console does not answer; it restarts by itself","retryable":true}'
_JSON = b"content-type: application/json\r\n"


class ConsoleLink:
    """Passes requests below `/console` to the console's own port."""

    def __init__(
        self,
        wire: Client,
        host: str,
        port: int,
        others: Callable[[Inbound, Outbound], None],
        secure: bool = False,
        *,
        address: Callable[[Inbound], str] = lambda request: request.peer,
        token_key: Callable[[], bytes] = lambda: b"",
    ) -> None:
        self._wire = wire
        self._others = others
        self._secure = secure
        self._address = address
        self._token_key = token_key
        self._origin = Origin("http", host, port, private=True)
        self._host = f"{host}:{port}".encode()
        self._running: set[asyncio.Task[None]] = set()

    @staticmethod
    def owns(target: bytes) -> bool:
        """Whether a request is the console's."""
        return target == PREFIX or target.startswith((PREFIX + b"/", PREFIX + b"?"))

    def handle(self, request: Inbound, reply: Outbound) -> None:
        """The wire's handler: the console's requests to the console, the others to the gateway."""
        if not self.owns(request.target):
            self._others(request, reply)
            return
        if request.stream is not None:
            reply.send(
                413,
                _JSON,
                b'{"source":"trunkline","code":"request_too_large","message":"too long for the console"}',
            )
            return
        if not request.target.startswith(PREFIX + b"/"):
            reply.send(308, b"location: /console/\r\n", b"")
            return
        task = asyncio.get_running_loop().create_task(self._pass(request, reply))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _head(self, request: Inbound) -> bytes:
        lines = [
            b"%b %b HTTP/1.1\r\nhost: %b\r\n"
            % (request.method.encode(), request.target[len(PREFIX) :], self._host)
        ]
        lines += [b"%b: %b\r\n" % field for field in request.headers if field[0] not in _DROPPED]
        address, key = self._address(request), self._token_key()
        if key:
            lines.append(b"%b: %b %b\r\n" % (FROM, address.encode(), address_seal(address, key).encode()))
        origin = request.fields.get(b"origin")
        if origin is not None:
            # The page's own origin becomes the console's; any other stays what it is and is refused there.
            own = origin.partition(b"://")[2] == request.fields.get(b"host")
            lines.append(b"origin: http://%b\r\n" % self._host if own else b"origin: %b\r\n" % origin)
        if request.body or request.method not in ("GET", "HEAD"):
            lines.append(b"content-length: %d\r\n" % len(request.body))
        return b"".join(lines) + b"\r\n"

    async def _pass(self, request: Inbound, reply: Outbound) -> None:
        response = self._wire.open(
            self._origin, request.method.encode(), self._head(request), request.body or None
        )
        reply.hangup = partial(response.abort, None)
        try:
            await response.ready
            length = response.fields.get(b"content-length")
            lines = b"".join(
                b"%b: %b\r\n" % led_back(*f, secure=self._secure)
                for f in response.headers
                if f[0] not in HOP_BY_HOP and f[0] != b"content-length"
            )
            reply.start(response.status, lines, int(length) if length is not None else None)
            await response.relay(reply.write)
            reply.end()
        except WireError:
            if reply.started:
                reply.abort()
            else:
                reply.send(503, _JSON, _ABSENT)
        finally:
            reply.hangup = None


def led_back(name: bytes, value: bytes, *, secure: bool = False) -> tuple[bytes, bytes]:
    """A header of the console as it must read below `/console`; cookies are for TLS alone where TLS is spoken."""
    if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
        return name, PREFIX + value
    if name == b"set-cookie":
        value = value.replace(b"Path=/;", b"Path=/console/;")
        return name, value + b"; Secure" if secure else value
    return name, value
