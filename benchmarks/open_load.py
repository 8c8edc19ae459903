"""Starts the open-loop generator and reads what it printed.

Not for: generating (`open_loop.py`, in a process of its own).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.figures import percentile
from benchmarks.payload import MODEL
from benchmarks.processes import Broken, run_module

MOST_CORES = 0.9


class Latency(NamedTuple):
    """Milliseconds from the instant at which a call was due."""

    p50: float
    p99: float
    calls: int


class Target(NamedTuple):
    """Where calls go."""

    port: int
    path: str
    fields: dict[str, str]
    model: str = MODEL


def plan(
    target: Target, kind: str, rate: float, seconds: float, *, connections: int, warm_s: float = 0.5
) -> str:
    return json.dumps(
        {
            "port": target.port,
            "target": target.path,
            "fields": target.fields,
            "model": target.model,
            "kind": kind,
            "rate": rate,
            "seconds": seconds,
            "warm_s": warm_s,
            "connections": connections,
        }
    )


def measure(
    bench: Bench, target: Target, rate: float, seconds: float, *, kind: str = "chat", connections: int = 32
) -> Latency:
    """One run of the generator on the second core. Raises Broken when a call failed or the generator could not keep up."""
    told = run_module(
        "benchmarks.open_loop",
        [plan(target, kind, rate, seconds, connections=connections)],
        bench.folder,
        bench.other,
        seconds + 60,
    )
    result = json.loads(told)
    if result["cores"] > MOST_CORES:
        raise Broken(
            f"the load generator took {result['cores']:.2f} cores at {rate:g} calls/s: it was the bottleneck"
        )
    latencies = result["latencies_ms"]
    return Latency(percentile(latencies, 0.5), percentile(latencies, 0.99), len(latencies))
