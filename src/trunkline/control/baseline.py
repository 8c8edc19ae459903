"""The regular review over one installation: its facts, what people decide about access, its sign-off, and when the next one is due.

Decisions and sign-offs are rows of the audit chain, so that nobody can sign off afterwards what was not reviewed. Not for: judging
(`ops/baseline/judge.py`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from trunkline.control import audit, keys, kills, published, roster, users
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core.alerting import Severity
from trunkline.core.service import Snapshot
from trunkline.ledger.days import Days
from trunkline.ledger.prune import KEEP_DAYS
from trunkline.ops import findings, rotation_due
from trunkline.ops.baseline.facts import Access, Chain, Decision, Facts, Kill, Review, Route, SignOff
from trunkline.ops.baseline.judge import SUBJECT, due_day, next_due, review
from trunkline.ops.findings import Finding

SIGN_OFF, KEEP, REVOKE = "review.sign_off", "review.keep", "review.revoke"
DUE = "review.due"
SOON_DAYS = 14
LONGEST_NOTE = 2000
KILL_LIMIT_S = 10.0


class ReviewProblem(Exception):
    """A review cannot be made, or a decision not be taken; says why and the cure."""


def made(state: State, routes: Sequence[Route], kill: Kill, *, now: float | None = None) -> Review:
    """The review as of now. Raises ReviewProblem where nothing is published yet."""
    at = time.time() if now is None else now
    snapshot = published.read_snapshot(state)
    if snapshot is None:
        raise ReviewProblem("There is nothing to review yet: start `trunkline serve` once.")
    last, began = last_sign_off(state), _began(state, at)
    verdict, tip = audit.verify(state), audit.tip(state)
    found = findings.listed(state)
    return review(
        Facts(
            now=at,
            snapshot=snapshot,
            routes=routes,
            findings=found,
            schedules=rotation_due.read(state.path) or rotation_due.schedules(snapshot, {}, {}, at),
            access=_access(state, at, next_due(snapshot.team_size, last, began)),
            kill=kill,
            chain=Chain(ok=verdict.ok, rows=verdict.rows, problem=verdict.problem, anchor=str(tip or "")),
            keep_days=KEEP_DAYS,
            oldest_day=next(iter(Days(state.ledger, read_only=True).list()), ""),
            scanned_at=_scanned(state),
            began_at=began,
            last=last,
        )
    )


def decide(
    state: State,
    *,
    keep: Iterable[str] = (),
    revoke: Iterable[str] = (),
    actor: str = "cli",
    now: float | None = None,
) -> list[str]:
    """Writes down who may stay, and ends the others at once; answers a line for each. Raises ReviewProblem before anything is done."""
    at = time.time() if now is None else now
    known = {one.id: one for one in _access(state, at, "")}
    names = {
        one.name: one.id for one in known.values() if sum(o.name == one.name for o in known.values()) == 1
    }
    chosen: list[tuple[Access, Decision]] = []
    for decision, wanted in (("keep", keep), ("revoke", revoke)):
        for selector in wanted:
            one = known.get(selector) or known.get(names.get(selector, ""))
            if one is None:
                raise ReviewProblem(
                    f"There is nobody {selector!r} to decide about; the review lists who there is."
                )
            chosen.append((one, decision))  # type: ignore[arg-type]
    ids = [one.id for one, _ in chosen]
    if len(ids) != len(set(ids)):
        raise ReviewProblem("Somebody is to be kept and revoked at once; decide for one.")
    for one, decision in chosen:
        detail = {
            "kind": one.kind,
            "name": one.name,
            "role": one.role,
            "team": one.team,
            "last_used_at": one.last_used_at,
        }
        audit.append(state, actor, KEEP if decision == "keep" else REVOKE, one.id, detail)
        if decision == "revoke":
            _end(state, one, actor, at)
    return [f"{decision}: {one.kind} {one.name} ({one.id})" for one, decision in chosen]


def sign_off(
    state: State, found: Review, *, by: str, note: str = "", actor: str = "cli", now: float | None = None
) -> SignOff:
    """Writes the review's digest and what is open into the audit chain. Raises ReviewProblem."""
    at = time.time() if now is None else now
    if not by.strip() or len(note) > LONGEST_NOTE:
        raise ReviewProblem(f"A sign-off needs a name, and a note of at most {LONGEST_NOTE} characters.")
    digest = hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest()
    due = due_day(found.team_size, at)
    detail = {
        "by": by.strip(),
        "note": note,
        "findings": found.open,
        "open": {check.id: check.findings for check in found.checks if check.findings},
        "digest": digest,
        "due": due,
    }
    with state.change() as connection:
        audit.add(connection, state, [audit.Entry(actor, SIGN_OFF, found.at[:10], detail)], at)
    findings.resolve(state, DUE, "", SUBJECT, f"signed off by {by.strip()}", at)
    return SignOff(at=str(rfc3339(at)), by=by.strip(), note=note, findings=found.open, digest=digest, due=due)


def sign_offs(state: State, limit: int = 100) -> list[SignOff]:
    """Those there were, oldest first."""
    rows = audit.search(state, audit.Search(action=SIGN_OFF), limit=limit)
    return [
        SignOff(
            at=str(rfc3339(row["at"])),
            **{name: row["detail"][name] for name in ("by", "note", "findings", "digest", "due")},
        )
        for row in rows
    ]


