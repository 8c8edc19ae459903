"""A request body that is longer than what the wire buffers: held pieces, then what is still arriving, sent on once.

Not for: bodies that are whole (they are plain bytes and can be sent again).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from trunkline.core.jsonspan import Members, quoted

NEEDED = frozenset(("model", "stream"))
PERSONS = ("user", "safety_identifier", "metadata")
"""Members that name the end user; a body that is still arriving is not awaited for them."""
WANTED = (*NEEDED, *PERSONS)


class Carried:
    """An async iterator of bytes with `length` (None when unknown). Once `started` it cannot be sent a second time."""

    def __init__(self, held: list[bytes], rest: Any, length: int | None) -> None:
        self._held = held
        self._rest: AsyncIterator[bytes] | None = rest
        self.length = length
        self.started = False
        self.members = Members(*WANTED)
        self._sees: tuple[Callable[[bytes], None], ...] = ()

    def each(self, see: Callable[[bytes], None]) -> None:
        """Shows every piece as it came, once: those that are held, at once, and those that still come."""
        for piece in self._held:
            see(piece)
        self._sees += (see,)

    @property
    def spent(self) -> bool:
        """Whether all of it has been read."""
        return self._rest is None and not self._held

    def scan(self) -> None:
        """Looks for the wanted members in the held pieces."""
        for piece in self._held:
            self.members.feed(piece)

    async def scan_on(self) -> None:
        """Reads on until `model` and `stream` are known, the object ended or the body did; what was read stays held."""
        self.scan()
        members = self.members
        while not (members.done or members.broken or members.found.keys() >= NEEDED):
            piece = await self._next()
            if piece is None:
                return
            self._held.append(piece)
            self.members.feed(piece)

    def put(self, name: bytes) -> None:
        """Replaces the value of `model` by the JSON string of `name`."""
        start, end, _ = self.members.found["model"]
        new = quoted(name)
        position = 0
        out: list[bytes] = []
        for piece in self._held:
            a, b = max(0, start - position), min(len(piece), end - position)
            if b <= 0 or a >= len(piece):
                out.append(piece)
            else:
                out += [piece[:a], new if start >= position else b"", piece[b:]]
            position += len(piece)
        self._held = [piece for piece in out if piece]
        if self.length is not None:
            self.length += len(new) - (end - start)

    async def _next(self) -> bytes | None:
        if self._rest is None:
            return None
        try:
            piece = await self._rest.__anext__()
        except StopAsyncIteration:
            self._rest = None
            return None
        for see in self._sees:
            see(piece)
        return piece

    def __aiter__(self) -> Carried:
        return self

    async def __anext__(self) -> bytes:
        self.started = True
        if self._held:
            return self._held.pop(0)
        piece = await self._next()
        if piece is None:
            raise StopAsyncIteration
        return piece

    def close(self) -> None:
        """Lets go of what is still arriving."""
        close = getattr(self._rest, "close", None)
        self._rest, self._held = None, []
        if close is not None:
            close()
