"""Caller keys: creating, changing, revoking and rotating them. Each change is audited and live at once (`publish.callers`).

A key is shown once, at its creation; what is kept is a keyed hash. A rotation adds a version with the same id, so that
everything counted or stored by id goes on. Not for: what may be asked of one
(`wish.py`), nor checking a key on a call (`plugins/policies`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from trunkline.control import audit, bounds, keytext, publish, published, roster, teams
from trunkline.control.key_info import KeyInfo, KeyProblem, find, list_keys
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.control.wish import SETTINGS, Kind, Wish, problems_of, warnings_of
from trunkline.core.persons import mark_of, person_hash
from trunkline.core.scopes import covered

__all__ = [
    "Created",
    "KeyForbidden",
    "KeyInfo",
    "KeyProblem",
    "Kind",
    "Wish",
    "WishInvalid",
    "create",
    "find",
    "hand_over",
    "list_keys",
    "revoke",
    "rotate",
    "unknown_names",
    "update",
]


class KeyForbidden(KeyProblem):
    """Who asks may not do that to this key."""


class WishInvalid(KeyProblem):
    """A key was asked for with values that cannot be; one line per value."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A key just made: the only time that its text is seen."""

    id: str
    name: str
    key: str
    kind: Kind
    expires_at: str | None
    warnings: list[str] = []


