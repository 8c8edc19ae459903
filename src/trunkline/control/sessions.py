"""Sessions of the console, and the one-time links that open them.

A link is for one person (or the installation's admin), holds for ten minutes, and opens one session: of two who try, one gets it, over
restarts too. Of link and cookie only a hash is kept. A session asks for its user's role anew each time, so that a change holds at once.
Not for: passwords and providers (`sign_in.py`), nor cookies as a browser has them (`console/`).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any, Literal, NamedTuple

import msgspec

from trunkline.control import audit, users
from trunkline.control.bounds import teams_of
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core.identity import at_least

LINK_PREFIX, COOKIE_PREFIX = "tll_", "tls_"
LINK_S = 600.0
SESSION_S = 12 * 3600.0
SEEN_S = 60.0
"""How often the last use of a session is written down."""
KEPT_S = 30 * 86400.0
ADMIN = ""
"""In place of a user: the installation's admin, who has no account."""
ADMIN_NAME = "admin"

Way = Literal["link", "password", "oidc"]


class SessionProblem(Exception):
    """What was asked of a session or link cannot be done; says why and the cure."""


class Opened(NamedTuple):
    """A session just opened: the only time that its cookie is seen."""

    id: str
    cookie: str
    user_id: str

    def __repr__(self) -> str:
        return f"Opened({self.id!r})"


class Signed(NamedTuple):
    """Who a session is of, now."""

    session: str
    user_id: str
    name: str
    role: str
    teams: tuple[str, ...] | None


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A session, without its cookie."""

    id: str
    user: str
    way: Way
    address: str
    agent: str
    state: Literal["open", "ended", "expired"]
    created_at: str | None
    seen_at: str | None
    expires_at: str | None


def make_link(
    state: State,
    user: str = ADMIN,
    *,
    life_s: float = LINK_S,
    actor: str = "cli",
    now: float | None = None,
) -> str:
    """The text of a new one-time link for a user (id or name), or for the installation's admin. Raises SessionProblem, UserProblem."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    user_id, name = ADMIN, ADMIN_NAME
    if user != ADMIN:
        info = users.find(state, user, now=at)
        _may_come_in(info.state, info.role, info.name)
        user_id, name = info.id, info.name
    text = LINK_PREFIX + secrets.token_urlsafe(32)
    with state.change() as connection:
        row = {"hash": _hash(text), "user_id": user_id, "created_by": actor, "created_at": at}
        people.add(connection, people.sign_in_links, {**row, "expires_at": at + life_s, "used_at": 0.0})
        detail = {"user": name, "expires_at": at + life_s}
        audit.add(connection, state, [audit.Entry(actor, "link.create", user_id or ADMIN_NAME, detail)], at)
        people.tidy(connection, at - KEPT_S)
    return text


def take_link(
    state: State,
    text: str,
    *,
    address: str,
    agent: str = "",
    life_s: float = SESSION_S,
    now: float | None = None,
) -> Opened | None:
    """The session that a link opens; None for one that is unknown, used, too old, or whose user may not come in any more."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    if not text.startswith(LINK_PREFIX):
        return None
    with state.change() as connection:
        link = people.take_link(connection, _hash(text), at)
    if link is None:
        return None
    try:
        return open_session(
            state, link["user_id"], "link", address=address, agent=agent, life_s=life_s, now=at
        )
    except (SessionProblem, users.UserProblem):
        return None


def open_session(
    state: State,
    user_id: str,
    way: Way,
    *,
    address: str,
    agent: str = "",
    life_s: float = SESSION_S,
    now: float | None = None,
) -> Opened:
    """A session for somebody who has shown who they are. Raises SessionProblem for who may not come in."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    name = ADMIN_NAME
    if user_id != ADMIN:
        info = users.find(state, user_id, now=at)
        _may_come_in(info.state, info.role, info.name)
        name = info.name
    session, cookie = "ses_" + secrets.token_hex(6), COOKIE_PREFIX + secrets.token_urlsafe(32)
    row: dict[str, Any] = {
        "id": session,
        "hash": _hash(cookie),
        "user_id": user_id,
        "way": way,
        "address": address[:64],
    }
    row |= {"agent": agent[:200], "created_at": at, "seen_at": at, "expires_at": at + life_s, "ended_at": 0.0}
    with state.change() as connection:
        people.add(connection, people.sessions, row)
        if user_id != ADMIN:
            people.change(connection, people.users, user_id, {"last_login_at": at})
        detail = {"way": way, "address": address[:64], "user": name}
        entry = audit.Entry(f"user:{name}", "session.open", session, detail)
        audit.add(connection, state, [entry], at)
    return Opened(session, cookie, user_id)


