"""Locks out who fails too often: counts failures by subject (an address, an account) in bounded memory. Pure but for its own counts.

Times are epoch seconds. A lock that follows upon another lasts twice as long, up to an hour. Not for: what counts as a failure, nor
for whom a lock holds (`plugins/policies/access.py`, `control/lockout.py`).
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

MOST = 10_000
"""Subjects that are remembered; beyond, the one that failed longest ago and is not locked is forgotten."""
LONGEST_S = 3600.0


class Rules(NamedTuple):
    """So many failures within a time lock a subject for a while."""

    failures: int
    within_s: float
    lock_s: float


class Lock(NamedTuple):
    """A lock that begins."""

    subject: str
    failures: int
    at: float
    until: float


class _Count:
    __slots__ = ("failures", "locked_at", "locks", "since", "until")

    def __init__(self, since: float) -> None:
        self.since = since
        self.failures = 0
        self.until = 0.0
        self.locked_at = 0.0
        self.locks = 0


class Lockouts:
    """Who has failed lately. `total` counts all failures since the start."""

    def __init__(self, rules: Rules, most: int = MOST) -> None:
        self._rules = rules
        self._most = most
        self._counts: dict[str, _Count] = {}
        self.total = 0

    def until(self, subject: str, now: float) -> float:
        """When the subject's lock ends; 0 if it has none."""
        count = self._counts.get(subject)
        return count.until if count is not None and count.until > now else 0.0

    def failed(self, subject: str, now: float) -> Lock | None:
        """Counts one failure; answers the lock if it begins with this one."""
        self.total += 1
        count = self._counts.pop(subject, None) or _Count(now)
        self._counts[subject] = count  # the latest stands last
        if len(self._counts) > self._most:
            self._forget_one(now)
        if count.until > now:
            count.failures += 1
            return None
        if count.until and now - count.until > LONGEST_S:
            count.locks = 0
        if now - count.since > self._rules.within_s or count.until:
            count.since, count.failures, count.until = now, 0, 0.0
        count.failures += 1
        if count.failures < self._rules.failures:
            return None
        count.locked_at = now
        count.until = now + min(LONGEST_S, self._rules.lock_s * 2.0**count.locks)
        count.locks = min(count.locks + 1, 16)
        return Lock(subject, count.failures, now, count.until)

    def failures(self, subject: str) -> int:
        """Failures in the present window or lock."""
        count = self._counts.get(subject)
        return count.failures if count is not None else 0

    def forget(self, subject: str) -> None:
        """As if it had never failed: it succeeded, or a person says so."""
        self._counts.pop(subject, None)

    def lift(self, subject: str, at: float) -> None:
        """A person has lifted what was locked until then."""
        count = self._counts.get(subject)
        if count is not None and count.until and count.locked_at <= at:
            del self._counts[subject]

    def locked(self, now: float) -> list[str]:
        """Who is locked out now."""
        return [subject for subject, count in self._counts.items() if count.until > now]

    def _forget_one(self, now: float) -> None:
        free = (subject for subject, count in self._counts.items() if count.until <= now)
        self._counts.pop(next(free, next(iter(self._counts))))

    def __len__(self) -> int:
        return len(self._counts)

    def __repr__(self) -> str:
        return f"Lockouts({len(self._counts)} subjects, {self.total} failures)"


def address_subject(address: str) -> str:
    """The subject of an address: itself, and for IPv6 the network of 64 bits that one customer has."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address[:64]}"
    if ip.version == 6:
        if ip.ipv4_mapped is not None:
            return f"address:{ip.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((ip, 64), strict=False)}"
    return f"address:{ip}"
