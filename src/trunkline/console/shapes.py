"""The shapes of the admin API: what endpoints take and give. Data only; the OpenAPI document is made from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from trunkline.core.idempotency import Resolution
from trunkline.core.record import STATES
from trunkline.ledger.query import CallFilter
from trunkline.ops.budgets import Row
from trunkline.ops.outbox import Notice

State = Literal["running", "ok", "error", "cancelled", "truncated", "outcome_unknown"]
assert set(STATES) == set(State.__args__)  # type: ignore[attr-defined]

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search for calls; every condition that is given must hold."""

    call_id: Text | None = None
    correlation_id: Text | None = None
    vendor_request_id: Text | None = None
    integration: Text | None = None
    model: Text | None = None
    key: Text | None = None
    """Id of the caller key."""
    team: Text | None = None
    feature: Text | None = None
    state: State | None = None
    code: Text | None = None
    text: Text | None = None
    """Somewhere in the error message."""
    note: Text | None = None
    """A note on what flow control did, such as `cache=hit`, or how it begins."""
    min_latency_ms: Annotated[float, msgspec.Meta(ge=0, le=1e12)] | None = None
    since: str | None = None
    """RFC 3339, or a span back from now such as `90s`, `15m`, `24h`, `7d`."""
    until: str | None = None
    limit: Limit = 50
    before: str = ""
    """`next` of the page before."""

    def to_filter(
        self, since_us: int | None, until_us: int | None, teams: tuple[str, ...] | None = None
    ) -> CallFilter:
        return CallFilter(
            call_id=self.call_id,
            correlation_id=self.correlation_id,
            vendor_request_id=self.vendor_request_id,
            integration=self.integration,
            model=self.model,
            key_id=self.key,
            team=self.team,
            teams=teams,
            feature=self.feature,
            state=self.state,
            code=self.code,
            text=self.text,
            note=self.note,
            min_latency_us=None if self.min_latency_ms is None else int(self.min_latency_ms * 1000),
            since_us=since_us,
            until_us=until_us,
        )


class CallQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call."""

    id: Text
    """Call id or correlation id."""


class TailQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Follow calls as they begin and end."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    """`id` of the last event seen; from the present end without it."""


class UsageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sums over calls."""

    by: str = ""
    """Comma-separated: day, hour, integration, operation, model, team, feature, key_id, state, status_class, code, simulated."""
    since: str | None = None
    until: str | None = None


class NoticesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latest notices."""

    limit: Limit = 100


class HealthQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`detail=1` adds the reasons."""

    detail: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0


