"""The keys that tell what a vendor is like: credential, version, operations, models, errors. Catalog files use the same.

Not for: how calls flow to it (`shape_flow.py`), nor the integration as a whole (`shape.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from trunkline.core import service

from .part import Identifier, Part, Positive
from .quantity import Day, Duration
from .shape_data import DataRules
from .shape_flow import Cache, Fallbacks

Repeat = Literal["always", "with_key", "never"]
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
LimitHeaders = Literal[
    "openai",
    "azure",
    "azure-openai",
    "groq",
    "anthropic",
    "mistral",
    "github",
    "sendgrid",
    "plain",
    "shopify",
    "hubspot",
    "stripe",
    "twilio",
    "ietf",
    "huggingface",
    "none",
]
"""The dialects that `engine/limits_told.py` reads."""


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

    kind: Literal["bearer", "header", "query", "basic", "oauth2", "none"] | None = None
    """`bearer`: `Authorization: Bearer ...`; `header` and `query`: under `name`; `basic`: user name and password; `oauth2`: a
    bearer token that is fetched from `token_url` and renewed; `none`."""
    name: str = ""
    """Name of the header or query parameter."""
    template: str = ""
    """What is sent, with `{secret}` in the place of the credential, e.g. `Token {secret}`."""
    username: str = ""
    """basic: the user name (or `env:NAME`), with the secret as password. Without it the secret itself is `user:password`."""
    secret: Secret | None = None
    """Reference of the credential (or a pool of them); the same as `secret` of the integration. oauth2: the client's secret."""
    grant: Literal["client_credentials", "refresh_token"] | None = None
    """oauth2: how a token is got; default `client_credentials`."""
    token_url: str = ""
    """oauth2: address that gives tokens."""
    client_id: str = ""
    """oauth2: the client (or `env:NAME`). Without it the secret itself is `id:secret`."""
    client_auth: Literal["basic", "post"] | None = None
    """oauth2: where id and secret stand in the token request: in a Basic header (default), or in its body."""
    scopes: list[str] = []
    """oauth2: scopes to ask for."""
    audience: str = ""
    """oauth2: audience to ask for."""
    refresh: str = ""
    """oauth2: reference of the refresh token, for `grant: refresh_token`."""


class ApiVersion(Part):
    """The pinned version of the vendor's API. With none of `header`, `query`, `path` it stands in the operations' paths."""

    none: str = ""
    """Why there is none to pin, instead of a value, e.g. `the API is not versioned`."""

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


class Operation(Part):
    """One method and path of the API. Undeclared ones: GET, HEAD, OPTIONS repeat always; PUT, DELETE with a key; others never."""

    name: str
    """Name used in scopes, logs and metrics. With the name of a catalog operation, what is not said here stays as it is there."""
    method: Method | None = None
    """HTTP method."""
    path: Annotated[
        str, Meta(pattern=r"^/", title="path that begins with /", examples=["/contacts/{id}"])
    ] = ""
    """Path below `base_url`; `{x}` stands for one segment, a final `{x+}` for the rest."""
    repeat: Repeat | None = None
    """May an attempt that could have acted be made again? `always`, `with_key` (only with an idempotency key), `never`."""
    timeout: Duration = ""
    """Total time where it differs from the integration's."""
    cache: Cache | None = None
    """Answers kept and given again, instead of the integration's `cache`. Only for what does not act."""
    fallback: Fallbacks | None = None
    """What to do when it fails, instead of the integration's `fallback`; `[]`: nothing."""
    data: DataRules | None = None
    """What is done about data in its calls, beside what the integration says."""
    identifiers: list[Identifier] | None = None
    """Where its requests name persons, instead of the integration's `identifiers`."""