def last_sign_off(state: State) -> SignOff | None:
    """The newest one."""
    return next(iter(sign_offs(state, limit=1)), None)


def remind(state: State, snapshot: Snapshot, now: float) -> None:
    """Makes a finding of a review that is due soon or overdue; called now and then."""
    due = next_due(snapshot.team_size, last_sign_off(state), _began(state, now))
    today, soon = rotation_due.day_of(now), rotation_due.day_of(now + SOON_DAYS * 86400.0)
    known = next((row for row in findings.listed(state, kind=DUE) if row.subject == SUBJECT), None)
    if due > soon:
        findings.resolve(state, DUE, "", SUBJECT, "it is not due yet", now)
        return
    last, late = last_sign_off(state), due < today
    title = f"The review of everything {'was' if late else 'is'} due on {due}: trunkline audit baseline."
    if known is not None and known.title == title:
        return
    detail = {"last": last.at if last is not None else None, "command": "trunkline audit baseline"}
    severity: Severity = "warning" if late else "info"
    findings.note(
        state, Finding(kind=DUE, integration="", subject=SUBJECT, severity=severity, title=title, detail=detail, due=due), now
    )  # fmt: skip


def measured_kill(
    state: State, works: Callable[[str], bool], *, clock: Callable[[], float] = time.monotonic
) -> Kill:
    """Makes a key, kills it, and sees how long it still works. `works`: whether the running gateway lets a key in."""
    made_key = keys.create(
        state, keys.Wish(name="review", scopes=["health:read"], expires_at=time.time() + 600), actor="review"
    )
    try:
        until = clock() + KILL_LIMIT_S
        while not works(made_key.key):
            if clock() > until:
                return Kill(why="the gateway did not let a new key in")
        began = clock()
        kills.append(state, "key", made_key.id, actor="review")
        while works(made_key.key):
            if clock() - began > KILL_LIMIT_S:
                break
        return Kill(seconds=round(clock() - began, 3))
    finally:
        keys.revoke(state, made_key.id, actor="review")
        kills.absorb(state)


def _access(state: State, now: float, due: str) -> list[Access]:
    """Who may come in or call, with what was decided about them for the period that ends on the day `due`."""
    from trunkline.ledger import people_tables as people

    decided = _decided(state, rotation_due.day_of(now + SOON_DAYS * 86400.0) >= due)
    found = [
        Access(
            kind="key", id=one.id, name=one.name, team=one.team, role=one.role, state=one.state, created_by=one.created_by,
            last_used_at=one.last_used_at, expires_at=one.expires_at,
        )
        for one in keys.list_keys(state, now=now)
        if one.state in ("live", "suspended")
    ]  # fmt: skip
    found += [
        Access(
            kind="user", id=one.id, name=one.name, team=" ".join(one.teams or []), role=one.role, state=one.state,
            created_by=one.created_by, last_used_at=one.last_login_at, expires_at=None,
        )
        for one in users.list_users(state, now=now)
        if one.state != "removed"
    ]  # fmt: skip
    with state.view() as connection:
        rows = people.rows(connection, people.token_callers)
    dead = kills.killed(state, "key")
    found += [
        Access(
            kind="token", id=row["id"], name=row["name"], team=row["team"], role="caller",
            state="revoked" if row["id"] in dead else "live", created_by="its issuer",
            last_used_at=rfc3339(row["last_used_at"]), expires_at=None,
        )
        for row in rows
    ]  # fmt: skip
    return [
        msgspec.structs.replace(one, decision=decided[one.id][0], decided_by=decided[one.id][1])
        if one.id in decided
        else one
        for one in found
    ]


def _decided(state: State, anew: bool) -> dict[str, tuple[Decision, str]]:
    """What was decided for the last sign-off or since; since only, once the next is near (`anew`). The newest word counts."""
    from trunkline.control.periods import instant

    signed = sign_offs(state, limit=2)
    before = signed[-1:] if anew else signed[:-1]
    since = instant(before[0].at, 0.0) if before else 0.0
    found: dict[str, tuple[Decision, str]] = {}
    for row in audit.search(state, audit.Search(action="review", since=since), limit=100_000):
        if row["action"] in (KEEP, REVOKE):
            found[row["subject"]] = ("keep" if row["action"] == KEEP else "revoke", row["actor"])
    return found


def _end(state: State, one: Access, actor: str, now: float) -> None:
    if one.kind == "user":
        users.disable(state, one.id, actor=actor, now=now)
        return
    kills.append(state, "key", one.id, actor=actor, now=now)
    if one.kind == "key":
        keys.revoke(state, one.id, actor=actor, by=roster.INSTALLATION, now=now)
    kills.absorb(state)


def _scanned(state: State) -> str:
    """The day of the last scan whose outcome is here."""
    rows = findings.listed(state, kind="scan", open_only=False)
    return rotation_due.day_of(max((row.last_at for row in rows), default=0.0))


def _began(state: State, now: float) -> float:
    """When the first row of the audit chain was written."""
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        first: Any = next(iter(tables.audit_chain(connection)), None)
    return float(first["at"]) if first is not None else now
