"""How fast the console's drain takes a real journal into SQLite, and how many bytes of journal a call takes.

The journal is written by the gateway under load with the console paused, then copied and drained in this process, alone.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import nginx, product, tools, wrk
from benchmarks.bench import Bench
from benchmarks.figures import middle, spread
from benchmarks.processes import Broken
from benchmarks.product import CHAT_PATH
from benchmarks.report import Row, Target
from trunkline.core.record import Begin, End
from trunkline.journal.reader import START, Reader
from trunkline.ledger.drain import Drain

RUNS = 3
RATE = Target(3000, "/s", most=False)


class Drained(NamedTuple):
    """One drain of the whole journal."""

    calls: int
    wall_s: float
    cpu_s: float
    ledger_bytes: int


def run(bench: Bench) -> list[Row]:
    tools.need("nginx", "wrk")
    folder = bench.new_folder("drain")
    with (
        nginx.upstream(bench) as upstream,
        product.running(bench, upstream.port) as trunkline,
        trunkline.console_paused(),
    ):
        load = wrk.run(bench, trunkline.port, CHAT_PATH, trunkline.fields, 1.0 if bench.quick else 3.0)
        shutil.copytree(trunkline.state / "journal", folder / "journal")
    written = journal_bytes(folder / "journal")
    drained = []
    for number in range(RUNS):
        shutil.copytree(folder / "journal", folder / f"journal-{number}")
        drained.append(drain(folder / f"journal-{number}", folder / f"ledger-{number}"))
        bench.say(f"  {drained[-1].calls / drained[-1].wall_s:,.0f} calls/s")
    if drained[0].calls < load.calls:
        raise Broken(f"wrk had {load.calls} answers, the ledger has {drained[0].calls} calls")
    return rows(drained, written)


def drain(journal: Path, ledger: Path) -> Drained:
    calls = 0

    def count(ended: list[tuple[Begin, End]]) -> None:
        nonlocal calls
        calls += len(ended)

    draining = Drain(journal, ledger, on_ended=count)
    wall, cpu = time.perf_counter(), time.process_time()
    while draining.step():
        continue
    took = time.perf_counter() - wall, time.process_time() - cpu
    draining.close()
    return Drained(calls, *took, sum(path.stat().st_size for path in ledger.iterdir()))


def journal_bytes(folder: Path) -> int:
    """Bytes of all records; the file itself is longer, because it is allocated ahead."""
    reader = Reader(folder, START)
    total = 0
    while batch := reader.read(5000):
        total += sum(len(payload) for _, payload in batch)
    reader.close()
    return total


def rows(drained: list[Drained], written: int) -> list[Row]:
    """What the drains come to."""
    rates = [one.calls / one.wall_s for one in drained]
    cpu = middle([one.calls / one.cpu_s for one in drained])
    calls = drained[0].calls
    note = f"median of {len(rates)}, {spread(rates, 0)}; {cpu:,.0f} calls per second of processor time; {calls:,} calls"
    per_call = middle([one.ledger_bytes / one.calls for one in drained])
    return [
        Row("drain.rate", "journal drained into the ledger", middle(rates), "/s", RATE, note, rates),
        Row("drain.bytes", "journal per call", written / calls, "B", note=f"in the ledger {per_call:,.0f} B"),
    ]