class AttemptShape(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a call at a target."""

    n: int
    target: str
    credential: str
    offset_us: int
    connect_us: int
    first_byte_us: int
    duration_us: int
    status: int
    code: str
    message: str
    vendor_code: str
    vendor_request_id: str
    sent: bool
    state: Literal["running", "ok", "error", "outcome_unknown"]


class CostPartShape(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a call's cost."""

    what: str
    """A kind of token (`input`, `cached`, `cache_write`, `reasoning`, ...), a fee (`web_search`, ...), or `told`: the vendor said it."""
    units: int
    unit_usd: float | None
    """What one costs; null: nobody knows, so that it is not in the cost."""
    cost_usd: float | None


class CallShape(msgspec.Struct, frozen=True, kw_only=True):
    """One call, as `trunkline logs --json` prints it."""

    call_id: str
    correlation_id: str
    state: State
    at: str
    boot: str
    begun_us: int
    key_id: str
    team: str
    feature: str
    subject_hash: str
    tags: str
    ingress: str
    integration: str
    operation: str
    method: str
    path: str
    model: str
    stream: bool
    bytes_in: int
    config_version: str
    target: str
    credential: str
    acts: bool
    simulated: bool
    ended_us: int | None
    status: int
    code: str
    message: str
    source: str
    duration_us: int
    overhead_us: int
    first_byte_us: int
    bytes_out: int
    served_model: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    wasted_usd: float
    usage_estimated: bool
    """Nobody told the usage, or the answer was cut off: tokens and cost are guessed from the bytes."""
    attempt_count: int
    changed_us: int
    notes: list[str]
    """What flow control did, `name=value` each."""
    queued_us: int
    """Time spent waiting for a place."""
    resolution: str
    """What was found out later about an unknown outcome; empty while it is open."""
    resolved_us: int | None
    resolved_by: str
    resolution_note: str
    price_id: str
    """By which price it was counted: integration/model@date#figures, with the tier (`+batch`) or length (`>200000`) that held."""
    cost_parts: list[CostPartShape]
    attempts: list[AttemptShape]


class CallsReply(msgspec.Struct, frozen=True):
    """A page of calls, newest first."""

    calls: list[CallShape]
    next: str
    """Cursor of the next older page; empty when this is the last."""


class UnknownQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of unknown outcome."""

    integration: Text | None = None
    all: bool = False
    """Those that were resolved as well."""
    limit: Limit = 50
    before: str = ""
    """`next` of the page before."""


class UnknownCallQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call of unknown outcome."""

    id: Text
    """Call id or correlation id."""
    key: Text | None = None
    """An idempotency key; `key_matches` then tells whether the call was made with it."""


class ResolveQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a call."""

    id: Text
    """Call id or correlation id."""
    as_: Resolution = msgspec.field(name="as")
    """`repeat`: whatever happened, the same request under the same key may go out again."""
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    """How it was found out."""


class UnknownReply(msgspec.Struct, frozen=True):
    """A page of calls of unknown outcome, newest first."""

    open: int
    """How many are not resolved, over all days."""
    calls: list[CallShape]
    next: str
    """Cursor of the next older page; empty when this is the last."""


class KeyFactsShape(msgspec.Struct, frozen=True, kw_only=True):
    """The idempotency key that went to the vendor. One of ours is told; of a caller's only a keyed hash is known."""

    header: str
    """The field in which this vendor takes it; empty if it honours none."""
    key: str | None
    key_hash: str | None
    key_matches: bool | None
    """Whether the key that was asked about is this call's."""


class LookForShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to find a call at its vendor."""

    integration: str
    account: str
    """The credential, by its reference."""
    operation: str
    request: str
    body_bytes: int
    sent_at: list[str]
    """One instant per attempt that may have reached the vendor."""
    correlation_id: str
    vendor_request_ids: list[str]
    status_page: str
    idempotency: KeyFactsShape


class UnknownShape(CallShape, frozen=True, kw_only=True):
    """A call of unknown outcome."""

    look_for: LookForShape


class UsageReply(msgspec.Struct, frozen=True):
    """One row per group: its names, counts, cost, error rate, latency percentiles."""

    group_by: list[str]
    rows: list[dict[str, Any]]


class BudgetsReply(msgspec.Struct, frozen=True):
    """A row per budget, or per value of a budget that counts each apart."""

    budgets: list[Row]


class NoticesReply(msgspec.Struct, frozen=True):
    """Notices, newest first."""

    notices: list[Notice]


class HealthReply(msgspec.Struct, frozen=True):
    """Whether each integration, and the whole, works."""

    status: Literal["healthy", "degraded", "down"]
    integrations: dict[str, Literal["healthy", "degraded", "down"]]


class IntegrationShape(msgspec.Struct, frozen=True, kw_only=True):
    """One integration of the registry."""

    name: str
    title: str
    vendor: str
    base_url: str
    owner: str
    criticality: str
    data: list[str]
    api_version: str
    credentials: list[str]
    """References, never values."""
    operations: list[str]
    models: int
    runbook: str
    rotation_every: float
    rotation_last: str
    enabled: bool
    simulated: bool
    problem: str


class IntegrationsReply(msgspec.Struct, frozen=True):
    """The registry that is live."""

    version: str
    environment: str
    integrations: list[IntegrationShape]


class DamageReply(msgspec.Struct, frozen=True):
    """What was found broken in the journal, newest first."""

    damage: list[dict[str, Any]]


class ReadyReply(msgspec.Struct, frozen=True):
    """Whether the console can do its work."""

    ready: bool
    problem: str


class ErrorShape(msgspec.Struct, frozen=True, rename="camel"):
    """How every failure is told."""

    source: str
    code: str
    message: str
    retryable: bool
    correlation_id: str
    action: str
