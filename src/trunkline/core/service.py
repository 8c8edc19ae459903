"""What can be called, as plain data: the outcome of registry plus catalog plus environment overlay, ready for the gateway.

`registry` builds a `Snapshot`, the gateway reads it. Nothing here is compiled, resolved or secret: a credential is its
reference, never its value. Not for: the YAML that people write (`registry/shape.py`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.core.alerting import IncidentTimes, Rule
from trunkline.core.egress import Egress
from trunkline.core.flow import (
    Adaptive,
    Breaker,
    Budget,
    Cache,
    CallerLimit,
    Drills,
    Fallback,
    Hedge,
    Lane,
    Limit,
    Notify,
    Probe,
    Queue,
    Repair,
    Retry,
    Shedding,
    Timeouts,
)
from trunkline.core.handling import DataRules, Privacy, Samples, SampleStore, StoredBounds
from trunkline.core.identity import Issuer, Role, SignIn
from trunkline.core.price import Price
from trunkline.core.tariff import Tariff
from trunkline.core.virtual import Virtual

Repeat = Literal["always", "with_key", "never"]
ErrorStyle = Literal["superset", "native", "normalized"]
LANES: tuple[Lane, ...] = ("interactive", "pipeline", "batch")
"""From the highest to the lowest."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a credential pool."""

    ref: str
    weight: int = 1
    base_url: str = ""
    """Where this member's deployment or region lives; empty: the service's own address."""


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """How a credential is put on a request (plugins/auth)."""

    kind: str = "bearer"
    name: str = ""
    """Header or query parameter."""
    template: str = "{secret}"
    """What is sent in its place, e.g. `Token {secret}`."""
    username: str = ""
    """basic: a fixed user name with the secret as password. Empty: the secret itself is `user:password` or the user alone."""
    grant: Literal["client_credentials", "refresh_token"] = "client_credentials"
    """oauth2: how a token is got (RFC 6749, sections 4.4 and 6); so are the fields below."""
    token_url: str = ""
    client_id: str = ""
    """Empty: the secret itself is `id:secret`."""
    client_auth: Literal["basic", "post"] = "basic"
    """Where client id and secret stand in the token request: in a Basic header, or in its body."""
    scopes: list[str] = []
    audience: str = ""
    refresh: str = ""
    """Reference of the refresh token."""


class Header(msgspec.Struct, frozen=True):
    """A header line that the registry adds."""

    name: str
    value: str


class ApiVersion(msgspec.Struct, frozen=True, kw_only=True):
    """The pinned version of a vendor's API and where it is sent."""

    value: str
    header: str = ""
    query: str = ""
    path: str = ""
    """Path prefix, e.g. `/v1`."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method and path that the registry or the catalog declares."""

    name: str
    method: str
    path: str
    """Template below the base address; `{x}` stands for one segment, a final `{x+}` for the rest."""
    repeat: Repeat = "never"
    timeout: float = 0.0
    """Total seconds where it differs from the service's; 0: the service's."""
    cache: Cache | None = None
    fallback: list[Fallback] | None = None
    """Instead of the service's."""
    rules: DataRules | None = None
    identifiers: list[str] | None = None


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of the classifier; every condition that is given must hold. Rules are tried in order (engine/classify.py)."""

    kind: str
    """A code of core/errors.py, or `ok` to accept what a later rule would refuse."""
    status: list[int] = []
    body: dict[str, str] = {}
    """JSON pointer -> regular expression (full match) over the value there, e.g. `/error/code: insufficient_quota`.
    `*` in a pointer stands for any element; a value that is null or not there reads as an empty text."""
    header: dict[str, str] = {}
    code: str = ""
    """Regular expression (full match, ignoring case) over any code or type found in the body or in an error-code header."""
    event: str = ""
    """The rule holds only for stream events of this name."""
    text: str = ""
    """Regular expression searched in the extracted message only, ignoring case."""
    retry_at: str = ""
    """Where the instant of return stands; the first of a comma-separated list that says something: `header:retry-after`,
    `body:/error/details/*/retryDelay`, `text` ("try again in 3s"), `date` (a date in the message), `const:60`, `day`,
    `day:America/Los_Angeles`, `month`, `cost` (GraphQL points), `none` (do not look)."""
    scope: str = ""
    never_acted: bool = False
    """This vendor says that such an answer means that nothing was done."""
    again: bool | None = None
    """Overrides the kind's column: may it be tried again within this call?"""
    later: bool | None = None
    """Overrides the kind's column: could the same request succeed later?"""


