"""A vendor that sends exact bytes: one coroutine per connection, on loopback, in the loop of the test.

    async def script(line: Line) -> None:
        await line.request()
        line.send(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")

    async with vendor(script) as site: ...

The nth connection runs the nth script, further ones the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from trunkline.wire.client import Origin

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Line:
    """The vendor's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def head(self) -> bytes:
        """One request's head."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> bytes:
        """One request, head and body."""
        head = await self.head()
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return head + await self._chunks()
        if b"content-length: " in lower:
            size = int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head + await self.reader.readexactly(size)
        return head

    async def _chunks(self) -> bytes:
        wire = b""
        while not wire.endswith(b"0\r\n\r\n"):
            line = await self.reader.readuntil(b"\r\n")
            wire += line + await self.reader.readexactly(int(line, 16) + 2)
        return wire

    def send(self, data: bytes) -> None:
        """Write these bytes."""
        self.writer.write(data)

    def close(self) -> None:
        """End properly (FIN)."""
        self.writer.close()

    def reset(self) -> None:
        """End with a reset (RST)."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def send_now(self, data: bytes) -> None:
        """Have these bytes in the kernel's hands before the loop turns."""
        with self._socket() as sock:
            assert sock.send(data) == len(data)

    def shut_now(self) -> None:
        """End properly before the loop turns."""
        with self._socket() as sock:
            sock.shutdown(socket.SHUT_WR)

    def _socket(self) -> socket.socket:
        return socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno()))

    async def gone(self) -> None:
        """Wait until the client has closed, throwing away what it still sends."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                continue


Script = Callable[[Line], Awaitable[None]]


@dataclass
class Site:
    """A running vendor: where it is, and what it saw."""

    port: int
    scheme: str = "http"
    lines: list[Line] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    @property
    def origin(self) -> Origin:
        return Origin(self.scheme, "127.0.0.1", self.port, private=True)


@contextlib.asynccontextmanager
async def vendor(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Run the scripts, one for each connection; at the end every connection is closed."""
    site = Site(0, "https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        line = Line(reader, writer)
        site.lines.append(line)
        try:
            await scripts[min(len(site.lines), len(scripts)) - 1](line)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return
        except BaseException as error:  # a broken script must show in the test, not in a log
            site.failures.append(error)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for line in site.lines:
            line.writer.transport.abort()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(set(tasks), timeout=5)
        await until(lambda: all(line.writer.is_closing() for line in site.lines))
        assert site.failures == []


async def forever(line: Line) -> None:
    """Answer every request with `ok`."""
    while True:
        await line.request()
        line.send(OK)


async def until(holds: Callable[[], object], limit_s: float = 5.0) -> None:
    """Let the loop run until this holds."""
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(0)
