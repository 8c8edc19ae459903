"""Users and lockouts in the admin API.

For admins, but for lifting a lockout, which operators may too. Not for: coming in (`sign_in.py`), nor teams and keys (`callers.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.control import lockout, sessions, users
from trunkline.control.lockout import LockoutInfo
from trunkline.control.periods import rfc3339
from trunkline.control.users import UserInfo
from trunkline.core.errors import CallError
from trunkline.core.identity import EVERY_TEAM, Role

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(max_length=256)]
Few = Annotated[list[Text], msgspec.Meta(max_length=200)]


class UsersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which users."""

    all: bool = False
    """Those that were removed as well."""


class UserQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One user."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    """Id or name."""


class UserForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is set of a user; what is not named stays."""

    role: Role | None = None
    teams: Few | None = None
    """`["*"]`: bound to none."""
    email: Text | None = None


class NewUserForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new user."""

    name: Text
    role: Role
    teams: Few = []
    email: Text = ""
    password: Text = ""


class PasswordForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password."""

    password: Text
    """Empty: it is taken away."""


class EndUserForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the keys that a user made."""

    hand_over: Text | None = None
    """Another user, or `installation`."""
    end_keys: bool = False


class UnlockForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose lockout is lifted."""

    who: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    """Name of an account, or an address."""


class UsersReply(msgspec.Struct, frozen=True):
    """Users, by name."""

    users: list[UserInfo]


class LinkReply(msgspec.Struct, frozen=True):
    """A one-time link: the path and query to put behind the console's address."""

    link: str
    expires_at: str | None


class LockoutsReply(msgspec.Struct, frozen=True):
    """Who is locked out, or was lately."""

    lockouts: list[LockoutInfo]


class UnlockedReply(msgspec.Struct, frozen=True):
    """Which lockouts were lifted."""

    lifted: list[str]


def listed(console: Console, query: UsersQuery) -> Any:
    """Every user."""
    found = users.list_users(console.state, now=console.clock())
    return UsersReply([user for user in found if query.all or user.state != "removed"])


def one(console: Console, query: UserQuery) -> Any:
    """One user."""
    with _told():
        return users.find(console.state, query.id, now=console.clock())


def create(console: Console, query: Nothing, body: NewUserForm, who: Identity) -> Any:
    """Makes a user."""
    with _told():
        return users.create(
            console.state,
            body.name,
            role=body.role,
            of=body.teams or ([EVERY_TEAM] if body.role in ("operator", "admin") else []),
            email=body.email,
            password=body.password,
            actor=who.actor,
            by=who.id,
            now=console.clock(),
        )


def update(console: Console, query: UserQuery, body: UserForm, who: Identity) -> Any:
    """Changes a user."""
    with _told():
        return users.update(
            console.state, query.id, role=body.role, of=body.teams, email=body.email, actor=who.actor, now=console.clock()
        )  # fmt: skip


def password(console: Console, query: UserQuery, body: PasswordForm, who: Identity) -> Any:
    """Sets a password."""
    with _told():
        return users.set_password(
            console.state, query.id, body.password, actor=who.actor, now=console.clock()
        )


def disable(console: Console, query: UserQuery, who: Identity) -> Any:
    """Locks a user out."""
    with _told():
        return users.disable(console.state, query.id, actor=who.actor, now=console.clock())


def enable(console: Console, query: UserQuery, who: Identity) -> Any:
    """Lets a user in again."""
    with _told():
        return users.disable(console.state, query.id, enable=True, actor=who.actor, now=console.clock())


def remove(console: Console, query: UserQuery, body: EndUserForm, who: Identity) -> Any:
    """Removes a user."""
    with _told():
        return users.remove(
            console.state, query.id, hand_over=body.hand_over, end_keys=body.end_keys, actor=who.actor, now=console.clock()
        )  # fmt: skip


def link(console: Console, query: UserQuery, who: Identity) -> Any:
    """A one-time link for a user."""
    now = console.clock()
    with _told():
        text = sessions.make_link(console.state, query.id, actor=who.actor, now=now)
    return LinkReply(f"/sign-in?link={text}", rfc3339(now + sessions.LINK_S))


def lockouts(console: Console, query: Nothing) -> Any:
    """Who is locked out."""
    return LockoutsReply(lockout.listed(console.state, now=console.clock()))


def unlock(console: Console, query: Nothing, body: UnlockForm, who: Identity) -> Any:
    """Lifts a lockout."""
    return UnlockedReply(lockout.unlock(console.state, body.who, actor=who.actor, now=console.clock()))


@contextmanager
def _told() -> Iterator[None]:
    """Problems of what was asked for as failures of the API."""
    try:
        yield
    except (users.UserProblem, sessions.SessionProblem) as problem:
        code = "not_found" if str(problem).startswith("There is no user") else "invalid_request"
        raise CallError(code, str(problem)) from None


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/users", role="admin", name="users", summary="People who use the console", query=UsersQuery,
        reply=UsersReply, handler=listed,
    ),
    Endpoint(
        method="POST", path="/api/users", role="admin", name="create_user", summary="Make a user", body=NewUserForm, reply=UserInfo,
        handler=create,
    ),
    Endpoint(
        method="GET", path="/api/users/{id}", role="admin", name="user", summary="One user", query=UserQuery, reply=UserInfo, handler=one,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}", role="admin", name="update_user", summary="Change a user; holds at once",
        query=UserQuery, body=UserForm, reply=UserInfo, handler=update,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}/password", role="admin", name="set_password", summary="Set a user's password",
        query=UserQuery, body=PasswordForm, reply=UserInfo, handler=password,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}/disable", role="admin", name="disable_user", summary="Lock a user out", query=UserQuery,
        reply=UserInfo, handler=disable,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}/enable", role="admin", name="enable_user", summary="Let a user in again", query=UserQuery,
        reply=UserInfo, handler=enable,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}/remove", role="admin", name="remove_user", summary="Remove a user", query=UserQuery,
        body=EndUserForm, reply=UserInfo, handler=remove,
    ),
    Endpoint(
        method="POST", path="/api/users/{id}/link", role="admin", name="link_user", summary="A one-time link for a user", query=UserQuery,
        reply=LinkReply, handler=link,
    ),
    Endpoint(
        method="GET", path="/api/lockouts", role="operator", name="lockouts", summary="Who is locked out", reply=LockoutsReply,
        handler=lockouts,
    ),
    Endpoint(
        method="POST", path="/api/lockouts/unlock", role="operator", name="unlock", summary="Lift a lockout", body=UnlockForm,
        reply=UnlockedReply, handler=unlock,
    ),
)  # fmt: skip
