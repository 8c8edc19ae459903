"""What calls have cost, folded from records: by window, by label, whatever the order, through a checkpoint, over a crash."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.records import DAY_US, NOON_US, SECOND_US, begin, boot, end, tried
from trunkline.core import spend
from trunkline.core.record import Record
from trunkline.core.scope import Labels
from trunkline.core.spend import Spend, Window, from_bytes, token_of, token_tag, window

SHOP = Labels("key-1", "shop", "checkout", "openai", "openai/gpt-4o")


def call(n: int, cost: float, *, at_us: int = NOON_US, wasted: float = 0.0, **changes: Any) -> list[Record]:
    """Begin and End of one call to a model."""
    labels = {"integration": "openai", "target": "openai/gpt-4o", "model": "gpt-4o", **changes}
    finish = end(
        f"call-{n}",
        at_us=at_us + SECOND_US,
        cost_usd=cost,
        wasted_usd=wasted,
        tried=[tried(1, "openai/gpt-4o")],
    )
    return [begin(f"call-{n}", at_us=at_us, **labels), finish]


def folded(*records: Record) -> Spend:
    found = Spend()
    for record in records:
        found.note(record)
    return found


def sums(found: Spend) -> dict[str, dict[Labels, tuple[int, int]]]:
    return {
        name: {labels: (one.spent, one.unpriced) for labels, one in rows.items()}
        for name, rows in found.windows.items()
    }


@pytest.mark.parametrize(
    ("per", "at", "found"),
    [
        ("day", 1_795_262_400, Window("2026-11-21", 1_795_219_200, 1_795_305_600)),
        ("month", 1_795_262_400, Window("2026-11", 1_793_491_200, 1_796_083_200)),
        ("month", 1_798_761_599, Window("2026-12", 1_796_083_200, 1_798_761_600)),
        ("month", 1_798_761_600, Window("2027-01", 1_798_761_600, 1_801_440_000)),
    ],
)
def test_windows_are_utc_days_and_months(per: spend.Per, at: int, found: Window) -> None:
    assert window(per, at * SECOND_US) == Window(
        found.name, found.start_us * SECOND_US, found.end_us * SECOND_US
    )


@given(st.integers(0, 4_000_000_000 * SECOND_US))
def test_every_instant_lies_in_its_window_and_the_next_begins_where_it_ends(at_us: int) -> None:
    for per in ("day", "month"):
        found = window(per, at_us)
        assert found.start_us <= at_us < found.end_us
        assert window(per, found.end_us).start_us == found.end_us
        assert window(per, found.start_us) == found
        assert spend.length_of(found.name) == per


def test_a_call_counts_in_the_day_and_month_in_which_it_began() -> None:
    late = window("day", NOON_US).end_us - 1
    found = folded(*call(1, 0.25), *call(2, 0.5, at_us=late, wasted=0.125), *call(3, 1.0, at_us=late + 1))
    assert sums(found) == {
        "2026-11-21": {SHOP: (875_000_000, 0)},
        "2026-11-22": {SHOP: (1_000_000_000, 0)},
        "2026-11": {SHOP: (1_875_000_000, 0)},
    }
    assert found.running == {}


def test_what_answered_is_charged_not_what_was_asked_for() -> None:
    fell = end("call-1", cost_usd=0.5, tried=[tried(1, "openai/gpt-4o"), tried(2, "anthropic/haiku")])
    found = folded(begin(integration="openai", target="openai/gpt-4o", model="fast"), fell)
    assert list(found.windows["2026-11"]) == [SHOP._replace(integration="anthropic", model="anthropic/haiku")]


def test_what_was_paid_for_nothing_at_another_target_is_charged_there() -> None:
    paid = {"cost_usd": 0.5, "wasted_usd": 0.375, "wasted_elsewhere": {"openai/gpt-4o": 0.25}}
    fell = end("call-1", **paid, tried=[tried(1, "openai/gpt-4o"), tried(2, "anthropic/haiku")])
    found = folded(begin(integration="openai", target="openai/gpt-4o", model="fast", tags="token:t-1"), fell)
    assert sums(found)["2026-11"] == {
        SHOP: (250_000_000, 0),
        SHOP._replace(integration="anthropic", model="anthropic/haiku"): (625_000_000, 0),
    }
    assert found.tokens == {"t-1": (875_000_000, NOON_US)}


def test_a_proxied_call_is_charged_to_the_model_that_its_body_named() -> None:
    record = end("call-1", cost_usd=0.5, tried=[tried(1, "openai")])
    found = folded(begin(integration="openai", target="openai", model="gpt-4o"), record)
    assert list(found.windows["2026-11"]) == [SHOP]


def test_calls_without_a_price_are_counted_as_such() -> None:
    model = {"integration": "openai", "target": "openai/x", "model": "x"}
    unknown = {"cost_usd": -1.0, "tried": [tried(1, "openai/x")]}
    found = folded(
        begin("a", **model), end("a", **unknown),
        begin("b", **model), end("b", **unknown, state="error"),
        begin("c", **model, ingress="gemini-count"), end("c", **unknown),
        begin("d", model="", target="stripe"), end("d", cost_usd=-1.0),
    )  # fmt: skip
    assert sums(found)["2026-11"] == {SHOP._replace(model="openai/x"): (0, 1)}


def test_what_a_crash_cut_off_cost_nothing_that_anybody_knows() -> None:
    found = folded(begin("lost"), boot("boot-2"), *call(1, 0.5))
    assert (found.running, sums(found)["2026-11"]) == ({}, {SHOP: (500_000_000, 0)})


def test_an_end_whose_begin_is_lost_still_counts_where_its_attempts_went() -> None:
    found = folded(end("call-1", cost_usd=0.5, tried=[tried(1, "openai/gpt-4o")]))
    assert sums(found)["2026-11"] == {Labels("", "", "", "openai", "openai/gpt-4o"): (500_000_000, 0)}


def test_a_browser_tokens_money_is_found_again_by_its_tag() -> None:
    tags = token_tag("a,token:forged", "t-1")
    found = folded(*call(1, 0.5, tags=tags), *call(2, 0.25, tags=tags), *call(3, 0.25, tags="plain"))
    assert found.tokens == {"t-1": (750_000_000, NOON_US)}
    assert [token_of(text) for text in (token_tag("", "x"), "token:x,tag", "", "a")] == ["x", "", "", ""]
    later = folded(
        *call(1, 0.5, tags=tags), *call(2, 0.25, tags=token_tag("", "t-2"), at_us=NOON_US + DAY_US)
    )
    assert list(from_bytes(later.to_bytes(1, 8))[0].tokens) == ["t-2"], "a token lives an hour at most"


@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 3), st.integers(0, 40)), max_size=30),
    st.randoms(),
    st.integers(0, 60),
)
def test_neither_order_nor_a_checkpoint_changes_a_sum(
    calls: list[tuple[float, int, int]], dice: random.Random, cut: int
) -> None:
    """The gateway counts calls in the order in which they end, the journal's reader in that of the records."""
    records = [call(n, cost, at_us=NOON_US + hours * 3600 * SECOND_US, team=f"t{team}")
               for n, (cost, team, hours) in enumerate(calls)]  # fmt: skip
    straight = folded(*(record for pair in records for record in pair))
    begins, ends = [pair[0] for pair in records], [pair[1] for pair in records]
    dice.shuffle(ends)
    shuffled = [*begins, *ends]
    first = folded(*shuffled[:cut])
    resumed, segment, offset = from_bytes(first.to_bytes(7, 4096))
    for record in shuffled[cut:]:
        resumed.note(record)
    assert (segment, offset) == (7, 4096)
    assert sums(resumed) == sums(straight)


def test_the_windows_used_last_are_kept() -> None:
    days = [0, 1, 400, 0, 1, 800, 0]  # a clock that jumps ahead and back
    found = folded(*(r for n, day in enumerate(days) for r in call(n, 1.0, at_us=NOON_US + day * DAY_US)))
    assert [name for name in found.windows if spend.length_of(name) == "day"] == [
        "2026-11-22",
        "2029-01-29",
        "2026-11-21",
    ]
    assert sums(found)["2026-11-21"] == {SHOP: (3_000_000_000, 0)}, "neither doubled nor forgotten"


def test_a_caller_that_invents_features_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spend, "MOST_FEATURES", 3)
    found = folded(*(r for n in range(9) for r in call(n, 1.0, feature=f"f{n}")))
    assert {labels.feature: one.spent for labels, one in found.windows["2026-11"].items()} == {
        "f0": 1_000_000_000, "f1": 1_000_000_000, "f2": 1_000_000_000, spend.OTHER: 6_000_000_000,
    }  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"\x93", b"nonsense", spend.to_pack([9, 1, 2, [], {}, {}])])
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(data)
