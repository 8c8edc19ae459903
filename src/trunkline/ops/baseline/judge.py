"""The regular review of everything: secrets, access, records, rotation, kill time, keys, runbooks, contracts; judged with evidence. Pure.

The list is that of the teams who learned it the hard way: one secret store, identity on every route, records kept 90 days,
rotation on schedule, keys that can be ended within minutes. Not for: gathering the facts and keeping sign-offs
(`control/baseline.py`), nor for how it is printed (`text.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from trunkline.core.service import Service
from trunkline.ops.baseline.facts import Access, Check, Facts, Review, SignOff, Verdict
from trunkline.ops.rotation_due import day_of

QUARTER, MONTH = timedelta(days=91), timedelta(days=30)
MONTHLY_FROM = 10
"""Engineers from whom on the review is monthly."""
KEPT_DAYS = 90
KILL_S = 2.0
OPEN_ROUTES = (
    "GET /health/live", "GET /health/ready", "GET /sign-in", "POST /sign-in", "GET /sign-in/oidc", "GET /sign-in/oidc/return",
    "OPTIONS any path",
)  # fmt: skip
"""Routes that need no identity, by design: liveness, readiness, preflight, and coming in."""


def period(team_size: int) -> timedelta:
    """How often a team of this size reviews; a size that is not said counts as small."""
    return MONTH if team_size >= MONTHLY_FROM else QUARTER


def due_day(team_size: int, last_at: float) -> str:
    """When the next review is due after the last one (or after the beginning)."""
    return (datetime.fromtimestamp(last_at, UTC) + period(team_size)).date().isoformat()


def next_due(team_size: int, last: SignOff | None, began_at: float) -> str:
    """When the next review is due by what the team's size is now, whatever it was at the last one."""
    return due_day(team_size, datetime.fromisoformat(last.at).timestamp() if last is not None else began_at)


