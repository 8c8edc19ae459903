"""Answers kept and given again, and identical calls that run at once made into one (F10, F11).

Only calls that cannot do anything are looked up: `repeat: always`, GET or POST, and declared in the registry by `cache`
(`cache_rules.py`). Of the calls that are the same (`cache_key.py`) and run at once, one leads and reaches the vendor, the others
wait for its answer (`cache_flights.py`). Answers lie in memory only (`cache_store.py`). Not for: calls that are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from trunkline.core.call import Live, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.flow import Cache
from trunkline.plugins.policies.cache_flights import Flight, Flights
from trunkline.plugins.policies.cache_key import Relevant, contract, identity
from trunkline.plugins.policies.cache_rules import declared, kept_seconds, lasting, lasting_fields, unkept
from trunkline.plugins.policies.cache_store import Kept, Store

ANSWER_MAX = 8 << 20
"""Longer answers are not kept, whatever the size of the memory."""
ANSWER_MIN = 1 << 20
"""Answers up to this size are shared by calls that run at once even where the memory is too small to keep them."""
PASS_S = 60.0
"""For so long after an answer that could not be kept nobody waits for another call's answer to the same question."""
REFRESH_PAUSE_S = 1.0
"""At least so much time lies between two attempts to fetch a new answer in the background."""
STALE_QUIET_S = 60.0
"""An integration counts as served stale until so long after the last stale answer, or until it answers again."""

_ASKED = frozenset((b"no-store", b"no-cache", b"only-if-cached"))
_MISS = b"x-trunkline-cache: miss\r\n"

Refresh = Callable[[Exchange, Callable[[], None]], None]
"""Makes a call once more in the background, and says when that has ended, however it did."""


class _Lookup:
    """What the cache has to do when a running call ends."""

    __slots__ = ("declared", "flight", "given", "key", "spoiled")

    def __init__(self, key: bytes, told: Cache, flight: Flight | None) -> None:
        self.key = key
        self.declared = told
        self.flight = flight
        self.given: Kept | None = None
        """The stale answer that it got because the vendor failed."""
        self.spoiled = False
        """Its answer must not be kept: what it tells was changed, or erased, while it ran."""


