"""At a vendor with a limit Trunkline wastes less than others do, and is hardly slower than who knows the limit. All in simulated time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.battery import limited, report
from tests.battery.limited import MANY_PAUSES, ONE_PAUSE, Result
from trunkline.simulator.limited import Pause

SLOWER = 0.05
"""At most so much slower than the oracle."""


def split(rows: list[Result]) -> tuple[Result, list[Result], list[Result]]:
    """The oracle, Trunkline, and what others do."""
    ours = [row for row in rows if row.name.startswith("Trunkline")]
    return rows[0], ours, [row for row in rows[1:] if row not in ours]


def judge(rows: list[Result]) -> None:
    oracle, ours, others = split(rows)
    assert (oracle.wasted, len(ours), len(others)) == (0, 2, 4)
    assert [row.wasted_known for row in ours] == [0, 0], "not one request into a pause that was known"
    assert max(row.wasted for row in ours) < min(row.wasted for row in others)
    # A cooldown that is forced on a lone deployment sends nothing into a known pause either; by default it has none.
    assert [row.name for row in others if not row.wasted_known] in ([], ["LiteLLM, cooldown"])
    assert max(row.beside(oracle) for row in ours) <= SLOWER


@pytest.mark.row("F8")
def test_a_known_pause_wastes_no_request_and_the_work_is_done_as_if_the_limit_were_known() -> None:
    rows = limited.results(ONE_PAUSE)
    print("\n" + limited.table(rows))
    judge(rows)


@pytest.mark.slow
@pytest.mark.row("F8")
@pytest.mark.parametrize("pauses", [ONE_PAUSE, MANY_PAUSES], ids=["one pause", "many pauses"])
def test_side_by_side_with_tenacity_and_a_cooldown(pauses: Sequence[Pause]) -> None:
    rows = limited.results(pauses)
    oracle, ours, others = split(rows)
    what = f"limited vendor, {len(pauses)} pause{'s' if len(pauses) > 1 else ''}"
    for row in ours:
        report.tell(
            what, f"{row.name}: beside oracle", "<= +5 %", f"{row.beside(oracle):+.1%}", "simulated time"
        )
        report.tell(
            what, f"{row.name}: wasted in known pauses", "0", row.wasted_known, f"wasted in all {row.wasted}"
        )
    for row in others:
        note = f"wasted in all {row.wasted}, beside oracle {row.beside(oracle):+.1%}; modelled, not run"
        report.tell(what, f"{row.name}: wasted in known pauses", "-", row.wasted_known, note)
    judge(rows)
