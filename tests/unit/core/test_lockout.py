"""Who fails too often is locked out for a while, in bounded memory."""

from __future__ import annotations

import pytest

from trunkline.core.lockout import LONGEST_S, Lock, Lockouts, Rules, address_subject

pytestmark = pytest.mark.row("W1")

NOW = 1_800_000_000.0
RULES = Rules(failures=3, within_s=60.0, lock_s=100.0)


def failing(times: int, most: int = 10) -> Lockouts:
    found = Lockouts(RULES, most)
    for n in range(times):
        found.failed("ana", NOW + n)
    return found


def test_the_third_failure_within_a_minute_locks_for_as_long_as_was_said() -> None:
    tried = failing(2)
    assert tried.until("ana", NOW + 2) == 0.0
    assert tried.failed("ana", NOW + 2) == Lock("ana", 3, NOW + 2, NOW + 102)
    assert (tried.until("ana", NOW + 101.9), tried.until("ana", NOW + 102), tried.until("bo", NOW + 3)) == (
        NOW + 102, 0.0, 0.0,
    )  # fmt: skip


def test_failures_that_are_far_apart_are_not_added_up() -> None:
    tried = failing(2)
    assert tried.failed("ana", NOW + 61) is None
    assert (tried.failures("ana"), tried.until("ana", NOW + 61)) == (1, 0.0)


def test_failing_on_while_locked_is_counted_and_locks_no_anew() -> None:
    tried = failing(3)
    assert [tried.failed("ana", NOW + 3 + n) for n in range(5)] == [None] * 5
    assert (tried.failures("ana"), tried.until("ana", NOW + 8)) == (8, NOW + 102)
    assert tried.locked(NOW + 8) == ["ana"]


def test_each_further_lock_is_twice_as_long_until_an_hour() -> None:
    tried, now, lengths = Lockouts(RULES), NOW, []
    for _ in range(8):
        lock = None
        while lock is None:
            lock = tried.failed("ana", now)
        lengths.append(lock.until - now)
        now = lock.until
    assert lengths == [100, 200, 400, 800, 1600, 3200, LONGEST_S, LONGEST_S]
    later = now + LONGEST_S + 1
    assert [tried.failed("ana", later) for _ in range(3)][-1] == Lock("ana", 3, later, later + 100)


def test_who_succeeds_or_is_unlocked_begins_anew() -> None:
    tried = failing(3)
    tried.forget("ana")
    assert (tried.until("ana", NOW + 3), tried.failures("ana"), len(tried)) == (0.0, 0, 0)


def test_only_a_lock_from_before_is_lifted() -> None:
    tried = failing(3)
    tried.lift("ana", NOW + 1)
    tried.lift("bo", NOW + 9)
    assert tried.until("ana", NOW + 3) == NOW + 102
    tried.lift("ana", NOW + 3)
    assert tried.until("ana", NOW + 3) == 0.0


def test_memory_is_bounded_and_locks_are_kept_before_others() -> None:
    tried = failing(3)
    for n in range(1000):
        tried.failed(f"other {n}", NOW + 3)
    assert (len(tried), tried.until("ana", NOW + 4), tried.total) == (10, NOW + 102, 1003)


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("203.0.113.7", "address:203.0.113.7"),
        ("::ffff:203.0.113.7", "address:203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "address:2001:db8:1:2::/64"),
        ("x" * 100, "address:" + "x" * 64),
    ],
)
def test_one_who_has_a_whole_network_is_one_subject(address: str, subject: str) -> None:
    assert address_subject(address) == subject
