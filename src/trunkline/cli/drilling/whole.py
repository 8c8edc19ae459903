"""A whole drill from a registry to a report: every fault for every call, an outage for every breaker, every store that goes away.

Not for: the command line (`cli/drill.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import trunkline
from trunkline.cli.drilling import breaker, run, stores
from trunkline.cli.drilling.stage import set_up, simulating
from trunkline.core.service import Snapshot
from trunkline.ops.drill import report as reports
from trunkline.ops.drill.copies import TOTAL_S
from trunkline.ops.drill.faults import FAULTS, OUTAGE, STORES
from trunkline.ops.drill.report import Played, Report
from trunkline.ops.drill.samples import samples
from trunkline.simulator.samples import BODIES

PACE = (
    f"Times ran faster than declared: a call's whole time is at most {TOTAL_S:g} s, and all other times of its integration are "
    "shortened alike; breakers stay open and return within seconds. Limits toward vendors, budgets and limits of callers are left out."
)
OUTAGES_FROM, STORES_FROM = 10_000, 20_000
"""Copies have numbers; those of the breakers and of the stores begin here."""


def drilled(
    snapshot: Snapshot, names: Sequence[str], faults: Sequence[str], say: Callable[[str], None]
) -> Report:
    """Drills these integrations; with `faults`, those only. Raises StageProblem."""
    begun, at = time.monotonic(), datetime.now(UTC)
    chosen = [
        one
        for service in snapshot.services
        if service.name in names
        for one in samples(snapshot, service, BODIES)
    ]
    played: list[Played] = []
    with simulating() as simulator:
        plain = [name for name in faults if name in FAULTS]
        if plain or not faults:
            with set_up(simulator) as stage:
                todo = run.jobs(snapshot, chosen, run.chosen(plain), simulator)
                played += run.play(stage, snapshot, todo, say)
        if not faults or OUTAGE in faults:
            with set_up(simulator) as stage:
                broken = breaker.outages(snapshot, chosen, OUTAGES_FROM, simulator.place)
                played += breaker.play(stage, snapshot, broken, say)
        gone = [name for name in STORES if name in faults or not faults]
        if gone and chosen:
            with set_up(simulator) as stage:
                played += stores.play(stage, snapshot, chosen, gone, STORES_FROM, say)
    return Report(
        at=at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        version=trunkline.__version__,
        environment=snapshot.environment,
        registry=snapshot.version,
        took_s=round(time.monotonic() - begun, 1),
        result=reports.result_of(played),
        counts=reports.counted(played),
        integrations=list(names),
        findings=reports.gathered(played),
        played=played,
        notes=[PACE],
    )
