"""L1: thousands of streams that only tick now and then, and how the gateway answers others meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.faults import files_open
from tests.support.caller import Line, request
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

ROOT = Path(__file__).parents[2]
OPENED_PER_S = 250
TICK_MS, TICKS = 15_000, 40
REGISTRY = """version: 1
integrations:
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY, queue: {{size: 20000}}}}
"""
BODY = json.dumps(
    {"model": "openai/gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()


@dataclass
class Idle:
    """What it took to hold them."""

    opened: int = 0
    failed: str = ""
    grown_kb: int = 0
    live_s: list[float] = field(default_factory=list)
    """How long `/health/live` took on a kept connection, again and again, while all were open: how late the loop was."""
    health_s: list[float] = field(default_factory=list)
    running: int = 0
    descriptors: int = 0
    """More than before, once all had left."""

    @property
    def per_stream_kb(self) -> float:
        return self.grown_kb / max(1, self.opened)


@contextmanager
def setting(folder: Path, simulator: SimulatorProcess) -> Iterator[Trunkline]:
    with running_trunkline(folder, REGISTRY.format(simulator=simulator.address())) as gateway:
        yield gateway


def hold(gateway: Trunkline, simulator: SimulatorProcess, *, streams: int, watch_s: float) -> Idle:
    """Opens them from a process of its own, watches for a while, lets them go."""
    gateway.call("GET", "/v1/models")
    found = Idle()
    before_kb, before_files = gateway.memory_kb, files_open(gateway.pid)
    command = [sys.executable, str(Path(__file__)), str(gateway.port), gateway.key, str(streams)]
    crowd = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert crowd.stdout is not None
        told = json.loads(crowd.stdout.readline())
        found.opened, found.failed = told["opened"], told["failed"]
        found.grown_kb = _settled_kb(gateway) - before_kb
        _watch(gateway, found, watch_s)
    finally:
        crowd.communicate("stop\n", timeout=60)
    simulator.control("POST", "connections", {"idle_only": True})
    eventually(lambda: files_open(gateway.pid) <= before_files + 5, "the descriptors to be given back", 60)
    found.descriptors = max(0, files_open(gateway.pid) - before_files)
    return found


def _watch(gateway: Trunkline, found: Idle, watch_s: float) -> None:
    fields = {"authorization": f"Bearer {gateway.key}"}
    live, health = request("GET", "/health/live"), request("GET", "/health", fields)
    until = time.monotonic() + watch_s
    with Line(gateway.port) as line:
        while time.monotonic() < until:
            for sent, times in ((live, found.live_s), (health, found.health_s)):
                begun = time.perf_counter()
                line.send(sent)
                assert line.answer().status in (200, 503)
                times.append(time.perf_counter() - begun)
            time.sleep(0.02)


def _settled_kb(gateway: Trunkline) -> int:
    """Resident memory once it stands still."""
    before = gateway.memory_kb
    for _ in range(20):
        time.sleep(0.3)
        now = gateway.memory_kb
        if abs(now - before) < 64:
            return now
        before = now
    return before


async def _open(port: int, key: str, told: dict[str, object]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    fields = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "x-sim-latency": f"first_ms=20;per_chunk_ms={TICK_MS};chunks={TICKS}",
    }
    writer.write(request("POST", "/v1/chat/completions", fields, BODY))
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        told["failed"] = head[:200].decode("latin-1")
        return
    told["opened"] = int(str(told["opened"])) + 1
    while await reader.read(4096):
        continue


async def _crowd(port: int, key: str, count: int) -> None:
    told: dict[str, object] = {"opened": 0, "failed": ""}
    tasks = []
    begun = time.monotonic()
    for number in range(count):
        tasks.append(asyncio.create_task(_open(port, key, told)))
        await asyncio.sleep(max(0.0, begun + number / OPENED_PER_S - time.monotonic()))
    until = time.monotonic() + 60
    while int(str(told["opened"])) < count and not told["failed"] and time.monotonic() < until:
        await asyncio.sleep(0.05)
    print(json.dumps(told), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """The crowd as a process: PORT KEY COUNT; a line on stdin ends it."""
    port, key, count = sys.argv[1:]
    asyncio.run(_crowd(int(port), key, int(count)))


if __name__ == "__main__":
    main()
