"""`trunkline keys`: caller keys."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.key_options import seconds_of, settings_options, wished
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.keys import Created, KeyInfo


@click.group(cls=Subcommands)
@place_options
def keys() -> None:
    """Create, list, change, rotate and revoke caller keys.

    A key is shown once, when it is made; what is kept is a keyed hash. Changes are live at once.
    """


@keys.command()
@click.option("--name", required=True, help="What to call it, e.g. the app that uses it.")
@click.option(
    "--kind",
    type=click.Choice(["app", "sdk", "browser"]),
    default="app",
    show_default=True,
    help="Who holds it.",
)
@settings_options
@by_option
@json_option
@place_options
def create(name: str, kind: str, as_json: bool, who: str, **given: Any) -> None:
    """Make a key and print it once.

    Without a word it never expires, makes 256 calls at once, and has no rate limit and no budget.

    \b
    Scopes:
      integration:NAME              an integration through /api/proxy/NAME/...
      integration:NAME:OPERATION    one operation of it
      model:GLOB                    models on the AI endpoints, e.g. 'model:openai/*'
      route:NAME                    a named route
      connection:NAME               subjects' own connections of an integration
      health:read, metrics:read     what they say
      *                             everything
    """  # noqa: D301 (the backspace is what click knows a paragraph by that is to be left as it is)
    from trunkline.control import keys as control

    wish = control.Wish(name=name, kind=kind, **wished(given))  # type: ignore[arg-type]  # click.Choice has checked it
    state = state_here()
    made = control.create(state, wish, actor=f"cli:{who}")
    for warning in [*made.warnings, *control.unknown_names(state, wish.scopes)]:
        say(f"Warning: {warning}")
    _print_created(made, as_json)


@keys.command()
@click.argument("key")
@settings_options
@by_option
@json_option
@place_options
def update(key: str, as_json: bool, who: str, **given: Any) -> None:
    """Change a key by id or name; what is not named stays, and the key itself is the same.

    Options that may be repeated replace all that was there, e.g. every scope. An empty text takes a value away.
    """
    from trunkline.control import keys as control

    changes = wished(given)
    state = state_here()
    info = control.update(state, key, changes, actor=f"cli:{who}")
    for warning in control.unknown_names(state, changes.get("scopes", [])):
        say(f"Warning: {warning}")
    if as_json:
        json_out(info)
    else:
        say(f"{info.name} ({info.id}) is changed.")


@keys.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are revoked or have expired.")
@click.option("--team", metavar="TEAM", help="Only those of this team.")
@click.option("--unused", metavar="TIME", help="Only those that were not used for so long, e.g. 90d.")
@json_option
@place_options
def list_(everything: bool, team: str | None, unused: str | None, as_json: bool) -> None:
    """List keys (never the keys themselves)."""
    from trunkline.control import keys as control

    since = time.time() - seconds_of(unused, "--unused") if unused else 0.0
    known = [
        info
        for info in control.list_keys(state_here())
        if (everything or info.state in ("live", "suspended"))
        and (team is None or info.team == team)
        and (not unused or _last(info) < since)
    ]
    if as_json:
        json_out(known)
        return
    columns = ("id", "name", "team", "kind", "state", "key", "expires", "last used", "scopes")
    rows = [
        (
            k.id,
            k.name,
            k.team,
            _kind(k),
            k.state,
            k.hint,
            k.expires_at or "never",
            k.last_used_at or "never",
            " ".join(k.scopes),
        )
        for k in known
    ]
    table(
        columns, rows, empty="No keys yet. Make one: trunkline keys create --name web --scope 'integration:*'"
    )
    for one in known:
        if one.why or one.limited:
            say(f"{one.id} ({one.name}): {one.why or ' '.join(one.limited)}")


@keys.command()
@click.argument("key")
@json_option
@place_options
def show(key: str, as_json: bool) -> None:
    """Show one key by id or name."""
    from trunkline.control import keys as control

    _print_info(control.find(state_here(), key), as_json)


@keys.command()
@click.argument("key")
@click.option("--let-finish", is_flag=True, help="Calls that are running with it may end by themselves.")
@click.option("--now", "_now", is_flag=True, hidden=True, help="What it does anyway.")
@by_option
@json_option
@place_options
def revoke(key: str, let_finish: bool, _now: bool, who: str, as_json: bool) -> int:
    """End a key by id or name, everywhere within 2 seconds, calls and streams that run with it included.

    Works without console and database: then only the kill switch is thrown, and the audit row follows when they are back.
    """
    from sqlalchemy.exc import DBAPIError

    from trunkline.control import keys as control
    from trunkline.control import kills

    state = state_here()
    key_id = kills.key_id(state, key)
    if key_id and not let_finish:
        kills.append(state, "key", key_id, actor=f"cli:{who}")  # before anything that may wait
    try:
        info = control.find(state, key_id or key)
        if not key_id and not let_finish:
            kills.append(state, "key", info.id, actor=f"cli:{who}")
        info = control.revoke(state, info.id, actor=f"cli:{who}")
        kills.absorb(state)
    except DBAPIError as problem:
        if not key_id or let_finish:
            raise
        say(f"{key} ({key_id}) is refused from now on; the database cannot be written yet ({problem.orig}).")
        return exits.OK
    if as_json:
        json_out(info)
    else:
        say(f"{info.name} ({info.id}) is revoked.")
    return exits.OK


@keys.command()
@click.argument("key")
@click.option(
    "--overlap",
    default="24h",
    show_default=True,
    metavar="TIME",
    help="How long the old one works on; 0s ends it now.",
)
@by_option
@json_option
@place_options
def rotate(key: str, overlap: str, who: str, as_json: bool) -> None:
    """Make a new key for the same id; the old one works on for the overlap."""
    from trunkline.control import keys as control

    made = control.rotate(state_here(), key, overlap_s=seconds_of(overlap, "--overlap"), actor=f"cli:{who}")
    if not as_json:
        say(f"The key before works on for {overlap}.")
    _print_created(made, as_json)


@keys.command("hand-over")
@click.argument("key")
@click.option(
    "--to",
    "heir",
    metavar="USER",
    required=True,
    help="A user, whose bounds hold from now on; or `installation`.",
)
@by_option
@json_option
@place_options
def hand_over(key: str, heir: str, who: str, as_json: bool) -> None:
    """Give a key another maker, e.g. when its maker leaves."""
    from trunkline.control import keys as control
    from trunkline.control import users

    state = state_here()
    maker = "" if heir == "installation" else users.find(state, heir).id
    info = control.hand_over(state, key, maker, actor=f"cli:{who}")
    if as_json:
        json_out(info)
    else:
        say(f"{info.name} ({info.id}) is {info.created_by}'s now and {info.state}.")


def _kind(info: KeyInfo) -> str:
    return info.kind if info.role == "caller" else f"{info.kind}, {info.role}"


def _last(info: KeyInfo) -> float:
    """When it was last used; one that never was counts from its creation, so that a new one is not unused."""
    from trunkline.control.periods import instant

    return instant(info.last_used_at or info.created_at or "never", 0.0)


def _print_created(made: Created, as_json: bool) -> None:
    if as_json:
        json_out(
            {
                "id": made.id,
                "name": made.name,
                "key": made.key,
                "kind": made.kind,
                "expires_at": made.expires_at,
            }
        )
        return
    say(f"Key {made.name} ({made.id}), shown this once:")
    click.echo(made.key)


def _print_info(info: KeyInfo, as_json: bool) -> None:
    if as_json:
        json_out(info)
        return
    import msgspec

    shown = msgspec.to_builtins(info)
    table(
        ("field", "value"),
        [(k, " ".join(v) if isinstance(v, list) else "none" if v is None else v) for k, v in shown.items()],
    )
