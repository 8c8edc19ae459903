"""Other gateways beside Trunkline: processor time per call and calls per second of one core, in turn, under the same load."""

from __future__ import annotations

from benchmarks import nginx, peers, product, tools, wrk
from benchmarks.bench import Bench, NotRun, need_processor_time
from benchmarks.figures import middle, spread
from benchmarks.peers import Kind
from benchmarks.processes import Broken, family
from benchmarks.product import CHAT_PATH, Trunkline
from benchmarks.report import Row, Target, because, not_run


def run(bench: Bench) -> list[Row]:
    need_processor_time()
    tools.need("nginx", "wrk")
    rows: list[Row] = []
    with (
        nginx.upstream(bench) as upstream,
        product.running(bench, upstream.port) as trunkline,
        trunkline.console_paused(),
    ):
        for name, kind in peers.known(bench).items():
            try:
                rows += _beside(bench, name, kind, upstream.port, trunkline)
            except (NotRun, Broken) as missing:
                bench.say(f"  {name}: {missing}")
                rows.append(
                    not_run(f"peers.{name}", f"ahead of {kind.title}", because(missing), target(kind))
                )
    named = peers.unknown_to_us(bench)
    return rows + [not_run(f"peers.{name}", f"ahead of {name}", why) for name, why in named]


def target(kind: Kind) -> Target | None:
    return Target(kind.ahead, "x", most=False) if kind.ahead else None


def _beside(bench: Bench, name: str, kind: Kind, upstream: int, trunkline: Trunkline) -> list[Row]:
    theirs: list[wrk.Spent] = []
    ours: list[wrk.Spent] = []
    with peers.running(bench, name, kind, upstream) as peer:
        for warm in (True, *[False] * bench.pairs):
            seconds = 2.0 if warm else bench.seconds
            pids = family(peer.process.pid)
            them = wrk.spent(bench, pids, peer.port, CHAT_PATH, peer.fields, seconds)
            us = wrk.spent(bench, [trunkline.gateway], trunkline.port, CHAT_PATH, trunkline.fields, seconds)
            if not warm:
                theirs.append(them)
                ours.append(us)
                bench.say(
                    f"  {name} {them.us_per_call:,.0f} us a call, {them.per_second:,.0f}/s; Trunkline {us.us_per_call:.1f} us"
                )
    return rows(name, kind, theirs, ours)


def rows(name: str, kind: Kind, theirs: list[wrk.Spent], ours: list[wrk.Spent]) -> list[Row]:
    """What the pairs come to."""
    cpu = [them.us_per_call / us.us_per_call for them, us in zip(theirs, ours, strict=True)]
    rate = [us.per_second / them.per_second for them, us in zip(theirs, ours, strict=True)]
    us_each = middle([them.us_per_call for them in theirs])
    per_second = middle([them.per_second for them in theirs])
    return [
        Row(
            f"peers.{name}.ratio",
            f"ahead of {kind.title}, processor time per call",
            middle(cpu),
            "x",
            target(kind),
            f"{us_each:,.0f} us a call; {spread(cpu)}",
            cpu,
        ),
        Row(
            f"peers.{name}.rate",
            f"ahead of {kind.title}, calls per second on one core",
            middle(rate),
            "x",
            target(kind),
            f"{per_second:,.0f}/s; {spread(rate)}",
            rate,
        ),
    ]
