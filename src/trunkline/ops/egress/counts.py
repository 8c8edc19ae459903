"""What the listener counts, and what it notes of refused hosts: bounded, in memory, handed on now and then.

Not for: keeping it (`ops/findings.py`), nor for who decides (`listener.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from trunkline.ops.findings import Finding

HOSTS = 500
CALLERS = 50
KIND = "egress.undeclared"


class Seen(msgspec.Struct):
    """What is known of one refused host since it was handed on last."""

    calls: int = 0
    last_at: float = 0.0
    callers: Counter[str] = msgspec.field(default_factory=Counter)
    peers: set[str] = msgspec.field(default_factory=set)
    plain: bool = False


class Counts:
    """Counters since the start, and the hosts that nobody has been told of yet."""

    def __init__(self) -> None:
        self.open = 0
        self.opened: Counter[str] = Counter()
        """Tunnels by integration, or by host for what is only allowed."""
        self.refused: Counter[str] = Counter()
        """Requests by code."""
        self.sent: Counter[str] = Counter()
        """Bytes toward the outside, by the same names as `opened`."""
        self.received: Counter[str] = Counter()
        self.dropped = 0
        """Hosts of which nobody is told, because too many came at once."""
        self._hosts: dict[str, Seen] = {}

    def undeclared(self, host: str, port: int, caller: str, peer: str, at: float, *, plain: bool) -> None:
        """An identified caller asked for a host that nobody declared."""
        name = f"{host}:{port}"
        seen = self._hosts.get(name)
        if seen is None:
            if len(self._hosts) >= HOSTS:
                self.dropped += 1
                return
            seen = self._hosts[name] = Seen()
        seen.calls += 1
        seen.last_at = at
        seen.plain = seen.plain or plain
        if caller in seen.callers or len(seen.callers) < CALLERS:
            seen.callers[caller] += 1
        if len(seen.peers) < CALLERS:
            seen.peers.add(peer)

    def take(self) -> list[Finding]:
        """The findings of what came since the last time."""
        hosts, self._hosts = self._hosts, {}
        return [_finding(name, seen) for name, seen in hosts.items()]

    def give_back(self, findings: list[Finding]) -> None:
        """What could not be kept is tried again, as far as there is room."""
        for one in findings:
            if len(self._hosts) < HOSTS and one.subject not in self._hosts:
                detail = one.detail
                self._hosts[one.subject] = Seen(
                    calls=detail["calls"],
                    last_at=detail["last_at"],
                    callers=Counter(detail["callers"]),
                    peers=set(detail["from"]),
                    plain=detail["plain"],
                )

    def told(self) -> dict[str, Any]:
        """For the file of statistics."""
        return {
            "open": self.open,
            "opened": dict(self.opened),
            "refused": dict(self.refused),
            "bytes_sent": dict(self.sent),
            "bytes_received": dict(self.received),
            "dropped": self.dropped,
        }


def _finding(name: str, seen: Seen) -> Finding:
    who = ", ".join(caller for caller, _ in seen.callers.most_common(3))
    more = f" and {len(seen.callers) - 3} more" if len(seen.callers) > 3 else ""
    return Finding(
        kind=KIND,
        integration="",
        subject=name,
        severity="warning",
        title=f"{who}{more} tried to reach {name}, which the registry does not declare; it was refused.",
        detail={
            "calls": seen.calls,
            "last_at": seen.last_at,
            "callers": dict(seen.callers),
            "from": sorted(seen.peers),
            "plain": seen.plain,
            "cure": f"Declare an integration with this address, or list `{name}` under `egress: {{allow: [...]}}`.",
        },
    )
