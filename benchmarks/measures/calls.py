"""Processor time per call beside nginx `proxy_pass`, and calls per second of one core.

In turn, the same load on each: a pair is one run through nginx and one through Trunkline. The console is paused while wrk
runs, because it would take the load's core; what draining costs is the row of the drain.
"""

from __future__ import annotations

from benchmarks import nginx, product, tools, wrk
from benchmarks.bench import Bench, need_processor_time
from benchmarks.figures import Pair, middle, ratios, spread
from benchmarks.product import CHAT_PATH
from benchmarks.report import Row, Target

NAME = "calls"
RATIO = Target(4.5, "x")
"""With all of flow control on by default; the main line alone was to stay at 3.5."""
JSON = {"content-type": "application/json", "authorization": "Bearer sk-test-not-a-real-key"}


def run(bench: Bench) -> list[Row]:
    need_processor_time()
    tools.need("nginx", "wrk")
    pairs: list[Pair] = []
    rates: list[Pair] = []
    with (
        nginx.upstream(bench) as upstream,
        nginx.proxy(bench, upstream.port) as proxy,
        product.running(bench, upstream.port) as trunkline,
        trunkline.console_paused(),
    ):
        gateway = trunkline.gateway
        for warm in (True, *[False] * bench.pairs):
            seconds = 1.0 if warm else bench.seconds
            theirs = wrk.spent(bench, [proxy.worker], proxy.port, CHAT_PATH, JSON, seconds)
            ours = wrk.spent(bench, [gateway], trunkline.port, CHAT_PATH, trunkline.fields, seconds)
            if not warm:
                pairs.append(Pair(ours.us_per_call, theirs.us_per_call))
                rates.append(Pair(ours.per_second, theirs.per_second))
                bench.say(
                    f"  {ours.us_per_call:.1f} us a call, nginx {theirs.us_per_call:.1f}: {pairs[-1].ratio:.2f} x"
                )
    return rows(pairs, rates)


def rows(pairs: list[Pair], rates: list[Pair]) -> list[Row]:
    """What the pairs come to."""
    each = ratios(pairs)
    ours, theirs = [p.ours for p in pairs], [p.nginx for p in pairs]
    fast, nginx_fast = [p.ours for p in rates], [p.nginx for p in rates]
    return [
        Row(
            "calls.ratio",
            "processor time per call, of nginx's",
            middle(each),
            "x",
            RATIO,
            f"median of {len(each)} pairs, {spread(each, 2)}",
            each,
        ),
        Row(
            "calls.cpu",
            "processor time per call",
            middle(ours),
            "us",
            note=f"nginx {middle(theirs):.1f} us",
            samples=ours,
        ),
        Row(
            "calls.rate",
            "calls per second, one core",
            middle(fast),
            "/s",
            note=f"nginx {middle(nginx_fast):,.0f}/s; load and upstream share the other core",
            samples=fast,
        ),
    ]
