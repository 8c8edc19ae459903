"""From the start of `trunkline serve` to the first 200 to a call, in a folder that has its state already."""

from __future__ import annotations

import time

from benchmarks import nginx, product, tools
from benchmarks.bench import Bench
from benchmarks.figures import middle, spread
from benchmarks.report import Row, Target

RUNS = 5
BOUND_S = Target(1, "s", strict=True)


def run(bench: Bench) -> list[Row]:
    tools.need("nginx")
    took: list[float] = []
    with nginx.upstream(bench) as upstream:
        folder, key = product.prepare(bench, upstream.port)
        for _ in range(RUNS):
            begin = time.monotonic()
            it = product.start(bench, folder, key, anywhere=True)
            try:
                took.append(product.answered(it, pause_s=0.002) - begin)
            finally:
                product.end(it)
            bench.say(f"  {took[-1]:.2f} s")
    return [
        Row(
            "start",
            "start to first answer",
            middle(took),
            "s",
            BOUND_S,
            f"median of {RUNS}, {spread(took, 2)}",
            took,
        )
    ]
