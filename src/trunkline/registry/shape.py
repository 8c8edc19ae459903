"""The YAML that people write, as shapes. The editor schema and the reference page are generated from this file.

The text below a key is what people read about it. Everything here is as written: durations are text, nothing is resolved.
Not for: what the gateway works with (`core/service.py`). The parts of an integration lie beside it in `shape_*.py`.
"""

from __future__ import annotations

from typing import Any, Literal

from .part import Category, Identifier, Off, Part, Positive, Share
from .quantity import Day, Duration, Size
from .shape_alerts import Alert, Incidents
from .shape_bounds import Budget, CacheStore, CallerLimit, Drills, Notify, Shedding, Team
from .shape_data import Data, DataRules, Samples, SampleStore, StoredResponses
from .shape_egress import Egress
from .shape_flow import (
    Adaptive,
    Breaker,
    Cache,
    Fallbacks,
    Hedge,
    Limit,
    Probe,
    Queue,
    Repair,
    Retry,
    Timeout,
)
from .shape_models import ModelAlias
from .shape_people import Jwt, SignIn
from .shape_secrets import OutsideStore, Process, StoreName
from .shape_tariffs import Tariff
from .shape_vendor import (
    ApiVersion,
    Auth,
    Contract,
    Dialect,
    ErrorRule,
    ErrorShape,
    Handling,
    Idempotency,
    LimitHeaders,
    Model,
    Operation,
    Secret,
    Tls,
)

Criticality = Literal["load-path", "enhancement"]
Environment = Literal["dev", "staging", "prod"]
ENVIRONMENTS: tuple[Environment, ...] = ("dev", "staging", "prod")


class Rotation(Part):
    """When the credential is to be replaced."""

    every: Duration = ""
    """How often, e.g. `90d`."""
    last: Day = ""
    """When it was last done."""


class Integration(Part):
    """One external API. A vendor of the catalog needs only `secret`; any other needs `base_url`."""

    vendor: str = ""
    """Catalog entry to start from, where the name of the integration is another."""
    title: str = ""
    """Name for people."""
    base_url: str = ""
    """Address; the path of a call is appended to it."""
    secret: Secret | None = None
    """Reference of the credential (`env:NAME`, `file:path#key`, `store:NAME`, `vault:mount/path#key`, ...), or a pool: a list of
    `{ref, weight, base_url}`."""
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
    queue: Queue | None = None
    """How calls wait when its limits are used up."""
    adaptive: Adaptive | None = None
    """Concurrency that follows what the vendor bears."""
    cache: Cache | None = None
    """Answers kept and given again: of GETs and model calls. Another POST that only reads or computes says so at its operation."""
    hedge: Hedge | None = None
    """A second request for repeatable calls whose answer is late."""
    repair: Repair | None = None
    """What may be mended in a refused model call."""
    batch_embeddings: Duration = ""
    """Time for which concurrent embedding calls are gathered into one request, e.g. `10ms`; default: not at all."""
    batch_inputs: Positive | None = None
    """Most inputs of one such request; default: 128, with Gemini 100."""
    probe: Probe | None = None
    """A free call that tells whether it answers."""
    samples: Samples | None = None
    """Calls that are kept for a short while with their bodies, to be looked at."""
    operations: list[Operation] = []
    """Operations with their repeat rule; one with the name, or the method and path, of a catalog operation hides it."""
    dialects: list[Dialect] = []
    """AI wire formats that the API serves, and where."""
    speak: str = ""
    """One of its `dialects`, e.g. `ollama-chat`: calls of models are made in it, also for callers who speak another that the API serves;
    default: the caller's own where the API serves it."""
    models: list[Model] = []
    """Models that the API serves, before those of the catalog."""
    tariffs: list[Tariff] = []
    """What calls cost that are no model calls, before the catalog's tariffs; with the `id` of one of those, what is not said stays."""
    discounts: dict[str, Off] = {}
    """Negotiated: glob of models or tariffs -> the share taken off the catalog's price, e.g. `{"gpt-5*": 0.2, "*": 0.1}`; the first
    that fits holds. A `price` or tariff of your own is taken as it is written."""
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
    limit_headers: LimitHeaders | None = None
    """Dialect of its rate-limit headers."""
    request_id_headers: list[str] | None = None
    """Headers that carry the vendor's own request id."""
    replay_buffer: Size = ""
    """Request bodies up to this size are kept for repeats (1MB)."""
    body_limit: Size = ""
    """Largest request body (100MB)."""
    owner: str = ""
    """Who answers for it."""
    data: list[Category] | Data | None = None
    """Categories of data it may receive: `pii.email`, `pii.name`, `payment`, `prompts`, `usage_metrics`, or your own; `[]`: none. The
    long form also says what is forbidden, blocked and blotted out.
    """
    identifiers: list[Identifier] | None = None
    """Where requests name persons, so that `trunkline trace --email` finds each of them: JSON pointers (`/customer/email`, `/to/*/email`,
    also of forms), `query:NAME`, `path:NAME`. Kept are keyed hashes. `[]`: nowhere; default: as the catalog says.
    """
    criticality: Criticality | None = None
    """`load-path`: the core task fails without it; `enhancement`: it is only missed."""
    fallback: Fallbacks = []
    """What to do when it fails: one, or several in order."""
    rotation: Rotation | None = None
    """When its credential is to be replaced."""
    runbook: str = ""
    """Page on what to do when it fails: path relative to this file, or URL."""
    contract: Contract | None = None
    """Where the shape of the API is described."""
    changelog: str = ""
    """URL of the vendor's changelog."""
    status_page: str = ""
    """URL of the vendor's status page, for people."""
    status_feed: str = ""
    """URL of what a machine reads of it: JSON of Statuspage v2, incident.io (`.../api/v2/summary.json`) or status.io, RSS or Atom.
    Without it, the usual places below `status_page` are tried."""
    handling: Handling | None = None
    """What the vendor does with the data it gets."""
    enabled: bool = True
    """`false` switches it off."""


