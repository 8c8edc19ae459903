"""Writes the table of the battery as a page: `docs/battery.md`. Not for: measuring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.battery.experiments import Row, rows, strays
from tests.battery.report import Figure

PAGE = Path(__file__).parents[2] / "docs" / "battery.md"
_INTRO = """# The battery

Experiments that try to break what Trunkline promises, each with the figure to reach and the figure that was measured. This page is
made by `make battery ARGS=--publish`; do not edit it. What a run did not measure keeps its last figures and the date of those. The
experiments are the tests below `tests/battery`; short forms of most of them run in `make test`. One machine with two processors
shared by gateway, simulated vendors, callers and whatever else ran.

- **reached**: every figure of the experiment was within its bound.
- **missed**: one was not; the test that asserts it failed.
- **not run**: it was not made here; the note says why, if there is a reason.
"""


def markdown(figures: Sequence[Figure]) -> str:
    """The page."""
    return "\n".join(_lines(figures)) + "\n"


def _lines(figures: Sequence[Figure]) -> Iterator[str]:
    yield _INTRO
    before = ""
    for part, row in rows(figures):
        if part != before:
            yield from (
                "",
                f"## {part}",
                "",
                "| | experiment | passes | measured | verdict | on | note |",
                "|---|---|---|---|---|---|---|",
            )
            before = part
        one = row.experiment
        cells = (one.id, one.what, one.passes, row.measured, row.verdict, row.days, _noted(row))
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    others = strays(figures)
    if others:
        yield ""
        yield "## Further figures"
        yield ""
        yield "| | what | to reach | measured | on | note |"
        yield "|---|---|---|---|---|---|"
        for figure in figures:
            if figure.experiment in others:
                told = (
                    figure.experiment,
                    figure.what,
                    figure.reach,
                    figure.measured,
                    figure.day,
                    figure.note,
                )
                yield f"| {' | '.join(_cell(cell) for cell in told)} |"


def _noted(row: Row) -> str:
    """The notes, and where the ordinary tests stand."""
    tests = ", ".join(f"[{Path(test).stem}](../{test})" for test in row.experiment.tests)
    return "; ".join(part for part in (row.notes, f"in `make test`: {tests}" if tests else "") if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