def create(
    state: State,
    wish: Wish,
    *,
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> Created:
    """Makes a key and hands out its text. `by`: the user or key that makes it, whose bounds it cannot exceed. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    key_id = "key_" + secrets.token_hex(6)
    text = keytext.make()
    with state.change() as connection:
        there = roster.read(connection, state, at)
        wish, warnings = _granted(wish, there, there.maker(by), at)
        if wish.team and wish.team not in there.teams:
            teams.put(connection, state, wish.team, "", None, actor=actor, by=by, now=at)
        settings = {name: getattr(wish, name) for name in SETTINGS}
        row = {"id": key_id, "name": wish.name, "team": wish.team, "kind": wish.kind, "settings": settings}
        row |= {"role": wish.role, "created_by": by}
        tables.insert_key(
            connection, {**row, "created_at": at, "expires_at": wish.expires_at, "revoked_at": 0.0}
        )
        tables.insert_key_version(connection, _version(state, key_id, 1, text, at))
        detail = {
            "name": wish.name,
            "team": wish.team,
            "kind": wish.kind,
            "role": wish.role,
            "scopes": wish.scopes,
            "expires_at": wish.expires_at,
            "by": by,
        }
        audit.add(connection, state, [audit.Entry(actor, "key.create", key_id, detail)], at)
    publish.callers(state, now=at)
    return Created(
        id=key_id,
        name=wish.name,
        key=text,
        kind=wish.kind,
        expires_at=rfc3339(wish.expires_at),
        warnings=warnings,
    )


def update(
    state: State,
    selector: str,
    changes: Mapping[str, Any],
    *,
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> KeyInfo:
    """Changes fields of `Wish` of a live key, save its name and kind; what is not named stays. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = _changeable(state, selector, at, suspended=True)
    if not changes:
        raise WishInvalid("Nothing to change was given; `trunkline keys update --help` lists what can be.")
    with state.change() as connection:
        there = roster.read(connection, state, at)
        before = bounds.wish_of(next(row for row in there.keys if row["id"] == info.id))
        maker = there.maker(by)
        _may_handle(before, maker)
        wish, _ = _granted(msgspec.structs.replace(before, **changes), there, maker, at)
        if wish.team and wish.team not in there.teams:
            teams.put(connection, state, wish.team, "", None, actor=actor, by=by, now=at)
        settings = {name: getattr(wish, name) for name in SETTINGS}
        values = {"team": wish.team, "role": wish.role, "settings": settings, "expires_at": wish.expires_at}
        tables.update_key(connection, info.id, values)
        changed = {name: getattr(wish, name) for name in changes}
        if wish.subject and "subject" in changed:
            # The chain can never be erased, so it names no person.
            changed["subject"] = mark_of(person_hash(state.keys["subject_salt"], wish.subject))
        detail = {"name": info.name, "changed": changed}
        audit.add(connection, state, [audit.Entry(actor, "key.update", info.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, info.id, now=at)


def revoke(
    state: State,
    selector: str,
    *,
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> KeyInfo:
    """Ends a key, all its versions, and with them the browser tokens that it minted and the keys that it made.

    Doing it again changes nothing. Raises KeyProblem.
    """
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = find(state, selector, now=at)
    with state.change() as connection:
        there = roster.read(connection, state, at)
        row = next(row for row in there.keys if row["id"] == info.id)
        _may_handle(bounds.wish_of(row), there.maker(by))
        if not row["revoked_at"]:  # the kill switch may have been thrown already, which writes no such row
            tables.set_key_revoked(connection, info.id, at)
            audit.add(connection, state, [audit.Entry(actor, "key.revoke", info.id, {"name": info.name})], at)
    publish.callers(state, now=at)
    return find(state, info.id, now=at)


def rotate(
    state: State,
    selector: str,
    *,
    overlap_s: float = 86400.0,
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> Created:
    """Adds a new version of a key; the old ones work on for `overlap_s` seconds. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = _changeable(state, selector, at)
    text = keytext.make()
    with state.change() as connection:
        there = roster.read(connection, state, at)
        row = next(row for row in there.keys if row["id"] == info.id)
        _may_handle(bounds.wish_of(row), there.maker(by))
        newest = max(v["version"] for v in there.versions if v["key_id"] == info.id) + 1
        tables.cap_key_versions(connection, info.id, newest, at + overlap_s)
        tables.insert_key_version(connection, _version(state, info.id, newest, text, at))
        detail = {"name": info.name, "version": newest, "overlap_s": overlap_s}
        audit.add(connection, state, [audit.Entry(actor, "key.rotate", info.id, detail)], at)
    publish.callers(state, now=at)
    return Created(id=info.id, name=info.name, key=text, kind=info.kind, expires_at=info.expires_at)


def hand_over(
    state: State, selector: str, maker_id: str, *, actor: str = "cli", now: float | None = None
) -> KeyInfo:
    """Gives a key another maker, whose bounds hold from then on; empty: the installation, which has none. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = find(state, selector, now=at)
    with state.change() as connection:
        tables.update_key(connection, info.id, {"created_by": maker_id})
        detail = {"name": info.name, "from": info.created_by, "to": maker_id or "installation"}
        audit.add(connection, state, [audit.Entry(actor, "key.hand_over", info.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, info.id, now=at)


def _changeable(state: State, selector: str, now: float, *, suspended: bool = False) -> KeyInfo:
    info = find(state, selector, now=now)
    if info.state == "live" or (suspended and info.state == "suspended"):
        return info
    why = f" ({info.why})" if info.state == "suspended" else ""
    raise KeyProblem(
        f"The key {info.id} ({info.name}) is {info.state}{why}; create a new one with `trunkline keys create`."
    )


def _granted(
    wish: Wish, there: roster.Roster, maker: bounds.Maker | None, now: float
) -> tuple[Wish, list[str]]:
    """The wish as it is granted, with warnings. Raises WishInvalid."""
    found = []
    if maker is not None:
        wish = bounds.filled(wish, maker)
        found = bounds.problems(wish, maker)
        behind = there.standings.get(maker.id)
        if behind is not None and len(behind.parents) >= bounds.MOST_PARENTS:
            found.append(
                f"{bounds.MOST_PARENTS} keys stand behind {maker.name}; make this one with one of those."
            )
    problems = problems_of(wish, now) + found
    if problems:
        raise WishInvalid("\n".join(problems))
    warnings = warnings_of(wish)
    if not wish.team:
        return wish, warnings
    if wish.team not in there.teams:
        if maker is not None:
            raise WishInvalid(f"--team {wish.team!r}: {teams.unknown(wish.team, list(there.teams))}")
        wrong = teams.problems_of(wish.team, "", [])
        if wrong:
            raise WishInvalid(f"--team: {wrong[0]}")
        near = teams.near(wish.team, list(there.teams))
        warnings.append(f"the team {wish.team!r} is new and was made{near}.")
        return wish, warnings
    beyond = [scope for scope in wish.scopes if not covered(scope, there.teams[wish.team])]
    if beyond:
        most = " ".join(there.teams[wish.team])
        raise WishInvalid(f"--scope {' '.join(beyond)}: the team {wish.team!r} may call {most} at most.")
    return wish, warnings


def _may_handle(wish: Wish, maker: bounds.Maker | None) -> None:
    """Only who could make a key may change, renew or end it: else its new text would give more than one has. Raises KeyProblem."""
    found = bounds.problems(wish, maker) if maker is not None else []
    if found:
        raise KeyForbidden("\n".join(found))


def unknown_names(state: State, scopes: list[str]) -> list[str]:
    """A warning for each scope that names nothing which is published now: allowed, for it may come later."""
    there = published.read_snapshot(state)
    if there is None:
        return []
    known = {"integration": [s.name for s in there.services], "route": list(there.routes)}
    known["connection"] = known["integration"]
    found = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name = rest.partition(":")[0]
        if kind in known and name not in ("*", *known[kind]):
            found.append(
                f"scope {scope}: there is no {'route' if kind == 'route' else 'integration'} {name!r} now."
            )
    return found


def _version(state: State, key_id: str, version: int, text: str, at: float) -> dict[str, Any]:
    digest = keytext.key_hash(text, state.keys["pepper"])
    hint = f"{text[:7]}...{text[-4:]}"
    return {
        "key_id": key_id,
        "version": version,
        "hash": digest,
        "hint": hint,
        "created_at": at,
        "expires_at": 0.0,
    }
