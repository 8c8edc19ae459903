"""The table of the battery: every experiment stands in it, with the figures of its own and the verdict that they deserve."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import experiments, page, report
from tests.battery.report import NOT_RUN, Figure

ALL = [one.id for some in experiments.PARTS.values() for one in some]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "FILE", tmp_path / "battery.jsonl")
    return tmp_path / "battery.jsonl"


def figure(label: str, measured: str = "1", passed: bool | None = True, note: str = "") -> Figure:
    return Figure(label, "it", "<= 2", measured, note, "test", "2026-11-21", passed)


def row(wanted: str, *figures: Figure) -> experiments.Row:
    return next(found for _, found in experiments.rows(figures) if found.experiment.id == wanted)


def test_every_experiment_that_was_asked_for_has_a_row() -> None:
    asked = [
        *(f"K{n}" for n in range(1, 11)), *(f"F{n}" for n in range(1, 33)), *(f"L{n}" for n in range(1, 7)),
        *(f"M{n}" for n in range(1, 5)),
        *(f"S{n}" for n in range(1, 16)), "U5",
    ]  # fmt: skip
    assert [one for one in asked if one not in ALL] == []
    assert len(ALL) == len(set(ALL))


def test_the_ordinary_tests_that_are_named_are_there() -> None:
    root = Path(__file__).parents[2]
    named = [test for some in experiments.PARTS.values() for one in some for test in one.tests]
    assert [test for test in named if not (root / test).is_file()] == []


@pytest.mark.parametrize(
    ("label", "ids"),
    [
        ("F1-F3", {"F1", "F2", "F3"}),
        ("F21-F23, F28", {"F21", "F22", "F23", "F28"}),
        ("K4 (injected, 5 x)", {"K4"}),
        ("L2, 3,000 slow", {"L2"}),
        ("bench calls", {"bench calls"}),
    ],
)
def test_a_label_names_experiments(label: str, ids: set[str]) -> None:
    assert experiments.named(label) == ids


def test_figures_come_to_their_experiments_and_no_other() -> None:
    assert row("K1", figure("K1")).figures
    assert not row("K1", figure("K10")).figures
    assert row("L4", figure("bench flat")).figures
    assert row("limited vendor", figure("limited vendor, 2 pauses")).figures


def test_verdicts() -> None:
    assert row("K1").verdict == "not run"
    assert row("K1", figure("K1", NOT_RUN)).verdict == "not run"
    assert row("K1", figure("K1")).verdict == "reached"
    assert row("K1", figure("K1"), figure("K1", passed=False)).verdict == "missed"
    assert row("K1", figure("K1", passed=None)).verdict == "not run"
    assert row("K4", figure("K4"), figure("K4 (64 MB disk)", NOT_RUN)).verdict == "reached"


def test_a_test_that_runs_anew_replaces_its_own_figures_only(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for test, measured in (("a.py::one", "1"), ("a.py::two", "2"), ("a.py::one", "3")):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", f"{test} (call)")
        report.forget(test)
        report.tell("K1", "it", "0", measured)
        report.ended(test, measured != "3")
    told = report.figures()
    assert [(one.test, one.measured, one.passed) for one in told] == [
        ("a.py::two", "2", True),
        ("a.py::one", "3", False),
    ]


def test_the_page_has_all_rows_and_says_what_ran_shortened() -> None:
    text = page.markdown([figure("K2", "600 of 600"), figure("bench calls", "3.2 x"), figure("F1", "a|b")])
    assert [one for one in ALL if f"| {one} |" not in text] == []
    assert "it: 600 of 600 | reached | 20 stops with streams of 3 s" in text
    assert "a\\|b" in text
    assert "## Further figures" in text
