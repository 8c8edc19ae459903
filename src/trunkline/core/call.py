"""One call and its attempts, while they run: the diary that policies, the engine and the journal share.

Not for: what stays of a call afterwards (`core/record.py`), nor how it is run (`engine/`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from trunkline.core.flow import Fallback
from trunkline.core.price import Price
from trunkline.core.pricing import Rates
from trunkline.core.scrub import Scrubber
from trunkline.core.service import CallerKey, Operation, Service

if TYPE_CHECKING:
    from trunkline.core.errors import CallError
    from trunkline.core.ports import Adapter, Renewal


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
        "label",
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
        self.label = name
        """As records name it: with the version of its value where there is one, e.g. `store:STRIPE@3`."""
        self.weight = weight
        self.origin = origin
        """The wire's address object; opaque to all but the wire."""
        self.host = host
        self.prefix = prefix
        """Path of the base address, without a final slash."""
        self.signer: Any = None
        """plugins/auth; None when the secret is missing."""
        self.renewal: Renewal | None = None
        """Of a credential that may become another while the process runs. Of one that is fetched, `problem` stands while there is none."""
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
        return bool(self._plain) and text.find(self._plain) >= 0

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
        "longest",
        "match",
        "members",
        "name",
        "path_prefix",
        "prices",
        "rates",
        "rules",
        "spec",
        "taps",
        "tariffs",
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
        self.rates: dict[str, Rates] = {}
        """The same, ready to be multiplied."""
        self.tariffs: Any = None
        """By the name of an operation, what its calls cost (engine/tariffs.py); None where no call has such a price."""
        self.longest: dict[str, int] = {}
        """By model, the most tokens of an answer, where that is known."""
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
        self.taps: Any = None
        """gateway/sampler.Taps; None where nothing is sampled."""


class Link(NamedTuple):
    """One thing to do instead when a call fails (engine/fallback.py), compiled from what is declared."""

    kind: str
    spec: Fallback
    on: frozenset[str]
    """Codes of failures for which it holds; empty: those that another target could help."""
    text: Any = None
    """engine/template.Template of the kind template."""
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
    hears_at = float("inf")

    @staticmethod
    def roomy(_model: str) -> bool:
        """Nothing is known against it."""
        return True

    @staticmethod
    def left(_model: str) -> float:
        """Share of its limits."""
        return 1.0


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
        """Where attempts wait for a place; they go at once while it is `free`. An answer that begins at `hears_at` or later is
        given to its `hear`. Where there are several, those that are `roomy` come first.
        """


class Route:
    """What a caller can name, resolved; shared by all calls that name the same, so nothing of a call stands in it."""

    __slots__ = (
        "adapter",
        "answer_fields",
        "chain",
        "dialect",
        "guess",
        "live",
        "model",
        "model_asked",
        "name",
        "operation",
        "path",
        "query",
        "rates",
        "rewrite",
        "streamed",
        "translator",
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
        self.rates: Rates | None = None
        """None when unpriced."""
        self.answer_fields = live.answer_fields
        """Our header lines that are the same in every answer."""
        self.chain = live.chain
        """What is done instead when it fails, unless the operation says otherwise."""
        self.translator: Any = None
        """engine/translate.Translator where the vendor speaks another dialect than `dialect`, the caller's; then `adapter` reads the
        vendor's, and `query` is sent in place of the caller's."""
        self.guess: Any = None
        """The codec of a count of tokens that no vendor is asked for (engine/guess.py)."""
        self.query = b""
        self.streamed = self
        """The route of streamed calls, which have another path at some vendors."""

    def __repr__(self) -> str:
        return f"Route({self.live.name}{self.path.decode('latin-1')}, {self.model or 'no model'})"
