"""The keys that say how calls to an integration flow: how long, how often, how many, what instead, from where again.

Not for: what it is and where (`shape.py`), nor what bounds callers and money (`shape_bounds.py`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from .part import Part, Positive, Share
from .quantity import Duration, Period


class Timeout(Part):
    """How long to wait. Defaults: 5s, 30s, 30s, 60s; for AI vendors 5s, 300s, 60s, 600s."""

    connect: Duration = ""
    """Until the connection stands."""
    first_byte: Duration = ""
    """From the request to the first byte of the answer."""
    idle: Duration = ""
    """Between two pieces of the answer."""
    total: Duration = ""
    """For the whole call with all its attempts."""
    slow_bytes: Annotated[float, Meta(ge=0)] | None = None
    """A streamed answer that brings fewer bytes per second than this is cut; `0` (default): none is."""
    slow_for: Duration = ""
    """Over how long `slow_bytes` is measured; default `30s`."""


class Limit(Part):
    """One limit toward the vendor: exactly one quantity per period, or `concurrency`. Several limits hold at once."""

    requests: Positive | None = None
    """Requests per period."""
    tokens: Positive | None = None
    """Tokens per period, input and output together."""
    input_tokens: Positive | None = None
    """Input tokens per period."""
    output_tokens: Positive | None = None
    """Output tokens per period."""
    usd: Annotated[float, Meta(gt=0)] | None = None
    """US dollars per period; only where its models have prices."""
    concurrency: Positive | None = None
    """Calls at once."""
    per: Period = ""
    """The period, `1s` to `30d`, or `second`, `minute`, `hour`, `day`, `month` (30 days)."""


class Retry(Part):
    """How a failed attempt is repeated."""

    attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    """Attempts per call, the first included, over repeats and fallbacks."""
    backoff: Duration = "1s"
    """First pause; it doubles each time, with full jitter."""
    backoff_max: Duration = "8s"
    """Longest pause."""
    budget: Annotated[float, Meta(ge=0, le=1)] = 0.2
    """Repeats may be at most this share of live traffic ..."""
    budget_floor: Annotated[float, Meta(ge=0)] = 10.0
    """... but so many a minute are always allowed."""
    slow: Duration = ""
    """An attempt that failed after longer than this is not repeated; default: half of `timeout.total`."""


class Breaker(Part):
    """When calls to a failing vendor are paused."""

    failures: Share = 0.5
    """Share of failed calls in the window that opens it."""
    volume: Positive = 20
    """Calls needed in the window before a share counts. So many failures in a row, over a second at least, open it too."""
    window: Duration = "10s"
    """The window."""
    open_for: Duration = "5s"
    """How long it stays open before a trial call; then there is one a second at most."""
    slow_after: Duration = ""
    """A call whose first byte takes longer counts as slow; default: none does."""
    slow: Share = 0.8
    """Share of slow calls in the window that opens it."""
    probes: Positive = 2
    """Good trial calls in a row that close it again."""
    ramp: Duration = "20s"
    """Time over which traffic returns after that, from a tenth to all of it; `0s`: at once."""


class Queue(Part):
    """How calls wait for a place at a vendor whose limits are used up."""

    wait: Duration = "30s"
    """Longest wait; `0s`: nobody waits."""
    size: Annotated[int, Meta(ge=0)] = 1000
    """Calls that may wait at once."""
    ageing: Duration = "10s"
    """Waiting time that lifts a call by one lane (batch, pipeline, interactive)."""
    patience: Duration = "1s"
    """Longest wait of a call that another target of its `fallback` could take at once; `30s`: it waits as long as others."""


class Adaptive(Part):
    """Concurrency toward the vendor that follows what it bears: up by one after successes, down by a share on 429 and overload."""

    enabled: bool = True
    """`false`: only the declared limits hold."""
    floor: Positive = 1
    """Never fewer calls at once."""
    ceiling: Positive = 1000
    """Never more calls at once."""
    decrease: Annotated[float, Meta(gt=0, lt=1)] = 0.7
    """What is left of the concurrency after a refusal, as a share."""


FallbackKind = Literal["target", "stale", "static", "template", "defer"]
KEYS_OF: dict[FallbackKind, tuple[str, ...]] = {
    "target": ("target",),
    "stale": ("max_age",),
    "static": ("status", "content_type", "body"),
    "template": ("status", "content_type", "body"),
    "defer": ("deadline",),
}
"""Which keys mean something to which kind of fallback; `kind` and `on` go with all."""


class Fallback(Part):
    """What to do instead when a call fails. A plain text is short for `{kind: target, target: TEXT}`.

    In an overlay write a list: it replaces what the base says, where a mapping would be merged into it.
    """

    kind: FallbackKind
    """`target`: call another; `stale`: an older answer from the cache; `static`: a fixed answer; `template`: a fixed answer with
    parts of the request in it; `defer`: accept now (202), run later."""
    target: str = ""
    """target: an integration, `integration/model`, a named route, or a model name of `models`. Same wire format, no translation."""
    max_age: Duration = ""
    """stale: the oldest answer that may be given, e.g. `1h`; needs `cache` to be on."""
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """static, template: HTTP status of the answer; default 200."""
    content_type: str = ""
    """static, template: default `application/json` if the body is JSON, else `text/plain; charset=utf-8`."""
    body: Any = None
    """static, template: text, or a mapping or list that becomes JSON. In a template `{{ /pointer }}` stands for that part of
    the JSON request, and `{{ name }}` for a fact of the call."""
    deadline: Duration = ""
    """defer: how long it may take until it is given up; default `24h`."""
    on: list[str] = []
    """Codes of failures for which it holds; default: all that another target could help."""


Fallbacks = str | Fallback | list[str | Fallback]
"""As written: one, or several in order."""


class Cache(Part):
    """Answers kept and given again, each marked by `x-trunkline-cache`. Off unless it stands here."""

    ttl: Duration = ""
    """How long a kept answer is fresh."""
    stale_while_revalidate: Duration = ""
    """How long after that it is still given while a new one is fetched."""
    stale_if_error: Duration = ""
    """How long after `ttl` it is given when the vendor fails."""
    scope: Literal["key", "team", "all"] = "key"
    """Who shares answers: callers with the same key, of the same team, or all."""


class Hedge(Part):
    """A second request for repeatable calls whose answer is late; the loser is cancelled, its cost recorded."""

    after: Duration = ""
    """How late; default: the learned p95 of the target."""
    usd_per_day: Annotated[float, Meta(ge=0)] = 0.0
    """What the losers may cost a day; calls without a price count 0."""
    share: Share = 0.05
    """At most this share of calls is hedged."""


class Repair(Part):
    """What may be mended in a refused model call and sent again within its attempts; always told in header and record."""

    bigger_context: str = ""
    """`context_too_long`: `integration/model` (or a name of `models`) to go on with."""
    trim: Literal["oldest_messages"] | None = None
    """`context_too_long`: what to leave out."""
    drop_unsupported: bool = False
    """`invalid_request` that names a parameter as unsupported: leave that parameter out."""
    malformed_again: bool = False
    """An answer that is no valid JSON: ask once more."""


class Probe(Part):
    """A free call that tells whether the integration answers. What is not said here stays as the catalog has it."""

    method: Literal["GET", "HEAD", "OPTIONS"] | None = None
    """HTTP method; default GET."""
    path: Annotated[str, Meta(pattern=r"^/", title="path that begins with /", examples=["/health"])] = ""
    """Path below `base_url`; it must cost nothing and change nothing."""
    every: Duration = ""
    """How often; default `1m`; `0s`: never."""
    timeout: Duration = ""
    """Longest wait; default `10s`."""
    credential: bool | None = None
    """Whether the credential goes with it; default `true`."""