class Dialect(service.Dialect, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AI wire format that this API serves, so that the AI routes can use it."""


class Figures(Part):
    """USD per million tokens, by kind of token."""

    input: float = -1.0
    """Input tokens."""
    output: float = -1.0
    """Output tokens."""
    cached: float = -1.0
    """Input tokens read from the vendor's cache; default: as input."""
    cache_write: float = -1.0
    """Input tokens written to the vendor's cache; default: as input."""
    cache_write_1h: float = -1.0
    """Of these, those that are kept for an hour; default: as `cache_write`."""
    reasoning: float = -1.0
    """Output tokens of reasoning; default: as output."""
    audio_input: float = -1.0
    """Input tokens of audio; default: as input."""
    audio_cached: float = -1.0
    """Input tokens of audio read from the cache; default: as `cached`."""
    audio_output: float = -1.0
    """Output tokens of audio; default: as output."""
    image_input: float = -1.0
    """Input tokens of images; default: as input."""
    image_cached: float = -1.0
    """Input tokens of images read from the cache; default: as `cached`."""
    image_output: float = -1.0
    """Output tokens of images; default: as output."""


class Step(Figures, kw_only=True):
    """Figures of a whole request whose input is long; what is not said changes as input or output does."""

    above: int
    """Input tokens beyond which they hold."""


class Tier(Figures, kw_only=True):
    """Figures of a service tier; what is not said is the usual figure, `factor` times."""

    factor: float = 1.0
    """Of every figure that is not said, e.g. 0.5 of batches."""
    long: list[Step] = []
    """Steps of long inputs, instead of the usual ones."""


class Price(Figures, kw_only=True):
    """What a model costs: USD per million tokens, and USD for each use of what is billed by itself."""

    input: float = 0.0
    """Input tokens."""
    output: float = 0.0
    """Output tokens."""
    long: list[Step] = []
    """Steps of long inputs, from the shortest to the longest."""
    service: dict[str, Tier] = {}
    """By the service tier that the vendor says served a call: `batch`, `flex`, `priority`, `fast`, a place such as `us`."""
    fees: dict[str, float] = {}
    """USD for each use: `call`, `web_search`, `file_search`, `second`, `character`, `page`, ..."""
    source: str = ""
    """Where the figure was read."""
    date: str = ""
    """When it was read."""


class Model(Part):
    """A model that this API serves."""

    id: str
    """Its name at the vendor. With the id of a catalog model, what is not said here stays as it is there."""
    kind: Literal["chat", "embedding", "image", "speech", "transcription", "rerank", "moderation"] | None = (
        None
    )
    """What it does; default `chat`."""
    context: int = 0
    """Context window in tokens; 0: unknown."""
    max_output: int = 0
    """Most tokens of an answer; 0: unknown."""
    price: Price | None = None
    """Its price; without one, its calls are unpriced."""
    title: str = ""
    """Name for people."""
    aliases: list[str] = []
    """Other names under which the vendor serves it; they cost the same."""
    pinned: str = ""
    """The dated version behind a name that the vendor may move, for the lint."""
    shutdown: Day = ""
    """The day from which the vendor no longer serves it."""
    replacement: str = ""
    """What the vendor recommends instead."""
    cache: Cache | None = None
    """Answers kept and given again, instead of the integration's `cache`."""


class ErrorRule(service.ErrorRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of the classifier of errors; tried in order, those of the registry before those of the catalog."""


class ErrorShape(service.ErrorShape, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the parts of the vendor's error bodies lie (JSON pointers, first match wins)."""


class Idempotency(service.Idempotency, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vendor honours a key that makes a repeat safe: the header, and for how many hours."""


class Contract(Part):
    """Where the shape of the API is described, and how changes of it are looked after."""

    source: str = ""
    """URL or file of an OpenAPI description."""
    review: Duration = ""
    """How often somebody reads the vendor's changelog, e.g. `90d`; recorded by `trunkline contracts review`."""


class Handling(Part):
    """What the vendor does with the data it gets. What is not said here stays as the catalog has it."""

    purpose: str = ""
    """What it is given data for, e.g. `payments of the shop`."""
    retention: str = ""
    """How long it keeps it, e.g. `30 days`."""
    trains: bool | None = None
    """Whether it trains models on it."""
    region: str = ""
    """Where it is processed, e.g. `eu`."""
    dpa: str = ""
    """The data processing agreement: URL or reference."""
    source: str = ""
    """Where this was read."""
    date: Day = ""
    """When it was read."""
