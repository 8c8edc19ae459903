"""Caller keys as they are shown: what is known of each without the key itself, and finding one by id or name.

Not for: changing any (`keys.py`).
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from typing import Any, Literal

import msgspec

from trunkline.control import roster
from trunkline.control.bounds import REVOKED
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.control.wish import Kind
from trunkline.core.flow import Lane
from trunkline.core.identity import Role


class KeyProblem(Exception):
    """What was asked of a key cannot be done; says the value and the cure."""


class KeyInfo(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a key, without the key."""

    id: str
    name: str
    team: str
    kind: Kind
    role: Role
    state: Literal["live", "suspended", "expired", "revoked"]
    """`suspended`: it does not work because of who made it; see `why`."""
    why: str
    limited: list[str]
    """What of it does not hold now, because its maker or its team has less."""
    created_by: str
    """Who made it: `installation`, or the name of a user or key."""
    hint: str
    """Its first and last characters."""
    scopes: list[str]
    created_at: str | None
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    versions: int
    """Texts of it that work."""
    overlap_until: str | None
    """When the texts from before the last rotation end; null: there are none that work."""
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


def list_keys(state: State, *, of: Container[str] | None = None, now: float | None = None) -> list[KeyInfo]:
    """Every key that ever was, oldest first; `of`: only those of these teams."""
    at = time.time() if now is None else now
    with state.view() as connection:
        there = roster.read(connection, state, at)
    return [_info(row, there, at) for row in there.keys if of is None or row["team"] in of]


def find(
    state: State, selector: str, *, of: Container[str] | None = None, now: float | None = None
) -> KeyInfo:
    """The key with this id, or the one live key (else the one key) with this name, among those of the teams. Raises KeyProblem."""
    known = list_keys(state, of=of, now=now)
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


def _info(row: Any, there: roster.Roster, now: float) -> KeyInfo:
    settings, standing = row["settings"], there.standings[row["id"]]
    versions = [version for version in there.versions if version["key_id"] == row["id"]]
    revoked = bool(row["revoked_at"]) or standing.dead == REVOKED
    expired = bool(row["expires_at"]) and row["expires_at"] <= now
    live = [v for v in versions if not v["expires_at"] or v["expires_at"] > now]
    dead = "suspended" if standing.dead else "live"
    return KeyInfo(
        id=row["id"],
        name=row["name"],
        team=row["team"],
        kind=row["kind"],
        role=row["role"],
        state="revoked" if revoked else "expired" if expired else dead,  # type: ignore[arg-type]
        why=standing.dead,
        limited=standing.cut,
        created_by=there.name_of(row["created_by"]),
        hint=versions[-1]["hint"],
        scopes=settings["scopes"],
        created_at=rfc3339(row["created_at"]),
        expires_at=rfc3339(row["expires_at"]),
        revoked_at=rfc3339(row["revoked_at"]),
        last_used_at=rfc3339(max(v["last_used_at"] for v in versions)),
        versions=len(live),
        overlap_until=rfc3339(max((v["expires_at"] for v in live[:-1]), default=0.0)),
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
