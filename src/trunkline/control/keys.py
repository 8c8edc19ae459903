"""Caller keys: creating, listing, changing, revoking and rotating them. Each change is audited and live at once (`publish.callers`).

A key is shown once, at its creation; what is kept is a keyed hash. A rotation adds a version with the same id, so that
everything counted or stored by id goes on. Not for: what may be asked of one
(`wish.py`), nor checking a key on a call (`plugins/policies`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from trunkline.control import audit, keytext, publish
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.control.wish import SETTINGS, Kind, Wish, problems_of, warnings_of
from trunkline.core.flow import Lane

__all__ = [
    "Created",
    "KeyInfo",
    "KeyProblem",
    "Kind",
    "Wish",
    "WishInvalid",
    "create",
    "find",
    "list_keys",
    "revoke",
    "rotate",
    "unknown_names",
    "update",
]


class KeyProblem(Exception):
    """What was asked of a key cannot be done; says the value and the cure."""


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


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a key, without the key."""

    id: str
    name: str
    team: str
    kind: Kind
    state: Literal["live", "expired", "revoked"]
    hint: str
    """Its first and last characters."""
    scopes: list[str]
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    versions: int
    ips: list[str]
    origins: list[str]
    concurrency: int | None
    rate: str | None
    budget: str | None
    """US dollars per period, e.g. `50/month`."""
    lane: Lane
    feature: str
    subject: str
    tags: str
    errors: str


def create(state: State, wish: Wish, *, actor: str = "cli", now: float | None = None) -> Created:
    """Makes a key and hands out its text. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    problems = problems_of(wish, at)
    if problems:
        raise WishInvalid("\n".join(problems))
    key_id = "key_" + secrets.token_hex(6)
    settings = {name: getattr(wish, name) for name in SETTINGS}
    text = keytext.make()
    with state.change() as connection:
        row = {"id": key_id, "name": wish.name, "team": wish.team, "kind": wish.kind, "settings": settings}
        tables.insert_key(
            connection, {**row, "created_at": at, "expires_at": wish.expires_at, "revoked_at": 0.0}
        )
        tables.insert_key_version(connection, _version(state, key_id, 1, text, at))
        detail = {
            "name": wish.name,
            "team": wish.team,
            "kind": wish.kind,
            "scopes": wish.scopes,
            "expires_at": wish.expires_at,
        }
        audit.add(connection, state, [audit.Entry(actor, "key.create", key_id, detail)], at)
    publish.callers(state, now=at)
    return Created(
        id=key_id,
        name=wish.name,
        key=text,
        kind=wish.kind,
        expires_at=rfc3339(wish.expires_at),
        warnings=warnings_of(wish),
    )


def list_keys(state: State, *, now: float | None = None) -> list[KeyInfo]:
    """Every key that ever was, oldest first."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    with state.view() as connection:
        rows, versions = tables.all_keys(connection), tables.key_versions(connection)
    return [_info(row, [v for v in versions if v["key_id"] == row["id"]], at) for row in rows]


def find(state: State, selector: str, *, now: float | None = None) -> KeyInfo:
    """The key with this id, or the one live key (else the one key) with this name. Raises KeyProblem."""
    known = list_keys(state, now=now)
    chosen = [k for k in known if k.id == selector] or [k for k in known if k.name == selector]
    live = [k for k in chosen if k.state == "live"]
    chosen = live or chosen
    if not chosen:
        raise KeyProblem(f"There is no key {selector!r}. `trunkline keys list` shows all.")
    if len(chosen) > 1:
        raise KeyProblem(
            f"{len(chosen)} keys are named {selector!r}: {', '.join(k.id for k in chosen)}. Give the id."
        )
    return chosen[0]


