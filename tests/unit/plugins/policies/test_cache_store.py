"""The memory of answers: its bound in bytes, its order, its ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline.core.exchange import Answer
from trunkline.plugins.policies.cache_store import OVERHEAD_BYTES, Kept, Store


def kept(body: bytes = b"", *, until: float = 100.0, **changes: Any) -> Kept:
    given = {"stored_at": 0.0, "expires_at": until, "integration": "acme", "path": b"/x", "contract": b"1"}
    return Kept(Answer(200, b"", body), **{**given, **changes})


def names(store: Store, *keys: bytes) -> list[bytes]:
    return [key for key in keys if store.get(key, 0.0) is not None]


@pytest.mark.row("F11")
def test_what_was_used_least_recently_goes_first() -> None:
    one = OVERHEAD_BYTES + 2 + 10
    store = Store(3 * one)
    for key in (b"a", b"b", b"c"):
        store.put(key, kept(b"x" * 10))
    store.get(b"a", 0.0)
    store.put(b"d", kept(b"x" * 10))
    assert (names(store, b"a", b"b", b"c", b"d"), store.bytes, store.evicted) == (
        [b"a", b"c", b"d"],
        3 * one,
        1,
    )


def test_an_answer_takes_the_place_of_an_earlier_one() -> None:
    store = Store(10_000)
    store.put(b"a", kept(b"x" * 1000))
    store.put(b"a", kept(b"y"))
    found = store.get(b"a", 0.0)
    assert found is not None
    assert found.answer == Answer(200, b"", b"y")
    assert (len(store), store.bytes) == (1, OVERHEAD_BYTES + 2 + 1)


def test_what_is_larger_than_the_whole_is_not_kept_and_pushes_nothing_out() -> None:
    store = Store(2000)
    assert store.put(b"a", kept())
    assert not store.put(b"b", kept(b"x" * 2000))
    assert names(store, b"a", b"b") == [b"a"]


def test_nothing_outlives_its_time() -> None:
    store = Store(10_000)
    store.put(b"a", kept(until=10.0))
    store.put(b"b", kept(until=20.0))
    assert store.get(b"a", 10.0) is not None
    assert store.get(b"a", 10.1) is None
    store.sweep(20.1)
    assert (len(store), store.bytes) == (0, 0)


def test_the_end_of_an_answer_that_was_replaced_is_not_the_end_of_its_successor() -> None:
    store = Store(10_000)
    store.put(b"a", kept(until=10.0))
    store.put(b"a", kept(until=30.0))
    store.sweep(10.1)
    assert names(store, b"a") == [b"a"]


def test_many_replacements_leave_no_ends_behind() -> None:
    store = Store(10_000)
    for _ in range(1000):
        store.put(b"a", kept())
        store.sweep(0.0)
    assert len(store._ends) < 100


def test_a_path_is_forgotten_whatever_the_key() -> None:
    store = Store(10_000)
    store.put(b"a", kept())
    store.put(b"b", kept())
    store.put(b"c", kept(path=b"/y"))
    store.put(b"d", kept(integration="other"))
    store.drop_path("acme", b"/x")
    store.drop_path("acme", b"/never-seen")
    assert names(store, b"a", b"b", b"c", b"d") == [b"c", b"d"]


def test_another_configuration_forgets_the_answers_of_the_one_before() -> None:
    store = Store(10_000)
    store.put(b"a", kept())
    store.put(b"b", kept(contract=b"2"))
    store.retain({b"2", b"3"})
    assert names(store, b"a", b"b") == [b"b"]


def test_a_smaller_bound_holds_at_once() -> None:
    store = Store(10_000)
    for n in range(10):
        store.put(b"%d" % n, kept())
    store.shrink(2 * (OVERHEAD_BYTES + 2))
    assert names(store, *(b"%d" % n for n in range(10))) == [b"8", b"9"]
    store.shrink(0)
    assert (len(store), store.put(b"a", kept())) == (0, False)


def test_an_entry_without_an_answer_counts_too() -> None:
    store = Store(10_000)
    store.put(b"a", Kept(None, stored_at=0.0, expires_at=1.0, integration="acme", path=b"/x"))
    assert store.bytes == OVERHEAD_BYTES + 2


KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])


class AnyUse(RuleBasedStateMachine):
    """Whatever is done in whatever order, the sums are right and the bound holds."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(5 * OVERHEAD_BYTES)
        self.now = 0.0

    @rule(
        key=KEYS, size=st.integers(0, 2000), seconds=st.floats(0.1, 50), path=st.sampled_from([b"/x", b"/y"])
    )
    def put(self, key: bytes, size: int, seconds: float, path: bytes) -> None:
        self.store.put(key, kept(b"x" * size, until=self.now + seconds, path=path))

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        found = self.store.get(key, self.now)
        assert found is None or found.expires_at >= self.now

    @rule(key=KEYS)
    def drop(self, key: bytes) -> None:
        self.store.drop(key)

    @rule(path=st.sampled_from([b"/x", b"/y"]))
    def write(self, path: bytes) -> None:
        self.store.drop_path("acme", path)

    @rule(seconds=st.floats(0, 30))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.store.sweep(self.now)
        assert all(one.expires_at >= self.now for one in self.store._kept.values())

    @rule(bound=st.integers(0, 8 * OVERHEAD_BYTES))
    def bound(self, bound: int) -> None:
        self.store.shrink(bound)

    @invariant()
    def sums_are_right(self) -> None:
        store = self.store
        assert store.bytes == sum(one.size for one in store._kept.values()) <= store.bytes_max
        assert sorted(key for keys in store._places.values() for key in keys) == sorted(store._kept)


TestAnyUse = AnyUse.TestCase


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30))
def test_the_bound_holds_for_any_sizes(sizes: list[int]) -> None:
    store = Store(4 * OVERHEAD_BYTES)
    for n, size in enumerate(sizes):
        store.put(b"%d" % n, kept(b"x" * size))
    assert store.bytes <= store.bytes_max
