"""The YAML that people write, as shapes. The editor schema and the reference page are generated from this file.

The text below a key is what people read about it. Everything here is as written: durations are text, nothing is resolved.
Not for: what the gateway works with (`core/service.py`), nor catalog files as such (`catalog.py`, which reuses these).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from trunkline.core import service

from .quantity import Day, Duration, Size

Repeat = Literal["always", "with_key", "never"]
Criticality = Literal["load-path", "enhancement"]
Environment = Literal["dev", "staging", "prod"]
ENVIRONMENTS: tuple[Environment, ...] = ("dev", "staging", "prod")
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]


class Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping in the file; a key that is not named here is an error."""


class PoolMember(Part):
    """One credential of a pool."""

    ref: str
    """Reference of the credential, e.g. `env:OPENAI_KEY_EU`."""
    weight: Positive = 1
    """Share of the calls relative to the other members."""
    base_url: str = ""
    """Address of this member where it differs, e.g. another region or deployment."""


Secret = str | list[PoolMember]


class Auth(Part):
    """How the credential is put on a request."""

    kind: Literal["bearer", "header", "query", "basic", "none"] | None = None
    """`bearer`: `Authorization: Bearer ...`; `header` and `query`: under `name`; `basic`: user name and password; `none`."""
    name: str = ""
    """Name of the header or query parameter."""
    template: str = ""
    """What is sent, with `{secret}` in the place of the credential, e.g. `Token {secret}`."""
    username: str = ""
    """basic: the user name (or `env:NAME`), with the secret as password. Without it the secret itself is `user:password`."""
    secret: Secret | None = None
    """Reference of the credential (or a pool of them); the same as `secret` of the integration."""


class ApiVersion(Part):
    """The pinned version of the vendor's API. With none of `header`, `query`, `path` it stands in the operations' paths."""

    value: str = ""
    """The version, e.g. `"2026-01-01"`."""
    header: str = ""
    """Header that carries it."""
    query: str = ""
    """Query parameter that carries it."""
    path: str = ""
    """Path prefix that carries it, e.g. `/v2`."""


class Tls(Part):
    """Trust and identity toward the vendor. Paths are relative to the registry file."""

    ca_file: str = ""
    """Certificates (PEM) to trust instead of the system's, e.g. a private CA."""
    cert_file: str = ""
    """Client certificate (PEM)."""
    key_file: str = ""
    """Key of the client certificate (PEM)."""


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


class Limit(Part):
    """One limit toward the vendor: `requests` or `tokens` per period, or `concurrency`."""

    requests: Positive | None = None
    """Requests per period."""
    tokens: Positive | None = None
    """Tokens per period."""
    concurrency: Positive | None = None
    """Calls at once."""
    per: Duration = ""
    """The period, e.g. `1m`."""


class Retry(Part):
    """How a failed attempt is repeated."""

    attempts: Annotated[int, Meta(ge=1, le=10)] = 4
    """Attempts per call, the first included."""
    backoff: Duration = "1s"
    """First pause; it doubles each time, with full jitter."""
    backoff_max: Duration = "8s"
    """Longest pause."""


class Breaker(Part):
    """When calls to a failing vendor are paused."""

    failures: Share = 0.5
    """Share of failed calls in the window that opens it."""
    volume: Positive = 20
    """Calls needed in the window before the share counts."""
    window: Duration = "10s"
    """The window."""
    open_for: Duration = "5s"
    """How long it stays open before a trial call."""


class Operation(Part):
    """One method and path of the API. Undeclared ones: GET, HEAD, OPTIONS repeat always; PUT, DELETE with a key; others never."""

    name: str
    """Name used in scopes, logs and metrics."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
    """HTTP method."""
    path: Annotated[str, Meta(pattern=r"^/", title="path that begins with /", examples=["/contacts/{id}"])]
    """Path below `base_url`; `{x}` stands for one segment, a final `{x+}` for the rest."""
    repeat: Repeat | None = None
    """May an attempt that could have acted be made again? `always`, `with_key` (only with an idempotency key), `never`."""
    timeout: Duration = ""
    """Total time where it differs from the integration's."""


