from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US, JournalInMemory, begin, boot, call, tried
from trunkline.ledger.hour_columns import PARTS
from trunkline.ledger.query import Ledger
from trunkline.ledger.usage import Rollups, UnknownGroup

Drained = Callable[..., None]
HOUR_US = 3600 * SECOND_US

JOURNAL = (
    boot(),
    *call(
        "a",
        ended={
            "cost_usd": 0.5,
            "input_tokens": 10,
            "output_tokens": 3,
            "tried": [tried(target="openai/gpt-4o")],
        },
    ),
    *call("b", ended={"cost_usd": 0.25, "cached_tokens": 4, "tried": [tried(target="openai/gpt-4o")]}),
    *call(
        "c",
        NOON_US + HOUR_US,
        ended={"state": "error", "status": 502, "code": "network", "wasted_usd": 0.125},
    ),
    *call(
        "d", NOON_US + DAY_US, team="research", ended={"state": "cancelled", "status": 0, "code": "cancelled"}
    ),
    begin("running"),
)


def brief(rows: list[dict[str, object]], *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.row("O2")
def test_usage_adds_up_what_the_calls_say(drained: Drained, rollups: Rollups) -> None:
    drained(JournalInMemory(*JOURNAL))
    (row,) = rollups.usage()
    assert {name: row[name] for name in row if not name.startswith("p")} == {
        "calls": 4, "errors": 1, "attempts": 4, "bytes_in": 1600, "bytes_out": 2800, "input_tokens": 10,
        "output_tokens": 3, "cached_tokens": 4, "cache_write_tokens": 0, "reasoning_tokens": 0, "unpriced": 2,
        "cost_usd": 0.75, "wasted_usd": 0.125, "error_rate": 0.25, **dict.fromkeys(PARTS, 0.0),
    }  # fmt: skip
    assert all(25 < row[name] < 36 for name in ("p50_ms", "p95_ms", "p99_ms"))


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("integration", [("openai", 2), ("stripe", 2)]),
        ("model", [("", 2), ("gpt-4o", 2)]),
        ("team", [("shop", 3), ("research", 1)]),
        ("state", [("ok", 2), ("cancelled", 1), ("error", 1)]),
        ("status_class", [("2xx", 2), ("5xx", 1), ("none", 1)]),
        ("simulated", [(False, 4)]),
        ("day", [("2026-11-21", 3), ("2026-11-22", 1)]),
        (
            "hour",
            [
                ("2026-11-21T12:00:00.000Z", 2),
                ("2026-11-21T13:00:00.000Z", 1),
                ("2026-11-22T12:00:00.000Z", 1),
            ],
        ),
    ],
)
def test_usage_is_grouped(
    drained: Drained, rollups: Rollups, group: str, expected: list[tuple[object, int]]
) -> None:
    drained(JournalInMemory(*JOURNAL))
    assert brief(rollups.usage([group]), group, "calls") == expected


def test_usage_by_several_groups_and_a_span(drained: Drained, rollups: Rollups) -> None:
    drained(JournalInMemory(*JOURNAL))
    rows = rollups.usage(["day", "integration"], NOON_US + HOUR_US, NOON_US + DAY_US + 1)
    assert brief(rows, "day", "integration", "calls") == [
        ("2026-11-21", "stripe", 1),
        ("2026-11-22", "stripe", 1),
    ]


def test_usage_is_the_sum_of_the_calls(drained: Drained, rollups: Rollups, ledger: Ledger) -> None:
    records = [
        record for i in range(200)
        for record in call(f"call-{i}", NOON_US + i * HOUR_US // 7, ended={"input_tokens": i, "cost_usd": i / 8})
    ]  # fmt: skip
    drained(JournalInMemory(*records), 17)
    calls = ledger.calls(limit=1000).calls
    (row,) = rollups.usage()
    assert (row["calls"], row["input_tokens"], row["cost_usd"]) == (
        len(calls), sum(one["input_tokens"] for one in calls), sum(one["cost_usd"] for one in calls)
    )  # fmt: skip


def test_a_model_that_no_vendor_was_asked_for_makes_no_group(drained: Drained, rollups: Rollups) -> None:
    refused = call(
        "a",
        model="made-up-7",
        target="",
        ended={"state": "error", "status": 404, "code": "unknown_model", "tried": []},
    )
    drained(JournalInMemory(*refused))
    assert brief(rollups.usage(["model", "code"]), "model", "code") == [("", "unknown_model")]


def test_an_unknown_group_is_refused_with_the_known_ones(rollups: Rollups) -> None:
    with pytest.raises(
        UnknownGroup, match="cannot be grouped by 'colour'; choose from day, hour, integration"
    ):
        rollups.usage(["colour"])


def test_there_is_no_usage_before_the_first_drain(rollups: Rollups) -> None:
    assert (rollups.usage(), rollups.totals(), rollups.damage()) == ([], [], [])


def test_the_bound_on_names_outlives_a_restart(
    drained: Drained, rollups: Rollups, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline.ledger.rollup.MAX_NAMES", 3)
    journal = JournalInMemory()
    for i in range(6):
        journal.append(*call(f"call-{i}", feature=f"feature-{i}"))
        drained(journal)
    assert brief(rollups.usage(["feature"]), "feature", "calls") == [
        ("(other)", 3),
        ("feature-0", 1),
        ("feature-1", 1),
        ("feature-2", 1),
    ]


def test_what_was_paid_where_no_call_was_answered_is_shown(drained: Drained, rollups: Rollups) -> None:
    paid = {"cost_usd": 0.5, "wasted_usd": 0.25, "wasted_elsewhere": {"openai/gpt-4o": 0.25}}
    both = [tried(1, "openai/gpt-4o"), tried(2, "groq/llama")]
    drained(JournalInMemory(boot(), *call("a", ended={**paid, "tried": both})))
    rows = rollups.usage(["integration"])
    assert brief(rows, "integration", "calls", "cost_usd", "wasted_usd") == [
        ("groq", 1, 0.5, 0.0),
        ("openai", 0, 0.0, 0.25),
    ]