class Route(Part):
    """A named route in its long form; the short one is the name of the integration alone."""

    integration: str = ""
    """The integration that serves it."""
    split: dict[str, Share] = {}
    """Instead: several integrations with their shares of the callers, e.g. two versions of one API. Who calls stays with one of them."""
    fallback: Fallbacks | None = None
    """What to do when it fails, instead of the integration's `fallback`; `[]`: nothing."""
    data: DataRules | None = None
    """What is done about data in its calls, beside what the integration says."""


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
    queue: Queue | None = None
    """How calls wait when the limits of a vendor are used up."""
    adaptive: Adaptive | None = None
    """Concurrency that follows what a vendor bears."""
    samples: Samples | None = None
    """Calls that are kept for a short while with their bodies, to be looked at."""
    contract: Contract | None = None
    """How changes of the APIs are looked after: `review`."""


class Layer(Part):
    """What an environment may change; mappings are merged key by key, all else replaces, `null` removes."""

    defaults: Defaults | None = None
    """What holds for every integration that does not say otherwise."""
    integrations: dict[str, Integration | None] = {}
    """The external APIs, by name."""
    models: dict[str, ModelAlias] = {}
    """Model names of your own."""
    routes: dict[str, str | Route] = {}
    """Names under `/api/proxy/` that stand for an integration, so that swapping it changes no caller."""
    budgets: dict[str, Budget] = {}
    """Money that calls may cost, by a name of your own."""
    limits: dict[str, CallerLimit] = {}
    """Limits toward callers, by a name of your own."""
    teams: dict[str, Team] = {}
    """What a team may have, by its name on caller keys."""
    notify: Notify | None = None
    """Where alerts and ends of deferred calls are told."""
    alerts: dict[str, Alert] = {}
    """Who is told of findings, incidents and budgets, by a name of your own; without it, `notify` is told from `warning` on."""
    incidents: Incidents | None = None
    """When failing becomes an incident, and when it is over."""
    stores: dict[StoreName, OutsideStore] = {}
    """Outside stores of secrets: how each is reached."""
    processes: dict[str, Process] = {}
    """Processes of yours that get secrets into their environment (`trunkline run`), by a name of your own."""
    shedding: Shedding | None = None
    """When calls are refused because the process itself is overloaded."""
    cache: CacheStore | None = None
    """The memory of all kept answers."""
    samples: SampleStore | None = None
    """The sealed files of sampled calls."""
    stored_responses: StoredResponses | None = None
    """What is kept for `previous_response_id` where a vendor stores nothing."""
    drills: Drills | None = None
    """Proof on a schedule that fallbacks work."""
    egress: Egress | None = None
    """The CONNECT listener: which hosts it lets through beside those of integrations."""
    health: Health | None = None
    """The health page."""
    sign_in: SignIn | None = None
    """How people come into the console."""
    jwt: dict[str, Jwt] = {}
    """Whose tokens are taken in place of caller keys, by a name of your own."""
    team_size: Positive | None = None
    """Engineers who work with these integrations: reviews are due quarterly under 10, monthly from 10 on."""
    errors: Errors | None = None
    """Defaults for failures."""


class Registry(Layer, kw_only=True):
    """The file `trunkline.yaml`."""

    version: Literal[1]
    """Version of this format: 1."""
    environments: dict[Environment, Any] = {}
    """Overlays `dev`, `staging`, `prod`, chosen by `TRUNKLINE_ENV` (unset: `prod`)."""
