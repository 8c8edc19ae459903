"""`trunkline users`: people who use the console, and who is locked out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.users import UserInfo

_ROLES = ["caller", "viewer", "developer", "operator", "admin"]
_TEAM = click.option("--team", "teams", multiple=True, metavar="TEAM", help="Team; repeat for more.")
_ALL_TEAMS = click.option("--all-teams", is_flag=True, help="Bound to no team: sees all of them.")
_EMAIL = click.option("--email", help="Mail address.")


@click.group(cls=Subcommands)
@place_options
def users() -> None:
    """Create, list, change and remove people who use the console.

    \b
    Roles, each with what those before it may:
      caller      no page, no endpoint: only calls, with a token of the company's own (see `jwt` in the registry)
      viewer      look at the calls, costs and keys of the own teams
      developer   make and change the own teams' keys
      operator    act for every team: unknown outcomes, tasks, findings, rotations
      admin       everything, people and credentials included
    """  # noqa: D301 (click's mark of a paragraph to be left as it is)


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What they may.")
@_TEAM
@_ALL_TEAMS
@_EMAIL
@click.option("--password", is_flag=True, help="Ask for a password (or read it from stdin).")
@by_option
@json_option
@place_options
def create(
    name: str,
    role: str,
    teams: tuple[str, ...],
    all_teams: bool,
    email: str | None,
    password: bool,
    who: str,
    as_json: bool,
) -> None:
    """Make a user. Without --password they come in by a link (`trunkline console link --user NAME`) or by the provider."""
    from trunkline.control import users as control

    made = control.create(
        state_here(),
        name,
        role=role,
        of=_teams(teams, all_teams) or [],
        email=email or "",
        password=_password() if password else "",
        actor=f"cli:{who}",
    )
    if as_json:
        json_out(made)
        return
    say(f"The user {name} ({made.id}) is made.")
    if not made.password and role != "caller":
        say(f"A link to sign in with: trunkline console link --user {name}")


@users.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were removed.")
@json_option
@place_options
def list_(everything: bool, as_json: bool) -> None:
    """List users."""
    from trunkline.control import users as control

    known = [user for user in control.list_users(state_here()) if everything or user.state != "removed"]
    if as_json:
        json_out(known)
        return
    rows = [
        (u.name, u.role, _shown_teams(u), u.state, _ways(u), u.last_login_at or "never", len(u.keys))
        for u in known
    ]
    table(
        ("name", "role", "teams", "state", "comes in by", "last login", "keys"),
        rows,
        empty="No users yet; the installation's admin comes in with `trunkline console open`.",
    )


@users.command()
@click.argument("user")
@json_option
@place_options
def show(user: str, as_json: bool) -> None:
    """Show one user by name or id."""
    from trunkline.control import users as control

    info = control.find(state_here(), user)
    if as_json:
        json_out(info)
        return
    facts = [
        ("id", info.id), ("name", info.name), ("email", info.email), ("role", info.role), ("teams", _shown_teams(info)),
        ("state", info.state), ("comes in by", _ways(info)), ("created", f"{info.created_at} by {info.created_by}"),
        ("last login", info.last_login_at or "never"), ("keys", " ".join(info.keys) or "none"),
    ]  # fmt: skip
    table(("field", "value"), facts)


@users.command()
@click.argument("user")
@click.option("--role", type=click.Choice(_ROLES), help="What they may.")
@_TEAM
@_ALL_TEAMS
@_EMAIL
@by_option
@json_option
@place_options
def update(
    user: str,
    role: str | None,
    teams: tuple[str, ...],
    all_teams: bool,
    email: str | None,
    who: str,
    as_json: bool,
) -> None:
    """Change a user; teams replace all that were there. Holds at once: for open sessions, and for the keys that they made."""
    from trunkline.control import keys
    from trunkline.control import users as control

    state = state_here()
    before = set(control.find(state, user).keys)
    info = control.update(
        state, user, role=role, of=_teams(teams, all_teams), email=email, actor=f"cli:{who}"
    )
    lost = sorted(before - set(info.keys))
    if as_json:
        json_out(info)
        return
    say(f"The user {info.name} is {info.role}, teams: {_shown_teams(info)}.")
    for key in lost:
        say(f"Warning: the key {key} does not work any more: {keys.find(state, key).why}")


@users.command()
@click.argument("user")
@click.option("--remove", is_flag=True, help="Take the password away.")
@by_option
@place_options
def password(user: str, remove: bool, who: str) -> None:
    """Set a user's password; asked for twice, or one line of stdin. Ends the user's sessions."""
    from trunkline.control import users as control

    info = control.set_password(state_here(), user, "" if remove else _password(), actor=f"cli:{who}")
    say(f"{info.name} has {'a new' if info.password else 'no'} password; open sessions are ended.")


@users.command()
@click.argument("user")
@by_option
@place_options
def disable(user: str, who: str) -> None:
    """Lock a user out until `enable`: sessions end, and the keys that they made rest."""
    from trunkline.control import users as control

    info = control.disable(state_here(), user, actor=f"cli:{who}")
    say(f"{info.name} is disabled. `trunkline users enable {info.name}` lifts it.")


@users.command()
@click.argument("user")
@by_option
@place_options
def enable(user: str, who: str) -> None:
    """Let a disabled user in again; their keys work again too."""
    from trunkline.control import users as control

    say(f"{control.disable(state_here(), user, enable=True, actor=f'cli:{who}').name} may come in again.")


@users.command()
@click.argument("user")
@click.option(
    "--hand-over",
    metavar="USER",
    help="Who has their keys from now on; `installation` for nobody in particular.",
)
@click.option("--end-keys", is_flag=True, help="Revoke their keys.")
@by_option
@json_option
@place_options
def remove(user: str, hand_over: str | None, end_keys: bool, who: str, as_json: bool) -> None:
    """Remove a user for good. Keys that they made need --hand-over or --end-keys."""
    from trunkline.control import users as control

    if hand_over and end_keys:
        raise click.UsageError("Give --hand-over or --end-keys, not both.")
    info = control.remove(state_here(), user, hand_over=hand_over, end_keys=end_keys, actor=f"cli:{who}")
    if as_json:
        json_out(info)
    else:
        say(f"{info.name} is removed.")


@users.command()
@json_option
@place_options
def locked(as_json: bool) -> None:
    """Who is locked out after too many failures: accounts and addresses, of the console and of calls."""
    from trunkline.control import lockout

    found = lockout.listed(state_here())
    if as_json:
        json_out(found)
        return
    rows = [
        (one.subject, one.plane, one.failures, one.locked_at, one.until, "yes" if one.holds else "no")
        for one in found
    ]
    table(("who", "where", "failures", "since", "until", "holds"), rows, empty="Nobody is locked out.")


@users.command()
@click.argument("who_is_locked", metavar="NAME|ADDRESS")
@by_option
@place_options
def unlock(who_is_locked: str, who: str) -> int:
    """Lift a lockout of an account or address, within seconds."""
    from trunkline.control import lockout

    lifted = lockout.unlock(state_here(), who_is_locked, actor=f"cli:{who}")
    if not lifted:
        say(f"Nothing of {who_is_locked} is locked. `trunkline users locked` shows who is.")
        return exits.FAILED
    say(f"Lifted: {', '.join(lifted)}.")
    return exits.OK


def _teams(named: tuple[str, ...], every: bool) -> list[str] | None:
    if named and every:
        raise click.UsageError("Give --team or --all-teams, not both.")
    return ["*"] if every else list(named) or None


def _password() -> str:
    """From a person at a terminal, twice; else one line of stdin, so that it stands in no list of processes."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _shown_teams(user: UserInfo) -> str:
    return "all" if user.teams is None else ", ".join(user.teams) or "none"


def _ways(user: UserInfo) -> str:
    found = (["password"] if user.password else []) + ([user.issuer] if user.issuer else [])
    return ", ".join(found) or "link"
