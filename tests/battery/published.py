"""What the page of the battery said last: its figures, kept beside the tests and committed with them.

A run that measures a few experiments replaces what their tests told before; all other rows keep their last figures and the day of
those. Not for: what a run measures (`report.py`), nor for the page (`page.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.battery.experiments import same_row
from tests.battery.report import NOT_RUN, Figure

FILE = Path(__file__).with_name("published.jsonl")


def read() -> list[Figure]:
    """The figures that were published last."""
    return [Figure(**json.loads(line)) for line in FILE.read_text().splitlines()] if FILE.exists() else []


def write(figures: Sequence[Figure]) -> None:
    """Keeps them for the next time."""
    FILE.write_text("".join(json.dumps(one._asdict()) + "\n" for one in figures))


def merged(last: Sequence[Figure], run: Sequence[Figure]) -> list[Figure]:
    """What there is to publish after a run: its figures, and the last ones of whatever it has not measured.

    Figures that were published before tests were named with them stand until anything of their row is measured anew.
    """
    measured = [figure for figure in run if figure.measured != NOT_RUN and figure.passed is not None]
    tests = {figure.test for figure in measured}
    kept = [
        old
        for old in last
        if old.test not in tests
        and (old.test or not any(same_row(old.experiment, new.experiment) for new in measured))
    ]
    known = {figure.test for figure in kept}
    untold = [
        figure
        for figure in run
        if figure.test not in tests | known
        and not any(same_row(figure.experiment, old.experiment) for old in (*kept, *measured))
    ]
    return [*kept, *(figure for figure in run if figure.test in tests), *untold]
