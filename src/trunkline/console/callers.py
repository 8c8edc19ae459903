"""Caller keys and teams in the admin API: what one may see of them, and change.

Who is bound to teams has these teams' keys alone; what a key may, its maker must have (`control/bounds.py`). Not for: people
(`people.py`), nor for keys on calls (`plugins/policies/access.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from trunkline.console.declare import Endpoint, Nothing
from trunkline.console.identity import Identity
from trunkline.control import keys, kills, teams
from trunkline.control.key_info import KeyInfo
from trunkline.control.periods import seconds
from trunkline.control.teams import TeamInfo
from trunkline.control.wording import Unreadable, fields_of
from trunkline.core.errors import CallError
from trunkline.core.flow import Lane
from trunkline.core.identity import Role
from trunkline.core.service import ErrorStyle

if TYPE_CHECKING:
    from trunkline.console.context import Console

Text = Annotated[str, msgspec.Meta(max_length=256)]
Few = Annotated[list[Text], msgspec.Meta(max_length=200)]


class KeysQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys."""

    team: Text | None = None
    all: bool = False
    """Those that were revoked or have expired as well."""


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class KeyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is set of a key, as `trunkline keys create` takes it; what is not named stays, or is the default or the maker's own bound."""

    team: Text | None = None
    scopes: Few | None = None
    role: Role | None = None
    expires: Text | None = None
    """`90d`, a date, or `never`."""
    ips: Few | None = None
    origins: Few | None = None
    concurrency: Text | int | None = None
    """A number, or `none`."""
    rate: Text | None = None
    """`600/1m`, or `none`."""
    budget_usd: Text | None = None
    """`50/month`, `2.50/day`, or `none`."""
    lane: Lane | None = None
    feature: Text | None = None
    subject: Text | None = None
    tags: Text | None = None
    error_style: ErrorStyle | None = None


