"""A pool spreads by weight over any short run, skips members that were left, and puts those without a secret last."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Live, Member
from trunkline.core.errors import CallError
from trunkline.engine.pool import pick
from trunkline.testing import service


def pool(*weights: int) -> Live:
    live = Live(service())
    live.members = [Member(f"m{n}", weight, None, b"", b"") for n, weight in enumerate(weights)]
    return live


def names(live: Live, times: int) -> list[str]:
    return [member.name for _ in range(times) if (member := pick(live)) is not None]


@pytest.mark.row("R10")
def test_shares_hold_over_one_round_and_are_interleaved() -> None:
    assert names(pool(5, 1, 1), 7) == ["m0", "m0", "m1", "m0", "m2", "m0", "m0"]


@pytest.mark.row("R10")
@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_each_round_gives_each_member_its_weight(weights: list[int]) -> None:
    live = pool(*weights)
    for _ in range(3):
        assert Counter(names(live, sum(weights))) == {f"m{n}": w for n, w in enumerate(weights)}


def test_a_member_that_was_left_is_not_returned_to() -> None:
    live = pool(1, 1, 1)
    left: set[Member] = set()
    served = []
    while (member := pick(live, left)) is not None:
        served.append(member.name)
        left.add(member)
    assert sorted(served) == ["m0", "m1", "m2"]


def test_a_pool_of_one_serves_until_it_is_left() -> None:
    live = pool(1)
    assert pick(live) is live.members[0]
    assert pick(live, {live.members[0]}) is None


def test_weight_nought_is_out_of_service() -> None:
    assert set(names(pool(0, 2, 0), 6)) == {"m1"}


def test_members_without_a_secret_serve_only_when_nobody_else_is_left() -> None:
    live = pool(9, 1)
    live.members[0].problem = CallError("secret_unavailable", "missing")
    assert set(names(live, 5)) == {"m1"}
    member = pick(live, {live.members[1]})
    assert member is live.members[0]
