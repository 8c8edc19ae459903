"""Streams in a process of its own: many at once again and again, or opened once and held.

`python -m benchmarks.stream_load PLAN` with `hold: false` keeps `streams` going for `seconds` and prints how many chunks came;
with `hold: true` it opens them, prints `open N` when each has its first token (or no more come), and waits to be ended.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

import uvloop

from benchmarks.payload import STREAM, TOKEN, request

OPEN_AT_ONCE = 50
QUIET_S = 8.0


class Streamer(asyncio.Protocol):
    """One connection that asks for a stream; for another when it has ended, unless it is to be held."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._begun = self._tail = b""
        self.first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's are of no subclass
        self.transport = transport
        transport.write(self._load.wire)

    def data_received(self, data: bytes) -> None:
        self._load.chunks += data.count(b"data: {")
        if not self.first.done():
            self._look_for_first(data)
        if data.endswith(b"0\r\n\r\n") or (self._tail + data).endswith(b"0\r\n\r\n"):
            self._tail = b""
            self._load.ended += 1
            self.transport.write(self._load.wire)
        else:
            self._tail = data[-5:]

    def _look_for_first(self, data: bytes) -> None:
        self._begun += data
        if not self._begun.startswith(b"HTTP/1.1 200 "[: len(self._begun)]):
            self._load.refused.append(self._begun[:600].decode("latin-1"))
            self.first.set_result(False)
        elif TOKEN in self._begun:
            self._load.opened += 1
            self.first.set_result(True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost += 1
        if not self.first.done():
            self.first.set_result(False)


class Load:
    """What is asked, and what came."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.wire = request(plan["target"], f"127.0.0.1:{plan['port']}", plan["fields"], STREAM.encode())
        self.chunks = self.ended = self.opened = self.lost = 0
        self.refused: list[str] = []

    async def open_all(self) -> None:
        """Opens the streams, some at once; gives up when none has begun for a while."""
        loop = asyncio.get_running_loop()
        left = self.plan["streams"]
        while left > 0:
            some = min(OPEN_AT_ONCE, left)
            made = [
                (await loop.create_connection(lambda: Streamer(self), "127.0.0.1", self.plan["port"]))[1]
                for _ in range(some)
            ]
            done, _ = await asyncio.wait([one.first for one in made], timeout=QUIET_S)
            if len(done) < some or not all(one.result() for one in done):
                return
            left -= some

    def told(self) -> dict[str, Any]:
        return {
            "chunks": self.chunks,
            "ended": self.ended,
            "opened": self.opened,
            "lost": self.lost,
            "refused": self.refused[:3],
        }


async def run(plan: dict[str, Any]) -> None:
    load = Load(plan)
    await load.open_all()
    print(json.dumps(load.told()), flush=True)
    if plan["hold"]:
        await asyncio.Event().wait()
    before = load.told()
    await asyncio.sleep(plan["seconds"])
    now = load.told()
    print(json.dumps({**now, "chunks": now["chunks"] - before["chunks"]}), flush=True)


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.argv[1])))
