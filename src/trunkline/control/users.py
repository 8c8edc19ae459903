"""People who use the console: their roles and teams, how they come in, and what becomes of their keys when they go.

A viewer or developer is bound to teams, or to none by a word of its own; operators and admins look after everything. Each change is
audited and holds at once, for open sessions and for keys that the person has made (`bounds.py`). Not for: sessions (`sessions.py`),
nor passwords themselves (`passwords.py`).
"""

from __future__ import annotations

import difflib
import re
import secrets
import time
from typing import Any, Literal

import msgspec

from trunkline.control import audit, passwords, publish, roster, teams
from trunkline.control.bounds import teams_of
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core.identity import EVERY_TEAM, ROLES, at_least

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_MAIL = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,190}")
BOUND_ROLES = ("caller", "viewer", "developer")
"""Roles that are about teams; those above look after all of them."""


class UserProblem(Exception):
    """What was asked of a user cannot be done; says the value and the cure."""


class UserInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A person, without anything secret."""

    id: str
    name: str
    email: str
    role: str
    teams: list[str] | None
    """Null: every team."""
    state: Literal["live", "disabled", "removed"]
    password: bool
    """Whether there is one; else the person comes in by a link or by the provider."""
    issuer: str
    """The OpenID provider that knows the person; empty: none."""
    created_at: str | None
    created_by: str
    last_login_at: str | None
    keys: list[str]
    """Ids of the live keys that the person made."""


def create(
    state: State,
    name: str,
    *,
    role: str,
    of: list[str],
    email: str = "",
    password: str = "",
    issuer: str = "",
    subject: str = "",
    actor: str = "cli",
    by: str = roster.INSTALLATION,
    now: float | None = None,
) -> UserInfo:
    """Makes a user. `of`: the teams, `["*"]` for none in particular. Raises UserProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    if not _NAME.fullmatch(name):
        raise UserProblem(
            f"{name!r} is no name for a user: use 1 to 128 letters, digits or ._@+- and begin with a letter or digit."
        )
    if email and not _MAIL.fullmatch(email):
        raise UserProblem(f"--email {email!r}: must be a mail address, e.g. ana@example.com.")
    kept = _password(password, name, email) if password else ""
    user_id = "usr_" + secrets.token_hex(6)
    with state.change() as connection:
        there = roster.read(connection, state, at)
        if any(row["name"] == name and not row["removed_at"] for row in there.users):
            raise UserProblem(f"There is a user {name!r} already. `trunkline users show {name}` tells of it.")
        row = {
            "id": user_id,
            "name": name,
            "email": email,
            "role": role,
            "teams": _teams(role, of, there),
            "password": kept,
            "issuer": issuer,
            "subject": subject,
            "created_at": at,
            "created_by": by,
            "disabled_at": 0.0,
            "removed_at": 0.0,
            "last_login_at": 0.0,
            "password_at": at if kept else 0.0,
        }
        people.add(connection, people.users, row)
        detail = {"name": name, "role": role, "teams": row["teams"], "issuer": issuer, "password": bool(kept)}
        audit.add(connection, state, [audit.Entry(actor, "user.create", user_id, detail)], at)
    return find(state, user_id, now=at)


def list_users(state: State, *, now: float | None = None) -> list[UserInfo]:
    """Every user that ever was, by name."""
    at = time.time() if now is None else now
    with state.view() as connection:
        there = roster.read(connection, state, at)
    return sorted((_info(row, there) for row in there.users), key=lambda user: (user.name, user.id))


def find(state: State, selector: str, *, now: float | None = None) -> UserInfo:
    """The user with this id or name, a living one before one that was removed. Raises UserProblem."""
    known = list_users(state, now=now)
    chosen = [u for u in known if u.id == selector] or [u for u in known if u.name == selector]
    chosen = [u for u in chosen if u.state != "removed"] or chosen
    if not chosen:
        near = difflib.get_close_matches(selector, [u.name for u in known], n=1)
        said = f" Did you mean {near[0]!r}?" if near else ""
        raise UserProblem(f"There is no user {selector!r}.{said} `trunkline users list` shows all.")
    return chosen[0]


def update(
    state: State,
    selector: str,
    *,
    role: str | None = None,
    of: list[str] | None = None,
    email: str | None = None,
    actor: str = "cli",
    now: float | None = None,
) -> UserInfo:
    """Changes a user; what is None stays. Holds at once, for sessions and keys too. Raises UserProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    user = _living(state, selector, at)
    changes: dict[str, Any] = {}
    with state.change() as connection:
        there = roster.read(connection, state, at)
        row = next(one for one in there.users if one["id"] == user.id)
        if role is not None or of is not None:
            wanted = role if role is not None else row["role"]
            before = row["teams"] if wanted in BOUND_ROLES or of is not None else [EVERY_TEAM]
            changes |= {"role": wanted, "teams": _teams(wanted, of if of is not None else before, there)}
        if email is not None:
            if email and not _MAIL.fullmatch(email):
                raise UserProblem(f"--email {email!r}: must be a mail address, e.g. ana@example.com.")
            changes["email"] = email
        if not changes:
            raise UserProblem(
                "Nothing to change was given; `trunkline users update --help` lists what can be."
            )
        people.change(connection, people.users, user.id, changes)
        detail = {"name": user.name, "changed": changes, "before": {name: row[name] for name in changes}}
        audit.add(connection, state, [audit.Entry(actor, "user.update", user.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, user.id, now=at)


def set_password(
    state: State, selector: str, password: str, *, actor: str = "cli", now: float | None = None
) -> UserInfo:
    """Sets a password (empty: takes it away) and ends the user's sessions. Raises UserProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    user = _living(state, selector, at)
    kept = _password(password, user.name, user.email) if password else ""
    with state.change() as connection:
        people.change(connection, people.users, user.id, {"password": kept, "password_at": at})
        ended = people.end_sessions(connection, at, user=user.id)
        detail = {"name": user.name, "set": bool(kept), "sessions_ended": ended}
        audit.add(connection, state, [audit.Entry(actor, "user.password", user.id, detail)], at)
    return find(state, user.id, now=at)


