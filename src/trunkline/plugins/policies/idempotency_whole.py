"""An idempotency key on a request with several calls (`POST /v1/parallel`): under one key it is one and the same request, and each
of its calls goes under a key of its own that follows from it: `order-17.1`, `order-17.2`, ...

So a repeat gets the answers of those calls that were answered, and makes the others. Not for: what those keys mean for each call
(`idempotency.py`), whose store is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.idempotency import DEFAULT_HOURS, LONGEST_KEY, UNKEPT, AnswerStore, Held, scope_of
from trunkline.plugins.policies.idempotency import key_of, same_request, unusable

_NUMBER_MAX = 4
"""Characters of what is put behind the key."""
_OPERATION = "parallel"


class Claim(NamedTuple):
    """What a running request holds of its key. `intent`: None for a repeat, whose key is stored already."""

    key: bytes
    mark: bytes
    intent: Held | None

    def of(self, n: int) -> bytes:
        """The key of its call number `n`, from 0."""
        return b"%b.%d" % (self.key, n + 1)


class Whole:
    """The keys of requests that run; those of earlier ones are in the store."""

    def __init__(self, store: AnswerStore, wall: Callable[[], float]) -> None:
        self._store = store
        self._wall = wall
        self._running: set[bytes] = set()

    def begin(self, exchange: Exchange, body: bytes) -> Claim | None:
        """None for a request without a key. Raises `invalid_request`, `idempotency_in_progress`, `idempotency_conflict` and
        `store_unavailable`. Every claim must be given back by `end`.
        """
        key, caller = key_of(exchange, b""), exchange.caller
        if not key:
            return None
        longest = LONGEST_KEY - _NUMBER_MAX
        if len(key) > longest:
            raise unusable(
                f"it has {len(key)} characters, and with several calls at most {longest} are allowed"
            )
        assert caller is not None
        subject = caller.subject if caller.token_id else ""
        mark = self._store.mark(*scope_of(caller.key.team, caller.key.id, subject, "", _OPERATION), key)
        fingerprint = self._store.mark(exchange.subject_hash.encode(), body)
        now = self._wall()
        if mark in self._running:
            text = "the first request with this idempotency key still runs"
            raise CallError("idempotency_in_progress", text, scope="request", retry_at=now + 1)
        held = self._store.find(mark, now)
        if held is not None:
            same_request(held, fingerprint)
        claim = Claim(key, mark, None if held is not None else self._intent(exchange, mark, fingerprint, now))
        self._running.add(mark)
        return claim

    def _intent(self, exchange: Exchange, mark: bytes, fingerprint: bytes, now: float) -> Held:
        try:
            return self._store.begin(mark, fingerprint, exchange.call_id, now, now + DEFAULT_HOURS * 3600)
        except OSError as problem:
            text = f"this idempotency key could not be stored before the calls were made: {problem}"
            raise CallError("store_unavailable", text) from None

    def end(self, claim: Claim | None) -> None:
        """The request is over, however it ended."""
        if claim is None:
            return
        self._running.discard(claim.mark)
        if claim.intent is not None:
            # Its calls have their answers under their own keys.
            self._store.end(claim.intent, UNKEPT, 200)