class NewKeyForm(KeyForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key."""

    name: Text
    kind: Literal["app", "sdk", "browser"] = "app"


class RotateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is renewed."""

    overlap: Text = "24h"
    """How long the text before works on."""


class KeysReply(msgspec.Struct, frozen=True):
    """Caller keys, oldest first; never the keys themselves."""

    keys: list[KeyInfo]


class KeyReply(msgspec.Struct, frozen=True, kw_only=True):
    """A key just made or renewed: the only time that its text is seen."""

    id: str
    name: str
    key: str
    kind: str
    expires_at: str | None
    warnings: list[str]


class TeamQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One team."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TeamForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is set of a team; what is not named stays."""

    title: Text | None = None
    scopes: Few | None = None
    """What its keys may call at most."""


class NewTeamForm(TeamForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new team."""

    name: Text


class EndTeamForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a team ends."""

    end_keys: bool = False
    """Its keys are revoked, and its users lose it."""


class TeamsReply(msgspec.Struct, frozen=True):
    """Teams, by name."""

    teams: list[TeamInfo]


class TeamEndedReply(msgspec.Struct, frozen=True):
    """A team that is gone."""

    name: str
    revoked: list[str]


def listed(console: Console, query: KeysQuery, who: Identity) -> Any:
    """Keys of the asker's teams."""
    found = keys.list_keys(console.state, of=who.teams, now=console.clock())
    return KeysReply(
        [
            info
            for info in found
            if (query.all or info.state in ("live", "suspended")) and query.team in (None, info.team)
        ]
    )


def one(console: Console, query: KeyQuery, who: Identity) -> Any:
    """One key."""
    with _told():
        return keys.find(console.state, query.id, of=who.teams, now=console.clock())


def create(console: Console, query: Nothing, body: NewKeyForm, who: Identity) -> Any:
    """Makes a key within what its maker may."""
    now = console.clock()
    with _told():
        wish = keys.Wish(**_fields(body, now))
        made = keys.create(console.state, wish, actor=who.actor, by=who.id, now=now)
    return _reply(made)


def update(console: Console, query: KeyQuery, body: KeyForm, who: Identity) -> Any:
    """Changes a key."""
    now = console.clock()
    with _told():
        info = keys.find(console.state, query.id, of=who.teams, now=now)
        return keys.update(console.state, info.id, _fields(body, now), actor=who.actor, by=who.id, now=now)


def rotate(console: Console, query: KeyQuery, body: RotateForm, who: Identity) -> Any:
    """Renews a key; the text before works on for a while."""
    now = console.clock()
    with _told():
        try:
            overlap_s = seconds(body.overlap)
        except ValueError as problem:
            raise CallError("invalid_request", f"overlap: {problem}") from None
        info = keys.find(console.state, query.id, of=who.teams, now=now)
        made = keys.rotate(console.state, info.id, overlap_s=overlap_s, actor=who.actor, by=who.id, now=now)
    return _reply(made)


def revoke(console: Console, query: KeyQuery, who: Identity) -> Any:
    """Ends a key everywhere, calls that run with it included."""
    now = console.clock()
    with _told():
        info = keys.find(console.state, query.id, of=who.teams, now=now)
        ended = keys.revoke(console.state, info.id, actor=who.actor, by=who.id, now=now)
    kills.append(console.state, "key", info.id, actor=who.actor, now=now)
    kills.absorb(console.state)
    return ended


def teams_listed(console: Console, query: Nothing, who: Identity) -> Any:
    """The asker's teams."""
    found = teams.list_teams(console.state, now=console.clock())
    return TeamsReply([team for team in found if who.sees(team.name)])


def team(console: Console, query: TeamQuery, who: Identity) -> Any:
    """One team."""
    if not who.sees(query.name):
        raise CallError("not_found", f"there is no team {query.name!r} of yours")
    with _told():
        return teams.find(console.state, query.name, now=console.clock())


def create_team(console: Console, query: Nothing, body: NewTeamForm, who: Identity) -> Any:
    """Makes a team."""
    with _told():
        return teams.create(
            console.state, body.name, title=body.title or "", scopes=body.scopes, actor=who.actor, by=who.id, now=console.clock()
        )  # fmt: skip


def update_team(console: Console, query: TeamQuery, body: TeamForm, who: Identity) -> Any:
    """Changes a team."""
    with _told():
        return teams.update(
            console.state,
            query.name,
            title=body.title,
            scopes=body.scopes,
            actor=who.actor,
            now=console.clock(),
        )


def remove_team(console: Console, query: TeamQuery, body: EndTeamForm, who: Identity) -> Any:
    """Removes a team."""
    with _told():
        ended = teams.remove(
            console.state, query.name, end_keys=body.end_keys, actor=who.actor, now=console.clock()
        )
    return TeamEndedReply(query.name, ended)


@contextmanager
def _told() -> Iterator[None]:
    """Problems of what was asked for as failures of the API."""
    try:
        yield
    except keys.KeyForbidden as problem:
        raise CallError("forbidden", str(problem)) from None
    except (keys.WishInvalid, Unreadable) as problem:
        name = f"{problem.name}: " if isinstance(problem, Unreadable) else ""
        raise CallError("invalid_request", f"{name}{problem}") from None
    except (keys.KeyProblem, teams.TeamProblem) as problem:
        code = "not_found" if str(problem).startswith("There is no ") else "conflict"
        raise CallError(code, str(problem), later=False) from None


def _fields(body: KeyForm, now: float) -> dict[str, Any]:
    return fields_of(msgspec.structs.asdict(body), now)


def _reply(made: keys.Created) -> KeyReply:
    return KeyReply(**msgspec.structs.asdict(made))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/api/keys", role="viewer", reach="own", name="keys", summary="Caller keys",
        query=KeysQuery, reply=KeysReply, handler=listed,
    ),
    Endpoint(
        method="POST", path="/api/keys", role="developer", reach="own", name="create_key",
        summary="Make a caller key within what one may oneself; its text is shown this once", body=NewKeyForm, reply=KeyReply,
        handler=create,
    ),
    Endpoint(
        method="GET", path="/api/keys/{id}", role="viewer", reach="own", name="key", summary="One caller key",
        query=KeyQuery, reply=KeyInfo, handler=one,
    ),
    Endpoint(
        method="POST", path="/api/keys/{id}", role="developer", reach="own", name="update_key", summary="Change a caller key",
        query=KeyQuery, body=KeyForm, reply=KeyInfo, handler=update,
    ),
    Endpoint(
        method="POST", path="/api/keys/{id}/rotate", role="developer", reach="own", name="rotate_key",
        summary="Renew a caller key; the text before works on for the overlap", query=KeyQuery, body=RotateForm, reply=KeyReply,
        handler=rotate,
    ),
    Endpoint(
        method="POST", path="/api/keys/{id}/revoke", role="developer", reach="own", name="revoke_key",
        summary="End a caller key everywhere", query=KeyQuery, reply=KeyInfo, handler=revoke,
    ),
    Endpoint(
        method="GET", path="/api/teams", role="viewer", reach="own", name="teams", summary="Teams", reply=TeamsReply, handler=teams_listed,
    ),
    Endpoint(
        method="POST", path="/api/teams", role="admin", name="create_team", summary="Make a team", body=NewTeamForm, reply=TeamInfo,
        handler=create_team,
    ),
    Endpoint(
        method="GET", path="/api/teams/{name}", role="viewer", reach="own", name="team", summary="One team", query=TeamQuery,
        reply=TeamInfo, handler=team,
    ),
    Endpoint(
        method="POST", path="/api/teams/{name}", role="admin", name="update_team", summary="Change a team", query=TeamQuery,
        body=TeamForm, reply=TeamInfo, handler=update_team,
    ),
    Endpoint(
        method="POST", path="/api/teams/{name}/remove", role="admin", name="remove_team", summary="Remove a team", query=TeamQuery,
        body=EndTeamForm, reply=TeamEndedReply, handler=remove_team,
    ),
)  # fmt: skip
