"""The table of the battery: every experiment stands in it, with the figures of its own and the verdict that they deserve."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.battery import experiments, page, published, report
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
    assert "it: 600 of 600 | reached | 2026-11-21 | 20 stops with streams of 3 s" in text
    assert "a\\|b" in text
    assert "## Further figures" in text


def test_publishing_after_a_few_experiments_keeps_the_last_figures_and_days_of_all_others() -> None:
    last = [
        Figure("K1", "lost", "0", "0", "", "kill.py::one", "2026-11-20", True),
        Figure("K1", "doubled", "0", "0", "", "kill.py::two", "2026-11-20", True),
        Figure("K2", "ended", "600", "600", "", "stop.py::one", "2026-11-20", True),
        Figure("bench start", "first answer", "1 s", "0.9 s", "", "start.py::one", "2026-11-20", True),
    ]
    run = [
        Figure("K1", "lost", "0", "3", "", "kill.py::one", "2026-11-22", False),
        Figure("K2", "", "", NOT_RUN, "no disk", "stop.py::one", "2026-11-22", True),
        Figure("K3", "opened", "all", "all", "", "torn.py::one", "2026-11-22", None),
        Figure("K4", "", "", NOT_RUN, "needs root", "disk.py::one", "2026-11-22", True),
    ]
    told = published.merged(last, run)
    assert told == [last[1], last[2], last[3], run[0], run[2], run[3]]
    assert (row("K1", *told).verdict, row("K1", *told).days) == ("missed", "2026-11-20 to 2026-11-22")
    assert (row("K2", *told).verdict, row("K2", *told).days) == ("reached", "2026-11-20")
    assert [row(one, *told).verdict for one in ("K3", "K4")] == ["not run", "not run"]
    text = page.markdown(told)
    assert "| ended: 600 | reached | 2026-11-20 |" in text
    assert "| bench start | first answer | 1 s | 0.9 s | 2026-11-20 |" in text


def test_figures_from_before_tests_were_named_with_them_stand_until_their_row_is_measured() -> None:
    last = [
        Figure("F1", "", "", "960 of 960", "", "", "2026-11-20", True),
        Figure("F4", "", "", "240 of 240", "", "", "2026-11-20", True),
    ]
    run = [Figure("F1-F3", "calls", "all", "90 of 90", "", "faults.py::one", "2026-11-22", True)]
    assert published.merged(last, []) == last
    assert published.merged(last, run) == [last[1], *run]
    assert page.markdown(last).count("| 960 of 960 | reached | 2026-11-20 |") == 1


def test_what_was_published_stands_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = published.read()
    text = page.PAGE.read_text()
    assert [one for one in kept if one.measured.replace("|", "\\|") not in text or one.day not in text] == []
    assert len(kept) > 80
    monkeypatch.setattr(published, "FILE", tmp_path / "published.jsonl")
    assert published.read() == []
    published.write(kept)
    assert published.read() == kept
