"""From the start of `trunkline serve` to the first 200 to a call, in a folder that has its state already."""

from __future__ import annotations

import time

from benchmarks import nginx, product, tools
from benchmarks.bench import Bench
from benchmarks.figures import middle, spread
from benchmarks.processes import CAN_MEASURE, family, lived_s
from benchmarks.report import Row, Target

RUNS = 5
BOUND_S = Target(1, "s", strict=True)


def run(bench: Bench) -> list[Row]:
    tools.need("nginx")
    took: list[float] = []
    spent: list[float] = []
    with nginx.upstream(bench) as upstream:
        folder, key = product.prepare(bench, upstream.port)
        for _ in range(RUNS):
            begin = time.monotonic()
            it = product.start(bench, folder, key, anywhere=True)
            try:
                took.append(product.answered(it, pause_s=0.002) - begin)
                if CAN_MEASURE:
                    spent.append(sum(lived_s(pid) for pid in family(it.supervisor.pid)))
            finally:
                product.end(it)
            bench.say(f"  {took[-1]:.2f} s")
    return rows(took, spent)


def rows(took: list[float], spent: list[float]) -> list[Row]:
    """What the starts come to. Processor time tells a slow start from a busy machine."""
    note = f"median of {len(took)}, {spread(took, 2)}" + (
        f"; {middle(spent):.2f} s of processor time" if spent else ""
    )
    return [Row("start", "start to first answer", middle(took), "s", BOUND_S, note, took)]
