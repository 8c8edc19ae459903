"""One call and its attempts, while they run: the diary that policies, the engine and the journal share.

Not for: what stays of a call afterwards (`core/record.py`), nor how it is run (`engine/`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.core.scrub import Scrubber
from trunkline.core.service import CallerKey, Fallback, Lane, Operation, Price, Repeat, Service

if TYPE_CHECKING:
    import asyncio

    from trunkline.core.errors import CallError
    from trunkline.core.ports import Adapter, Inbound, Outbound, Reading, Renewal
    from trunkline.core.record import Tried


class Caller:
    """A caller key, ready for use: scopes split so that a check is a set look-up."""

    __slots__ = (
        "everything",
        "id",
        "integrations",
        "key",
        "kind",
        "models",
        "operations",
        "origin",
        "others",
        "routes",
        "spend_usd",
        "subject",
        "task",
        "token_id",
    )

    def __init__(self, key: CallerKey) -> None:
        self.key = key
        self.id = key.id
        self.kind: str = key.kind
        self.everything = "*" in key.scopes
        self.integrations: set[str] = set()
        self.operations: set[str] = set()
        self.models: list[str] = []
        self.routes: set[str] = set()
        self.others: set[str] = set()
        self.subject = key.subject
        self.origin = ""
        """Set on a browser token: the only origin it may come from."""
        self.token_id = ""
        self.task = ""
        """Set on an internal grant: the deferred call that runs for this caller."""
        self.spend_usd = 0.0
        for scope in key.scopes:
            sort, _, rest = scope.partition(":")
            if sort == "integration" and ":" in rest:
                self.operations.add(rest)
            elif sort == "integration":
                self.integrations.add(rest)
            elif sort == "model":
                self.models.append(rest)
            elif sort == "route":
                self.routes.add(rest)
            else:
                self.others.add(scope)

    def may(self, scope: str) -> bool:
        """Whether the key holds a scope that is no integration, model or route, e.g. `health:read`."""
        return self.everything or scope in self.others


class Member:
    """One credential of a service with the address it is used at; what a secret turns into stays inside `signer`."""

    __slots__ = (
        "_plain",
        "_scrubber",
        "current",
        "host",
        "name",
        "origin",
        "prefix",
        "problem",
        "renewal",
        "signer",
        "targets",
        "weight",
    )

    def __init__(self, name: str, weight: int, origin: Any, host: bytes, prefix: bytes) -> None:
        self.name = name
        self.weight = weight
        self.origin = origin
        """The wire's address object; opaque to all but the wire."""
        self.host = host
        self.prefix = prefix
        """Path of the base address, without a final slash."""
        self.signer: Any = None
        """plugins/auth; None when the secret is missing."""
        self.renewal: Renewal | None = None
        """Of a credential that is fetched while the process runs; then `problem` stands while there is none."""
        self._scrubber = Scrubber()
        self._plain = b""
        self.problem: CallError | None = None
        self.targets: dict[str, Target] = {}
        """By model; made once."""
        self.current = 0
        """State of the smooth weighted rotation."""

    def hide(self, secret: str, *others: str) -> None:
        """Has `blotted` hide these secrets, however a text may spell them; the first is the one that is sent."""
        self._scrubber = Scrubber((secret, *others))
        self._plain = secret.encode()

    def repeated_in(self, text: bytes) -> bool:
        """One quick look whether a vendor repeats the credential word for word."""
        return bool(self._plain) and self._plain in text

    def blotted(self, text: bytes) -> bytes:
        """A vendor's words without the credential that we sent it, which some repeat in their errors."""
        return self._scrubber.bytes(text)

    def __repr__(self) -> str:
        return f"Member({self.name!r}, weight={self.weight})"


class Live:
    """A service of the snapshot with all that was compiled from it once, so that a call only reads."""

    __slots__ = (
        "answer_fields",
        "caches",
        "calls",
        "chain",
        "chains",
        "contract",
        "dialects",
        "fixed_fields",
        "fixed_names",
        "fixed_query",
        "key_name",
        "key_names",
        "match",
        "members",
        "name",
        "path_prefix",
        "prices",
        "rules",
        "spec",
        "watch_ok",
    )

    def __init__(self, spec: Service) -> None:
        self.spec = spec
        self.name = spec.name
        self.members: list[Member] = []
        self.fixed_fields: list[tuple[bytes, bytes]] = []
        """Lower-cased name -> the whole header line, sent unless the caller sends that field."""
        self.fixed_names: frozenset[bytes] = frozenset()
        self.fixed_query = b""
        self.key_name = b""
        """Lower-cased name of the field in which the vendor takes an idempotency key; empty if it honours none."""
        self.key_names: frozenset[bytes] = frozenset()
        """Fields of callers in whose place that one is sent."""
        self.path_prefix = b""
        self.dialects: dict[bytes, str] = {}
        """Dialect by the vendor's path; paths with a model in them stand under their template."""
        self.prices: dict[str, Price] = {}
        """By the vendor's model name."""
        self.match: Any = None
        """engine/operations.Matcher"""
        self.rules: Any = None
        """engine/classify.Rules"""
        self.watch_ok = False
        """Whether a 2xx body must be read to know whether it is a success."""
        self.answer_fields = b""
        """Our header lines of every answer of this service."""
        self.caches = spec.cache is not None or any(
            part.cache is not None for parts in (spec.operations, spec.models) for part in parts
        )
        """Whether any of its answers may be kept."""
        self.contract = b""
        """Hash of `spec`, made at first need: answers given under another configuration are not given again."""
        self.chain: tuple[Link, ...] = ()
        """What is done instead when a call fails."""
        self.chains: dict[str, tuple[Link, ...]] = {}
        """By operation that declares its own."""
        self.calls = 0
        """Calls so far, of which repeats may be a share."""


