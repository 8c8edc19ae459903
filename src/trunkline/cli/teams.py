"""`trunkline teams`: who shares keys, calls and budgets."""

from __future__ import annotations

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

_SCOPE = click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What its keys may call at most; repeat for more. See `keys create`.",
)
_TITLE = click.option("--title", help="Name for people.")


@click.group(cls=Subcommands)
@place_options
def teams() -> None:
    """Create, list, change and remove teams.

    A team's people see and change only what is the team's. What a team gets (shares, limits, budgets) stands in the registry, by
    its name.
    """


@teams.command()
@click.argument("name")
@_TITLE
@_SCOPE
@by_option
@json_option
@place_options
def create(name: str, title: str | None, scopes: tuple[str, ...], who: str, as_json: bool) -> None:
    """Make a team. Without --scope its keys may call everything that they are made for."""
    from trunkline.control import teams as control

    made = control.create(state_here(), name, title=title or "", scopes=list(scopes), actor=f"cli:{who}")
    if as_json:
        json_out(made)
    else:
        say(f"The team {name} is made. Next: trunkline users create NAME --role developer --team '{name}'")


@teams.command("list")
@json_option
@place_options
def list_(as_json: bool) -> None:
    """List teams with their people and keys."""
    from trunkline.control import teams as control

    known = control.list_teams(state_here())
    if as_json:
        json_out(known)
        return
    rows = [(t.name, t.title, " ".join(t.scopes), " ".join(t.users), len(t.keys)) for t in known]
    table(
        ("name", "title", "may call", "users", "keys"),
        rows,
        empty="No teams yet. Make one: trunkline teams create shop",
    )


@teams.command()
@click.argument("name")
@json_option
@place_options
def show(name: str, as_json: bool) -> None:
    """Show one team."""
    from trunkline.control import teams as control

    team = control.find(state_here(), name)
    if as_json:
        json_out(team)
        return
    table(
        ("field", "value"),
        [
            ("name", team.name),
            ("title", team.title),
            ("may call", " ".join(team.scopes)),
            ("created", f"{team.created_at} by {team.created_by}"),
            ("users", " ".join(team.users) or "none"),
            ("keys", " ".join(team.keys) or "none"),
        ],
    )


@teams.command()
@click.argument("name")
@_TITLE
@_SCOPE
@by_option
@json_option
@place_options
def update(name: str, title: str | None, scopes: tuple[str, ...], who: str, as_json: bool) -> None:
    """Change a team; scopes replace all that were there. Keys that may do more are cut at once."""
    from trunkline.control import teams as control

    team = control.update(state_here(), name, title=title, scopes=list(scopes) or None, actor=f"cli:{who}")
    if as_json:
        json_out(team)
    else:
        say(f"The team {name} is changed.")


@teams.command()
@click.argument("name")
@click.option("--end-keys", is_flag=True, help="Revoke its keys, and take it from its users.")
@by_option
@json_option
@place_options
def remove(name: str, end_keys: bool, who: str, as_json: bool) -> None:
    """Remove a team. One that has users or keys needs --end-keys."""
    from trunkline.control import teams as control

    ended = control.remove(state_here(), name, end_keys=end_keys, actor=f"cli:{who}")
    if as_json:
        json_out({"name": name, "revoked": ended})
    else:
        say(f"The team {name} is removed" + (f"; revoked: {', '.join(ended)}." if ended else "."))
