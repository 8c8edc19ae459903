"""K2: `trunkline serve` is told to stop while streams run; they end, new callers are refused cleanly, nothing is lost."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.battery.served import Served
from tests.support.caller import Cut, Line, request
from tests.support.polling import eventually
from tests.support.processes import HANGS_S
from tests.support.simulator import SimulatorProcess


@dataclass
class Stopped:
    """What one stop did. `late` are the answers to callers that came after the signal: a status, or how they were turned away."""

    exit_status: int = -1
    took_s: float = 0.0
    streams: int = 0
    ended_well: int = 0
    late: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    """Of the streams, in the ledger, after the stop."""
    refused_meanwhile: bool = False
    """New callers were refused while streams still ran."""


def stop_with_streams(
    served: Served, simulator: SimulatorProcess, number: signal.Signals, *, streams: int, seconds: float
) -> Stopped:
    """Opens streams of so many seconds, waits for their first bytes, signals the supervisor, and knocks while it drains."""
    simulator.latency("openai", first_ms=10, per_chunk_ms=seconds * 1000 / 20, chunks=20)
    found = Stopped(streams=streams)
    name = f"stop-{time.time_ns():x}"
    lines = [_open(served, f"{name}-{n}") for n in range(streams)]
    answers = [line.stream() for line in lines]
    readers = [threading.Thread(target=_read, args=(answer, found), daemon=True) for answer in answers]
    for reader in readers:
        reader.start()
    kept = Line(served.port)
    port = served.port
    begun = time.monotonic()
    assert served.process is not None
    served.process.send_signal(number)
    found.late.append(eventually(lambda: _knock(port), "new callers to be refused"))
    found.refused_meanwhile = any(reader.is_alive() for reader in readers)
    found.late.append(_ask(served, kept))
    found.exit_status = served.process.wait(seconds + HANGS_S)
    found.took_s = time.monotonic() - begun
    for reader in readers:
        reader.join(HANGS_S)
    for line in lines:
        line.close()
    rows = {row["correlation_id"]: row["state"] for row in served.logs()}
    found.states = [rows.get(f"{name}-{n}", "lost") for n in range(streams)]
    return found


def _open(served: Served, correlation_id: str) -> Line:
    line = Line(served.port, timeout_s=60)
    line.send(_chat(served, correlation_id))
    return line


def _chat(served: Served, correlation_id: str) -> bytes:
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    fields = {
        "authorization": f"Bearer {served.key}",
        "x-correlation-id": correlation_id,
        "content-type": "application/json",
    }
    return request("POST", "/v1/chat/completions", fields, json.dumps(body).encode())


def _read(answer: Any, found: Stopped) -> None:
    if answer.status == 200 and answer.rest().endswith(b"data: [DONE]\n\n"):
        found.ended_well += 1


def _knock(port: int) -> str:
    """How a new caller is turned away; empty while one is still let in."""
    try:
        Line(port, timeout_s=2).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as problem:
        return type(problem).__name__
    return ""


def _ask(served: Served, kept: Line) -> str:
    """What a caller gets on a connection that it kept from before: closed, or a clear 503."""
    try:
        kept.send(_chat(served, "late"))
        answer = kept.answer()
    except (Cut, OSError):
        return "closed"
    finally:
        kept.close()
    return f"{answer.status} {answer.json.get('code')}"
