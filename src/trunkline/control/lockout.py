"""Failures to sign in, and whom they lock out: counted in memory, audited sparsely, and lifted by a person's word.

The first failures of a minute have an audit row each, further ones one row together, a lockout its own: ten thousand wrong tokens
make a handful of rows. Locks stand in the control database, so that the command line sees and lifts them. Not for: the counting
itself (`core/lockout.py`), nor for wrong keys on calls, which the gateway counts (`noted` writes down what it tells).
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from trunkline.control import audit, publish
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core.lockout import Lock, Lockouts, Rules, address_subject

ACCOUNT = Rules(failures=10, within_s=900.0, lock_s=900.0)
ADDRESS = Rules(failures=30, within_s=900.0, lock_s=900.0)
ROWS_A_MINUTE = 5
KEPT_S = 30 * 86400.0
LOOK_S = 2.0
"""How soon a lifted lock is lifted."""

Plane = Literal["console", "calls"]


class LockedOut(Exception):
    """Too many failures: nothing of this account or address is looked at until then."""

    def __init__(self, subject: str, until: float) -> None:
        super().__init__(
            f"too many failed attempts: {subject.replace(':', ' ', 1)} is locked out until {rfc3339(until)}; "
            f"`trunkline users unlock {subject.partition(':')[2]}` lifts it"
        )
        self.until = until


class LockoutInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A lockout that holds or held lately."""

    subject: str
    """`account:NAME` or `address:IP`."""
    plane: Plane
    failures: int
    locked_at: str | None
    until: str | None
    holds: bool


class Failures:
    """Those of one console process."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock
        self._accounts, self._addresses = Lockouts(ACCOUNT), Lockouts(ADDRESS)
        self._looked: dict[str, float] = {}
        self._lock = threading.RLock()
        self._minute, self._told = 0, 0
        self._untold: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """All failures since the start."""
        return self._addresses.total

    def check(self, address: str, account: str = "") -> None:
        """Raises LockedOut."""
        with self._lock:
            for lockouts, subject in self._subjects(address, account):
                until = lockouts.until(subject, self._clock())
                if until and not self._lifted(lockouts, subject):
                    raise LockedOut(subject, until)

    def failed(self, way: str, address: str, account: str = "") -> None:
        """Counts one failure. `way`: what was tried (`password`, `token`, `link`, `oidc`)."""
        with self._lock:
            now = self._clock()
            for lockouts, subject in self._subjects(address, account):
                lock = lockouts.failed(subject, now)
                if lock is not None:
                    noted(self._state, lock, "console")
            self._tell(way, address, account)

    def passed(self, address: str, account: str = "") -> None:
        """Who signs in has not been guessing."""
        with self._lock:
            for lockouts, subject in self._subjects(address, account):
                lockouts.forget(subject)

    def tick(self) -> None:
        """Writes down what has not been told yet, once its minute is over."""
        with self._lock:
            minute = int(self._clock() // 60)
            if minute == self._minute:
                return
            self._minute, self._told = minute, 0
            if self._untold:
                untold, self._untold = self._untold, Counter()
                detail = {"failures": untold.total(), "most": dict(untold.most_common(5))}
                audit.append(self._state, "console", "auth.failures", "(several)", detail)

    def _tell(self, way: str, address: str, account: str) -> None:
        self.tick()
        if self._told >= ROWS_A_MINUTE:
            self._untold[f"{way} {address_subject(address)}"] += 1
            if len(self._untold) > 1000:
                self._untold = Counter(dict(self._untold.most_common(500)))
            return
        self._told += 1
        detail = {"way": way, "address": address[:64], **({"account": account[:128]} if account else {})}
        audit.append(self._state, "console", "auth.failure", account[:128] or address[:64], detail)

    def _subjects(self, address: str, account: str) -> list[tuple[Lockouts, str]]:
        found = [(self._addresses, address_subject(address))]
        return [(self._accounts, f"account:{account[:128]}"), *found] if account else found

    def _lifted(self, lockouts: Lockouts, subject: str) -> bool:
        """Whether a person has lifted a lock since; the database is asked at most every LOOK_S."""
        now = self._clock()
        if now - self._looked.get(subject, float("-inf")) < LOOK_S:
            return False
        if len(self._looked) > 1000:
            self._looked.clear()
        self._looked[subject] = now
        with self._state.view() as connection:
            row = _rows(connection).get(subject)
        if row is None or not row["unlocked_at"]:
            return False
        lockouts.forget(subject)
        return True


def noted(state: State, lock: Lock, plane: Plane) -> None:
    """Writes down a lock that has begun."""
    from trunkline.ledger import people_tables as people

    row: dict[str, Any] = {"subject": lock.subject, "plane": plane, "failures": lock.failures}
    row |= {"locked_at": lock.at, "until": lock.until, "unlocked_at": 0.0}
    with state.change() as connection:
        people.put(connection, people.lockouts, row)
        people.tidy(connection, lock.at - KEPT_S)
        detail = {"plane": plane, "failures": lock.failures, "until": rfc3339(lock.until)}
        audit.add(
            connection, state, [audit.Entry("trunkline", "auth.lockout", lock.subject, detail)], lock.at
        )


def listed(state: State, *, now: float | None = None) -> list[LockoutInfo]:
    """Lockouts that hold, then those of the last days."""
    at = time.time() if now is None else now
    with state.view() as connection:
        rows = list(_rows(connection).values())
    found = [
        LockoutInfo(
            subject=row["subject"],
            plane=row["plane"],
            failures=row["failures"],
            locked_at=rfc3339(row["locked_at"]),
            until=rfc3339(row["until"]),
            holds=row["until"] > at and not row["unlocked_at"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.holds, one.subject))


def unlock(state: State, name: str, *, actor: str = "cli", now: float | None = None) -> list[str]:
    """Lifts every lock of an account or address; answers which. Holds within seconds."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    wanted = {f"account:{name}", name}
    try:
        wanted.add(address_subject(str(ipaddress.ip_address(name))))
    except ValueError:
        wanted.add(f"address:{name}")
    with state.change() as connection:
        found = [
            subject
            for subject, row in _rows(connection).items()
            if subject in wanted and row["until"] > at and not row["unlocked_at"]
        ]
        for subject in found:
            people.change(connection, people.lockouts, subject, {"unlocked_at": at})
        audit.add(connection, state, [audit.Entry(actor, "auth.unlock", subject) for subject in found], at)
    if found:
        publish.callers(state, now=at)
    return found


def _rows(connection: Any) -> dict[str, Any]:
    from trunkline.ledger import people_tables as people

    return {row["subject"]: row for row in people.rows(connection, people.lockouts)}
