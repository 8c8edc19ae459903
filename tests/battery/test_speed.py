"""Speed and memory, as `make bench` measures them, each against its target; and memory that stays flat under load."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import nginx, product, tools, wrk
from benchmarks.bench import NotRun
from benchmarks.measures.memory import settled
from tests.battery import report, speed

pytestmark = [pytest.mark.slow]

ROUNDS, ROUND_S = 8, 10.0
GROWTH_KB = 4096


@pytest.mark.row("Q1")
@pytest.mark.parametrize("part", ["calls", "latency", "images", "streams", "memory", "drain"])
def test_speed_and_memory_reach_their_targets(part: str, tmp_path: Path) -> None:
    assert speed.missed(speed.measured(part, tmp_path)) == {}


@pytest.mark.row("Q4")
def test_the_first_answer_comes_within_a_second_of_the_start(tmp_path: Path) -> None:
    assert speed.missed(speed.measured("start", tmp_path)) == {}


def test_memory_does_not_grow_with_the_number_of_calls(tmp_path: Path) -> None:
    """The journal is drained meanwhile, and its mapped pages are given back; so what is read is anonymous memory."""
    bench = speed.bench(tmp_path)
    try:
        tools.need("nginx", "wrk")
    except NotRun as missing:
        speed.not_run("memory", str(missing))
        return
    calls, held = 0, []
    with nginx.upstream(bench) as upstream, product.running(bench, upstream.port) as trunkline:
        for _ in range(ROUNDS):
            calls += wrk.run(bench, trunkline.port, product.CHAT_PATH, trunkline.fields, ROUND_S).calls
            held.append(settled(trunkline.gateway)["Anonymous"])
    grown = held[-1] - held[1]  # the first round fills pools and caches
    report.tell("bench flat", f"growth over {calls:,} calls (KB)", f"< {GROWTH_KB}", grown, f"{held}")
    assert grown < GROWTH_KB
