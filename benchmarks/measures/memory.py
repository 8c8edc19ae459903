"""Memory: the gateway idle, gateway and console together, and what an open idle stream costs with 5,000 of them.

By the kernel's proportional share (Pss) where it tells it, else by resident pages (Rss). Socket buffers are the kernel's.
"""

from __future__ import annotations

import time

from benchmarks import product
from benchmarks.bench import ROOT, Bench, need_processor_time
from benchmarks.measures.streams import stream_plan, streaming_upstream, told
from benchmarks.open_load import Target as Goal
from benchmarks.processes import memory_kb
from benchmarks.product import CHAT_PATH
from benchmarks.report import Row, Target

STREAMS = 5000
SPARE_FILES = 300
IDLE_MB = Target(60, "MB", strict=True)
STREAM_KB = Target(40, "KB", strict=True)
OPENING_S = 240.0


def run(bench: Bench) -> list[Row]:
    need_processor_time()
    wanted = 500 if bench.quick else min(STREAMS, affordable())
    with (
        streaming_upstream(bench, 1, 1000, hold=True) as upstream,
        product.running(bench, upstream) as trunkline,
    ):
        idle = settled(trunkline.gateway)
        console = settled(trunkline.console)
        plan = stream_plan(Goal(trunkline.port, CHAT_PATH, trunkline.fields), wanted, 0, hold=True)
        with bench.process("stream-load", bench.module("stream_load", plan), cwd=ROOT) as load:
            result = told(load, 1, OPENING_S)
            full = settled(trunkline.gateway)
    opened = int(result["opened"])
    bench.say(
        f"  idle {idle['Rss']} KB, with {opened} of {wanted} streams {full['Rss']} KB {result['refused'][:1]}"
    )
    return rows(idle, console, full, opened, wanted)


def affordable() -> int:
    """How many streams the limit of open files allows: two sockets each in the gateway."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(100, (soft - SPARE_FILES) // 2)


def settled(pid: int, within_s: float = 6.0) -> dict[str, int]:
    """Its memory once it stands still."""
    end_at = time.monotonic() + within_s
    before = memory_kb(pid)
    while time.monotonic() < end_at:
        time.sleep(0.5)
        now = memory_kb(pid)
        if abs(now["Rss"] - before["Rss"]) < 64:
            return now
        before = now
    return before


def rows(
    idle: dict[str, int], console: dict[str, int], full: dict[str, int], opened: int, wanted: int
) -> list[Row]:
    """What the readings come to."""
    kind = "Pss" if "Pss" in idle else "Rss"
    both = (idle[kind] + console[kind]) / 1024
    told_rss = f"Rss {idle['Rss'] / 1024:.1f} MB"
    limited = (
        "" if wanted == STREAMS else f"; only {wanted:,} asked for (--quick, or the limit of open files)"
    )
    missing = "" if opened >= wanted else f"; not judged: {wanted:,} were to be open"
    per_stream = (full["Rss"] - idle["Rss"]) / max(1, opened)
    return [
        Row("memory.idle", f"gateway idle ({kind})", idle[kind] / 1024, "MB", IDLE_MB, told_rss),
        Row(
            "memory.both",
            f"gateway and console idle ({kind})",
            both,
            "MB",
            note="the supervisor comes on top",
        ),
        Row(
            "memory.stream",
            "gateway, per open idle stream",
            per_stream,
            "KB",
            None if missing else STREAM_KB,
            f"with {opened:,} open{limited}{missing}",
        ),
        Row(
            "memory.opened",
            "idle streams open at once",
            float(opened),
            "streams",
            Target(wanted, "streams", most=False),
        ),
    ]
