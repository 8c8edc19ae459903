from __future__ import annotations

import pytest

from tests.support.records import NOON_US, begin, end, tried
from trunkline.ledger.histogram import bucket
from trunkline.ledger.hour_columns import DIMENSIONS, METRICS, PARTS
from trunkline.ledger.rollup import BOUNDED, MAX_NAMES, OTHER, Names, Sums, add, bound, served


def only(sums: Sums) -> tuple[dict[str, object], dict[str, float]]:
    ((key, row),) = sums.items()
    return dict(zip(DIMENSIONS, key, strict=True)), {
        name: value for name, value in zip(METRICS, row, strict=True) if value
    }


def test_a_call_adds_each_of_its_figures_under_what_it_was() -> None:
    sums: Sums = {}
    ending = end(
        state="error", status=502, code="network", duration_us=30_000, bytes_out=7, input_tokens=1, output_tokens=2,
        cached_tokens=3, cache_write_tokens=4, reasoning_tokens=5, cost_usd=0.5, wasted_usd=0.25,
        tried=[tried(1), tried(2, "openai/gpt-4o")],
    )  # fmt: skip
    add(sums, begin(simulated=True), ending)
    assert only(sums) == (
        {
            "hour": NOON_US // 3_600_000_000, "integration": "openai", "operation": "create_charge", "model": "gpt-4o",
            "team": "shop", "feature": "checkout", "key_id": "key-1", "state": "error", "status_class": 5,
            "code": "network", "simulated": 1,
        },
        {
            "calls": 1, "errors": 1, "attempts": 2, "bytes_in": 400, "bytes_out": 7, "input_tokens": 1,
            "output_tokens": 2, "cached_tokens": 3, "cache_write_tokens": 4, "reasoning_tokens": 5,
            "duration_us": 30_000, "cost_usd": 0.5, "wasted_usd": 0.25, f"latency_{bucket(30_000):02d}": 1,
        },
    )  # fmt: skip


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("target", "parts", "expected"),
    [
        (
            "openai/gpt-4o",
            [("input", 4, 3 * 10**9), ("audio_input", 1, 10**12), ("cached", 2, 10**12), ("image_cached", 1, 10**12),
             ("cache_write", 1, 10**12), ("cache_write_1h", 1, 10**12), ("output", 1, 10**13), ("audio_output", 1, 10**13),
             ("reasoning", 5, 10**12), ("web_search", 2, 10**13), ("container", 1, -1)],
            {"input_usd": 0.001012, "cached_usd": 0.003, "cache_write_usd": 0.002, "output_usd": 0.02, "reasoning_usd": 0.005,
             "tools_usd": 0.02},
        ),
        ("openai/gpt-4o", [("told", 1, 10**14)], {"other_usd": 0.1}),
        ("stripe", [("amount", 2000, 29 * 10**10), ("call", 1, 3 * 10**14)], {"other_usd": 0.88}),
    ],
)  # fmt: skip
def test_the_parts_of_a_cost_are_added_up(
    target: str, parts: list[tuple[str, int, int]], expected: dict[str, float]
) -> None:
    sums: Sums = {}
    asked = "gpt-4o" if "/" in target else ""
    add(sums, begin(model=asked), end(tried=[tried(1, target)], parts=parts))
    told = {name: round(value, 12) for name, value in only(sums)[1].items() if name in PARTS}
    assert told == expected


def test_a_call_of_whose_cost_a_part_is_unknown_counts_as_unpriced_beside_what_is_known() -> None:
    sums: Sums = {}
    add(sums, begin(), end(cost_usd=0.5, parts=[("input", 1, 5), ("web_search", 1, -1)]))
    add(sums, begin(), end(cost_usd=0.25, parts=[("input", 1, 5)]))
    _, row = only(sums)
    assert (row["calls"], row["unpriced"], row["cost_usd"]) == (2, 1, 0.75)


def test_what_was_paid_for_nothing_at_another_target_is_counted_there() -> None:
    sums: Sums = {}
    paid = {"cost_usd": 0.5, "wasted_usd": 0.375, "wasted_elsewhere": {"openai/gpt-4o": 0.25}}
    add(sums, begin(), end(**paid, tried=[tried(1, "openai/gpt-4o"), tried(2, "anthropic/haiku")]))
    rows = {key[DIMENSIONS.index("model")]: dict(zip(METRICS, row, strict=True)) for key, row in sums.items()}
    shown = {model: (row["calls"], row["cost_usd"], row["wasted_usd"]) for model, row in rows.items()}
    assert shown == {"haiku": (1, 0.5, 0.125), "gpt-4o": (0, 0.0, 0.25)}


def test_an_unknown_cost_is_counted_as_unpriced_and_not_as_negative_money() -> None:
    sums: Sums = {}
    add(sums, begin(), end(cost_usd=-1.0))
    add(sums, begin(), end(cost_usd=0.5))
    _, metrics = only(sums)
    assert (metrics["calls"], metrics["unpriced"], metrics["cost_usd"]) == (2, 1, 0.5)


def test_unknown_tokens_are_counted_as_none_and_not_as_negative_ones() -> None:
    sums: Sums = {}
    add(sums, begin(), end(input_tokens=-1, output_tokens=-1))
    add(sums, begin(), end(input_tokens=7, output_tokens=5))
    _, metrics = only(sums)
    assert (metrics["calls"], metrics["input_tokens"], metrics["output_tokens"]) == (2, 7, 5)


@pytest.mark.parametrize(
    ("state", "errors"), [("ok", 0), ("cancelled", 0), ("error", 1), ("truncated", 1), ("outcome_unknown", 1)]
)
def test_what_counts_as_an_error(state: str, errors: int) -> None:
    sums: Sums = {}
    add(sums, begin(), end(state=state))
    assert only(sums)[1].get("errors", 0) == errors


def test_a_call_cut_by_a_crash_has_no_latency() -> None:
    sums: Sums = {}
    add(sums, begin(), end(duration_us=0))
    assert not [name for name in only(sums)[1] if name.startswith("latency")]


@pytest.mark.parametrize(
    ("asked", "targets", "expected"),
    [
        ("gpt-4o", ["openai/gpt-4o", "anthropic/claude"], ("anthropic", "claude")),
        ("gpt-4o", ["openai"], ("openai", "gpt-4o")),
        ("anything", [], ("stripe", "")),
        ("m", ["together/meta-llama/Llama-3"], ("together", "meta-llama/Llama-3")),
    ],
)
def test_a_call_is_counted_for_who_served_it(
    asked: str, targets: list[str], expected: tuple[str, str]
) -> None:
    assert served(begin(model=asked), end(tried=[tried(target=target) for target in targets])) == expected


def test_made_up_names_become_other_and_nothing_is_lost_of_the_sums() -> None:
    names: Names = {place: set() for place in BOUNDED}
    totals: dict[str, float] = {}
    for batch in range(3):
        sums: Sums = {}
        for i in range(600):
            add(sums, begin(feature=f"request-{batch}-{i}"), end())
        for key, row in bound(sums, names).items():
            feature = str(key[DIMENSIONS.index("feature")])
            totals[feature] = totals.get(feature, 0) + row[0]
    assert (len(totals), totals[OTHER], sum(totals.values())) == (MAX_NAMES + 1, 800, 1800)