class Dialect(service.Dialect, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AI wire format that this API serves, so that the AI routes can use it."""


class Price(Part):
    """USD per million tokens."""

    input: float = 0.0
    """Input tokens."""
    output: float = 0.0
    """Output tokens."""
    cached: float = -1.0
    """Input tokens read from the vendor's cache; default: as input."""
    cache_write: float = -1.0
    """Input tokens written to the vendor's cache; default: as input."""
    source: str = ""
    """Where the figure was read."""
    date: str = ""
    """When it was read."""


class Model(Part):
    """A model that this API serves."""

    id: str
    """Its name at the vendor."""
    kind: Literal["chat", "embedding", "image", "speech", "transcription", "rerank", "moderation"] = "chat"
    """What it does."""
    context: int = 0
    """Context window in tokens; 0: unknown."""
    price: Price | None = None
    """Its price; without one, its calls are unpriced."""
    title: str = ""
    """Name for people."""
    pinned: str = ""
    """The dated version behind a name that the vendor may move, for the lint."""


class ErrorRule(service.ErrorRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of the classifier of errors; tried in order, those of the registry before those of the catalog."""


class ErrorShape(service.ErrorShape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the parts of the vendor's error bodies lie (JSON pointers, first match wins)."""


class Idempotency(service.Idempotency, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vendor honours a key that makes a repeat safe: the header, and for how many hours."""


class Rotation(Part):
    """When the credential is to be replaced."""

    every: Duration = ""
    """How often, e.g. `90d`."""
    last: Day = ""
    """When it was last done."""


class Fallback(Part):
    """What to do when this integration fails: exactly one of `to`, `stale`, `answer`, `defer`."""

    to: str = ""
    """Another integration, `integration/model`, or route."""
    stale: Duration = ""
    """Answer from the cache, at most this old."""
    answer: Any = None
    """A fixed, degraded answer."""
    defer: bool = False
    """Accept now, run later."""
    on: list[str] = []
    """Codes of failures for which it holds; empty: all that another target could help."""


class Contract(Part):
    """Where the shape of the API is described."""

    source: str = ""
    """URL or file of an OpenAPI description."""


class Handling(Part):
    """What the vendor does with the data it gets."""

    retention: str = ""
    """How long it keeps it, e.g. `30 days`."""
    trains: bool | None = None
    """Whether it trains models on it."""
    region: str = ""
    """Where it is processed, e.g. `eu`."""
    dpa: str = ""
    """The data processing agreement: URL or reference."""


class Integration(Part):
    """One external API. A vendor of the catalog needs only `secret`; any other needs `base_url`."""

    vendor: str = ""
    """Catalog entry to start from, where the name of the integration is another."""
    title: str = ""
    """Name for people."""
    base_url: str = ""
    """Address; the path of a call is appended to it."""
    secret: Secret | None = None
    """Reference of the credential (`env:NAME`, `file:path#key`, `store:NAME`), or a pool: a list of `{ref, weight, base_url}`."""
    auth: Auth | None = None
    """How the credential is put on a request."""
    api_version: ApiVersion | None = None
    """The pinned version of the API, sent with every request."""
    headers: dict[str, str] = {}
    """Further headers, sent unless the caller sends its own."""
    network: Literal["public", "private"] | None = None
    """`private`: loopback and private addresses may be reached. A literal private address in `base_url` implies it."""
    allow_http: bool = False
    """Permits plain HTTP to a host that is not this machine."""
    encoded_slash: bool = False
    """Accepts `%2F` in paths."""
    tls: Tls | None = None
    """Trust and identity toward the vendor."""
    proxy: str = ""
    """HTTP proxy toward the vendor, e.g. `http://proxy.example.com:3128`."""
    timeout: Timeout | None = None
    """How long to wait."""
    limits: list[Limit] | None = None
    """Limits toward the vendor; they replace those of the catalog."""
    retry: Retry | None = None
    """How a failed attempt is repeated."""
    breaker: Breaker | None = None
    """When calls to a failing vendor are paused."""
    operations: list[Operation] = []
    """Operations with their repeat rule; one with the name or the method and path of a catalog operation replaces it."""
    dialects: list[Dialect] = []
    """AI wire formats that the API serves, and where."""
    models: list[Model] = []
    """Models that the API serves; one with the id of a catalog model replaces it."""
    model_patterns: list[str] | None = None
    """Globs of bare model names that belong to this integration."""
    errors: list[ErrorRule] = []
    """Rules that tell what an error of this vendor means."""
    error_shape: ErrorShape | None = None
    """Where the parts of its error bodies lie."""
    error_style: Literal["superset", "native", "normalized"] | None = None
    """Form of its failures for callers who ask for none."""
    ok_body: dict[str, str] | None = None
    """On HTTP 200: JSON pointer -> regular expression that a success must match."""
    idempotency: Idempotency | None = None
    """The header with which the vendor makes repeats safe."""
    usage: dict[str, str] | None = None
    """Pointers to usage figures in a reply, e.g. `units: /usage/credits`."""
    limit_headers: str | None = None
    """Dialect of its rate-limit headers."""
    request_id_headers: list[str] | None = None
    """Headers that carry the vendor's own request id."""
    replay_buffer: Size = ""
    """Request bodies up to this size are kept for repeats (1MB)."""
    body_limit: Size = ""
    """Largest request body (100MB)."""
    owner: str = ""
    """Who answers for it."""
    data: (
        list[
            Annotated[
                str,
                Meta(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", title="data category", examples=["pii.email"]),
            ]
        ]
        | None
    ) = None
    """Categories of data it may receive: `pii.email`, `pii.name`, `payment`, `prompts`, `usage_metrics`, or your own; `[]`: none."""
    criticality: Criticality | None = None
    """`load-path`: the core task fails without it; `enhancement`: it is only missed."""
    fallback: list[Fallback] = []
    """What to do when it fails, in order."""
    rotation: Rotation | None = None
    """When its credential is to be replaced."""
    runbook: str = ""
    """Page on what to do when it fails: path relative to this file, or URL."""
    contract: Contract | None = None
    """Where the shape of the API is described."""
    changelog: str = ""
    """URL of the vendor's changelog."""
    status_page: str = ""
    """URL of the vendor's status page."""
    handling: Handling | None = None
    """What the vendor does with the data it gets."""
    enabled: bool = True
    """`false` switches it off."""


class ModelAlias(Part):
    """A model name of your own."""

    target: str
    """`integration/model`"""


class Health(Part):
    """The health page."""

    public: bool = False
    """Opens `/health` to callers without a key."""


class Errors(Part):
    """Defaults for failures."""

    style: Literal["superset", "native", "normalized"] = "superset"
    """Form of failures for callers who ask for none."""


class Defaults(Part):
    """What holds for every integration that does not say otherwise."""

    owner: str = ""
    """Who answers for it."""
    rotation: Rotation | None = None
    """When its credential is to be replaced."""
    proxy: str = ""
    """HTTP proxy toward the vendor."""
    retry: Retry | None = None
    """How a failed attempt is repeated."""
    breaker: Breaker | None = None
    """When calls to a failing vendor are paused."""


class Layer(Part):
    """What an environment may change; mappings are merged key by key, all else replaces, `null` removes."""

    defaults: Defaults | None = None
    """What holds for every integration that does not say otherwise."""
    integrations: dict[str, Integration | None] = {}
    """The external APIs, by name."""
    models: dict[str, ModelAlias] = {}
    """Model names of your own."""
    routes: dict[str, str] = {}
    """Names under `/api/proxy/` that stand for an integration, so that swapping it changes no caller."""
    health: Health | None = None
    """The health page."""
    errors: Errors | None = None
    """Defaults for failures."""


class Registry(Layer, kw_only=True):
    """The file `trunkline.yaml`."""

    version: Literal[1]
    """Version of this format: 1."""
    environments: dict[Environment, Any] = {}
    """Overlays `dev`, `staging`, `prod`, chosen by `TRUNKLINE_ENV` (unset: `prod`)."""
