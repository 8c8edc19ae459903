"""Teams: who shares keys, calls and budgets, and what all keys of a team may call at most.

Made by command, not in the registry: what somebody may see and do must hold at once, be audited with who did it, and not wait for
a registry that is refused for another reason. The registry says what a team gets (shares, limits, budgets) by its name. Not for:
people (`users.py`), nor keys (`keys.py`).
"""

from __future__ import annotations

import difflib
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.control import audit, publish, roster
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.control.wish import scope_problems
from trunkline.core.identity import EVERY_TEAM

if TYPE_CHECKING:
    import sqlalchemy as sa

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,63}")


class TeamProblem(Exception):
    """What was asked of a team cannot be done; says the value and the cure."""


class TeamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A team and who belongs to it."""

    name: str
    title: str
    scopes: list[str]
    """What its keys may call at most."""
    created_at: str | None
    created_by: str
    users: list[str]
    keys: list[str]
    """Ids of its keys that work."""


def create(
    state: State,
    name: str,
    *,
    title: str = "",
    scopes: list[str] | None = None,
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> TeamInfo:
    """Makes a team; one that was removed comes back empty. Raises TeamProblem."""
    at = time.time() if now is None else now
    problems = problems_of(name, title, scopes or [])
    if problems:
        raise TeamProblem("\n".join(problems))
    with state.change() as connection:
        there = roster.read(connection, state, at)
        if name in there.teams:
            raise TeamProblem(f"There is a team {name!r} already. `trunkline teams show` tells of it.")
        put(connection, state, name, title, scopes, actor=actor, by=by, now=at)
    return find(state, name, now=at)


def put(
    connection: sa.Connection,
    state: State,
    name: str,
    title: str,
    scopes: list[str] | None,
    *,
    actor: str,
    by: str,
    now: float,
) -> None:
    """Writes a new team and its audit row within the caller's transaction."""
    from trunkline.ledger import people_tables as people

    row = {"name": name, "title": title, "scopes": scopes or ["*"], "created_by": by}
    people.put(connection, people.teams, {**row, "created_at": now, "removed_at": 0.0})
    audit.add(connection, state, [audit.Entry(actor, "team.create", name, {"scopes": row["scopes"]})], now)


def list_teams(state: State, *, now: float | None = None) -> list[TeamInfo]:
    """Every team by name."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    with state.view() as connection:
        there = roster.read(connection, state, at)
        rows = [row for row in people.rows(connection, people.teams) if not row["removed_at"]]
    return [_info(row, there) for row in rows]


def find(state: State, name: str, *, now: float | None = None) -> TeamInfo:
    """One team. Raises TeamProblem."""
    known = {team.name: team for team in list_teams(state, now=now)}
    if name not in known:
        raise TeamProblem(unknown(name, list(known)))
    return known[name]


def update(
    state: State,
    name: str,
    *,
    title: str | None = None,
    scopes: list[str] | None = None,
    actor: str = "cli",
    now: float | None = None,
) -> TeamInfo:
    """Changes a team; what is None stays. Keys that may do more than the team are cut at once. Raises TeamProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    before = find(state, name, now=at)
    changes: dict[str, Any] = {}
    changes |= {"title": title} if title is not None else {}
    changes |= {"scopes": scopes} if scopes is not None else {}
    problems = problems_of(name, title or "", scopes or [])
    if scopes == []:
        problems.append("--scope is missing: name what its keys may call at most, '*' for everything.")
    if problems or not changes:
        raise TeamProblem(
            "\n".join(problems) or "Nothing to change was given; see `trunkline teams update --help`."
        )
    with state.change() as connection:
        people.change(connection, people.teams, name, changes)
        detail = {"changed": changes, "scopes_before": before.scopes}
        audit.add(connection, state, [audit.Entry(actor, "team.update", name, detail)], at)
    publish.callers(state, now=at)
    return find(state, name, now=at)


def remove(
    state: State, name: str, *, end_keys: bool = False, actor: str = "cli", now: float | None = None
) -> list[str]:
    """Removes a team; one with people or live keys only with `end_keys`, which revokes these. Answers the keys. Raises TeamProblem."""
    from trunkline.ledger import control_tables as tables
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    team = find(state, name, now=at)
    if (team.keys or team.users) and not end_keys:
        held = [f"keys {', '.join(team.keys)}"] if team.keys else []
        held += [f"users {', '.join(team.users)}"] if team.users else []
        raise TeamProblem(
            f"The team {name!r} has {' and '.join(held)}. Move them first, or give --end-keys: the keys are revoked then, and the "
            "users lose the team."
        )
    with state.change() as connection:
        keys = [
            row["id"] for row in tables.all_keys(connection) if row["team"] == name and not row["revoked_at"]
        ]
        for key in keys:
            tables.set_key_revoked(connection, key, at)
        for user in people.rows(connection, people.users):
            if name in user["teams"]:
                people.change(
                    connection, people.users, user["id"], {"teams": [t for t in user["teams"] if t != name]}
                )
        people.change(connection, people.teams, name, {"removed_at": at})
        detail = {"revoked": keys, "users": team.users}
        audit.add(connection, state, [audit.Entry(actor, "team.remove", name, detail)], at)
    publish.callers(state, now=at)
    return keys


def problems_of(name: str, title: str, scopes: list[str]) -> list[str]:
    """What is wrong with a team as it is asked for, a line per value."""
    found = []
    if not _NAME.fullmatch(name) or name == EVERY_TEAM:
        found.append(
            f"{name!r} is no name for a team: use 1 to 64 letters, digits, spaces or ._- and begin with a letter or digit."
        )
    if len(title) > 128 or not title.isprintable():
        found.append(f"--title {title[:20]!r}...: must be at most 128 printable characters.")
    return found + scope_problems(scopes)


def unknown(name: str, known: list[str]) -> str:
    """The sentence for a team that does not exist."""
    return f"There is no team {name!r}{near(name, known)}. `trunkline teams create {name!r}` makes it."


def near(name: str, known: list[str]) -> str:
    """Which one was probably meant, in brackets; empty if none comes near."""
    found = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _info(row: Any, there: roster.Roster) -> TeamInfo:
    name = row["name"]
    return TeamInfo(
        name=name,
        title=row["title"],
        scopes=row["scopes"],
        created_at=rfc3339(row["created_at"]),
        created_by=there.name_of(row["created_by"]),
        users=[u["name"] for u in there.users if name in u["teams"] and not u["removed_at"]],
        keys=[key["id"] for key in there.keys if key["team"] == name and not there.standings[key["id"]].dead],
    )
