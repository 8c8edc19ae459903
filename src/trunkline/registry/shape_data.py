"""The keys about data: what a vendor may receive, what is done about the rest, which calls are looked at with their bodies.

Not for: how calls flow (`shape_flow.py`).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .part import Category, Part, Positive
from .quantity import Duration, Size


class Samples(Part):
    """Calls that are kept for a short while with their bodies, sealed and on this machine, to find changed contracts and categories of
    data. The first call of each minute to each operation is taken, and a share of the others.
    """

    enabled: bool | None = None
    """`false`: no body is ever kept; changed contracts and observed data are then not found."""
    share: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of the calls beyond the first of a minute; default 0.01."""
    per_minute: Positive | None = None
    """Most samples of one operation in a minute; default 12."""
    request: Size = ""
    """So much of a request's body, from its begin; default 64KB, at most 1MB."""
    response: Size = ""
    """So much of an answer's body; default 64KB, at most 1MB."""


class StoredResponses(Part):
    """What is kept for callers of OpenAI's Responses whose model's vendor stores nothing: each answer with its input, sealed and on
    this machine, for `previous_response_id` and `GET /v1/responses/{id}`. A call with `"store": false` keeps nothing.
    """

    enabled: bool | None = None
    """`false`: nothing is kept, and answers say `store: false`."""
    keep: Duration = ""
    """How long; default 24h."""
    size: Size = ""
    """All of them together; the oldest go first. Default 256MB."""


class SampleStore(Part):
    """The sealed files of all samples."""

    keep: Duration = ""
    """After this time a sample is deleted even if nobody could look at it; default 1h. One that was looked at is deleted at once."""
    size: Size = ""
    """Room for all of them; the oldest are deleted first; default 64MB."""


class DataRules(Part):
    """What is done about data in calls by this route, as they are made. Only what can be found counts: `pii.email`, `pii.name`,
    `pii.phone`, `pii.address`, `pii.birth_date`, `pii.national_id`, `pii.ip`, `payment.card`, `payment.iban`, `payment.account`, and
    wholes of them (`pii`).
    """

    block: list[Category] = []
    """A request that holds one of these is refused (422 `data_blocked`)."""
    redact: list[Category] = []
    """These are blotted out of the request before it is sent: `[pii.email]` stands in their place."""
    answers: bool = False
    """Blots out what `redact` names from answers, too; streams come a little later."""


class Data(DataRules):
    """Data in its long form; the short one is the list of `allow` alone."""

    allow: list[Category] | None = None
    """Categories that it may receive; `[]`: none. Any other that is seen in sampled calls is a finding."""
    forbid: list[Category] = []
    """Categories that it must never receive: seen in a sampled call, a critical finding. To keep them from being sent, `block` them."""
