"""How calls flow, as the registry declares it: time, limits, repeats, breakers, queues, fallbacks, caches, budgets. Plain data.

Part of what `core/service.py` holds about an integration and a snapshot. Not for: doing any of it (`engine/`, `plugins/policies/`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Lane = Literal["interactive", "pipeline", "batch"]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. Ruling 6 holds the defaults."""

    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 30.0
    total: float = 60.0
    slow_bytes: float = 0.0
    """A streamed answer slower than so many bytes per second over `slow_for` seconds is cut; 0: never."""
    slow_for: float = 30.0


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit toward the vendor: so many requests, tokens or US dollars per `per` seconds, or so many calls at once."""

    requests: int = 0
    tokens: int = 0
    """Input and output together."""
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    concurrency: int = 0
    per: float = 0.0


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how patiently an attempt is repeated."""

    attempts: int = 4
    backoff: float = 1.0
    """First delay in seconds; doubles each time, with full jitter."""
    backoff_max: float = 8.0
    budget: float = 0.2
    """Repeats may be at most this share of live traffic ..."""
    budget_floor: float = 10.0
    """... but so many a minute are always allowed."""
    slow: float = 0.0
    """An attempt that failed after more than so many seconds is not repeated; 0: half of the call's total time."""


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """When a target is held back: a share of failures over a sliding window (seconds)."""

    failures: float = 0.5
    """Share of failures in the window that opens it."""
    volume: int = 20
    """Calls needed in the window before the share counts; so many failures in a row, over a second at least, open it too."""
    window: float = 10.0
    open_for: float = 5.0
    slow_after: float = 0.0
    """A call that takes longer (seconds to the first byte) counts as slow; 0: none does."""
    slow: float = 0.8
    """Share of slow calls in the window that opens it."""
    probes: int = 2
    """Good trial calls in a row that close it again."""
    ramp: float = 20.0
    """Seconds over which traffic returns after that, from a tenth to all of it; 0: at once."""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """How calls wait for a place at a vendor whose limits are used up."""

    wait: float = 30.0
    """Longest wait in seconds; 0: nobody waits."""
    size: int = 1000
    """Calls that may wait at once."""
    ageing: float = 10.0
    """Seconds of waiting that lift a call by one lane."""
    patience: float = 1.0
    """Longest wait in seconds, here and for a vendor that says when to come back, of a call that has a fallback to go to."""


class Adaptive(msgspec.Struct, frozen=True, kw_only=True):
    """Concurrency toward the vendor that follows what it bears: one more after a window of successes, a share less on 429 and overload."""

    enabled: bool = True
    floor: int = 1
    ceiling: int = 1000
    decrease: float = 0.7


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """What to do when a target fails, in the order in which they stand."""

    kind: Literal["target", "stale", "static", "template", "defer"]
    target: str = ""
    """kind target: an integration, a named route or `integration/model`."""
    max_age: float = 0.0
    """kind stale: oldest answer from the cache, seconds."""
    status: int = 200
    """kinds static and template."""
    content_type: str = "application/json"
    body: str = ""
    """kinds static and template; a template holds `{{ /pointer/into/the/request }}` and `{{ name }}` of the call's facts."""
    deadline: float = 86400.0
    """kind defer: how long it may take, seconds."""
    on: list[str] = []
    """Codes of failures for which it holds; empty: all that another target could help (column `elsewhere`)."""


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """Answers kept and given again. Off unless declared, per integration, operation or model."""

    ttl: float = 0.0
    """Seconds during which a kept answer is fresh."""
    stale_while_revalidate: float = 0.0
    """Seconds after that during which it is still given while a new one is fetched."""
    stale_if_error: float = 0.0
    """Seconds after `ttl` during which it is given when the vendor fails."""
    scope: Literal["key", "team", "all"] = "key"
    """Who shares answers."""


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """A second request for repeatable calls whose answer is late; the loser is cancelled."""

    after: float = 0.0
    """Seconds; 0: the learned p95 of this target."""
    usd_per_day: float = 0.0
    """What the losers may cost a day; calls without a price count 0."""
    share: float = 0.05
    """At most this share of calls is hedged."""


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What may be mended and sent again, within the call's attempts."""

    bigger_context: str = ""
    """`context_too_long`: the model (`integration/model`) to go on with."""
    trim: Literal["", "oldest_messages"] = ""
    """`context_too_long`: what to leave out."""
    drop_unsupported: bool = False
    """`invalid_request` that names a parameter as unsupported: leave that parameter out."""
    malformed_again: bool = False
    """An answer that is no valid JSON: ask once more."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """A free call that tells whether an integration answers; made by the console, never billed."""

    method: Literal["GET", "HEAD", "OPTIONS"] = "GET"
    path: str = "/"
    every: float = 60.0
    timeout: float = 10.0
    credential: bool = True
    """Whether the credential goes with it."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls a budget or a limit counts: all that match every field given. `each` makes one counter per value."""

    team: str = ""
    feature: str = ""
    key: str = ""
    """Id or name of a caller key."""
    integration: str = ""
    model: str = ""
    """`integration/model` or a glob of it."""
    each: Literal["", "team", "feature", "key", "integration", "model"] = ""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Money for a period (UTC day or month)."""

    name: str
    usd: float
    per: Literal["day", "month"] = "month"
    scope: Scope = Scope()
    alerts: tuple[float, ...] = (0.5, 0.8, 1.0)
    """Shares of the budget at which `notify` is told."""
    hard: bool = True
    """Whether calls are refused once it is spent."""
    unpriced: Literal["warn", "block"] = "warn"
    """What happens to model calls without a price."""


class CallerLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit toward callers."""

    name: str
    scope: Scope = Scope()
    requests: int = 0
    tokens: int = 0
    concurrency: int = 0
    per: float = 60.0


class Notify(msgspec.Struct, frozen=True, kw_only=True):
    """Where alerts and ends of deferred calls are told."""

    webhook: str = ""
    """URL; signed as Standard Webhooks say."""
    webhook_secret: str = ""
    """Reference of the signing secret (`whsec_...`)."""
    email: list[str] = []
    smtp: str = ""
    """`smtp://host:port` or `smtps://`, without credentials."""
    smtp_user: str = ""
    smtp_secret: str = ""
    """Reference of the password."""
    sender: str = ""
    console_url: str = ""
    """Where people reach the console; links in alerts lead there."""


class Shedding(msgspec.Struct, frozen=True, kw_only=True):
    """When the process itself is overloaded, new calls are refused, lowest lane first."""

    loop_lag: float = 0.25
    """Seconds the event loop may be late before the batch lane is refused; twice: pipeline; four times: interactive."""
    running_bytes: int = 512 << 20
    """Bytes of requests and answers in memory; the same steps."""


class Drills(msgspec.Struct, frozen=True, kw_only=True):
    """Drills on a schedule, on an isolated copy (`trunkline drill`)."""

    every: float = 0.0
    """Seconds; 0: none."""
    production: bool = False
    """Also where the environment is `prod`."""
