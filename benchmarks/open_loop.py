"""Open-loop load in a process of its own: a call is due at its instant, whether or not earlier ones have been answered.

Latency counts from the instant at which a call was due, so waiting for a free connection or a late generator is part of it.
`python -m benchmarks.open_loop` reads a JSON plan from its argument and prints a JSON result. It waits with `select`, whose
time-outs are in microseconds (event loops round up to a millisecond). Not for: as many calls as possible (wrk does that).
"""

from __future__ import annotations

import ctypes
import gc
import json
import select
import socket
import sys
import time
from collections import deque
from typing import Any

from benchmarks.payload import CHAT, STREAM, TOKEN, image_chat, request

PR_SET_TIMERSLACK = 29
PATIENCE_S = 15.0
DRAIN_AFTER_S = 20.0


def body_of(kind: str, model: str) -> bytes:
    """The body of a kind of call: `chat`, `stream` or `image`."""
    if kind == "image":
        return image_chat(10_000_000, model)
    return (CHAT if kind == "chat" else STREAM).replace('"gpt-4o-mini"', json.dumps(model), 1).encode()


class Connection:
    """A kept-alive connection with at most one call on it."""

    def __init__(self, port: int, streams: bool) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.due = 0.0
        self.unsent = memoryview(b"")
        self._streams = streams
        self._got = b""
        self._seen = False

    def fileno(self) -> int:
        return self.sock.fileno()

    def begin(self, due: float, wire: bytes) -> None:
        self.due, self._got, self._seen = due, b"", False
        self.unsent = memoryview(wire)
        self.write()

    def write(self) -> None:
        """Hands over what the system takes."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.sock.send(self.unsent[: 1 << 20]) :]
        except BlockingIOError:
            return

    def read(self) -> tuple[bool, bool]:
        """(the awaited bytes came with this, the call has ended). Raises ConnectionError on anything but a good answer."""
        data = self.sock.recv(262_144)
        if not data:
            raise ConnectionError(f"closed after {self._got[:200]!r}")
        self._got += data
        if not self._got.startswith(b"HTTP/1.1 200 "[: len(self._got)]):
            raise ConnectionError(f"answered {self._got[:600]!r}")
        ended = self._ended()
        awaited = not self._seen and (TOKEN in self._got if self._streams else ended)
        self._seen = self._seen or awaited
        return awaited, ended

    def _ended(self) -> bool:
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if not blank:
            return False
        if self._streams:
            return body.endswith(b"0\r\n\r\n")
        _, found, length = head.lower().partition(b"content-length:")
        if not found:
            raise ConnectionError(f"an answer without length: {head!r}")
        return len(body) >= int(length.partition(b"\r\n")[0])


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Carries a plan out. `warm_s` at the start is not counted."""
    wire = request(
        plan["target"], f"127.0.0.1:{plan['port']}", plan["fields"], body_of(plan["kind"], plan["model"])
    )
    streams = plan["kind"] == "stream"
    idle = deque(Connection(plan["port"], streams) for _ in range(plan["connections"]))
    busy: set[Connection] = set()
    waiting: deque[float] = deque()
    gap = 1 / plan["rate"]
    begin = time.perf_counter() + 0.05
    counted_from = begin + plan["warm_s"]
    total = int((plan["warm_s"] + plan["seconds"]) * plan["rate"])
    latencies: list[float] = []
    made, most_waiting = 0, 0
    cpu = time.process_time()
    while made < total or busy or waiting:
        now = time.perf_counter()
        while made < total and begin + made * gap <= now:
            waiting.append(begin + made * gap)
            made += 1
        most_waiting = max(most_waiting, len(waiting))
        while waiting and idle:
            connection = idle.pop()
            connection.begin(waiting.popleft(), wire)
            busy.add(connection)
        if now > begin + total * gap + DRAIN_AFTER_S:
            raise TimeoutError(
                f"{len(busy) + len(waiting)} calls were not answered {DRAIN_AFTER_S:g} s after the last was due"
            )
        until = begin + made * gap - time.perf_counter() if made < total else 1.0
        sending = [one for one in busy if one.unsent]
        readable, writable, _ = select.select(busy, sending, [], max(0.0, until))
        for connection in writable:
            connection.write()
        for connection in readable:
            awaited, ended = connection.read()
            if awaited and connection.due >= counted_from:
                latencies.append((time.perf_counter() - connection.due) * 1000)
            if ended:
                busy.discard(connection)
                idle.append(connection)
    took = time.perf_counter() - begin
    return {
        "latencies_ms": sorted(latencies),
        "cores": (time.process_time() - cpu) / took,
        "most_waiting": most_waiting,
        "late_end_s": max(0.0, took - total * gap),
    }


def precise_timers() -> None:
    """Lets the kernel wake us at the instant instead of up to 50 us later, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


if __name__ == "__main__":
    gc.disable()
    precise_timers()
    print(json.dumps(run(json.loads(sys.argv[1]))))
