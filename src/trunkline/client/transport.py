"""The seam between what one asks and how it gets to a gateway: one request, one answer that may stream.

Not for: what is asked (`chat.py`, `aio.py`), nor where the gateway is (`place.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple, Protocol

WAITING_MAX = 1 << 20
"""Bytes of an answer that wait for a slow reader before the sender is held back."""

Field = tuple[bytes, bytes]


class Ask(NamedTuple):
    """One request to a gateway. Header names in lower case; those of framing and identity are the transport's."""

    method: str
    target: str
    """Path and query, encoded."""
    headers: list[Field]
    body: bytes


class Arriving:
    """An answer whose head is here. Read it with `read` or `pieces`, or `close` it."""

    def __init__(self, status: int, headers: Mapping[str, str], pieces: AsyncIterator[bytes]) -> None:
        self.status = status
        self.headers = headers
        self._pieces = pieces

    async def read(self) -> bytes:
        """All of the body."""
        return b"".join([piece async for piece in self._pieces])

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        return self._pieces

    async def close(self) -> None:
        """Gives up what was not read; the vendor's call is cut."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


class Transport(Protocol):
    """A way to a gateway. Raises IntegrationError `unreachable` where there is none any more."""

    where: str
    """For people: an address, or `in process`."""

    async def send(self, ask: Ask) -> Arriving: ...
    async def close(self) -> None: ...


class Buffer:
    """Pieces on their way from a callback to a reader, with back-pressure: `hold` is called with True when too much waits."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._ended = False
        self._error: BaseException | None = None
        self._wake = asyncio.Event()
        self.held = False

    def put(self, piece: bytes) -> bool:
        """Whether the sender should stop for now."""
        self._pieces.append(piece)
        self._waiting += len(piece)
        self._wake.set()
        self.held = self._waiting > WAITING_MAX
        return self.held

    def end(self, error: BaseException | None = None) -> None:
        """No more comes."""
        self._ended, self._error = True, error
        self._wake.set()

    async def get(self) -> bytes:
        """The next pieces together; empty at the end. Raises what the sender ended with."""
        while not self._pieces:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return b""
            self._wake.clear()
            await self._wake.wait()
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        return taken


def named(headers: list[Field]) -> dict[str, str]:
    """Header fields by lower-cased name, those that came twice joined (RFC 9110, 5.3)."""
    told: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        told[key] = f"{told[key]}, {text}" if key in told else text
    return told
