"""Sums for people: what nobody knows the cost of is never shown as 0."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from trunkline.cli.usage import _cell, _unknown, usage
from trunkline.control.state import State
from trunkline.ledger.usage import Rollups

pytestmark = pytest.mark.row("O2", "O4")


@pytest.mark.parametrize(
    ("row", "shown", "unknown"),
    [
        ({"calls": 5, "errors": 0, "unpriced": 0, "cost_usd": 0.5}, "0.5000", 0),
        ({"calls": 5, "errors": 0, "unpriced": 0, "cost_usd": 0.0}, "0.0000", 0),
        ({"calls": 5, "errors": 0, "unpriced": 5, "cost_usd": 0.0}, "unpriced", 5),
        ({"calls": 5, "errors": 2, "unpriced": 4, "cost_usd": 0.5}, "0.5000", 2),
        ({"calls": 5, "errors": 5, "unpriced": 5, "cost_usd": 0.0}, "0.0000", 0),
    ],
)
def test_what_has_no_price_is_not_free(row: dict[str, Any], shown: str, unknown: int) -> None:
    assert (_cell(row, "cost_usd"), _unknown(row)) == (shown, unknown)


def test_sums_without_some_calls_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    rows = [
        {"model": "a", "calls": 2, "errors": 0, "unpriced": 0, "cost_usd": 0.25},
        {"model": "b", "calls": 3, "errors": 1, "unpriced": 3, "cost_usd": 0.0},
    ]
    State(tmp_path / "state").create()
    monkeypatch.setattr("trunkline.cli.ledger_reading.up_to_date", lambda state: None)
    monkeypatch.setattr(Rollups, "usage", lambda *_: rows)
    told = CliRunner().invoke(usage, ["--by", "model", "--state-dir", str(tmp_path / "state")])
    assert told.exit_code == 0, told.output
    assert [line.split()[-1] for line in told.output.splitlines()[1:3]] == ["0.2500", "unpriced"]
    assert "2 answered calls have no price" in told.output
