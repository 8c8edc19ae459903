"""What is so now with one integration, as a runbook shows it: data for `--json` and the admin API, and lines for people. Pure.

Not for: gathering it (`console/situation.py`), nor for what people wrote (`registry/runbooks.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from trunkline.engine.scrub import scrub
from trunkline.ops.incidents.impact import Hit, IncidentImpact
from trunkline.ops.incidents.review import span

FAILURES_MAX = 5
MESSAGE_MAX = 300


class FailedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call that it failed."""

    at: str
    correlation_id: str
    call_id: str
    feature: str
    what: str
    """Operation or model."""
    code: str
    status: int
    """Of the vendor's last answer; 0: there was none."""
    message: str
    """Without credentials, cut."""
    vendor_request_id: str


class NamedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command, and what it does."""

    what: str
    command: str


class VendorPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor's status page says."""

    url: str
    says: str
    age_s: float | None


class CredentialStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with replacing one credential."""

    ref: str
    state: str
    """fresh, due, overdue, unknown, unscheduled."""
    due: str = ""
    rotating: str = ""


class RunbookText(msgspec.Struct, frozen=True, kw_only=True):
    """What people wrote."""

    path: str
    reviewed: str
    """`YYYY-MM-DD`; empty: never."""
    problems: list[str]
    content: str


class RunbookFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a runbook shows. Times are RFC 3339, empty: never."""

    integration: str
    title: str
    owner: str
    criticality: str
    environment: str
    at: str
    status: str
    reason: str
    evidence: list[str] = []
    switched_off: str | None = None
    """Why it was switched off; None: it is not."""
    incident: dict[str, Any] | None = None
    failing_since: str = ""
    affected_since: str = ""
    affected: IncidentImpact = IncidentImpact()
    failures: list[FailedCall] = []
    fallbacks: list[str] = []
    """As declared."""
    serving: list[str] = []
    """Those that work now."""
    page: VendorPage | None = None
    credentials: list[CredentialStanding] = []
    api_version: str = ""
    findings: list[dict[str, Any]] = []
    breakers: list[dict[str, Any]] = []
    queue: dict[str, float] = {}
    changelog: str = ""
    commands: dict[str, list[NamedCommand]] = {}
    runbook: RunbookText
    acknowledged: list[dict[str, Any]] = []


def failures(calls: Iterable[dict[str, Any]]) -> list[FailedCall]:
    """The latest calls that failed, newest first."""
    return [
        FailedCall(
            at=call["at"],
            correlation_id=call["correlation_id"],
            call_id=call["call_id"],
            feature=call["feature"],
            what=call["operation"] or call["model"] or f"{call['method']} {call['path']}",
            code=call["code"],
            status=call["attempts"][-1]["status"] if call["attempts"] else 0,
            message=scrub(call["message"])[:MESSAGE_MAX],
            vendor_request_id=next(
                (a["vendor_request_id"] for a in reversed(call["attempts"]) if a["vendor_request_id"]), ""
            ),
        )
        for call in calls
    ]


def lines(one: RunbookFacts) -> list[str]:
    """The facts for people, before what people wrote."""
    return [
        f"{one.title} ({one.integration}), {one.environment}, {one.at}",
        "",
        *_block("Now", _now(one)),
        *_block("Who is affected", _affected(one)),
        *_block("Last failures", _failures(one)),
        *_block("Instead", _instead(one)),
        *_block("The vendor says", _page(one)),
        *_block("Credential and contract", _standing(one)),
        *_block("Breaker and queue", _flow(one)),
        *_block("Worked by this runbook", _acks(one)),
        *_commands(one),
    ]


def _now(one: RunbookFacts) -> Iterator[str]:
    yield f"{one.status}: {one.reason}"
    if one.switched_off is not None:
        yield "switched off with the kill switch" + (f": {one.switched_off}" if one.switched_off else "")
    if one.failing_since:
        yield f"failing since {one.failing_since}"
    if one.incident is not None:
        taken = one.incident["acknowledged_by"]
        who = f"{taken} looks after it" if taken else "nobody has acknowledged it"
        yield f"incident {one.incident['id']} ({one.incident['severity']}), open since {one.incident['opened_at']}; {who}"
    yield f"owner: {one.owner or 'nobody'}; {one.criticality}"
    yield from one.evidence


