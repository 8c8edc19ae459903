"""`python -m tests.battery [--publish] [--table] [pytest's arguments]`: runs the long experiments and prints their table.

`--table` only prints what was measured last; `--publish` also writes it to docs/battery.md, where rows that were not measured keep
their last figures. Exit code: pytest's.
"""

from __future__ import annotations

import sys

import pytest

from tests.battery import experiments, published, report
from tests.battery.page import PAGE, markdown

OURS = ("--publish", "--table")


def main(arguments: list[str]) -> int:
    """Runs, prints, publishes."""
    code = 0
    if "--table" not in arguments:
        code = int(pytest.main(["-m", "slow", *(one for one in arguments if one not in OURS)]))
    print(experiments.table(report.figures()))
    if "--publish" in arguments:
        told = published.merged(published.read(), report.figures())
        published.write(told)
        PAGE.write_text(markdown(told))
        print(f"Written: {PAGE}")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
