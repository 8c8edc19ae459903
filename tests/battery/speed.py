"""Runs parts of the bench for the battery: each row is told, and a missed one fails its test.

A part that this machine cannot run is told as NOT RUN; where `CI` is set that is a failure. Not for: measuring (`benchmarks/`).
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.bench import Bench, NotRun, cores
from benchmarks.measures import MEASURES
from benchmarks.report import Row, number
from tests.battery import report

PAIRS, SECONDS = 5, 4.0


def bench(folder: Path) -> Bench:
    """The bench in this folder, with full lengths."""
    folder.chmod(0o755)  # nginx's worker is another user where we are root
    core, other = cores()
    return Bench(folder, core, other, PAIRS, SECONDS, quick=False, peers=(), commands=(), say=print)


def measured(name: str, folder: Path) -> list[Row]:
    """The rows of a part of the bench, told; none when it cannot run here."""
    try:
        rows = MEASURES[name].run(bench(folder))
    except NotRun as missing:
        not_run(name, str(missing))
        return []
    for row in rows:
        value = "—" if row.measured is None else f"{number(row.measured)} {row.unit}"
        report.tell(f"bench {name}", row.what, str(row.target or ""), value, f"{row.verdict}; {row.note}")
    return rows


def not_run(name: str, why: str) -> None:
    """Says so, and fails where everything has to run."""
    report.tell(f"bench {name}", MEASURES[name].what, "", "NOT RUN", why)
    assert not os.environ.get("CI"), f"{name} cannot run here: {why}"


def missed(rows: list[Row]) -> dict[str, tuple[str, str]]:
    """What was not reached: name to what was measured and why it counts as missed."""
    return {
        row.name: (f"{number(row.measured or 0)} {row.unit}", f"{row.verdict}: {row.target}; {row.note}")
        for row in rows
        if row.verdict in ("miss", "too noisy")
    }
