from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.metrics import Metric, Sample, histogram, name_of, number, render


@pytest.mark.row("O3")
def test_a_page_has_help_type_and_samples() -> None:
    calls = Metric(
        "calls_total", "counter", "Calls\nthat ended.", [Sample({"model": "gpt-4o"}, 3.0), Sample({}, 0.25)]
    )
    assert render([calls, Metric("empty", "gauge", "None.", [])]) == (
        "# HELP calls_total Calls\\nthat ended.\n"
        "# TYPE calls_total counter\n"
        'calls_total{model="gpt-4o"} 3\n'
        "calls_total 0.25\n"
        "# HELP empty None.\n"
        "# TYPE empty gauge\n"
    )


def test_a_histogram_is_cumulated() -> None:
    assert [
        (one.suffix, one.labels.get("le"), one.value)
        for one in histogram({"i": "a"}, [0.1, 1.0], [2, 3, 1], 4.5)
    ] == [
        ("_bucket", "0.1", 2),
        ("_bucket", "1", 5),
        ("_bucket", "+Inf", 6),
        ("_sum", None, 4.5),
        ("_count", None, 6),
    ]


@given(st.text(max_size=30))
def test_no_label_value_breaks_out_of_its_line(value: str) -> None:
    page = render([Metric("m", "gauge", "h", [Sample({"model": value}, 1)])])
    lines = page.split("\n")
    assert len(lines) == 4
    assert re.fullmatch(r'm\{model="(?:[^"\\\n]|\\["\\n])*"\} 1', lines[2], re.DOTALL)


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.1, "0.1"), (1e16, "1e+16"), (-2.5, "-2.5"), (0, "0")]
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_any_text_becomes_part_of_a_name() -> None:
    assert name_of("p99 (ms)/total") == "p99__ms__total"
