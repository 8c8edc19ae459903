"""Streams beside nginx: how much later the first token comes, and processor time per relayed chunk.

The upstream is a process of ours that writes each chunk in a packet of its own.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks import nginx, open_load, product, tools
from benchmarks.bench import ROOT, Bench, free_port, listening, need_processor_time
from benchmarks.figures import Pair, middle, ratios, spread
from benchmarks.measures.calls import JSON
from benchmarks.open_load import Latency
from benchmarks.open_load import Target as Goal
from benchmarks.processes import Broken, Meter, Process
from benchmarks.product import CHAT_PATH
from benchmarks.report import Row, Target

FIRST_RATE = 50
STREAMS, CHUNKS, TICK_MS = 64, 400, 5
FIRST_MS = Target(1, "ms", strict=True)
PER_CHUNK = Target(2, "x")


class First(NamedTuple):
    """One run of each."""

    direct: Latency
    nginx: Latency
    ours: Latency


def run(bench: Bench) -> list[Row]:
    need_processor_time()
    tools.need("nginx")
    return [*first_token(bench), *per_chunk(bench)]


@contextlib.contextmanager
def streaming_upstream(bench: Bench, chunks: int, tick_ms: float, *, hold: bool = False) -> Iterator[int]:
    """The upstream on the second core; answers its port."""
    port = free_port()
    arguments = (str(port), str(chunks), str(tick_ms), "1" if hold else "0")
    with bench.process("stream-upstream", bench.module("upstream", *arguments), cwd=ROOT) as process:
        listening(process, port)
        yield port


def first_token(bench: Bench) -> list[Row]:
    """50 streams/s, open loop: from the instant at which a stream was due to its first token."""
    turns: list[First] = []
    with (
        streaming_upstream(bench, 5, TICK_MS) as upstream,
        nginx.proxy(bench, upstream, streaming=True) as proxy,
        product.running(bench, upstream) as trunkline,
    ):
        targets = (
            Goal(upstream, CHAT_PATH, JSON),
            Goal(proxy.port, CHAT_PATH, JSON),
            Goal(trunkline.port, CHAT_PATH, trunkline.fields),
        )
        for _ in range(bench.pairs):
            turn = First(
                *(open_load.measure(bench, one, FIRST_RATE, bench.seconds, kind="stream") for one in targets)
            )
            bench.say(
                f"  first token: direct {turn.direct.p50:.2f} ms, nginx {turn.nginx.p50:.2f}, Trunkline {turn.ours.p50:.2f}"
            )
            turns.append(turn)
    return first_rows(turns)


def first_rows(turns: list[First]) -> list[Row]:
    """The median of the medians, over nginx; too noisy when nginx itself adds the bound in half the runs."""
    each = [turn.ours.p50 - turn.nginx.p50 for turn in turns]
    late = [turn.ours.p99 - turn.nginx.p99 for turn in turns]
    own = [turn.nginx.p50 - turn.direct.p50 for turn in turns]
    note = f"over nginx in the same run; {spread(each, 2)}; p99 {middle(late):.2f} ms; nginx itself adds {middle(own):.2f} ms"
    noisy = middle(own) >= FIRST_MS.value
    return [
        Row(
            "streams.first",
            "first token of a stream later by",
            middle(each),
            "ms",
            FIRST_MS,
            note,
            each,
            noisy,
        )
    ]


def per_chunk(bench: Bench) -> list[Row]:
    """64 streams with a chunk each 5 ms: processor time over chunks that came."""
    pairs: list[Pair] = []
    with (
        streaming_upstream(bench, CHUNKS, TICK_MS) as upstream,
        nginx.proxy(bench, upstream, streaming=True) as proxy,
        product.running(bench, upstream) as trunkline,
    ):
        gateway = trunkline.gateway
        for _ in range(bench.pairs):
            theirs = chunk_us(bench, proxy.worker, Goal(proxy.port, CHAT_PATH, JSON))
            ours = chunk_us(bench, gateway, Goal(trunkline.port, CHAT_PATH, trunkline.fields))
            pairs.append(Pair(ours, theirs))
            bench.say(f"  {ours:.1f} us a chunk, nginx {theirs:.1f}: {pairs[-1].ratio:.2f} x")
    return chunk_rows(pairs)


def chunk_rows(pairs: list[Pair]) -> list[Row]:
    each = ratios(pairs)
    ours, theirs = [p.ours for p in pairs], [p.nginx for p in pairs]
    note = f"median of {len(each)} pairs, {spread(each, 2)}; {middle(ours):.1f} us, nginx {middle(theirs):.1f} us"
    return [
        Row(
            "streams.chunk",
            "processor time per relayed chunk, of nginx's",
            middle(each),
            "x",
            PER_CHUNK,
            note,
            each,
        )
    ]


def chunk_us(bench: Bench, pid: int, goal: Goal) -> float:
    """Microseconds of this process per chunk."""
    plan = stream_plan(goal, STREAMS, bench.seconds, hold=False)
    with bench.process("stream-load", bench.module("stream_load", plan), cwd=ROOT) as load:
        check_open(told(load, 1, 30), STREAMS)
        meter = Meter([pid])
        result = told(load, 2, bench.seconds + 30)
        seconds = meter.seconds()
    if not result["chunks"] or result["refused"] or result["lost"]:
        raise Broken(f"streams did not go well: {result}")
    return seconds / int(result["chunks"]) * 1e6


def stream_plan(goal: Goal, streams: int, seconds: float, *, hold: bool) -> str:
    return json.dumps(
        {
            "port": goal.port,
            "target": goal.path,
            "fields": goal.fields,
            "streams": streams,
            "seconds": seconds,
            "hold": hold,
        }
    )


def told(load: Process, line: int, within_s: float) -> dict[str, Any]:
    """The so-manieth line that the load printed, as soon as it is there. Raises Broken."""
    end_at = time.monotonic() + within_s
    while time.monotonic() < end_at:
        lines = load.log.read_text().splitlines(keepends=True)
        if len(lines) >= line and lines[line - 1].endswith("\n"):
            result: dict[str, Any] = json.loads(lines[line - 1])
            return result
        if not load.alive():
            raise Broken(f"{load.name} ended: {load.said()}")
        time.sleep(0.005)
    raise Broken(f"{load.name} said nothing for {within_s:g} s: {load.said()}")


def check_open(result: dict[str, Any], wanted: int) -> None:
    if result["opened"] < wanted:
        raise Broken(f"{result['opened']} of {wanted} streams opened: {result['refused']}")
