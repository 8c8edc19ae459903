"""Failures lock out, are audited sparsely, and a person lifts the lock."""

from __future__ import annotations

import pytest

from trunkline.control import audit, lockout, roster
from trunkline.control.lockout import ACCOUNT, ADDRESS, Failures, LockedOut
from trunkline.control.state import State
from trunkline.core.lockout import Lock

NOW = 1_800_000_000.0
HERE = "203.0.113.7"

pytestmark = pytest.mark.row("W1")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(state: State, clock: Clock) -> Failures:
    return Failures(state, clock)


def locked(failures: Failures, address: str = HERE, account: str = "ana") -> bool:
    try:
        failures.check(address, account)
    except LockedOut:
        return True
    return False


def test_an_account_is_locked_from_every_address(failures: Failures) -> None:
    for n in range(ACCOUNT.failures):
        assert not locked(failures)
        failures.failed("password", f"203.0.113.{n}", "ana")
    assert (locked(failures), locked(failures, "198.51.100.1"), locked(failures, HERE, "bo")) == (
        True,
        True,
        False,
    )
    with pytest.raises(
        LockedOut, match=r"account ana is locked out until .*; `trunkline users unlock ana` lifts it"
    ):
        failures.check(HERE, "ana")


def test_an_address_is_locked_for_every_account(failures: Failures) -> None:
    for n in range(ADDRESS.failures):
        failures.failed("password", HERE, f"user{n}")
    assert (locked(failures, HERE, "ana"), locked(failures, "198.51.100.1", "ana")) == (True, False)


def test_who_signs_in_has_not_been_guessing(failures: Failures) -> None:
    for _ in range(ACCOUNT.failures - 1):
        failures.failed("password", HERE, "ana")
    failures.passed(HERE, "ana")
    failures.failed("password", HERE, "ana")
    assert not locked(failures)


def test_a_lock_ends_by_itself(failures: Failures, clock: Clock) -> None:
    for _ in range(ACCOUNT.failures):
        failures.failed("password", HERE, "ana")
    clock.now = NOW + ACCOUNT.lock_s
    assert not locked(failures)


@pytest.mark.parametrize("name", ["ana", "account:ana", HERE])
def test_a_person_lifts_a_lock_within_seconds(
    state: State, failures: Failures, clock: Clock, name: str
) -> None:
    for n in range(ADDRESS.failures):
        failures.failed("password", HERE, "ana" if n < ACCOUNT.failures else f"other{n}")
    assert {one.subject for one in lockout.listed(state, now=NOW) if one.holds} == {
        "account:ana",
        f"address:{HERE}",
    }
    lifted = lockout.unlock(state, name, actor="cli:bo", now=NOW)
    assert lifted == [f"address:{HERE}" if name == HERE else "account:ana"]
    clock.now = NOW + lockout.LOOK_S
    who = (HERE, "bo") if name == HERE else ("198.51.100.1", "ana")
    assert not locked(failures, *who)
    assert audit.entries(state)[-1]["action"] == "auth.unlock"
    assert lockout.unlock(state, name, now=NOW) == []


@pytest.mark.row("G1")
def test_ten_thousand_failures_make_a_handful_of_rows(state: State, failures: Failures, clock: Clock) -> None:
    for n in range(10_000):
        failures.failed("token", f"10.0.{n // 200}.1")
    clock.now = NOW + 60
    failures.tick()
    rows = audit.entries(state)
    assert {row["action"] for row in rows} == {"auth.failure", "auth.lockout", "auth.failures"}
    told = [row for row in rows if row["action"] != "auth.lockout"]
    assert [row["action"] for row in told] == ["auth.failure"] * lockout.ROWS_A_MINUTE + ["auth.failures"]
    assert told[-1]["detail"]["failures"] == 10_000 - lockout.ROWS_A_MINUTE
    assert len(rows) == lockout.ROWS_A_MINUTE + 1 + 50
    assert failures.total == 10_000


def test_locks_of_the_gateway_are_published_as_lifted_while_they_would_hold(state: State) -> None:
    lockout.noted(state, Lock("address:192.0.2.1", 100, NOW, NOW + 60), "calls")
    lockout.noted(state, Lock("address:192.0.2.2", 100, NOW, NOW + 60), "console")
    for address in ("192.0.2.1", "192.0.2.2"):
        assert lockout.unlock(state, address, now=NOW + 1)
    with state.view() as connection:
        assert roster.read(connection, state, NOW + 2).unlocked == {"address:192.0.2.1": NOW + 1}
        assert roster.read(connection, state, NOW + 60).unlocked == {}