def who(state: State, cookie: str, *, now: float | None = None) -> Signed | None:
    """Whose session a cookie is; None if it is none, has ended, or its user may not come in any more."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    if not cookie.startswith(COOKIE_PREFIX):
        return None
    with state.view() as connection:
        row = people.session_of(connection, _hash(cookie))
        if row is None or row["ended_at"] or row["expires_at"] <= at:
            return None
        found = people.rows(connection, people.users, people.users.c.id == row["user_id"])
    if row["user_id"] == ADMIN:
        signed = Signed(row["id"], ADMIN, ADMIN_NAME, "admin", None)
    elif not found or found[0]["disabled_at"] or found[0]["removed_at"]:
        return None
    else:
        user = found[0]
        signed = Signed(row["id"], user["id"], user["name"], user["role"], teams_of(user["teams"]))
    if at - row["seen_at"] > SEEN_S:
        with state.change() as connection:
            people.change(connection, people.sessions, row["id"], {"seen_at": at})
    return signed


def list_sessions(state: State, *, user: str | None = None, now: float | None = None) -> list[SessionInfo]:
    """Sessions of the last 30 days, newest first; of one user (id) if asked for."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    with state.view() as connection:
        rows = people.rows(connection, people.sessions)
        names = {row["id"]: row["name"] for row in people.rows(connection, people.users)}
    chosen = [row for row in rows if user is None or row["user_id"] == user]
    return [_info(row, names, at) for row in sorted(chosen, key=lambda row: (-row["created_at"], row["id"]))]


def revoke(
    state: State,
    *,
    session: str | None = None,
    user: str | None = None,
    everybody: bool = False,
    actor: str = "cli",
    now: float | None = None,
) -> int:
    """Ends one session by id, those of a user (id), or every one; answers how many. Raises SessionProblem for an unknown one."""
    from trunkline.ledger import people_tables as people

    at = time.time() if now is None else now
    if session is None and user is None and not everybody:
        raise SessionProblem("Say whose session: give an id, --user NAME, or --all.")
    with state.change() as connection:
        if session is not None and not people.rows(
            connection, people.sessions, people.sessions.c.id == session
        ):
            raise SessionProblem(f"There is no session {session!r}. `trunkline console sessions` shows all.")
        count = people.end_sessions(connection, at, session=session, user=user)
        entry = audit.Entry(actor, "session.revoke", session or user or "(every one)", {"ended": count})
        audit.add(connection, state, [entry], at)
    return count


def _may_come_in(state: str, role: str, name: str) -> None:
    if state != "live":
        raise SessionProblem(
            f"The user {name} is {state} and may not sign in. `trunkline users list` shows all."
        )
    if not at_least(role, "viewer"):
        raise SessionProblem(
            f"The user {name} has the role {role}, which opens no page. Give one with `trunkline users update {name} --role viewer`."
        )


def _hash(text: str) -> bytes:
    """256 random bits need no slow hash, only a one-way one; all of it is compared, never a part."""
    return hashlib.sha256(text.encode()).digest()


def _info(row: Any, names: dict[str, str], now: float) -> SessionInfo:
    ended = "ended" if row["ended_at"] else "expired" if row["expires_at"] <= now else "open"
    return SessionInfo(
        id=row["id"],
        user=names.get(row["user_id"], ADMIN_NAME),
        way=row["way"],
        address=row["address"],
        agent=row["agent"],
        state=ended,  # type: ignore[arg-type]
        created_at=rfc3339(row["created_at"]),
        seen_at=rfc3339(row["seen_at"]),
        expires_at=rfc3339(row["expires_at"]),
    )