def review(facts: Facts) -> Review:
    """Judges the facts."""
    size = facts.snapshot.team_size
    due = next_due(size, facts.last, facts.began_at)
    today = day_of(facts.now)
    return Review(
        at=datetime.fromtimestamp(facts.now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        environment=facts.snapshot.environment,
        registry=facts.snapshot.version,
        team_size=size,
        every="monthly" if period(size) == MONTH else "quarterly",
        due=due,
        overdue=due < today,
        last=facts.last,
        checks=[
            _secrets(facts), _routes(facts), _records(facts), _rotation(facts), _kill(facts), _keys(facts), _access(facts),
            _runbooks(facts), _contracts(facts), _registry(facts), _chain(facts),
        ],
        access=list(facts.access),
    )  # fmt: skip


def _check(
    name: str, question: str, evidence: list[str], found: list[str], cure: str = "", *, unknown: bool = False
) -> Check:
    verdict: Verdict = "finding" if found else "unknown" if unknown else "ok"
    return Check(id=name, question=question, verdict=verdict, evidence=evidence, findings=found, cure=cure)


def _secrets(facts: Facts) -> Check:
    refs = [credential.ref for service in _live(facts) for credential in service.credentials]
    places = Counter(
        "environment or files" if ref.startswith(("env:", "file:")) else _store(ref) for ref in refs
    )
    found = []
    if len(places) > 1:
        spread = ", ".join(f"{count} in {place}" for place, count in sorted(places.items()))
        found.append(f"Credentials live in {len(places)} places: {spread}.")
    found += _told(facts, "scan", "secret", "egress")
    evidence = [
        f"{len(refs)} credentials, {'all ' if len(places) == 1 else ''}in {', '.join(sorted(places)) or 'no place'}",
        f"code last scanned on {facts.scanned_at}" if facts.scanned_at else "the code was never scanned",
    ]
    cure = "Move them with `trunkline secrets set`; `trunkline scan` finds those in code."
    return _check(
        "secrets", "One secret store; no credentials in version control.", evidence, found, cure, unknown=not facts.scanned_at
    )  # fmt: skip


def _store(ref: str) -> str:
    scheme = ref.partition(":")[0]
    return "the built-in store" if scheme == "store" else scheme


def _routes(facts: Facts) -> Check:
    open_ = [one for one in facts.routes if one.identity == "none"]
    found = [f"{one.route} ({one.plane}) needs no identity." for one in open_ if one.route not in OPEN_ROUTES]
    if facts.snapshot.health_public:
        found.append("/health is public: everybody sees which integrations there are and how they fare.")
    evidence = [
        f"{len(facts.routes)} routes, {len(facts.routes) - len(open_)} of them need identity",
        f"open by design: {', '.join(sorted({one.route for one in open_ if one.route in OPEN_ROUTES})) or 'none'}",
    ]
    return _check(
        "identity", "Identity is required on every route.", evidence, found,
        "Give the route a role, or set `health: {public: false}`.",
    )  # fmt: skip


def _records(facts: Facts) -> Check:
    found = []
    if facts.keep_days < KEPT_DAYS:
        found.append(f"Calls are kept for {facts.keep_days} days; {KEPT_DAYS} are the least.")
    evidence = [
        "every call has a correlation id, its caller's or a new one",
        f"calls are kept for {facts.keep_days} days; the oldest here is of {facts.oldest_day or 'no day yet'}",
    ]
    return _check(
        "records",
        "Every external call is logged with a correlation id, kept 90 days at least.",
        evidence,
        found,
    )


def _rotation(facts: Facts) -> Check:
    states = Counter(one.state for one in facts.schedules)
    said = {
        "overdue": "is overdue since", "unknown": "has a schedule, and nobody knows when it was last replaced",
        "unscheduled": "has no schedule",
    }  # fmt: skip
    found = [
        f"{one.ref} of {one.integration} {said[one.state]}{f' {day_of(one.due_at)}' if one.state == 'overdue' else ''}."
        for one in facts.schedules
        if one.state in said
    ]
    evidence = [f"{count} {state}" for state, count in sorted(states.items())] or ["no credentials"]
    cure = "`trunkline secrets rotate NAME`; set `rotation: {every: 90d, last: ...}` in the registry."
    return _check("rotation", "Credentials are replaced on schedule.", evidence, found, cure)


def _kill(facts: Facts) -> Check:
    seconds = facts.kill.seconds
    question = "A key or credential can be ended on demand, everywhere, at once."
    if seconds is None:
        return _check(
            "kill",
            question,
            [f"not measured: {facts.kill.why}"],
            [],
            "Start `trunkline serve` and review again.",
            unknown=True,
        )
    found = (
        [f"A killed key still worked for {seconds:.2f} s; {KILL_S:g} s are the most."]
        if seconds > KILL_S
        else []
    )
    return _check("kill", question, [f"measured now: a killed key was refused after {seconds:.2f} s"], found)


def _keys(facts: Facts) -> Check:
    keys = [one for one in facts.access if one.kind == "key" and one.state == "live"]
    forever = [one.name for one in keys if one.expires_at is None]
    strong = [one.name for one in keys if one.role in ("operator", "admin")]
    evidence = [
        f"{len(keys)} keys work; {len(forever)} of them never expire",
        f"with the rights of operators or admins: {', '.join(strong) or 'none'}",
    ]
    cure = "`trunkline keys revoke KEY`; `trunkline keys update KEY --expires 90d`."
    return _check(
        "keys", "No caller key is unused or about to end unseen.", evidence, _told(facts, "key"), cure
    )


def _access(facts: Facts) -> Check:
    alive = [one for one in facts.access if one.state in ("live", "suspended", "disabled")]
    open_ = [one for one in alive if not one.decision]
    found = [f"Nobody has said whether to keep {one.kind} {one.name} ({one.id})." for one in open_]
    found += [
        f"{one.kind} {one.name} ({one.id}) was to be revoked and still works."
        for one in alive
        if one.decision == "revoke"
    ]
    evidence = [
        f"{len(alive)} may come in or call; {len(alive) - len(open_)} of them decided for this period"
    ]
    cure = "`trunkline audit baseline --keep ID --revoke ID ...`"
    return _check("access", "Everybody who may come in or call still should.", evidence, found, cure)


def _runbooks(facts: Facts) -> Check:
    found = [f"{service.name} has no runbook." for service in _live(facts) if not service.runbook]
    found += _told(facts, "runbook")
    evidence = [
        f"{sum(bool(service.runbook) for service in _live(facts))} of {len(_live(facts))} integrations have one"
    ]
    return _check(
        "runbooks",
        "Each integration has a runbook that is up to date.",
        evidence,
        found,
        "`trunkline runbook init NAME`",
    )


def _contracts(facts: Facts) -> Check:
    found = [
        f"{service.name} is pinned to no version of its API."
        for service in _live(facts)
        if service.api_version is None
    ]
    found += _told(facts, "contract", "model", "review.due")
    pinned = [
        f"{service.name}@{service.api_version.value}"
        for service in _live(facts)
        if service.api_version is not None
    ]
    evidence = [f"pinned: {', '.join(pinned) or 'none'}"]
    return _check(
        "contracts", "Each API is pinned, and nothing it announced is overlooked.", evidence, found,
        "`api_version` in the registry; `trunkline contracts check`",
    )  # fmt: skip


def _registry(facts: Facts) -> Check:
    found = [f"{service.name} has no owner." for service in _live(facts) if not service.owner]
    found += _told(facts, "data", "registry")
    evidence = [
        f"{len(_live(facts))} integrations in registry {facts.snapshot.version} ({facts.snapshot.environment})"
    ]
    return _check(
        "registry", "Each integration has an owner, and gets the data it is declared to get.", evidence, found
    )


def _chain(facts: Facts) -> Check:
    found = [] if facts.chain.ok else [f"The audit chain does not hold: {facts.chain.problem}."]
    evidence = [
        f"{facts.chain.rows} rows, {'whole' if facts.chain.ok else 'not whole'}",
        f"anchor: {facts.chain.anchor or 'none'}",
    ]
    return _check(
        "audit",
        "The record of changes, logins and secret access is whole.",
        evidence,
        found,
        "Compare it with a backup.",
    )


def _told(facts: Facts, *kinds: str) -> list[str]:
    """Open findings of these kinds and of all below them, those of the review itself left out."""
    return [
        f"{one.title} ({one.id})"
        for one in facts.findings
        if any(one.kind == kind or one.kind.startswith(f"{kind}.") for kind in kinds)
        and not (one.kind == "review.due" and one.subject == SUBJECT)
    ]


SUBJECT = "baseline"
"""Under `review.due`: this review itself."""


def _live(facts: Facts) -> list[Service]:
    return [service for service in facts.snapshot.services if service.enabled]


def undecided(found: Review) -> Iterator[Access]:
    """Who waits for a word."""
    return (one for one in found.access if not one.decision and one.state != "revoked")
