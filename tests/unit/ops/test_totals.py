from __future__ import annotations

from typing import Any

import pytest

from tests.support.records import NOON_US, begin, end, tried
from trunkline.ledger.histogram import BUCKETS, bucket
from trunkline.ledger.hour_columns import COUNTS, MONEY
from trunkline.ops.health import Figures
from trunkline.ops.metrics import render
from trunkline.ops.totals import MAX_MODELS, Totals


def values(totals: Totals, metric: str) -> dict[str, float]:
    page = render(totals.metrics())
    lines = [line.rpartition(" ") for line in page.splitlines() if line.startswith(metric + "{")]
    return {name.removeprefix(metric): float(value) for name, _, value in lines}


@pytest.mark.row("O3")
def test_ended_calls_are_counted_under_who_served_them() -> None:
    totals = Totals()
    totals.add(
        [
            (begin("a"), end("a", tried=[tried(1, code="network"), tried(2, "openai/gpt-4o")], cost_usd=0.5, input_tokens=7)),
            (begin("b"), end("b", state="error", code="network", tried=[tried(1, code="network")], wasted_usd=0.25)),
        ]
    )  # fmt: skip
    assert values(totals, "trunkline_calls_total") == {
        '{integration="openai",model="gpt-4o",state="ok",code=""}': 1,
        '{integration="stripe",model="",state="error",code="network"}': 1,
    }
    assert values(totals, "trunkline_attempts_total") == {
        '{integration="stripe",code="network"}': 2,
        '{integration="openai",code=""}': 1,
    }
    assert values(totals, "trunkline_cost_usd_total")['{integration="openai",model="gpt-4o"}'] == 0.5
    assert values(totals, "trunkline_wasted_usd_total")['{integration="stripe",model=""}'] == 0.25
    assert values(totals, "trunkline_unpriced_calls_total")['{integration="stripe",model=""}'] == 1
    assert values(totals, "trunkline_tokens_total")['{integration="openai",model="gpt-4o",kind="input"}'] == 7
    assert totals.figures(NOON_US / 1e6)["stripe"] == Figures(2, 2, 0.0, NOON_US / 1e6 + 0.03, "network")


def test_what_was_paid_for_nothing_is_counted_where_it_was_paid() -> None:
    paid = {"wasted_usd": 0.375, "wasted_elsewhere": {"stripe": 0.25}}
    totals = Totals()
    totals.add([(begin("a"), end("a", tried=[tried(1), tried(2, "openai/gpt-4o")], **paid))])
    assert values(totals, "trunkline_wasted_usd_total") == {
        '{integration="openai",model="gpt-4o"}': 0.125,
        '{integration="stripe",model=""}': 0.25,
    }


def test_tokens_that_a_vendor_did_not_tell_count_as_none() -> None:
    totals = Totals()
    totals.add(
        [(begin("a"), end("a", input_tokens=-1, output_tokens=-1)), (begin("b"), end("b", input_tokens=3))]
    )
    tokens = values(totals, "trunkline_tokens_total")
    assert tokens['{integration="stripe",model="",kind="input"}'] == 3
    assert tokens['{integration="stripe",model="",kind="output"}'] == 0


def test_durations_are_cumulated_and_end_with_all() -> None:
    totals = Totals()
    totals.add([(begin(str(i)), end(str(i), duration_us=us)) for i, us in enumerate((400, 30_000, 10**10))])
    labels = 'integration="stripe",model=""'
    buckets = values(totals, "trunkline_call_duration_seconds_bucket")
    counts = list(buckets.values())
    assert counts == sorted(counts)
    assert (counts[0], counts[-1], buckets[f'{{{labels},le="+Inf"}}']) == (1, 3, 3)
    assert values(totals, "trunkline_call_duration_seconds_count") == {f"{{{labels}}}": 3}
    assert values(totals, "trunkline_call_duration_seconds_sum") == {
        f"{{{labels}}}": pytest.approx(10_000.0304)
    }


def test_counters_go_on_where_the_roll_ups_ended() -> None:
    totals = Totals()
    sums: dict[str, Any] = dict.fromkeys((*COUNTS, *MONEY), 0)
    latency = [0] * BUCKETS
    latency[bucket(30_000)] = 5
    totals.seed(
        "stripe", "", "ok", "", {**sums, "calls": 5, "cost_usd": 1.5, "duration_us": 150_000}, latency
    )
    totals.add([(begin(), end(cost_usd=0.5))])
    assert list(values(totals, "trunkline_calls_total").values()) == [6]
    assert list(values(totals, "trunkline_cost_usd_total").values()) == [2.0]
    assert list(values(totals, "trunkline_call_duration_seconds_count").values()) == [6]


def test_made_up_model_names_do_not_grow_the_page_for_ever() -> None:
    totals = Totals()
    totals.add([(begin(str(i), model=f"m{i}"), end(str(i))) for i in range(MAX_MODELS + 100)])
    found = values(totals, "trunkline_calls_total")
    assert (len(found), found['{integration="stripe",model="other",state="ok",code=""}']) == (
        MAX_MODELS + 1,
        100,
    )
