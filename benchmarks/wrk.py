"""Closed-loop load by wrk: as many calls as 32 connections get through. Pinned to the second core."""

from __future__ import annotations

import json
from typing import NamedTuple

from benchmarks import tools
from benchmarks.bench import Bench
from benchmarks.figures import Load, wrk_load
from benchmarks.payload import CHAT
from benchmarks.processes import Broken, Meter, Process

CONNECTIONS = 32


class Spent(NamedTuple):
    """What a run took of the measured processes."""

    us_per_call: float
    per_second: float
    calls: int


def run(
    bench: Bench,
    port: int,
    target: str,
    fields: dict[str, str],
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    body: str = CHAT,
) -> Load:
    """Raises Broken when an answer was not good: a refusal would be cheap, and count."""
    folder = bench.new_folder("wrk")
    script = folder / "post.lua"
    lines = [f"wrk.headers[{json.dumps(name)}]={json.dumps(value)}" for name, value in fields.items()]
    script.write_text("\n".join(['wrk.method="POST"', *lines, f"wrk.body={lua(body)}"]))
    argv = [
        tools.path("wrk"),
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "--timeout",
        "30s",
        "-s",
        str(script),
    ]
    process = Process("wrk", [*argv, f"http://127.0.0.1:{port}{target}"], folder, core=bench.other)
    try:
        process.wait(seconds + 60)
        load = wrk_load(process.log.read_text())
    except ValueError as problem:
        raise Broken(str(problem)) from None
    finally:
        process.kill()
    if load.refused or not load.calls:
        raise Broken(f"{load.refused} of {load.calls} calls to port {port} were not answered well")
    return load


def spent(
    bench: Bench,
    pids: list[int],
    port: int,
    target: str,
    fields: dict[str, str],
    seconds: float,
    *,
    body: str = CHAT,
) -> Spent:
    """Processor time of these processes per call that wrk counted."""
    meter = Meter(pids)
    load = run(bench, port, target, fields, seconds, body=body)
    return Spent(meter.seconds() / load.calls * 1e6, load.per_second, load.calls)


def lua(text: str) -> str:
    """A Lua string of it."""
    return "[==[" + text + "]==]"