def disable(
    state: State, selector: str, *, enable: bool = False, actor: str = "cli", now: float | None = None
) -> UserInfo:
    """Locks a user out until `enable`; sessions end, and the keys that the user made rest meanwhile. Raises UserProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    user = _living(state, selector, at)
    with state.change() as connection:
        people.change(connection, people.users, user.id, {"disabled_at": 0.0 if enable else at})
        ended = 0 if enable else people.end_sessions(connection, at, user=user.id)
        detail = {"name": user.name, "sessions_ended": ended, "keys": user.keys}
        act = "user.enable" if enable else "user.disable"
        audit.add(connection, state, [audit.Entry(actor, act, user.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, user.id, now=at)


def remove(
    state: State,
    selector: str,
    *,
    hand_over: str | None = None,
    end_keys: bool = False,
    actor: str = "cli",
    now: float | None = None,
) -> UserInfo:
    """Removes a user for good. Keys that the user made need a word: they go over to another user (or to the installation, ''), or end.

    Raises UserProblem.
    """
    from trunkline.ledger import control_tables as tables
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    user = _living(state, selector, at)
    made = _made_by(state, user.id)
    if made and hand_over is None and not end_keys:
        raise UserProblem(
            f"{user.name} made {len(made)} keys that would end: {', '.join(made)}. Give --hand-over USER (their bounds hold then; "
            "'installation' for none), or --end-keys."
        )
    heir = roster.INSTALLATION
    if hand_over not in (None, roster.INSTALLATION, "installation"):
        heir = _living(state, str(hand_over), at).id
    with state.change() as connection:
        for key in made:
            if end_keys:
                tables.set_key_revoked(connection, key, at)
            else:
                tables.update_key(connection, key, {"created_by": heir})
        people.change(connection, people.users, user.id, {"removed_at": at, "password": ""})
        people.end_sessions(connection, at, user=user.id)
        detail = {
            "name": user.name,
            "keys": made,
            "keys_to": "(revoked)" if end_keys else heir or "installation",
        }
        audit.add(connection, state, [audit.Entry(actor, "user.remove", user.id, detail)], at)
    publish.callers(state, now=at)
    return find(state, user.id, now=at)


def _made_by(state: State, user_id: str) -> list[str]:
    from trunkline.ledger import control_tables as tables

    with state.view() as connection:
        return [
            row["id"]
            for row in tables.all_keys(connection)
            if row["created_by"] == user_id and not row["revoked_at"]
        ]


def _living(state: State, selector: str, now: float) -> UserInfo:
    user = find(state, selector, now=now)
    if user.state == "removed":
        raise UserProblem(f"The user {user.name} was removed; make a new one with `trunkline users create`.")
    return user


def _teams(role: str, of: list[str], there: roster.Roster) -> list[str]:
    """The teams as they are kept. Raises UserProblem."""
    if role not in ROLES:
        raise UserProblem(f"--role {role!r}: must be one of {', '.join(ROLES)}.")
    if at_least(role, "operator"):
        if of not in ([], [EVERY_TEAM]):
            raise UserProblem(
                f"--team {of[0]!r}: the role {role} looks after every team; give --role developer or viewer."
            )
        return [EVERY_TEAM]
    if not of:
        raise UserProblem(
            f"--team is missing: a {role} sees only the teams that are named; give --all-teams for every one."
        )
    for name in of:
        if name != EVERY_TEAM and name not in there.teams:
            raise UserProblem(teams.unknown(name, list(there.teams)))
    return [EVERY_TEAM] if EVERY_TEAM in of else list(dict.fromkeys(of))


def _password(password: str, *names: str) -> str:
    try:
        passwords.judge(password, *names)
    except passwords.WeakPassword as problem:
        raise UserProblem(str(problem)) from None
    return passwords.kept(password)


def _info(row: Any, there: roster.Roster) -> UserInfo:
    bound = teams_of(row["teams"])
    return UserInfo(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        role=row["role"],
        teams=None if bound is None else list(bound),
        state="removed" if row["removed_at"] else "disabled" if row["disabled_at"] else "live",
        password=bool(row["password"]),
        issuer=row["issuer"],
        created_at=rfc3339(row["created_at"]),
        created_by=there.name_of(row["created_by"]),
        last_login_at=rfc3339(row["last_login_at"]),
        keys=[
            key["id"]
            for key in there.keys
            if key["created_by"] == row["id"] and not there.standings[key["id"]].dead
        ],
    )
