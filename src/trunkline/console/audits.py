"""The audit chain in the admin API: search, whether it is whole, export, the reviews that were signed off.

Reads only; a review is made where its kill can be measured (`trunkline audit baseline`). Not for: writing rows (`control/audit.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from starlette.responses import Response

from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.when import instant_us
from trunkline.control import anchor, audit, baseline
from trunkline.control.anchor import AnchorProblem
from trunkline.core.codec import to_json
from trunkline.core.errors import CallError
from trunkline.ops.baseline.facts import SignOff

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(max_length=256)]


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search for rows; every condition that is given must hold."""

    actor: Text = ""
    action: Text = ""
    """`key.create`, or all of a sort: `key`."""
    subject: Text = ""
    since: str | None = None
    """RFC 3339, or a span back from now such as `24h`, `7d`."""
    until: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which thing."""

    seq: int
    at: float
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class AuditReply(msgspec.Struct, frozen=True):
    """The newest rows that fit, oldest first."""

    rows: list[AuditRow]


class VerifyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the chain is judged."""

    anchor: Annotated[str, msgspec.Meta(max_length=512)] = ""
    """One that was kept elsewhere."""


class ChainReply(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the chain is whole."""

    ok: bool
    rows: int
    problem: str
    row: int
    """Where it breaks; 0 if it does not."""
    record: str
    """What stands there now."""
    cure: str
    anchored: int
    anchor: str
    """Of the newest row, to be kept elsewhere."""


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on."""

    since: str | None = None


class ReviewsReply(msgspec.Struct, frozen=True):
    """Reviews that were signed off, oldest first."""

    reviews: list[SignOff]


def rows(console: Console, query: AuditQuery) -> Any:
    """Search."""
    wanted = audit.Search(
        since=_instant(console, query.since),
        until=_instant(console, query.until),
        actor=query.actor,
        action=query.action,
        subject=query.subject,
    )
    return {"rows": audit.search(console.state, wanted, limit=query.limit)}


def verify(console: Console, query: VerifyQuery) -> Any:
    """Whether it is whole."""
    try:
        kept = [anchor.parse(console.state, query.anchor)] if query.anchor else []
    except AnchorProblem as problem:
        raise CallError("invalid_request", str(problem)) from None
    verdict, tip = audit.verify(console.state, *kept), audit.tip(console.state)
    return ChainReply(**verdict._asdict(), cure=verdict.cure, anchor=str(tip or ""))


def export(console: Console, query: ExportQuery) -> Response:
    """All of it, a row a line."""
    found = audit.entries(console.state, since=_instant(console, query.since))
    body = b"".join(to_json(row) + b"\n" for row in found)
    response = Response(body, media_type="application/x-ndjson")
    response.headers["content-disposition"] = 'attachment; filename="trunkline-audit.jsonl"'
    return response


def reviews(console: Console, query: Nothing) -> Any:
    """What was signed off."""
    return ReviewsReply(baseline.sign_offs(console.state))


def _instant(console: Console, text: str | None) -> float:
    if not text:
        return 0.0
    try:
        return instant_us(text, console.clock()) / 1e6
    except ValueError as fault:
        raise CallError("invalid_request", str(fault)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/audit", role="operator", name="audit", summary="Who changed what, who came in, which secret was fetched",
        query=AuditQuery, reply=AuditReply, handler=rows,
    ),
    Endpoint(
        method="GET", path="/api/audit/verify", role="operator", name="verify_audit", summary="Whether the audit chain is whole",
        query=VerifyQuery, reply=ChainReply, handler=verify,
    ),
    Endpoint(
        method="GET", path="/api/audit/export", role="operator", name="export_audit", summary="The audit chain as JSON lines",
        query=ExportQuery, media="application/x-ndjson", handler=export,
    ),
    Endpoint(
        method="GET", path="/api/audit/reviews", role="operator", name="reviews", summary="Reviews that were signed off",
        reply=ReviewsReply, handler=reviews,
    ),
)  # fmt: skip