def _affected(one: RunbookFacts) -> Iterator[str]:
    hit = one.affected
    if not hit.failed:
        yield f"no call failed since {one.affected_since}" + (f" ({hit.calls} calls)" if hit.calls else "")
    else:
        yield f"{hit.failed} of {hit.calls} calls failed since {one.affected_since}" + (
            f"; {hit.people} people" if hit.people else ""
        )
    if hit.otherwise:
        yield f"{hit.otherwise} calls were answered by a fallback"
    for name, hits in (("features", hit.features), ("teams", hit.teams), ("callers", hit.keys)):
        if hits:
            yield f"{name}: {', '.join(_hit(h) for h in hits[:8])}"
    if hit.codes:
        yield f"kinds: {', '.join(f'{code} {count}' for code, count in hit.codes.items())}"
    if hit.wasted_usd:
        yield f"paid for nothing: {hit.wasted_usd:.4f} USD"


def _hit(one: Hit) -> str:
    return f"{one.name} {one.failed}/{one.calls}"


def _failures(one: RunbookFacts) -> Iterator[str]:
    for call in one.failures:
        vendor = f", vendor's id {call.vendor_request_id}" if call.vendor_request_id else ""
        status = f" {call.status}" if call.status else ""
        yield f"{call.at} {call.code}{status} {call.what}: {call.message}"
        yield f"  correlation {call.correlation_id}{vendor}  (trunkline logs show {call.call_id})"


def _instead(one: RunbookFacts) -> Iterator[str]:
    if one.serving:
        yield f"works now: {', '.join(one.serving)}"
    elif one.fallbacks:
        yield "none of the declared fallbacks is known to work now"
    yield from (f"declared: {text}" for text in one.fallbacks)
    if not one.fallbacks and not one.serving:
        yield "no fallback is declared"


def _page(one: RunbookFacts) -> Iterator[str]:
    if one.page is not None:
        age = f" ({span(one.page.age_s)} ago)" if one.page.age_s is not None else ""
        yield f"{one.page.says}{age}" if one.page.says else "not read"
        if one.page.url:
            yield one.page.url


def _standing(one: RunbookFacts) -> Iterator[str]:
    for credential in one.credentials:
        due = f", due {credential.due}" if credential.due else ""
        now = f", being rotated ({credential.rotating})" if credential.rotating else ""
        yield f"{credential.ref}: rotation {credential.state}{due}{now}"
    yield f"API version: {one.api_version or 'not pinned'}"
    if one.changelog:
        yield f"changelog: {one.changelog}"
    for finding in one.findings:
        due = f", due {finding['due']}" if finding["due"] else ""
        yield f"{finding['severity']} {finding['kind']}: {finding['title']}{due} ({finding['id']})"


def _flow(one: RunbookFacts) -> Iterator[str]:
    for circuit in one.breakers:
        place = " ".join(filter(None, (circuit.get("credential"), circuit.get("model"))))
        why = f": {circuit['why']}" if circuit.get("why") else ""
        yield f"{place}: {circuit['state']}{why}"
    if not one.breakers:
        yield "no call since the gateway started, or it is not running"
    if waiting := one.queue.get("waiting"):
        yield f"{waiting:g} calls wait for a place"
    if paused := one.queue.get("paused_s"):
        yield f"paused by the vendor for {paused:g} s more"


def _acks(one: RunbookFacts) -> Iterator[str]:
    for ack in one.acknowledged:
        note = f": {ack['note']}" if ack["note"] else ""
        yield f"{ack['at']} {ack['by']}{note}"


def _commands(one: RunbookFacts) -> Iterator[str]:
    for name, said in one.commands.items():
        width = max((len(s.command) for s in said), default=0)
        yield from _block(name, [f"{s.command.ljust(width)}  # {s.what}" for s in said])


def _block(title: str, body: Iterable[str]) -> Sequence[str]:
    rows = [f"  {line}" for line in body]
    return [f"{title}:", *rows, ""] if rows else []
