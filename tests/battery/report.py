"""What the battery measured: a line per figure, kept in a file while the tests run and printed as a table at the end.

`python -m tests.battery.report` prints the table of the last run again. Not for: judging; a test asserts, this only tells.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

FILE = Path(
    os.environ.get("TRUNKLINE_BATTERY_REPORT", Path(__file__).parents[2] / ".pytest_cache" / "battery.jsonl")
)
COLUMNS = ("experiment", "what", "to reach", "measured", "")


class Figure(NamedTuple):
    """`note` says what a reader must know to judge: a noisy machine, a smaller size than asked for."""

    experiment: str
    what: str
    reach: str
    measured: str
    note: str = ""


def forget() -> None:
    """A new run begins."""
    FILE.unlink(missing_ok=True)


def tell(experiment: str, what: str, reach: str, measured: object, note: str = "") -> None:
    """Notes one figure."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    with FILE.open("a") as file:
        file.write(json.dumps([experiment, what, reach, str(measured), note]) + "\n")


def figures() -> list[Figure]:
    """The figures of the last run, in the order in which they were told."""
    if not FILE.exists():
        return []
    return [Figure(*json.loads(line)) for line in FILE.read_text().splitlines()]


def table(rows: list[Figure]) -> str:
    """The figures as text."""
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    print(table(figures()) if figures() else "No battery has run here yet: `make battery`.")
