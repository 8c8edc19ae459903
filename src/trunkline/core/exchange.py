"""One call while it runs: its exchange with the caller, and its attempts at vendors.

Not for: what can be called, which calls share (`core/call.py`), nor what is written down of a call (`core/record.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.core.flow import Lane
from trunkline.core.service import Operation, Repeat

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from trunkline.core.errors import CallError
    from trunkline.core.ports import Adapter, Inbound, Outbound, Reading
    from trunkline.core.pricing import Part, Rates
    from trunkline.core.record import Tried
    from trunkline.core.stored import Place, Turn
from trunkline.core.call import Caller, Link, Route, Target


class Answer(NamedTuple):
    """A whole answer that does not come from a vendor just now: from the cache, the answer store, or a fallback."""

    status: int
    fields: bytes
    """Header lines, content-type among them; nothing of ours."""
    body: bytes
    private: bool = False
    """The vendor tied it to one client (`set-cookie`, which is never passed on)."""


@dataclass(slots=True, eq=False, repr=False)
class Exchange:
    """One call from its first byte to its last. Times without a unit are `time.monotonic()` seconds."""

    request: Inbound
    reply: Outbound
    call_id: str
    started: float
    started_wall: float
    """Epoch seconds."""
    correlation_id: str = ""
    body: bytes = b""
    rest: Any = None
    """What of the body is still to come, an async iterator of bytes; None when `body` is all of it."""
    tried: list[Tried] = field(default_factory=list)
    caller: Caller | None = None
    config_version: str = ""
    policies: tuple[Any, ...] = ()
    """The call policies that have a say in it, in order."""
    heading: Any = None
    """engine/heading.Heading: what the head decided."""
    route: Route | None = None
    """As the caller named it; it stays whatever happens."""
    look: bool = False
    """It is only looked at, not made: nothing may be counted."""
    choice: Any = None
    """engine/virtual.Virtual, where the model that was asked for stands for several."""
    ranked: tuple[Any, ...] = ()
    """Its other targets, as links before the declared fallbacks."""
    via: Route | None = None
    """Where attempts go instead, after a fallback or a repair."""
    ingress: str = "proxy"
    method: bytes = b""
    path: bytes = b""
    """Path at the vendor below the member's prefix."""
    query: bytes = b""
    operation: Operation | None = None
    repeat: Repeat = "never"
    stream: bool = False
    array: Any = None
    """What makes one JSON array of a stream's events, where the caller wants that (engine/json_array.py)."""
    adapter: Adapter | None = None
    """Reads the answer: of a model call, and of a proxied one to a path where the vendor speaks a known dialect."""
    dialect: str = ""
    model: str = ""
    """As the caller named it; empty for what is no model call."""
    rates: Rates | None = None
    """None when unpriced."""
    tariffs: Any = None
    """engine/tariffs.Tariffs of what is no model call and has a price."""
    chain: tuple[Link, ...] | None = None
    """What is left of its fallbacks; None until somebody asks (engine/fallback.py)."""
    rewritten: bool = False
    """The body holds the vendor's model name already."""
    translator: Any = None
    """The route's, where attempts go to a vendor of another dialect."""
    translation: Any = None
    """engine/translate.Translation: what is sent in place of `body` to a vendor of another dialect, and what makes of its answer one
    of the caller's."""
    attempt: Attempt | None = None
    attempts_max: int = 4
    spent: bool = False
    """Another attempt now, by us or by the caller's SDK, would only add to the trouble."""
    race: Any = None
    """engine/race.Race while a second request may run beside the first."""
    begun: bool = False
    extra: bytes = b""
    """Our header lines that this call's answer has besides the usual ones (CORS, limits, cache); of refusals too."""
    answer: Answer | None = None
    """Set by a call policy in `admit` (or by a fallback): the call is answered with this and reaches no vendor."""
    keep: int = 0
    """Set by a policy that wants the whole answer: it is kept in `kept` if it has at most so many bytes."""
    kept: Answer | None = None
    """The answer as it went to the caller, vendor's part only; None until it is complete or if it was too long."""
    limits_told: bool = False
    """Our rate-limit lines stand in `extra`; a vendor's of the same names do not pass."""
    counted: Any = None
    """What of the caller's limits this call holds (plugins/policies/caller_limits.py)."""
    reserved: Any = None
    """What of budgets this call holds back (plugins/policies/budget.py)."""
    billed: bool = False
    """A hard budget counts it: it is refused when it cannot be recorded (ruling 27)."""
    lane: Lane = "interactive"
    queued_s: float = 0.0
    """Time spent waiting for a place."""
    notes: tuple[str, ...] = ()
    """What flow control did, `name=value` each, e.g. `cache=hit`, `fallback=template`, `repair=drop:seed`; in the record's `notes`."""
    deadline: float = 0.0
    timeout_s: float = 0.0
    tighter: tuple[float, float, float] | None = None
    """The caller's own limits, seconds: connect, first byte, idle."""
    error: CallError | None = None
    error_style: str | None = None
    feature: str = ""
    tags: str = ""
    subject_hash: str = ""
    persons: tuple[str, ...] = ()
    """Identifiers of those whom its request names; they are written down as keyed hashes only."""
    idempotency_key: bytes = b""
    """What is sent to vendors that honour a key: the caller's, or one minted for this call."""
    key_minted: bool = False
    """The caller does not know the key, so that its own repeat would be another act."""
    guard: Any = None
    """Which data its request was looked at for (plugins/policies/data_guard.py)."""
    intent: Any = None
    """What the answer store holds of this call (plugins/policies/idempotency.py)."""
    turn: Turn | None = None
    """Its answer may be one to come back to by id."""
    home: Place | None = None
    """Where it must be answered, since what it names is kept there; of a call that may be come back to, where it was."""
    merged: bool = False
    """A request made of several calls, which have their fallbacks each for itself (engine/batch.py)."""
    finishes: bool = False
    """Goes on when its caller hangs up once it was sent: cutting it would undo nothing, and its answer is awaited under a key."""
    gone: bool = False
    """The caller has hung up."""
    held_back: bool = False
    """The caller reads slower than the vendor sends, so the vendor is made to wait."""
    over: bool = False
    """Recorded as ended."""
    ending: CallError | None = None
    """Why it was cut while it waited for something else than a vendor's answer."""
    state: str = "running"
    status: int = 0
    vendor_wait: float = 0.0
    first_byte_at: float = 0.0
    bytes_out: int = 0
    reading: Reading | None = None
    served_model: str = ""
    cost_usd: float = -1.0
    parts: Sequence[Part] = ()
    """Of which the cost is made."""
    price_id: str = ""
    wasted_usd: float = 0.0
    """Paid for attempts that were thrown away; not part of `cost_usd`."""
    wasted_at: tuple[tuple[str, float], ...] = ()
    """The targets at which it was paid."""
    thrown: tuple[tuple[str, Rates], ...] = ()
    """Target and rates of attempts that were paid and thrown away, whose cost is not known yet (engine/costs.py)."""
    task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.correlation_id = self.call_id
        self.body = self.request.body
        self.rest = self.request.stream


@dataclass(slots=True, eq=False, repr=False)
class Attempt:
    """One try of a call at one target."""

    exchange: Exchange
    target: Target
    n: int
    started: float
    sent_at: float = 0.0
    connected_at: float = 0.0
    first_byte_at: float = 0.0
    status: int = 0
    error: CallError | None = None
    reading: Reading | None = None
    """What was read of an answer that was not passed on."""
    recorded: bool = False
    """Its end stands in `exchange.tried`."""
    beside: Attempt | None = None
    """The attempt that was still running when this one began (engine/race.py)."""
    dialed_at: float = 0.0
    """When it was last seen without a connection."""
    opening: Any = None
    """engine/relay.Relay of a model stream that has brought no content yet."""
    pace: tuple[float, int] | None = None
    """When its stream was last measured, and how many bytes had passed by then (engine/sweep.py)."""
    response: Any = None
    vendor_request_id: str = ""
    reserved: Any = None
    """What the queue set aside for it of the vendor's limits; None where nothing is limited."""
    probe: bool = False
    """Let through by a breaker as a trial call."""
    sample: Any = None
    """gateway/sampler.Taking where its bodies are kept for those who look at contents."""