class Link(NamedTuple):
    """One thing to do instead when a call fails (engine/fallback.py), compiled from what is declared."""

    kind: str
    spec: Fallback
    on: frozenset[str]
    """Codes of failures for which it holds; empty: those that another target could help."""
    text: Any = None
    """engine/template.Template of the kinds static and template."""
    route: Route | None = None
    """Of the kind target, once it is known for a call."""

    def holds(self, error: CallError) -> bool:
        """Whether it is meant for this failure. What asks no vendor also helps when there is no time left to ask one."""
        if self.on:
            return error.code in self.on
        return error.kind.elsewhere or (self.kind != "target" and error.code == "deadline_exceeded")

    @property
    def name(self) -> str:
        """As header and record tell it."""
        return f"target={self.spec.target}" if self.kind == "target" else self.kind


class Unwatched:
    """Stands on a target until a breaker has seen it: not known to be well."""

    __slots__ = ()
    held = True


UNWATCHED = Unwatched()


class Unlined:
    """Stands on a target until a queue has seen it: not known to be unbounded."""

    __slots__ = ()
    free = False


UNLINED = Unlined()


class Target:
    """Where an attempt goes: a member of a service, and a model where it is a model call."""

    __slots__ = ("circuit", "key", "line", "live", "member", "model", "name")

    def __init__(self, live: Live, member: Member, model: str = "") -> None:
        self.live = live
        self.member = member
        self.model = model
        self.name = f"{live.name}/{model}" if model else live.name
        self.key = (live.name, member.name)
        """What breakers and limits keep their state by."""
        self.circuit: Any = UNWATCHED
        """The breaker's view of it; attempts go unasked while it is not `held`."""
        self.line: Any = UNLINED
        """Where attempts wait for a place; they go at once while it is `free`."""


class Route:
    """What a caller can name, resolved; shared by all calls that name the same, so nothing of a call stands in it."""

    __slots__ = (
        "adapter",
        "answer_fields",
        "chain",
        "dialect",
        "live",
        "model",
        "model_asked",
        "name",
        "operation",
        "path",
        "rates",
        "rewrite",
    )

    def __init__(self, live: Live, dialect: str = "", adapter: Adapter | None = None) -> None:
        self.live = live
        self.dialect = dialect
        """Empty for a proxied call."""
        self.adapter = adapter
        self.path = b""
        """Of a model call: the path at the vendor below the member's prefix."""
        self.operation: Operation | None = None
        self.model = ""
        """As the vendor names it."""
        self.model_asked = ""
        self.rewrite: bytes | None = None
        """The vendor's model name to put into the body; None: the body stays as it is."""
        self.name = ""
        """The named route or alias by which the caller came, if any."""
        self.rates: tuple[float, float, float, float] | None = None
        """USD per token of plain input, cached input, cache-write input and output; None when unpriced."""
        self.answer_fields = live.answer_fields
        """Our header lines that are the same in every answer."""
        self.chain = live.chain
        """What is done instead when it fails, unless the operation says otherwise."""


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
    adapter: Adapter | None = None
    """Reads the answer: of a model call, and of a proxied one to a path where the vendor speaks a known dialect."""
    dialect: str = ""
    model: str = ""
    """As the caller named it; empty for what is no model call."""
    rates: tuple[float, float, float, float] | None = None
    """USD per token of plain, cached and cache-write input and of output; None when unpriced."""
    rewritten: bool = False
    """The body holds the vendor's model name already."""
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
    idempotency_key: bytes = b""
    """What is sent to vendors that honour a key: the caller's, or one minted for this call."""
    key_minted: bool = False
    """The caller does not know the key, so that its own repeat would be another act."""
    intent: Any = None
    """What the answer store holds of this call (plugins/policies/idempotency.py)."""
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
    state: str = "running"
    status: int = 0
    vendor_wait: float = 0.0
    first_byte_at: float = 0.0
    bytes_out: int = 0
    reading: Reading | None = None
    served_model: str = ""
    cost_usd: float = -1.0
    wasted_usd: float = 0.0
    """Paid for attempts that were thrown away; not part of `cost_usd`."""
    thrown: tuple[tuple[float, float, float, float], ...] = ()
    """Rates of attempts that were paid and thrown away, whose cost is not known yet (engine/costs.py)."""
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
