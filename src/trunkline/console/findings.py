"""Findings in the admin API: list, one of them, acknowledge, resolve.

Not for: what a decision does (`control/findings.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.declare import Endpoint
from trunkline.console.identity import Identity
from trunkline.control import findings as control
from trunkline.core.errors import CallError
from trunkline.ops import findings as ops
from trunkline.ops.findings import FindingRow
from trunkline.ops.metrics import Metric, Sample

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]


class FindingsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search for findings."""

    kind: Text | None = None
    """Also the beginning of one: `contract` for `contract.drift`."""
    integration: Text | None = None
    all: bool = False
    """Those that were resolved as well."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class FindingQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One finding."""

    id: Text


class FindingNoteQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision about a finding."""

    id: Text
    note: Note = ""


class FindingsReply(msgspec.Struct, frozen=True):
    """Findings, the worst first, then the newest."""

    findings: list[FindingRow]


def metrics(console: Console) -> list[Metric]:
    """How many are open, by kind and severity."""
    counts = Counter((row.kind, row.severity) for row in ops.listed(console.state))
    samples = [
        Sample({"kind": kind, "severity": severity}, n) for (kind, severity), n in sorted(counts.items())
    ]
    return [Metric("trunkline_findings_open", "gauge", "Findings that are open.", samples)]


def findings(console: Console, query: FindingsQuery) -> Any:
    """What a person should look at."""
    return FindingsReply(
        ops.listed(
            console.state,
            kind=query.kind,
            integration=query.integration,
            open_only=not query.all,
            limit=query.limit,
        )
    )


def finding(console: Console, query: FindingQuery) -> Any:
    """One of them."""
    found = ops.find(console.state, query.id)
    if found is None:
        raise CallError("not_found", f"there is no finding {query.id!r}")
    return found


def acknowledge(console: Console, query: FindingNoteQuery, who: Identity) -> Any:
    """Somebody looks after it."""
    finding(console, FindingQuery(query.id))
    try:
        return control.acknowledge(console.state, query.id, who.actor, query.note, console.clock())
    except control.FindingProblem as problem:
        raise CallError("invalid_request", str(problem)) from None


def resolve(console: Console, query: FindingNoteQuery, who: Identity) -> Any:
    """It is settled."""
    finding(console, FindingQuery(query.id))
    try:
        return control.resolve(console.state, query.id, who.actor, query.note, console.clock())
    except control.FindingProblem as problem:
        raise CallError("invalid_request", str(problem)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/findings", role="viewer", name="findings", summary="What a person should look at",
        query=FindingsQuery, reply=FindingsReply, handler=findings,
    ),
    Endpoint(
        method="GET", path="/api/findings/{id}", role="viewer", name="finding", summary="One finding",
        query=FindingQuery, reply=FindingRow, handler=finding,
    ),
    Endpoint(
        method="POST", path="/api/findings/{id}/ack", role="operator", name="ack_finding",
        summary="Say that somebody looks after a finding", query=FindingNoteQuery, reply=FindingRow, handler=acknowledge,
    ),
    Endpoint(
        method="POST", path="/api/findings/{id}/resolve", role="operator", name="resolve_finding",
        summary="Say that a finding is settled", query=FindingNoteQuery, reply=FindingRow, handler=resolve,
    ),
)  # fmt: skip
