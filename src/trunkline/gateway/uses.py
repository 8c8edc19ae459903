"""Writes down, a few times a minute, which keys were let in lately, and whom wrong ones have locked out, for the console to keep.

Not for: counting calls (the journal), nor for judging keys (`plugins/policies/access.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.codec import to_pack
from trunkline.core.lockout import Lock
from trunkline.core.uses import TokenUse, Uses
from trunkline.plugins.policies.access import Access

EVERY_S = 15.0
MOST_TOKENS = 10_000
MOST_LOCKS = 100


class UseLog:
    """Of one gateway process."""

    def __init__(self, boot: str, access: Access, wall: Callable[[], float]) -> None:
        self._boot = boot
        self._access = access
        self._wall = wall
        self._keys: dict[str, float] = {}
        self._tokens: dict[str, TokenUse] = {}
        self._locks: list[Lock] = []
        self._due = float("-inf")
        self._written = b""

    def due(self) -> bytes:
        """What to write now; empty if it is not time, or nothing has changed."""
        now = self._wall()
        if now < self._due and not self._access.locks and not self._access.unknown_issuers:
            return b""
        if now >= self._due:
            self._due = now + EVERY_S
            self._collect(now)
        locks, self._access.locks = self._access.locks, []
        self._locks = [*self._locks, *locks][-MOST_LOCKS:]
        found = Uses(
            boot=self._boot,
            keys=self._keys,
            tokens=self._tokens,
            locks=self._locks,
            wrong=self._access.wrong.total,
            issuers=sorted(self._access.unknown_issuers),
        )
        content = to_pack(found)
        if content == self._written:
            return b""
        self._written = content
        return content

    def _collect(self, now: float) -> None:
        for caller in self._access.uses():
            key = caller.key
            if key.hash:
                self._keys[f"{key.id}:{key.version}"] = now
            else:
                self._tokens.pop(key.id, None)
                self._tokens[key.id] = TokenUse(name=key.name, team=key.team, at=now)
        while len(self._tokens) > MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
