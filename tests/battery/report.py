"""What the battery measured: a line per figure and how its test ended, kept in a file that outlives a run.

A test that runs anew replaces its own lines only, so that the table can be gathered bit by bit. `python -m tests.battery` runs the
experiments and prints the table. Not for: judging; a test asserts, this only tells.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(
    os.environ.get("TRUNKLINE_BATTERY_REPORT", Path(__file__).parents[2] / ".pytest_cache" / "battery.jsonl")
)
NOT_RUN = "NOT RUN"
COLUMNS = ("experiment", "what", "to reach", "measured", "")


class Figure(NamedTuple):
    """`note` says what a reader must know to judge: a noisy machine, a smaller size than asked for."""

    experiment: str
    what: str
    reach: str
    measured: str
    note: str = ""
    test: str = ""
    day: str = ""
    passed: bool | None = None
    """Whether the test that told it went well; None while it runs."""


def forget(test: str) -> None:
    """This test runs anew: what it told before is no longer true."""
    kept = [line for line in _lines() if line["test"] != test]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("".join(json.dumps(line) + "\n" for line in kept))


def tell(experiment: str, what: str, reach: str, measured: object, note: str = "") -> None:
    """Notes one figure."""
    told = {"experiment": experiment, "what": what, "reach": reach, "measured": str(measured), "note": note}
    _note({"test": running(), "day": datetime.now(UTC).strftime("%Y-%m-%d"), **told})


def machine() -> str:
    """How busy the machine was, for figures by the clock."""
    nice = os.nice(0)
    return f"the machine's load was {os.getloadavg()[0]:.0f}" + (f", ours at nice {nice}" if nice else "")


def ended(test: str, passed: bool) -> None:
    """Notes how a test ended."""
    _note({"test": test, "passed": passed})


def running() -> str:
    """The test that runs now."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


def figures() -> list[Figure]:
    """All figures that are known, in the order in which they were told."""
    lines = _lines()
    ends = {line["test"]: line["passed"] for line in lines if "passed" in line}
    return [Figure(**line, passed=ends.get(line["test"])) for line in lines if "what" in line]


def table(rows: list[Figure]) -> str:
    """The figures as text."""
    lines = [COLUMNS, *(row[:5] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _note(line: dict[str, Any]) -> None:
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a") as file:
        file.write(json.dumps(line) + "\n")


def _lines() -> list[dict[str, Any]]:
    if not FILE.exists():
        return []
    found = [json.loads(line) for line in FILE.read_text().splitlines()]
    return [line for line in found if isinstance(line, dict)]
