"""Reading what wrk and the kernel print, and the arithmetic of pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import (
    Load,
    Pair,
    percentile,
    quiet,
    ratios,
    rollup_kb,
    schedstat_s,
    spread,
    stat_s,
    wrk_load,
)

WRK = """Running 4s test @ http://127.0.0.1:9400/v1/chat/completions
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   685.35us    1.02ms  30.51ms   97.57%
    Req/Sec    51.62k     3.61k   56.36k    87.80%
  210345 requests in 4.10s, 178.12MB read
Requests/sec:  51303.21
Transfer/sec:     43.44MB
"""
TROUBLE = """  Socket errors: connect 0, read 3, write 0, timeout 2
  Non-2xx or 3xx responses: 7
"""


def test_a_report_of_wrk_is_read() -> None:
    assert wrk_load(WRK) == Load(210345, 51303.21, 0)


def test_refusals_and_broken_connections_are_told() -> None:
    before, rate = WRK.split("Requests/sec")
    assert wrk_load(f"{before}{TROUBLE}Requests/sec{rate}").refused == 12


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="not a report of wrk"):
        wrk_load("unable to connect to 127.0.0.1:9400 Connection refused")


def test_processor_time_comes_from_the_scheduler_or_from_ticks() -> None:
    assert schedstat_s("3532087943 4123747 30\n") == pytest.approx(3.532087943)
    # The name of a process may hold spaces and brackets.
    line = "22536 (a (b) c) R 22535 22536 5902 0 -1 4194560 11320 0 0 0 264 97 0 0 20 0 6 0 541297"
    assert stat_s(line, 100) == pytest.approx(3.61)


def test_memory_is_read_by_name() -> None:
    text = "55a8-7fff ---p 00000000 00:00 0 [rollup]\nRss:   1708 kB\nPss:    203 kB\n"
    assert rollup_kb(text) == {"Rss": 1708, "Pss": 203}


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_among_the_values_and_never_falls(values: list[float], share: float) -> None:
    assert percentile(values, share) in values
    assert percentile(values, share) <= percentile(values, 1.0) == max(values)


def test_a_pair_in_which_nginx_missed_the_bound_says_nothing() -> None:
    loud, calm = Pair(5.0, 2.0), Pair(1.5, 0.5)
    assert quiet([loud, calm], 1.0) == [calm]
    assert (calm.ratio, calm.difference) == (3.0, 1.0)
    assert ratios([loud, calm]) == [2.5, 3.0]


def test_a_spread_is_the_smallest_and_the_largest() -> None:
    assert spread([2.25, 1.5, 3.0]) == "1.5–3.0"
