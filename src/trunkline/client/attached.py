"""The way to the Trunkline that runs on this machine's state folder: one that starts anew may listen elsewhere, and is found again.

Not for: the wire (`remote.py`), nor whether one runs (`place.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.client.errors import IntegrationError
from trunkline.client.remote import Remote
from trunkline.client.transport import Arriving, Ask


class Attached:
    """`running` tells the address of the one that runs now, None where none does; `remote` is the way to an address."""

    def __init__(self, running: Callable[[], str | None], url: str, remote: Callable[[str], Remote]) -> None:
        self._running = running
        self._make = remote
        self._remote = remote(url)
        self._url = url
        self.where = self._remote.where
        self._left: list[Remote] = []
        """Ways to those that run no more; what they still answer comes to its end."""

    async def send(self, ask: Ask) -> Arriving:
        """A call that provably never left goes to where Trunkline listens now."""
        tried = self._url
        try:
            return await self._remote.send(ask)
        except IntegrationError as error:
            if not error.retryable:
                raise
            now = self._running()
            if now is None or now == tried:
                raise
        if now != self._url:
            self._left.append(self._remote)
            self._url, self._remote = now, self._make(now)
            self.where = self._remote.where
        return await self._remote.send(ask)

    async def close(self) -> None:
        for one in (*self._left, self._remote):
            await one.close()
