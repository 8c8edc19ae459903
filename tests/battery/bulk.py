"""F21 to F23, F28, F31, F32 and S15: too much of something, from a vendor or from a caller. Memory stays bounded."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.battery.faults import FORMS, Form
from tests.support.caller import Answer, Cut, Line, request
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

MEGA = 1 << 20
BY_NAME = {form.name: form for form in FORMS}


@dataclass
class Peak:
    """The most memory that the gateway held during something, beyond what it held before."""

    grown_mb: float = 0.0


@contextmanager
def peak_of(pid: int) -> Iterator[Peak]:
    """Measures the high-water mark of a process exactly: the kernel keeps it."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before, found = _status_kb(pid, "VmRSS"), Peak()
    yield found
    found.grown_mb = (_status_kb(pid, "VmHWM") - before) / 1024


def _status_kb(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{name}:")[2].split()[0])


def swallow(gateway: Trunkline, form: Form, fault: str, limit_s: float) -> tuple[str, int]:
    """Calls and reads all without keeping it: status (or `cut`) and size."""
    body = form.body.decode().replace("{place}", "").encode()
    fields = {
        "x-sim-fault": fault,
        "authorization": f"Bearer {gateway.key}",
        "content-type": "application/json",
    }
    with Line(gateway.port, timeout_s=limit_s) as line:
        line.send(request(form.method, form.target.replace("{place}", ""), fields, body or None))
        try:
            answer = line.stream(form.method)
            return str(answer.status), sum(len(piece) for piece in iter(answer.piece, b""))
        except Cut:
            return "cut", 0


def slow_reader(gateway: Trunkline, size: int, read_for_s: float) -> int:
    """A caller that takes 1 KB now and then of a large answer, then leaves; what it took."""
    fields = {"authorization": f"Bearer {gateway.key}"}
    taken, until = 0, time.monotonic() + read_for_s
    with Line(gateway.port, receive_buffer=4096) as line:
        line.send(request("GET", f"/api/proxy/crm/bytes/{size}", fields))
        while time.monotonic() < until:
            taken += len(line.sock.recv(1024))
            time.sleep(min(0.01, max(0.0, until - time.monotonic())))
    return taken


def hang_up(gateway: Trunkline, simulator: SimulatorProcess, correlation_id: str) -> float:
    """Leaves a stream after its first piece; seconds until the vendor saw its own call end."""
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    fields = {"x-correlation-id": correlation_id, "x-sim-latency": "per_chunk_ms=200;chunks=100"}
    with gateway.stream("POST", "/v1/chat/completions", body, fields) as answer:
        answer.piece()
        answer.hang_up()
        left = time.time()

    def gone() -> float:
        return next((e.client_gone_at for e in simulator.ledger() if e.correlation_id == correlation_id), 0.0)

    return eventually(gone, "the vendor's call to be cut") - left


def post(
    gateway: Trunkline,
    target: str,
    fields: dict[str, str],
    pieces: Callable[[], Iterator[bytes]],
    limit_s: float = 20.0,
) -> tuple[Answer | None, float]:
    """Sends a large body until the gateway answers or closes; the answer and how long it took."""
    begun = time.monotonic()
    with Line(gateway.port, timeout_s=limit_s) as line:
        line.send(request("POST", target, {"authorization": f"Bearer {gateway.key}", **fields}))
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces():
                line.send(piece)
                if _readable(line.sock):
                    break
        try:
            return line.answer("POST"), time.monotonic() - begun
        except Cut:
            return None, time.monotonic() - begun


def _readable(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return bool(sock.recv(1, socket.MSG_PEEK)) or True
    except BlockingIOError:
        return False
    finally:
        sock.settimeout(20)


def zeros(size: int) -> Callable[[], Iterator[bytes]]:
    """So many zero bytes, in pieces."""

    def pieces() -> Iterator[bytes]:
        for _ in range(size // MEGA):
            yield bytes(MEGA)

    return pieces


def deep(depth: int) -> bytes:
    """Valid JSON, nested so deep, where a model call is expected."""
    return b'{"model":"gpt-4o-mini","messages":' + b"[" * depth + b"]" * depth + b"}"


def wide(count: int) -> bytes:
    """A model call with so many messages."""
    return json.dumps({"model": "gpt-4o-mini", "messages": [0] * count}).encode()


def bomb(size: int) -> bytes:
    """Gzip of so many zeros."""
    return gzip.compress(bytes(size), 9)
