"""One small request with bounds on everything: size, time, redirects. For probes, status pages and proofs of credentials only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

from trunkline.wire.errors import BadReply

Origins = Callable[[str], tuple[Any, bytes]]
"""The wire's address object and the Host value of a URL. Raises ValueError for one that may not be used."""
REDIRECTS_MAX = 3


class Fetcher(Protocol):
    """What of the wire's client is needed."""

    def open(
        self, origin: Any, method: bytes, head: bytes, body: Any = None, *, connect_timeout_s: float = 5.0
    ) -> Any: ...


class Fetched(NamedTuple):
    """A whole short answer."""

    status: int
    body: bytes
    url: str


async def fetch(
    wire: Fetcher,
    origins: Origins,
    url: str,
    *,
    method: str = "GET",
    fields: bytes = b"",
    body: bytes = b"",
    timeout_s: float = 10.0,
    body_max: int = 0,
    follow: bool = False,
) -> Fetched:
    """Raises WireError, TimeoutError, ValueError. `body` is what is sent; with `body_max` 0 the answer's is not read. `fields` never go
    to a second address.
    """
    async with asyncio.timeout(timeout_s):
        for _ in range(REDIRECTS_MAX + 1):
            status, location, got = await _once(wire, origins, url, method, fields, body, timeout_s, body_max)
            if not (follow and 300 <= status < 400 and location):
                return Fetched(status, got, url)
            url, fields = urljoin(url, location), b""
    raise BadReply(f"more than {REDIRECTS_MAX} redirects")


async def _once(
    wire: Fetcher,
    origins: Origins,
    url: str,
    method: str,
    fields: bytes,
    body: bytes,
    timeout_s: float,
    body_max: int,
) -> tuple[int, str, bytes]:
    origin, host = origins(url)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii() or not target.isprintable() or " " in target:
        raise ValueError("the address holds characters that no request line can carry")
    head = (
        b"%b %b HTTP/1.1\r\nhost: %b\r\nuser-agent: trunkline-health\r\naccept-encoding: identity\r\n%b\r\n"
        % (
            method.encode(),
            target.encode(),
            host,
            fields + b"content-length: %d\r\n" % len(body) if body else fields,
        )
    )
    response = wire.open(origin, method.encode(), head, body or None, connect_timeout_s=timeout_s)
    try:
        await response.ready
        location = response.fields.get(b"location", b"").decode("latin-1")
        if not body_max:
            return response.status, location, b""
        got = response.body if response.complete else await response.read(body_max)
        return response.status, location, bytes(got[:body_max])
    finally:
        if not response.complete:
            response.abort()
