"""One call from the worker to this installation's own gateway, over HTTP on this machine.

Blocking, for the worker's threads; another thread may cut it. Not for: deciding when to call (`deferral.py`), nor for other hosts:
who else is told something is told through the wire, which judges addresses (`tell.py`).
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from trunkline.core.codec import DecodeError, from_json

CONNECT_S = 5.0
LONGEST_S = 900.0
"""The gateway's own limits end every call sooner; this is for a gateway that is stuck."""


class Away(Exception):
    """The gateway does not listen just now. Nothing was sent."""


class Broken(Exception):
    """The connection broke after something was sent: nobody here knows what became of it."""


class Reply(NamedTuple):
    """The gateway's answer; names of fields in lower case. `omitted`: the body was longer than wanted."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    omitted: bool


class OwnGateway:
    """Finds the gateway by what it and the supervisor wrote into the state folder, anew for each call."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def _where(self) -> tuple[str, int, bool]:
        facts: dict[str, Any] = {**self._read("serve.json"), **self._read("gateway.json")}
        host, port = str(facts.get("host") or "127.0.0.1"), int(facts.get("port") or 0)
        if not port:
            raise Away("the gateway has not said where it listens")
        # Listening everywhere includes this machine.
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, bool(facts.get("tls"))  # noqa: S104

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = from_json((self._state / name).read_bytes())
        except (OSError, DecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def call(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: bytes,
        *,
        answer_max: int,
        on_cancel: Callable[[Callable[[], None]], None],
    ) -> Reply:
        """Raises Away or Broken. `on_cancel` is handed what cuts the call."""
        connection = self._connected()
        on_cancel(lambda: _cut(connection))
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body or None)
            reply = connection.getresponse()
            content = reply.read(answer_max + 1)
            if len(content) > answer_max:
                while reply.read(1 << 16):  # to its end: only then has the call ended well
                    pass
            if reply.length:  # http.client reads a body that was cut without a word
                raise Broken("the gateway's answer was cut")
            fields = [(name.lower(), value) for name, value in reply.getheaders()]
            omitted = len(content) > answer_max
            return Reply(reply.status, fields, b"" if omitted else content, omitted)
        except (OSError, http.client.HTTPException) as problem:
            raise Broken(f"the connection to the gateway broke ({type(problem).__name__})") from None
        finally:
            connection.close()

    def _connected(self) -> http.client.HTTPConnection:
        host, port, tls = self._where()
        connection: http.client.HTTPConnection
        if tls:
            # Our own process on this machine, by address: its certificate names a host, not this address.
            context = ssl._create_unverified_context()  # noqa: S323
            connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)
        try:
            connection.connect()
            connection.sock.settimeout(LONGEST_S)
        except OSError as problem:
            connection.close()
            raise Away(f"nothing answers on {host}:{port} ({type(problem).__name__})") from None
        return connection


def _cut(connection: http.client.HTTPConnection) -> None:
    """Wakes the thread that waits on it."""
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
