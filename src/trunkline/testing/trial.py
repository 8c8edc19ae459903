"""A whole gateway in memory: the real engine, policies, dialects and routes, a scripted vendor, a journal that is a list.

Composed as `app.py` composes the process, without its files, sockets and timers. Not for: what only a process can show.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Retry
from trunkline.core.ports import Policy
from trunkline.core.price import Price
from trunkline.core.record import Again, Begin, End
from trunkline.core.service import (
    Alias,
    Auth,
    CallerKey,
    Callers,
    Credential,
    Dialect,
    Model,
    Sealed,
    Service,
    Snapshot,
)
from trunkline.engine.batch import Batches
from trunkline.engine.diary import Diary
from trunkline.engine.dispatch import Dispatcher
from trunkline.engine.fallback import Defer, Fallbacks
from trunkline.engine.gateway import Gateway, Ids
from trunkline.engine.guess import Guesses
from trunkline.engine.limits_told import limits_told
from trunkline.engine.sweep import Sweeper
from trunkline.engine.world import Makers, World
from trunkline.gateway import addresses, caching, failures
from trunkline.gateway.local import LocalRoutes
from trunkline.gateway.responses import Responses
from trunkline.plugins import auth
from trunkline.plugins.adapters import ADAPTERS, CODECS
from trunkline.plugins.policies.access import Access, may_fall_back
from trunkline.plugins.policies.breaker import Breaker
from trunkline.plugins.policies.budget import Budget
from trunkline.plugins.policies.cache import AnswerCache
from trunkline.plugins.policies.caller_limits import CallerLimits
from trunkline.plugins.policies.data_guard import DataGuard
from trunkline.plugins.policies.idempotency_whole import Whole
from trunkline.plugins.policies.identifiers import Identifiers
from trunkline.plugins.policies.queue import Queue
from trunkline.plugins.policies.quota import Quota
from trunkline.testing.script import FakeClock, Heard, MemoryJournal, Play, ScriptedWire
from trunkline.wire.request import Request

KEY = "tl_test_not_a_real_key"
"""The caller key of a Trial; it may call everything."""
SECRET = "sk-test-not-a-real-key"  # noqa: S105 - said in its name
"""The value of every vendor secret of a Trial."""
PEPPER, TOKEN_KEY = b"pepper-of-tests", b"token-key-of-tests"
TURNS = 50

DIALECTS = [
    Dialect(name="openai-chat", path="/v1/chat/completions"),
    Dialect(name="openai-embeddings", path="/v1/embeddings"),
    Dialect(name="openai-responses", path="/v1/responses"),
    Dialect(name="anthropic-messages", path="/v1/messages"),
    Dialect(name="anthropic-count-tokens", path="/v1/messages/count_tokens"),
    Dialect(name="gemini-generate", path="/v1beta/models/{model}:{method}"),
    Dialect(name="gemini-embed", path="/v1beta/models/{model}:{method}"),
    Dialect(name="gemini-count", path="/v1beta/models/{model}:{method}"),
]


def service(name: str = "acme", **changes: Any) -> Service:
    """A vendor with one credential, a model `tiny` in every dialect, and retries that do not wait."""
    ref = f"env:{name.upper()}_KEY"
    given: dict[str, Any] = {
        "name": name,
        "base_url": f"https://{name}.test",
        "auth": Auth(),
        "credentials": [Credential(ref=ref)],
        "dialects": DIALECTS,
        "models": [Model(id="tiny", price=Price(input=1.0, output=2.0))],
        "retry": Retry(backoff=0.0),
    }
    return Service(**{**given, **changes})


def caller_key(key: str = KEY, **changes: Any) -> CallerKey:
    """A caller key as the gateway knows it."""
    given: dict[str, Any] = {
        "id": "key-1",
        "name": "tests",
        "hash": hmac.digest(PEPPER, key.encode(), "sha256"),
        "team": "shop",
        "scopes": ["*"],
    }
    return CallerKey(**{**given, **changes})


def request(
    method: str = "GET", target: str = "/", body: bytes = b"", *headers: tuple[str, str], key: str = KEY
) -> Request:
    """A request as the wire hands it over, with the key as bearer token (`key=""`: without)."""
    lines = [(n.lower().encode(), v.encode("latin-1")) for n, v in headers]
    if key:
        lines.append((b"authorization", b"Bearer " + key.encode()))
    if body:
        lines.append((b"content-length", b"%d" % len(body)))
    fields: dict[bytes, bytes] = {}
    for name, value in lines:
        fields.setdefault(name, value)
    return Request(method, target.encode(), lines, fields, body=body, peer="192.0.2.1", length=len(body))


class Trial:
    """A gateway to try things on. `calls` and `attempts` are policies admitted after our own; `only` leaves ours out."""

    def __init__(
        self,
        *plays: Play,
        services: Sequence[Service] = (),
        calls: Sequence[Policy[Exchange]] = (),
        attempts: Sequence[Policy[Attempt]] = (),
        only: bool = False,
        keys: Sequence[CallerKey] = (),
        aliases: dict[str, str | Alias] | None = None,
        routes: dict[str, str] | None = None,
        defer: Defer | None = None,
        whole: Whole | None = None,
        responses: Responses | None = None,
        clock: FakeClock | None = None,
        journal: MemoryJournal | None = None,
        noticed: Callable[[Attempt, Any], None] = lambda attempt, response: None,
        **snapshot: Any,
    ) -> None:
        self.clock = clock = clock or FakeClock()
        self.wire = ScriptedWire(*plays, clock=clock)
        self.journal = journal or MemoryJournal()
        self.sweeper = Sweeper(clock)
        callers = Callers(version="1", keys=list(keys) or [caller_key()], subject_salt=b"salt")
        self.access = Access(callers, PEPPER, TOKEN_KEY, wall=clock.wall)
        self.breaker = Breaker(clock, clock.wall)
        self.cache = AnswerCache(clock, caching.relevance(), snapshot.get("cache_bytes", 64 << 20))
        self.limits, self.budget = CallerLimits(clock, clock.wall), Budget(clock.wall)
        self.guard = DataGuard()
        own_calls: list[Policy[Exchange]] = [
            self.access, *([responses.policy] if responses is not None else []), self.guard, Identifiers(),
            Quota(clock.wall), self.limits, self.cache, self.budget,
        ]  # fmt: skip
        # A target stands in one line only, so a queue that is given takes the place of ours.
        given = next((policy for policy in attempts if isinstance(policy, Queue)), None)
        self.queue = given or Queue(clock, clock.wall, limits_told, self.breaker.shut)
        own_attempts: list[Policy[Attempt]] = [*([] if given else [self.queue]), self.breaker]
        self.attempt_policies = [*([] if only else own_attempts), *attempts]
        self.unknown: list[Any] = []
        """Failures that no rule knows."""
        diary = Diary(self.journal, "b007b007", clock, clock.wall, self.access.subject_hash)
        self.diary = diary
        fallbacks = Fallbacks(
            may=lambda exchange, route: may_fall_back(exchange, route) and self.guard.may(exchange, route),
            affords=self.budget.affords,
            stale=self.cache.stale,
            defer=defer,
            shut=self.breaker.shut,
            wall=clock.wall,
            codecs=CODECS,
        )
        self.queue.elsewhere = fallbacks.ready
        dispatcher = Dispatcher(
            self.wire,
            diary,
            self.attempt_policies,
            self.sweeper,
            clock=clock,
            wall=clock.wall,
            failed=failures.call_error,
            unknown=self.unknown.append,
            fallbacks=fallbacks,
            noticed=noticed,
        )
        self.batches = Batches(dispatcher, diary, caching.relevance(), clock=clock)
        self.call_policies = [*([] if only else [*own_calls, self.batches, Guesses()]), *calls]
        local = LocalRoutes(
            self.access,
            self.breaker,
            clock=clock,
            wall=clock.wall,
            reload_state=dict,
            whole=whole,
            responses=responses,
        )
        self.snapshot = Snapshot(
            version="v1",
            created="2026-11-21T12:00:00Z",
            environment="dev",
            services=list(services) or [service()],
            aliases=[
                one if isinstance(one, Alias) else Alias(name=name, target=one)
                for name, one in (aliases or {}).items()
            ],
            routes=routes or {},
            **snapshot,
        )
        self.queue.load(self.snapshot)
        self.guard.load(self.snapshot)
        self.limits.load(self.snapshot.caller_limits, callers.keys)
        self.budget.load(self.snapshot.budgets, callers.keys)
        self.gateway = Gateway(
            world(self.snapshot),
            self.access,
            self.call_policies,
            dispatcher,
            diary,
            local,
            Ids("b007b007"),
            clock=clock,
            wall=clock.wall,
        )
        local.gateway = self.gateway
        if responses is not None:
            responses.gateway = self.gateway
        self.batches.running = self.gateway.running
        self.cache.refresh = caching.Refresh(self.gateway.handle)
        self.local = local

    def begin(
        self, method: str, target: str, body: bytes = b"", *headers: tuple[str, str], key: str = KEY
    ) -> Heard:
        """Hands a request over; what the caller hears fills as the loop turns."""
        return self.hand(request(method, target, body, *headers, key=key))

    def hand(self, asked: Request) -> Heard:
        """The same for a request that is made already."""
        heard = Heard()
        self.gateway.handle(asked, heard)
        return heard

    async def ask(
        self, method: str, target: str, body: bytes = b"", *headers: tuple[str, str], key: str = KEY
    ) -> Heard:
        """One whole call. Fails if it does not end by itself."""
        heard = self.begin(method, target, body, *headers, key=key)
        await self.until(lambda: heard.closed and not self.gateway.running)
        return heard

    async def until(self, holds: Callable[[], bool]) -> None:
        """Lets the loop turn until this holds; a bounded number of times, so that nothing can hang."""
        for _ in range(TURNS):
            if holds():
                return
            await asyncio.sleep(0)
        raise AssertionError(f"still not so after {TURNS} turns of the loop; running: {self.gateway.running}")

    async def turn(self, times: int = 10) -> None:
        """Lets everything that can go on do so."""
        for _ in range(times):
            await asyncio.sleep(0)

    def passes(self, seconds: float) -> None:
        """Lets time pass and cuts what is overdue, as the sweeper does ten times a second."""
        self.clock.advance(seconds)
        self.sweeper.sweep(self.clock())

    @property
    def begins(self) -> list[Begin]:
        return [r for r in self.journal.records if isinstance(r, Begin)]

    @property
    def agains(self) -> list[Again]:
        return [r for r in self.journal.records if isinstance(r, Again)]

    @property
    def ends(self) -> list[End]:
        return [r for r in self.journal.records if isinstance(r, End)]


def world(snapshot: Snapshot, **secrets: str) -> World:
    """A snapshot compiled as a gateway does it, every secret being SECRET unless given by its reference's name."""
    refs = [credential.ref for one in snapshot.services for credential in one.credentials]
    values = {ref: secrets.get(ref.partition(":")[2], SECRET) for ref in refs}
    sealed = Sealed(version="1", values={ref: value for ref, value in values.items() if value})
    makers = Makers(auth.prepare, lambda spec, base: addresses.address(spec, base, {}), ADAPTERS, CODECS)
    return World(snapshot, sealed, makers)
