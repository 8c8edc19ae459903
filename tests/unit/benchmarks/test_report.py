"""Verdicts, and the table in its three forms."""

from __future__ import annotations

import pytest

from benchmarks.bench import NotRun
from benchmarks.processes import Broken
from benchmarks.report import (
    BEGIN,
    END,
    Row,
    Target,
    as_json,
    because,
    in_order,
    markdown,
    not_run,
    number,
    placed,
    text,
)

MOST = Target(3.5, "x")
BELOW = Target(1, "ms", strict=True)
LEAST = Target(3000, "/s", most=False)

ROWS = [
    Row("told", "told only", 12.0, "us", note="nginx 4.0 us"),
    Row("latency", "added p99", 0.4, "ms", BELOW, "over nginx", [0.3, 0.4]),
    Row("ratio", "of nginx's", 4.0, "x", MOST),
    not_run("peer", "ahead of a peer", "not installed", Target(50, "x", most=False)),
]


@pytest.mark.parametrize(
    ("target", "measured", "verdict"),
    [
        (MOST, 3.5, "pass"),
        (MOST, 3.51, "miss"),
        (BELOW, 0.99, "pass"),
        (BELOW, 1.0, "miss"),
        (LEAST, 3000.0, "pass"),
        (LEAST, 2999.0, "miss"),
        (None, 7.0, "told"),
    ],
)
def test_a_verdict_is_that_of_its_target(target: Target | None, measured: float, verdict: str) -> None:
    assert Row("a", "b", measured, "x", target).verdict == verdict


def test_a_noisy_run_never_passes() -> None:
    assert Row("a", "b", 0.1, "ms", BELOW, noisy=True).verdict == "too noisy"
    assert Row("a", "b", 9.0, "ms", BELOW, noisy=True).verdict == "too noisy"


def test_what_was_not_run_says_why() -> None:
    row = not_run("a", "b", "wrk missing", MOST)
    assert (row.verdict, row.why_not, row.measured) == ("not run", "wrk missing", None)
    assert because(NotRun("wrk missing;\n cure")) == "wrk missing; cure"
    assert because(Broken("it died")) == "broke: it died"


def test_targets_read_as_sentences() -> None:
    assert [str(MOST), str(BELOW), str(LEAST)] == ["at most 3.50 x", "below 1 ms", "at least 3000 /s"]


def test_numbers_have_three_digits() -> None:
    assert [number(n) for n in (3.14159, 31.4159, 314.159, 31415.9, 5.0)] == [
        "3.14",
        "31.4",
        "314",
        "31,416",
        "5",
    ]


def test_ratios_come_first_and_what_is_only_told_last() -> None:
    assert [row.name for row in in_order(ROWS)] == ["ratio", "peer", "latency", "told"]


def test_the_table_for_a_terminal() -> None:
    assert text(ROWS).splitlines() == [
        "measure          measured  target          verdict  note",
        "--------------------------------------------------------",
        "of nginx's            4 x  at most 3.50 x  miss",
        "ahead of a peer         —  at least 50 x   not run  not installed",
        "added p99         0.40 ms  below 1 ms      pass     over nginx",
        "told only           12 us                           nginx 4.0 us",
    ]


def test_the_table_for_the_page() -> None:
    assert markdown(ROWS[:3], ["a machine"]).splitlines() == [
        "- a machine",
        "",
        "| measure | measured | target | verdict | note |",
        "|---|---|---|---|---|",
        "| of nginx's | 4 x | at most 3.50 x | **miss** |  |",
        "| added p99 | 0.40 ms | below 1 ms | pass | over nginx |",
        "| told only | 12 us |  |  | nginx 4.0 us |",
    ]


def test_the_table_takes_the_place_of_the_old_one() -> None:
    page = f"# Performance\n{BEGIN}\nold\n{END}\nmethod\n"
    assert placed(page, "new") == f"# Performance\n{BEGIN}\nnew\n{END}\nmethod\n"
    with pytest.raises(ValueError, match="the page has no"):
        placed("# Performance\n", "new")


def test_json_holds_each_sample_and_verdict() -> None:
    told = as_json(ROWS, ["a machine"], ["nothing"])
    assert (told["about"], told["off"]) == (["a machine"], ["nothing"])
    latency = next(row for row in told["rows"] if row["name"] == "latency")
    assert latency == {
        "name": "latency",
        "what": "added p99",
        "measured": 0.4,
        "unit": "ms",
        "target": "below 1 ms",
        "note": "over nginx",
        "samples": [0.3, 0.4],
        "noisy": False,
        "why_not": "",
        "verdict": "pass",
    }