class AnswerCache:
    """The cache of one process."""

    def __init__(self, clock: Callable[[], float], relevant: Relevant, bytes_max: int) -> None:
        """`relevant` tells whether a header field reaches vendors and can change an answer."""
        self._clock = clock
        self._relevant = relevant
        self._store = Store(bytes_max)
        self._flights = Flights(clock)
        self._lookups: dict[Exchange, _Lookup] = {}
        self._stale: dict[str, tuple[float, float]] = {}
        self._counts: dict[str, Counter[str]] = {}
        self.refresh: Refresh | None = None
        """Set once there is a gateway; without it no answer is fetched in the background."""

    def concerns(self, exchange: Exchange) -> bool:
        """Calls of services with a cache, and those that want a kept answer only, wherever they go."""
        route = exchange.route
        assert route is not None
        asked = exchange.request.fields.get(b"x-trunkline-cache")
        return route.live.caches or asked == b"only-if-cached"

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Answers the call, lets it lead, or makes it wait. Raises `not_cached`, `invalid_request`, `deadline_exceeded`."""
        route = exchange.route
        assert route is not None
        asked = exchange.request.fields.get(b"x-trunkline-cache", b"")
        if asked and asked not in _ASKED:
            text = "x-trunkline-cache takes no-store, no-cache or only-if-cached"
            raise CallError("invalid_request", text, param="x-trunkline-cache")
        told = declared(exchange, route) if asked != b"no-store" and not switched_off(route.live) else None
        if told is None:
            if asked == b"only-if-cached":
                raise CallError("not_cached", "answers to this call are not kept", scope="call")
            return None
        key = identity(exchange, route, told.scope, self._relevant)
        kept = self._store.get(key, self._clock())
        if asked != b"no-cache":
            if kept is not None and self._answered(exchange, key, kept, told):
                return None
            if asked == b"only-if-cached":
                raise CallError("not_cached", "there is no kept answer that is fresh enough", scope="call")
        return self._join(exchange, key, told, kept, afresh=asked == b"no-cache")

    def look(self, exchange: Exchange) -> dict[str, Any]:
        """What the cache would do with a call; nothing is counted or fetched."""
        route = exchange.route
        assert route is not None
        asked = exchange.request.fields.get(b"x-trunkline-cache", b"")
        told = declared(exchange, route) if asked != b"no-store" and not switched_off(route.live) else None
        if told is None:
            return {"verdict": "off", "age_s": None}
        kept = self._store.get(identity(exchange, route, told.scope, self._relevant), self._clock())
        if kept is None or kept.answer is None or asked == b"no-cache":
            return {"verdict": "miss", "age_s": None}
        age = self._clock() - kept.stored_at
        stale = age < told.ttl + told.stale_while_revalidate
        return {"verdict": "hit" if age < told.ttl else "stale" if stale else "miss", "age_s": round(age, 1)}

    def _answered(self, exchange: Exchange, key: bytes, kept: Kept, told: Cache) -> bool:
        """Gives a kept answer if it is fresh, or if it may be given while a new one is fetched."""
        now = self._clock()
        age = now - kept.stored_at
        if kept.answer is None or age >= told.ttl + told.stale_while_revalidate:
            return False
        if age < told.ttl:
            self._give(exchange, kept, kept.answer, "hit")
            return True
        self._fetch_anew(exchange, key, kept, now)
        if kept.refresh_failed:
            self._served_stale(kept.integration, now)
        self._give(exchange, kept, kept.answer, "stale")
        return True

    def _join(
        self, exchange: Exchange, key: bytes, told: Cache, kept: Kept | None, *, afresh: bool
    ) -> Awaitable[None] | None:
        """Lets a call lead, or wait for the one that does. Who wants a fresh answer waits for nobody."""
        flight = self._flights.get(key)
        if flight is None:
            # Where answers cannot be kept, nobody shall wait for one.
            can_share = kept is None or kept.answer is not None
            self._lead(exchange, key, told, self._flights.begin(key, exchange) if can_share else None)
        elif afresh:
            refreshing = flight.leader is None
            if refreshing:
                flight.leader = exchange
            self._lead(exchange, key, told, flight if refreshing else None)
        else:
            return self._wait(exchange, key, told)
        return None

    def _lead(self, exchange: Exchange, key: bytes, told: Cache, flight: Flight | None) -> None:
        """Sends the call on to the vendor; its answer is kept if it can be."""
        self._lookups[exchange] = _Lookup(key, told, flight)
        exchange.keep = max(exchange.keep, min(ANSWER_MAX, max(ANSWER_MIN, self._store.bytes_max // 8)))
        word = "refresh" if flight is not None and flight.refreshing else "miss"
        exchange.notes += (f"cache={word}",)
        exchange.extra += _MISS
        self._count(exchange, word)

    async def _wait(self, exchange: Exchange, key: bytes, told: Cache) -> None:
        flight = self._flights.get(key)
        if flight is None:
            # This began a turn of the loop after the call was admitted: the one that led is back already.
            kept = self._store.get(key, self._clock())
            if kept is None or not self._answered(exchange, key, kept, told):
                self._join(exchange, key, told, kept, afresh=False)
            return
        outcome, of = await self._flights.wait(key, flight, exchange)
        if outcome is None:
            self._lead(exchange, key, told, flight if flight.leader is exchange else None)
            return
        exchange.notes += (f"shared={of}",)
        self._count(exchange, "shared")
        if isinstance(outcome, CallError):
            exchange.cost_usd = 0.0
            exchange.extra += _MISS
            raise outcome
        assert outcome.answer is not None
        fresh = self._clock() - outcome.stored_at < max(told.ttl, 1.0)
        self._give(exchange, outcome, outcome.answer, "hit" if fresh else "stale")

    def _give(self, exchange: Exchange, kept: Kept, answer: Answer, word: str) -> None:
        """Answers with what is kept; says so in header and record, and what that saved."""
        exchange.answer = answer
        exchange.cost_usd = 0.0
        exchange.served_model = kept.served_model
        notes = [note for note in exchange.notes if note != "cache=miss"]
        notes.append(f"cache={word}")
        if kept.cost_usd > 0:
            notes.append(f"cache_saved_usd={kept.cost_usd:.9g}")
        exchange.notes = tuple(notes)
        age = self._clock() - kept.stored_at
        line = b"x-trunkline-cache: %b; age=%d\r\n" % (word.encode(), age)
        exchange.extra = exchange.extra.replace(_MISS, b"") + line
        self._count(exchange, word)

    # The end of a call.

    def settle(self, exchange: Exchange) -> None:
        """Keeps the answer if it may be kept, and tells those who wait."""
        route = exchange.route
        assert route is not None
        if not route.live.caches:
            return
        lookup = self._lookups.pop(exchange, None)
        if lookup is not None:
            self._landed(exchange, route, lookup)
        elif exchange.state == "ok" and exchange.answer is None and changes(exchange):
            self._changed(route.live.name, exchange.path)

    def _landed(self, exchange: Exchange, route: Route, lookup: _Lookup) -> None:
        reason = "spoiled" if lookup.spoiled else unkept(exchange)
        kept = None if reason else self._keep(exchange, route, lookup)
        if reason and exchange.state == "ok":
            self._count(exchange, f"unkept_{reason}")
            if lasting(reason):
                self._keep_none(exchange, route, lookup)
        flight = lookup.flight
        if flight is None:
            return
        if flight.refreshing and kept is None:
            self._not_refreshed(lookup.key)
        self._flights.landed(lookup.key, flight, exchange, kept or lookup.given)

    def _keep(self, exchange: Exchange, route: Route, lookup: _Lookup) -> Kept:
        assert exchange.kept is not None
        now, seconds = self._clock(), kept_seconds(lookup.declared, exchange, route)
        kept = Kept(
            exchange.kept._replace(fields=lasting_fields(exchange.kept.fields)),
            stored_at=now,
            expires_at=now + seconds,
            integration=route.live.name,
            path=exchange.path,
            contract=contract(route.live),
            cost_usd=exchange.cost_usd,
            served_model=exchange.served_model,
        )
        self._stale.pop(route.live.name, None)
        if seconds > 0:
            self._store.put(lookup.key, kept)
        return kept

    def _keep_none(self, exchange: Exchange, route: Route, lookup: _Lookup) -> None:
        """Remembers that answers to this call cannot be kept."""
        now = self._clock()
        name, of = route.live.name, contract(route.live)
        kept = Kept(
            None, stored_at=now, expires_at=now + PASS_S, integration=name, path=exchange.path, contract=of
        )
        self._store.put(lookup.key, kept)

    def _changed(self, integration: str, path: bytes) -> None:
        """What is kept of a path that was written to no longer holds (RFC 9111, 4.4), nor does what is being read of it."""
        self._store.drop_path(integration, path)
        for exchange, lookup in self._lookups.items():
            if (
                exchange.path == path
                and exchange.route is not None
                and exchange.route.live.name == integration
            ):
                lookup.spoiled = True

    # Stale answers.

    def stale(self, exchange: Exchange, max_age_s: float | None = None) -> Answer | None:
        """The last answer to a call whose vendor failed, if it is not older than that; without a bound as `stale_if_error` says.

        Whoever gives it to the caller sets it as `exchange.answer`; header, note and cost are set here.
        """
        lookup = self._lookups.get(exchange)
        if lookup is None:
            return None
        told, now = lookup.declared, self._clock()
        if max_age_s is None:
            max_age_s = told.ttl + told.stale_if_error if told.stale_if_error > 0 else 0.0
        kept = self._store.get(lookup.key, now)
        if kept is None or kept.answer is None or now - kept.stored_at > max_age_s:
            return None
        lookup.given = kept
        self._served_stale(kept.integration, now)
        self._give(exchange, kept, kept.answer, "stale")
        return kept.answer

    def _served_stale(self, integration: str, now: float) -> None:
        since, last = self._stale.get(integration, (now, now))
        self._stale[integration] = (since if now - last < STALE_QUIET_S else now, now)

    def stale_served(self) -> dict[str, float]:
        """Integrations whose callers are given stale answers because it fails, with the seconds since that began."""
        now = self._clock()
        return {
            name: round(now - since, 1)
            for name, (since, last) in self._stale.items()
            if now - last < STALE_QUIET_S
        }

    def _fetch_anew(self, exchange: Exchange, key: bytes, kept: Kept, now: float) -> None:
        """Has one call made in the background. It comes back here with `no-cache`, and its answer takes the place of the old one."""
        if self.refresh is None or now < kept.refresh_at or self._flights.get(key) is not None:
            return
        kept.refresh_at = now + REFRESH_PAUSE_S
        flight = self._flights.begin(key, None)
        self.refresh(exchange, lambda: self._refreshed(key, flight))

    def _refreshed(self, key: bytes, flight: Flight) -> None:
        """The background call is over. If it never got as far as here (no money, key revoked), somebody else may lead."""
        if self._flights.get(key) is flight and flight.leader is None:
            self._not_refreshed(key)
            self._flights.hand_over(key, flight)

    def _not_refreshed(self, key: bytes) -> None:
        now = self._clock()
        kept = self._store.get(key, now)
        if kept is not None:
            kept.refresh_failed, kept.refresh_at = True, now + REFRESH_PAUSE_S

    # For the process and its operators.

    def reload(self, services: Iterable[Live], bytes_max: int) -> None:
        """Another configuration holds: what was answered under an earlier one is forgotten."""
        self._store.retain({contract(live) for live in services if live.caches})
        self._store.shrink(bytes_max)

    def clear(self, integration: str = "") -> int:
        """Forgets all answers, or those of one integration, those of running calls included; says how many were kept."""
        for exchange, lookup in self._lookups.items():
            if not integration or (exchange.route is not None and exchange.route.live.name == integration):
                lookup.spoiled = True
        return self._store.drop_if(lambda kept: integration in ("", kept.integration))

    def sweep(self) -> None:
        """Forgets what has had its time; to be called about once a second."""
        self._store.sweep(self._clock())

    def stats(self) -> dict[str, Any]:
        """Sizes, then counts since the start: all in all, and by integration."""
        store = self._store
        total: Counter[str] = Counter()
        for counts in self._counts.values():
            total.update(counts)
        sizes = {
            "answers": len(store),
            "bytes": store.bytes,
            "bytes_max": store.bytes_max,
            "evicted": store.evicted,
        }
        return {**sizes, **total}

    def counted(self, word: str) -> dict[str, int]:
        """One count by integration: hit, miss, stale, shared, refresh."""
        return {name: counts[word] for name, counts in self._counts.items()}

    def _count(self, exchange: Exchange, word: str) -> None:
        assert exchange.route is not None
        name = exchange.route.live.name
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = Counter()
        counts[word] += 1

    def __repr__(self) -> str:
        return f"AnswerCache(running={len(self._lookups)}, {self._flights!r})"


def switched_off(live: Live) -> bool:
    """Whether people have disabled an integration: then nothing of it is given any more."""
    problem = live.members[0].problem
    return problem is not None and problem.code == "disabled"


def changes(exchange: Exchange) -> bool:
    """Whether a call may have changed what a GET of the same path answers."""
    return not exchange.dialect and exchange.method not in (b"GET", b"HEAD", b"OPTIONS")