def update(
    state: State, selector: str, changes: Mapping[str, Any], *, actor: str = "cli", now: float | None = None
) -> KeyInfo:
    """Changes fields of `Wish` of a live key, save its name and kind; what is not named stays. Raises KeyProblem."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = find(state, selector, now=at)
    if info.state != "live":
        raise KeyProblem(
            f"The key {info.id} ({info.name}) is {info.state}; create a new one with `trunkline keys create`."
        )
    if not changes:
        raise WishInvalid("Nothing to change was given; `trunkline keys update --help` lists what can be.")
    with state.change() as connection:
        row = next(r for r in tables.all_keys(connection) if r["id"] == info.id)
        before = Wish(
            name=row["name"],
            team=row["team"],
            kind=row["kind"],
            expires_at=row["expires_at"],
            **row["settings"],
        )
        wish = msgspec.structs.replace(before, **changes)
        problems = problems_of(wish, at)
        if problems:
            raise WishInvalid("\n".join(problems))
        settings = {name: getattr(wish, name) for name in SETTINGS}
        tables.update_key(
            connection, info.id, {"team": wish.team, "settings": settings, "expires_at": wish.expires_at}
        )
        detail = {"name": info.name, "changed": {name: getattr(wish, name) for name in changes}}
        audit.add(connection, state, [audit.Entry(actor, "key.update", info.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, info.id, now=at)


def revoke(state: State, selector: str, *, actor: str = "cli", now: float | None = None) -> KeyInfo:
    """Ends a key, all its versions and with them the browser tokens that it minted. Doing it again changes nothing."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = find(state, selector, now=at)
    if info.state != "revoked":
        with state.change() as connection:
            tables.set_key_revoked(connection, info.id, at)
            audit.add(connection, state, [audit.Entry(actor, "key.revoke", info.id, {"name": info.name})], at)
    publish.callers(state, now=at)
    return find(state, info.id, now=at)


def rotate(
    state: State, selector: str, *, overlap_s: float = 86400.0, actor: str = "cli", now: float | None = None
) -> Created:
    """Adds a new version of a key; the old ones work on for `overlap_s` seconds."""
    from trunkline.ledger import control_tables as tables

    at = time.time() if now is None else now
    info = find(state, selector, now=at)
    if info.state != "live":
        raise KeyProblem(
            f"The key {info.id} ({info.name}) is {info.state}; create a new one with `trunkline keys create`."
        )
    text = keytext.make()
    with state.change() as connection:
        newest = max(v["version"] for v in tables.key_versions(connection) if v["key_id"] == info.id) + 1
        tables.cap_key_versions(connection, info.id, newest, at + overlap_s)
        tables.insert_key_version(connection, _version(state, info.id, newest, text, at))
        detail = {"name": info.name, "version": newest, "overlap_s": overlap_s}
        audit.add(connection, state, [audit.Entry(actor, "key.rotate", info.id, detail)], at)
    publish.callers(state, now=at)
    return Created(id=info.id, name=info.name, key=text, kind=info.kind, expires_at=info.expires_at)


def unknown_names(state: State, scopes: list[str]) -> list[str]:
    """A warning for each scope that names nothing which is published now: allowed, for it may come later."""
    there = publish.read_snapshot(state)
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


def _info(row: Any, versions: list[Any], now: float) -> KeyInfo:
    settings = row["settings"]
    revoked, expired = bool(row["revoked_at"]), bool(row["expires_at"]) and row["expires_at"] <= now
    live = [v for v in versions if not v["expires_at"] or v["expires_at"] > now]
    return KeyInfo(
        id=row["id"],
        name=row["name"],
        team=row["team"],
        kind=row["kind"],
        state="revoked" if revoked else "expired" if expired else "live",
        hint=versions[-1]["hint"],
        scopes=settings["scopes"],
        created_at=rfc3339(row["created_at"]),
        expires_at=rfc3339(row["expires_at"]),
        revoked_at=rfc3339(row["revoked_at"]),
        versions=len(live),
        ips=settings["ips"],
        origins=settings["origins"],
        concurrency=settings["concurrency"] or None,
        rate=f"{settings['rate']}/{settings['rate_per']:g}s" if settings["rate"] else None,
        budget=_budget(settings),
        lane=settings.get("lane", "interactive"),
        feature=settings["feature"],
        subject=settings["subject"],
        tags=settings["tags"],
        errors=settings["error_style"] or ("native" if row["kind"] == "sdk" else ""),
    )


def _budget(settings: Mapping[str, Any]) -> str | None:
    """Keys made before there were budgets have none."""
    usd = settings.get("budget_usd", 0.0)
    return f"{usd:.12g}/{settings['budget_per']}" if usd else None