class ErrorShape(msgspec.Struct, frozen=True, kw_only=True):
    """Where the parts of this vendor's error bodies lie (JSON pointers, first match wins)."""

    message: list[str] = []
    code: list[str] = []
    type: list[str] = []
    param: list[str] = []
    request_id: list[str] = []


class Idempotency(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor honours a key that makes a repeat safe."""

    header: str
    hours: float = 24.0


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model as the catalog knows it."""

    id: str
    kind: str = "chat"
    """chat, embedding, image, speech, transcription, rerank, moderation."""
    context: int = 0
    max_output: int = 0
    """Most tokens of an answer; 0: not known."""
    price: Price | None = None
    created: int = 0
    title: str = ""
    cache: Cache | None = None
    """Instead of the service's."""
    shutdown: str = ""
    """The day (`YYYY-MM-DD`) from which the vendor no longer serves it; empty if none is known."""
    replacement: str = ""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """A wire format that this vendor serves, and where below its base address."""

    name: str
    path: str
    """`{model}` and `{method}` are replaced, e.g. `/v1beta/models/{model}:{method}`."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One integration, ready to be called."""

    name: str
    vendor: str = ""
    """Catalog entry it stems from; empty for one that the registry describes alone."""
    title: str = ""
    base_url: str = ""
    private: bool = False
    """May loopback and private addresses be reached (ruling 21)?"""
    allow_http: bool = False
    encoded_slash: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    proxy: str = ""
    auth: Auth = Auth()
    credentials: list[Credential] = []
    api_version: ApiVersion | None = None
    headers: list[Header] = []
    """Sent with every request unless the caller sends its own."""
    timeout: Timeouts = Timeouts()
    limits: list[Limit] = []
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    queue: Queue = Queue()
    adaptive: Adaptive = Adaptive()
    fallback: list[Fallback] = []
    cache: Cache | None = None
    hedge: Hedge | None = None
    repair: Repair | None = None
    batch_embeddings: float = 0.0  # seconds to gather embedding calls into one request; 0: never
    batch_inputs: int = 0
    """Most inputs that the vendor takes in one request; 0: what the maker of the dialect takes."""
    probe: Probe | None = None
    samples: Samples = Samples()
    operations: list[Operation] = []
    dialects: list[Dialect] = []
    speak: str = ""  # the dialect in which its models are called; empty: the caller's own if served
    models: list[Model] = []
    tariffs: list[Tariff] = []
    """Prices of what is no model call."""
    model_patterns: list[str] = []
    """Globs of bare model names that belong to this vendor, e.g. `gpt-*`."""
    errors: list[ErrorRule] = []
    error_shape: ErrorShape = ErrorShape()
    error_style: ErrorStyle | None = None
    ok_body: dict[str, str] = {}
    """On a 2xx JSON body: JSON pointer -> regular expression that a success must match, e.g. `/ok: "true"` (Slack).
    A value that is null or not there is not judged."""
    limit_headers: str = ""
    """Dialect of the rate-limit headers (reference: standards)."""
    request_id_headers: list[str] = []
    idempotency: Idempotency | None = None
    usage: dict[str, str] = {}
    """Pointers into a reply for the non-AI: e.g. `units: /usage/credits`."""
    replay_buffer: int = 1 << 20
    body_limit: int = 100 << 20
    owner: str = ""
    data: list[str] = []
    privacy: Privacy = Privacy()
    criticality: Literal["load-path", "enhancement"] = "enhancement"
    runbook: str = ""
    changelog: str = ""
    review_every: float = 0.0
    """Seconds between two readings of the changelog; 0: no schedule."""
    unversioned: str = ""
    """Why there is no version to pin; empty where there should be one."""
    status_page: str = ""
    status_feed: str = ""
    """What of the status page a machine reads: Statuspage v2 or incident.io (`.../api/v2/summary.json`), status.io, RSS, Atom."""
    rotation_every: float = 0.0
    """Seconds; 0: no schedule."""
    rotation_last: str = ""
    enabled: bool = True
    simulated: bool = False
    """Played by the simulator at `base_url` because its secret is missing (`--simulate-missing` only)."""
    problem: str = ""
    """Why this integration alone cannot be called now (e.g. a live key in dev); empty when all is well."""


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A model name of the registry's own."""

    name: str
    target: str
    """`integration/model`."""
    fallback: list[Fallback] = []


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the gateway knows of the registry, at one version."""

    version: str
    """Short hash of the content; stands in each record as `config_version`."""
    created: str
    environment: str
    services: list[Service]
    aliases: list[Alias] = []
    virtual: list[Virtual] = []
    routes: dict[str, str] = {}
    """Named route -> integration."""
    route_rules: dict[str, DataRules] = {}
    """Of named routes and model names, beside their integration's."""
    route_split: dict[str, dict[str, float]] = {}
    """Of a named route that several integrations serve: their shares, which sum up to 1. `routes` names the first of them."""
    route_fallback: dict[str, list[Fallback]] = {}
    """Fallbacks of named routes, instead of their integration's."""
    budgets: list[Budget] = []
    caller_limits: list[CallerLimit] = []
    team_weights: dict[str, int] = {}
    """Shares of a team in a queue; 1 where nothing is said."""
    notify: Notify = Notify()
    alerts: list[Rule] = []
    """Who is told of what; one rule to `notify` where the registry writes none."""
    incidents: IncidentTimes = IncidentTimes()
    shedding: Shedding = Shedding()
    drills: Drills = Drills()
    egress: Egress = Egress()
    cache_bytes: int = 64 << 20
    samples: SampleStore = SampleStore()
    stored: StoredBounds = StoredBounds()
    health_public: bool = False
    sign_in: SignIn = SignIn()
    issuers: list[Issuer] = []
    """Whose tokens are taken in place of caller keys; without their keys."""
    team_size: int = 0
    """Engineers who work with it; 0: not said."""
    error_style: ErrorStyle = "superset"
    notes: list[str] = []
    """What a person should know at start, e.g. an address taken from an SDK's variable."""


class CallerKey(msgspec.Struct, frozen=True, kw_only=True):
    """A caller key as the gateway knows it: never the key, only its keyed hash."""

    id: str
    name: str
    hash: bytes
    """HMAC-SHA256 of the whole key with the pepper of this installation (32 bytes)."""
    version: int = 1
    """Counts up with each rotation; each text of a key has its own."""
    kind: Literal["app", "sdk", "browser"] = "app"
    role: Role = "caller"
    """What it may in the console's API, beside its scopes."""
    team: str = ""
    parents: list[str] = []
    """Ids of the keys that it was made with, the nearest first: what ends or bounds one of them holds for it, too."""
    scopes: list[str] = []
    """`integration:NAME`, `integration:NAME:OPERATION`, `model:GLOB`, `route:NAME`, `connection:NAME`, `secrets:PROCESS`,
    `health:read`, `metrics:read`, `*`."""
    expires_at: float = 0.0
    """Epoch seconds; 0: never."""
    ips: list[str] = []
    """Networks (CIDR) it may be used from; empty: any."""
    origins: list[str] = []
    """Browser origins for CORS and for the tokens it may mint."""
    concurrency: int = 256
    """0: no bound."""
    rate: int = 0
    rate_per: float = 0.0
    budget_usd: float = 0.0
    """What its calls may cost in each `budget_per`; 0: no budget of its own."""
    budget_per: Literal["day", "month"] = "month"
    feature: str = ""
    subject: str = ""
    tags: str = ""
    lane: Lane = "interactive"
    """Highest lane of its calls; a call may ask for a lower one (`x-trunkline-priority`)."""
    error_style: ErrorStyle | None = None


class Ended(msgspec.Struct, frozen=True):
    """A text of a key that does not work, for those who hold it to be told why."""

    hash: bytes
    name: str
    why: str


class Callers(msgspec.Struct, frozen=True, kw_only=True):
    """All caller keys that are alive, at one version; of others only the names."""

    version: str
    keys: list[CallerKey]
    subject_salt: bytes = b""
    """Key of the hash under which subjects are stored."""
    issuers: list[Issuer] = []
    """Whose tokens are taken in place of keys, with the keys that they sign with."""
    team_scopes: dict[str, list[str]] = {}
    """What each team may call at most, where that is not everything."""
    unlocked: dict[str, float] = {}
    """Lockouts that a person has lifted: subject -> when."""
    former: dict[str, str] = {}
    """Names by id of keys that have ended while budgets may still count their calls: a name means all that ever had it."""
    ended: list[Ended] = []
    """Those that are suspended or have expired of late; revoked ones are not known any more."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the sealed secrets file once opened: values by reference, and keys of our own."""

    version: str
    values: dict[str, str]
    missing: dict[str, str] = {}
    """Reference -> why it could not be resolved, with the cure."""
    versions: dict[str, str] = {}
    """Reference -> version of its value, where its store counts versions."""
    pepper: bytes = b""
    token_key: bytes = b""
    """Signs browser tokens."""
    answer_key: bytes = b""
    """Seals the answers kept for idempotency keys, and hashes those keys."""

    def __repr__(self) -> str:
        return f"Sealed(version={self.version!r}, {len(self.values)} values, {len(self.missing)} missing)"
