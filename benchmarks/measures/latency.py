"""Latency that is added to a call at 1,000 calls/s, open loop: direct, through nginx, through Trunkline, in turn.

What counts is the difference to nginx in the same run; a run in which nginx itself misses the bound says nothing. Trunkline is also
measured with its console paused: where the console shares a core with the callers, what it drains at once is time that they wait.
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks import nginx, open_load, product, tools
from benchmarks.bench import Bench
from benchmarks.figures import Pair, middle, quiet, spread
from benchmarks.measures.calls import JSON
from benchmarks.open_load import Latency
from benchmarks.product import CHAT_PATH
from benchmarks.report import Row, Target

RATE = 1000
BOUND_MS = Target(1, "ms", strict=True)
MOST_RUNS = 2
"""Times the wanted pairs, to replace those that were too noisy."""


class Turn(NamedTuple):
    """One run of each."""

    direct: Latency
    nginx: Latency
    ours: Latency
    alone: Latency
    """Trunkline with its console paused."""


def run(bench: Bench) -> list[Row]:
    tools.need("nginx")
    turns: list[Turn] = []
    seconds = bench.seconds * 1.5
    with (
        nginx.upstream(bench) as upstream,
        nginx.proxy(bench, upstream.port) as proxy,
        product.running(bench, upstream.port) as trunkline,
    ):
        targets = (
            open_load.Target(upstream.port, CHAT_PATH, JSON),
            open_load.Target(proxy.port, CHAT_PATH, JSON),
            open_load.Target(trunkline.port, CHAT_PATH, trunkline.fields),
        )
        while len(turns) < bench.pairs * MOST_RUNS and len(quiet(p99s(turns), BOUND_MS.value)) < bench.pairs:
            measured = [open_load.measure(bench, target, RATE, seconds) for target in targets]
            with trunkline.console_paused():
                measured.append(open_load.measure(bench, targets[-1], RATE, seconds))
            turn = Turn(*measured)
            bench.say(
                f"  p99: direct {turn.direct.p99:.2f} ms, nginx {turn.nginx.p99:.2f}, Trunkline {turn.ours.p99:.2f}, "
                f"console paused {turn.alone.p99:.2f}; p50: {turn.direct.p50:.2f}, {turn.nginx.p50:.2f}, {turn.ours.p50:.2f}"
            )
            turns.append(turn)
    return rows(turns, bench.pairs)


def p99s(turns: list[Turn]) -> list[Pair]:
    return [Pair(turn.ours.p99, turn.nginx.p99) for turn in turns]


def rows(turns: list[Turn], wanted: int) -> list[Row]:
    """What the turns come to; too noisy with fewer quiet ones than wanted."""
    good = [turn for turn in turns if turn.nginx.p99 < BOUND_MS.value]
    used = good or turns
    added = [turn.ours.p99 - turn.nginx.p99 for turn in used]
    alone = [turn.alone.p99 - turn.nginx.p99 for turn in used]
    typical = [turn.ours.p50 - turn.nginx.p50 for turn in used]
    direct, through = middle([t.direct.p99 for t in used]), middle([t.nginx.p99 for t in used])
    noisy = len(good) < wanted
    note = (
        f"over nginx in the same run; {len(good)} of {len(turns)} runs quiet, {spread(added, 2)}; p99 direct {direct:.2f} ms, "
        f"nginx {through:.2f}, Trunkline {middle([t.ours.p99 for t in used]):.2f}"
    )
    return [
        Row("latency.p99", "added p99 at 1,000 calls/s", middle(added), "ms", BOUND_MS, note, added, noisy),
        Row(
            "latency.p99.alone",
            "the same with the console paused",
            middle(alone),
            "ms",
            note=f"what the gateway itself adds; {spread(alone, 2)}",
            samples=alone,
        ),
        Row(
            "latency.p50",
            "added p50 at 1,000 calls/s",
            middle(typical),
            "ms",
            note=f"over nginx in the same run; {spread(typical, 2)}",
            samples=typical,
        ),
    ]
