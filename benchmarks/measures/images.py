"""How far 15 calls/s of 10 MB images move the p99 of 1,000 small calls/s that go through the same gateway.

The same is done to nginx; its own movement (upstream and load share a core with each other) is taken off, and a run in which
nginx alone moves by the bound is too noisy to say anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from benchmarks import nginx, open_load, product, tools
from benchmarks.bench import ROOT, Bench, free_port, listening
from benchmarks.figures import Pair, middle, quiet, spread
from benchmarks.measures.calls import JSON
from benchmarks.open_load import Target as Goal
from benchmarks.processes import Broken
from benchmarks.product import CHAT_PATH, IMAGE_MODEL
from benchmarks.report import Row, Target

SMALL_RATE, IMAGE_RATE = 1000, 15
IMAGE_CONNECTIONS = 16
BOUND_MS = Target(5, "ms", strict=True)
MOST_RUNS = 2


def run(bench: Bench) -> list[Row]:
    tools.need("nginx")
    images = free_port()
    pairs: list[Pair] = []
    with (
        nginx.upstream(bench) as upstream,
        bench.process(
            "images", bench.module("upstream", str(images), "1", "1000", "0"), cwd=ROOT
        ) as swallowing,
        nginx.proxy(bench, upstream.port, images) as proxy,
        product.running(bench, upstream.port, images) as trunkline,
    ):
        listening(swallowing, images)
        theirs = Goal(proxy.port, CHAT_PATH, JSON), Goal(proxy.port, f"/images{CHAT_PATH}", JSON)
        ours = (
            Goal(trunkline.port, CHAT_PATH, trunkline.fields),
            Goal(trunkline.port, CHAT_PATH, trunkline.fields, IMAGE_MODEL),
        )
        while len(pairs) < bench.pairs * MOST_RUNS and len(quiet(pairs, BOUND_MS.value)) < bench.pairs:
            nginx_moved = moved(bench, *theirs)
            pairs.append(Pair(moved(bench, *ours), nginx_moved))
            bench.say(f"  p99 moved by {pairs[-1].ours:.2f} ms, nginx's by {nginx_moved:.2f}")
    return rows(pairs, bench.pairs)


def moved(bench: Bench, small: Goal, image: Goal) -> float:
    """The p99 of small calls beside images, less that without, in ms."""
    alone = open_load.measure(bench, small, SMALL_RATE, bench.seconds)
    with _images(bench, image, bench.seconds + 3) as check:
        beside = open_load.measure(bench, small, SMALL_RATE, bench.seconds)
        check()
    return beside.p99 - alone.p99


@contextlib.contextmanager
def _images(bench: Bench, image: Goal, seconds: float) -> Iterator[Callable[[], None]]:
    """Image calls in a process of their own while the block runs; gives a check that all were answered well."""
    plan = open_load.plan(image, "image", IMAGE_RATE, seconds, connections=IMAGE_CONNECTIONS)
    with bench.process("image-load", bench.module("open_loop", plan), cwd=ROOT) as process:
        yield lambda: process.wait(60)


def rows(pairs: list[Pair], wanted: int) -> list[Row]:
    """What the pairs come to."""
    good = quiet(pairs, BOUND_MS.value)
    used = good or pairs
    if not used:
        raise Broken("no run was made")
    each = [pair.difference for pair in used]
    raw = middle([pair.ours for pair in used])
    note = (
        f"over nginx in the same run; {len(good)} of {len(pairs)} runs quiet, {spread(each, 2)}; Trunkline's moved by {raw:.2f} ms, "
        f"nginx's by {middle([pair.nginx for pair in used]):.2f}"
    )
    what = "p99 of 1,000 calls/s moved by 15/s of 10 MB images"
    return [Row("images.p99", what, middle(each), "ms", BOUND_MS, note, each, len(good) < wanted)]
