"""The keys that bound callers, money and the process itself, and say who is told.

Not for: limits toward vendors (`shape_flow.py`), nor what is kept of a caller key (`control/keys.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .part import Part, Positive
from .quantity import Duration, Period, Size

Amount = Annotated[float, Meta(gt=0)]


class Scope(Part):
    """Which calls count: those that match every key given here; none given: all calls."""

    team: str = ""
    """Team of the caller key."""
    feature: str = ""
    """Feature that the call says it belongs to."""
    key: str = ""
    """Id or name of a caller key."""
    integration: str = ""
    """Integration that serves the call."""
    model: str = ""
    """`integration/model`, or a glob such as `openai/gpt-*`."""
    each: Literal["team", "feature", "key", "integration", "model"] | None = None
    """One counter for each value of this instead of one for all."""


class Budget(Part):
    """Money that calls may cost in a period (UTC day or calendar month), checked before each call."""

    usd: Amount
    """US dollars per period."""
    per: Literal["day", "month"] = "month"
    """The period."""
    scope: Scope | None = None
    """Which calls count; default: all."""
    alerts: list[Annotated[float, Meta(gt=0, le=10)]] | None = None
    """Shares of the budget at which `notify` is told; default `[0.5, 0.8, 1]`, `[]`: none."""
    hard: bool = True
    """Whether calls are refused (`over_budget`) once it is spent; `false`: only alerts."""
    unpriced: Literal["warn", "block"] = "warn"
    """Model calls without a price: `warn` lets them pass uncounted and notes it, `block` refuses them."""


class CallerLimit(Part):
    """A limit toward callers: exactly one of `requests`, `tokens` per period, or `concurrency`. Several hold at once."""

    scope: Scope | None = None
    """Which calls count; default: all."""
    requests: Positive | None = None
    """Calls per period."""
    tokens: Positive | None = None
    """Tokens per period, input and output together."""
    concurrency: Positive | None = None
    """Calls at once."""
    per: Period = ""
    """The period, `1s` to `30d`, or `second`, `minute`, `hour`, `day`, `month` (30 days)."""


class Team(Part):
    """What a team may have."""

    weight: Positive = 1
    """Its share of places in a queue, relative to other teams that wait."""


class Notify(Part):
    """Where alerts and ends of deferred calls are told."""

    webhook: str = ""
    """URL; the message is signed as Standard Webhooks say."""
    webhook_secret: str = ""
    """Reference of the signing secret (`whsec_...`), e.g. `store:WEBHOOK_SECRET`."""
    email: str | list[str] = []
    """Address or addresses."""
    smtp: str = ""
    """Mail server: `smtp://host:port` (STARTTLS) or `smtps://host:port`, without user and password."""
    smtp_user: str = ""
    """User name at the mail server."""
    smtp_secret: str = ""
    """Reference of the password."""
    sender: str = ""
    """Address that mails come from."""
    console_url: str = ""
    """Address of the console as people reach it; links in alerts lead there."""


class Shedding(Part):
    """When the process itself is overloaded, new calls are refused: batch at these values, pipeline at twice, interactive at four times."""

    loop_lag: Duration = "250ms"
    """How late the event loop may be."""
    running_bytes: Size = "512MB"
    """Bytes of requests and answers in memory."""


class CacheStore(Part):
    """The memory of all kept answers."""

    size: Size = "64MB"
    """At most; the answers that were used least recently go first."""


class Drills(Part):
    """Drills on a schedule: each proves on an isolated copy that the declared fallbacks work, and writes a report."""

    every: Duration = ""
    """How often, `1h` to `365d`, e.g. `30d`."""
    production: bool = False
    """Also where `TRUNKLINE_ENV` is `prod` or unset; nothing real is called there either."""
