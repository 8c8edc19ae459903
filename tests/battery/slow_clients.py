"""L2: thousands of clients that send slowly, or read slowly, beside ordinary ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.battery.load import QUICK, Asked, Load
from tests.support.gateway import Trunkline

REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
STEP_S = 1.0
RAMP_PER_S = 200
"""New slow clients a second, as slowhttptest does it: the wave itself is not what is measured."""


ROOT = Path(__file__).parents[2]


@dataclass
class Stalled:
    """What L2 found."""

    before: list[Asked] = field(default_factory=list)
    during: list[Asked] = field(default_factory=list)
    closed_after_s: dict[str, list[float]] = field(default_factory=dict)
    """By kind of slowness: when the gateway gave each of them up."""
    held: int = 0
    """Slow ones that it never gave up in the time."""


class Place(NamedTuple):
    """Where the crowd goes, and with which key."""

    port: int
    key: str


def stall(gateway: Trunkline, *, clients: int, rate: float, watch_s: float) -> Stalled:
    """A third of the clients sends a header a second, a third a body byte a second, a third does not read."""
    found = Stalled()
    with Load(lambda: gateway.port, gateway.key, rate=rate, seed=30, sorts=QUICK) as load:
        _wait(5.0)
        found.before = load.done()
    crowd = [sys.executable, str(Path(__file__)), str(gateway.port), gateway.key, str(clients), str(watch_s)]
    with Load(lambda: gateway.port, gateway.key, rate=rate, seed=31, sorts=QUICK) as load:
        # A process of its own: thousands of clients in this one would hold up the ordinary callers, not the gateway.
        ran = subprocess.run(
            crowd,
            capture_output=True,
            text=True,
            check=True,
            timeout=watch_s * 4,
            env={"PYTHONPATH": str(ROOT)},
        )
        found.during = load.done()
    told = json.loads(ran.stdout)
    found.closed_after_s, found.held = told["closed_after_s"], told["held"]
    return found


def _wait(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))


async def _crowd(place: Place, clients: int, watch_s: float) -> Stalled:
    found = Stalled()
    kinds = (_slow_head, _slow_body, _slow_read)
    tasks = []
    begun = time.monotonic()
    for n in range(clients):
        tasks.append(asyncio.create_task(_one(place, kinds[n % 3], watch_s, found)))
        await asyncio.sleep(max(0.0, begun + n / RAMP_PER_S - time.monotonic()))
    await asyncio.gather(*tasks)
    return found


async def _one(place: Place, kind, watch_s: float, found: Stalled) -> None:  # type: ignore[no-untyped-def]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port, limit=4096)
    except OSError:
        found.closed_after_s.setdefault("not let in", []).append(0.0)
        return
    begun = time.monotonic()
    try:
        async with asyncio.timeout(watch_s):
            await kind(place, reader, writer)
        found.closed_after_s.setdefault(kind.__name__.strip("_"), []).append(time.monotonic() - begun)
    except TimeoutError:
        found.held += kind is not _slow_read
    finally:
        writer.transport.abort()


async def _gone(reader: asyncio.StreamReader) -> bool:
    """Whether the gateway has closed, after a moment."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STEP_S):
            try:
                while await reader.read(4096):
                    continue
            except OSError:
                return True
            return True
    return False


async def _slow_head(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(REQUEST)
    number = 0
    while not await _gone(reader):
        number += 1
        writer.write(b"x-slow-%d: 1\r\n" % number)


async def _slow_body(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(REQUEST + b"authorization: Bearer %b\r\ncontent-length: 4000\r\n\r\n{" % place.key.encode())
    while not await _gone(reader):
        writer.write(b" ")


async def _slow_read(place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"GET /api/proxy/crm/bytes/1000000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n\r\n"
        % place.key.encode()
    )
    while await reader.read(64):
        await asyncio.sleep(STEP_S)


def main() -> None:
    """The crowd as a process: PORT KEY CLIENTS SECONDS; prints what became of it."""
    port, key, clients, watch_s = sys.argv[1:]
    found = asyncio.run(_crowd(Place(int(port), key), int(clients), float(watch_s)))
    print(json.dumps({"closed_after_s": found.closed_after_s, "held": found.held}))


if __name__ == "__main__":
    main()
