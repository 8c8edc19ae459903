"""The way to a running gateway by its address, over Trunkline's own wire.

Repeats nothing but what provably never left: retries are the gateway's. Not for: finding the gateway (`place.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from trunkline.client.errors import IntegrationError, unreachable
from trunkline.client.transport import Arriving, Ask, Buffer, named
from trunkline.wire.client import Client
from trunkline.wire.errors import WireError
from trunkline.wire.origin import Origin

if TYPE_CHECKING:
    from trunkline.wire.response import Response

CONNECT_S = 5.0
GRACE_S = 5.0
"""The gateway itself ends a call at the caller's `timeout_s`; if it has not said so by then, it does not answer any more."""
_TIMEOUT = b"x-trunkline-timeout"
_PORTS = {"http": 80, "https": 443}


class Remote:
    """Keeps connections; one per event loop."""

    def __init__(self, url: str, key: str, *, ca_file: str | None = None) -> None:
        """Raises ValueError for an address that is none, and for a missing key."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"url {url!r} is no address of a Trunkline, e.g. http://127.0.0.1:4000")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("url takes scheme, host, port and path only; the key goes into `key`")
        if not key:
            raise ValueError(
                f"a key is needed to call Trunkline at {url}: give `key=`, or set TRUNKLINE_KEY; "
                "`trunkline keys create --name NAME` makes one"
            )
        if not key.isascii() or any(c.isspace() or not c.isprintable() for c in key):
            raise ValueError("the key holds characters that no key has; was it copied whole?")
        port = parts.port or _PORTS[parts.scheme]
        self.where = f"{parts.scheme}://{parts.hostname}:{port}"
        # A caller says himself where his gateway is, so private addresses are as good as any.
        self._origin = Origin(parts.scheme, parts.hostname, port, private=True, ca_file=ca_file)
        self._prefix = parts.path.rstrip("/").removesuffix("/v1")
        shown = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        host = shown if port == _PORTS[parts.scheme] else f"{shown}:{port}"
        self._lines = f"host: {host}\r\nx-trunkline-key: {key}\r\n".encode("latin-1")
        self._client = Client()

    def __repr__(self) -> str:
        return f"<Remote {self.where}>"

    async def send(self, ask: Ask) -> Arriving:
        """Once more if a kept connection turned out to be closed before a byte was sent."""
        try:
            return await self._send(ask)
        except WireError as problem:
            if problem.sent:
                raise unreachable(self.where, str(problem), sent=True) from None
        try:
            return await self._send(ask)
        except WireError as problem:
            raise unreachable(self.where, str(problem), sent=problem.sent) from None

    async def _send(self, ask: Ask) -> Arriving:
        head = [f"{ask.method} {self._prefix}{ask.target} HTTP/1.1\r\n".encode("ascii"), self._lines]
        head += [b"%b: %b\r\n" % field for field in ask.headers]
        if ask.body or ask.method in ("POST", "PUT", "PATCH"):
            head.append(b"content-length: %d\r\n" % len(ask.body))
        response = self._client.open(
            self._origin,
            ask.method.encode("ascii"),
            b"".join([*head, b"\r\n"]),
            ask.body or None,
            connect_timeout_s=CONNECT_S,
        )
        until = _until(ask)
        try:
            async with asyncio.timeout_at(until):
                await response.ready
        except TimeoutError:
            response.abort()
            raise self._silent() from None
        except BaseException:
            response.abort()
            raise
        return Arriving(response.status, named(response.headers), self._pieces(response, until))

    def _silent(self) -> IntegrationError:
        return unreachable(
            self.where, f"it was silent for {GRACE_S:g} s beyond the call's timeout_s", sent=True
        )

    async def _pieces(self, response: Response, until: float | None) -> AsyncIterator[bytes]:
        if response.complete:
            yield response.body
            return
        buffer = Buffer()

        def put(piece: bytes) -> None:
            if buffer.put(piece):
                response.pause()

        ended = response.relay(put)
        ended.add_done_callback(lambda done: buffer.end(None if done.cancelled() else done.exception()))
        try:
            while True:
                async with asyncio.timeout_at(until):
                    piece = await buffer.get()
                if not piece:
                    return
                if buffer.held:
                    buffer.held = False
                    response.resume()
                yield piece
        except TimeoutError:
            raise self._silent() from None
        except WireError as problem:
            raise unreachable(self.where, f"the answer broke off: {problem}", sent=True) from None
        finally:
            if not ended.done():
                response.abort()

    async def close(self) -> None:
        await self._client.close()


def _until(ask: Ask) -> float | None:
    """When a gateway that said nothing is given up, by the loop's clock; None: never, the call has no `timeout_s`."""
    told = next((value for name, value in ask.headers if name == _TIMEOUT), b"")
    try:
        return asyncio.get_running_loop().time() + float(told) + GRACE_S
    except ValueError:
        return None  # the gateway refuses what is no number
