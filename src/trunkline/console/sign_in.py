"""Coming in and going: one-time links, passwords, the session that they open, and the list of sessions.

A session is a cookie that no script can read and no foreign page can send; changes need its CSRF token besides (`app.py`). Not for:
OpenID providers (`oidc.py`), nor for who may come in (`control/sessions.py`, `control/passwords.py`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from starlette.responses import RedirectResponse, Response

from trunkline.console import landing
from trunkline.console.access import COOKIE
from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Came, Identity
from trunkline.control import passwords, sessions
from trunkline.control.lockout import LockedOut
from trunkline.control.sessions import Opened, SessionInfo
from trunkline.core.errors import CallError
from trunkline.core.identity import SignIn

if TYPE_CHECKING:
    from trunkline.console.context import Console

HTML = "text/html; charset=utf-8"
WRONG = "The name or the password is wrong."
_ONE_AT_A_TIME = threading.Lock()
"""A password's hash takes 32 MiB and a third of a second."""

Text = Annotated[str, msgspec.Meta(max_length=256)]


class LinkQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time link to the console."""

    link: str = ""


class SignInForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name with its password, or a one-time link."""

    user: Text = ""
    password: Text = ""
    link: Text = ""


class SessionReply(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks."""

    kind: str
    """`token`, `session` or `key`."""
    name: str
    role: str
    teams: list[str] | None
    """Null: every team."""
    session: str
    csrf: str
    """Goes along as `x-csrf-token` with whatever a session changes; empty where there is no session."""


class SessionsReply(msgspec.Struct, frozen=True):
    """Sessions of the last 30 days, newest first."""

    sessions: list[SessionInfo]


class SessionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One session."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class EndedReply(msgspec.Struct, frozen=True):
    """How many sessions were ended."""

    ended: int


def settings(console: Console) -> SignIn:
    """How people come in, as the registry says."""
    snapshot = console.published.snapshot()
    return snapshot.sign_in if snapshot is not None else SignIn()


def refused(console: Console, why: str = "", status: int = 401, base: str = "") -> Response:
    """The page for who is not signed in."""
    known = settings(console)
    provider = known.oidc.issuer.partition("://")[2] if known.oidc is not None else ""
    text = landing.refused(why, passwords=known.passwords, provider=provider, base=base)
    return Response(text, status, media_type=HTML)


def opened(console: Console, found: Opened, response: Response) -> Response:
    """The answer with the session's cookie."""
    life_s = int(settings(console).session_s)
    response.set_cookie(COOKIE, found.cookie, max_age=life_s, httponly=True, samesite="strict", path="/")
    return response


def show(console: Console, query: LinkQuery, came: Came) -> Response:
    """The page; a link that a person has opened by hand signs in at once, any other way it has to be confirmed."""
    if not query.link:
        return refused(console, "Sign in.", 200)
    if came.prefetched or came.site not in ("", "none", "same-origin"):
        return Response(landing.confirm(query.link), media_type=HTML)
    return _by_link(console, query.link, came)


def sign_in(console: Console, query: Nothing, body: SignInForm, came: Came) -> Response:
    """Opens a session by link, or by name and password."""
    if body.link:
        return _by_link(console, body.link, came)
    if not settings(console).passwords:
        return refused(console, "Nobody signs in by password here.", 403)
    try:
        console.access.failures.check(came.address, body.user)
    except LockedOut as locked:
        return refused(console, f"{locked}.", 429)
    if not _is_right(console, body):
        console.access.failures.failed("password", came.address, body.user)
        return refused(console, WRONG)
    try:
        found = sessions.open_session(
            console.state,
            _user(console, body.user)["id"],
            "password",
            address=came.address,
            agent=came.agent,
            life_s=settings(console).session_s,
            now=console.clock(),
        )
    except sessions.SessionProblem:
        return refused(console, WRONG)
    console.access.failures.passed(came.address, body.user)
    return opened(console, found, RedirectResponse("/", 303))


def sign_out(console: Console, query: Nothing, who: Identity) -> Response:
    """Ends the session that asks."""
    if who.session:
        sessions.revoke(console.state, session=who.session, actor=who.actor, now=console.clock())
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def session(console: Console, query: Nothing, who: Identity) -> Any:
    """Who asks, and the CSRF token of the session."""
    return SessionReply(
        kind=who.kind,
        name=who.name,
        role=who.role,
        teams=None if who.teams is None else list(who.teams),
        session=who.session,
        csrf=console.access.csrf(who) if who.session else "",
    )


def listed(console: Console, query: Nothing, who: Identity) -> Any:
    """One's own sessions; every one for an admin."""
    own = None if who.role == "admin" and who.teams is None else who.id or "-"
    return SessionsReply(sessions.list_sessions(console.state, user=own, now=console.clock()))


def revoke(console: Console, query: SessionQuery, who: Identity) -> Any:
    """Ends one of one's own sessions; any for an admin."""
    own = {one.id for one in listed(console, Nothing(), who).sessions}
    if query.id not in own:
        raise CallError("not_found", f"there is no session {query.id!r} of yours")
    count = sessions.revoke(console.state, session=query.id, actor=who.actor, now=console.clock())
    return EndedReply(count)


def _by_link(console: Console, link: str, came: Came) -> Response:
    life_s = settings(console).session_s
    try:
        console.access.failures.check(came.address)
    except LockedOut as locked:
        return refused(console, f"{locked}.", 429)
    found = sessions.take_link(
        console.state, link, address=came.address, agent=came.agent, life_s=life_s, now=console.clock()
    )
    if found is None:
        console.access.failures.failed("link", came.address)
        return refused(console, landing.USED)
    return opened(console, found, RedirectResponse("/", 303))


def _is_right(console: Console, body: SignInForm) -> bool:
    """Whether name and password belong together; takes as long for a name that nobody has."""
    row = _user(console, body.user)
    with _ONE_AT_A_TIME:
        right = passwords.matches(body.password, row["password"] if row is not None else "")
    if right and row is not None and passwords.is_dated(row["password"]):
        _renew(console, row["id"], body.password)
    return right


def _user(console: Console, name: str) -> Any:
    from trunkline.ledger import people_tables as people

    with console.state.view() as connection:
        rows = people.rows(connection, people.users, people.users.c.name == name)
    return next((row for row in rows if not row["removed_at"] and not row["disabled_at"]), None)


def _renew(console: Console, user_id: str, password: str) -> None:
    from trunkline.ledger import people_tables as people

    with _ONE_AT_A_TIME:
        kept = passwords.kept(password)
    with console.state.change() as connection:
        people.change(connection, people.users, user_id, {"password": kept})


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/sign-in", role="open", name="sign_in_page", summary="Open a session by a one-time link, or the form for it",
        query=LinkQuery, media="text/html", handler=show,
    ),
    Endpoint(
        method="POST", path="/sign-in", role="open", name="sign_in", summary="Open a session by name and password, or by a one-time link",
        body=SignInForm, media="text/html", handler=sign_in,
    ),
    Endpoint(
        method="POST", path="/sign-out", role="viewer", reach="shared", name="sign_out", summary="End the session",
        media="text/html", handler=sign_out,
    ),
    Endpoint(
        method="GET", path="/api/session", role="viewer", reach="shared", name="session",
        summary="Who asks, with the CSRF token of the session", reply=SessionReply, handler=session,
    ),
    Endpoint(
        method="GET", path="/api/sessions", role="viewer", reach="own", name="sessions",
        summary="Sessions of the console, one's own or every one", reply=SessionsReply, handler=listed,
    ),
    Endpoint(
        method="POST", path="/api/sessions/{id}/revoke", role="viewer", reach="own", name="revoke_session", summary="End a session",
        query=SessionQuery, reply=EndedReply, handler=revoke,
    ),
)  # fmt: skip
