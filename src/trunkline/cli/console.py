"""`trunkline console`: one-time links into the console, and its sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trunkline.cli.key_options import seconds_of
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.state import State

LONGEST_S = 86400.0
_USER = click.option(
    "--user",
    metavar="USER",
    default="",
    help="Whose session it opens; without it the installation's admin's.",
)


@click.group(cls=Subcommands)
@place_options
def console() -> None:
    """Come into the console, and see who is in it."""


@console.command()
@_USER
@by_option
@place_options
def open(user: str, who: str) -> None:  # noqa: A001 - as the command is called
    """Make a one-time link and open it in the browser of this machine."""
    import webbrowser

    link = _link(state_here(), user, who, 600.0)
    if not webbrowser.open(link):
        say("No browser could be started; open the link yourself, within 10 minutes:")
    click.echo(link)


@console.command()
@_USER
@click.option(
    "--life", default="10m", show_default=True, metavar="TIME", help="How long it can be opened; at most 24h."
)
@by_option
@json_option
@place_options
def link(user: str, life: str, who: str, as_json: bool) -> None:
    """Print a link that opens the console once."""
    life_s = seconds_of(life, "--life")
    if not 0 < life_s <= LONGEST_S:
        raise click.BadParameter(f"{life!r} must be more than 0 and at most 24h", param_hint="--life")
    text = _link(state_here(), user, who, life_s)
    if as_json:
        json_out({"link": text, "user": user or "admin", "life_s": life_s})
    else:
        click.echo(text)


@console.command()
@click.option("--user", metavar="USER", help="Only those of this user.")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended, of the last 30 days.")
@json_option
@place_options
def sessions(user: str | None, everything: bool, as_json: bool) -> None:
    """List sessions."""
    from trunkline.control import sessions as control
    from trunkline.control import users

    state = state_here()
    chosen = users.find(state, user).id if user else None
    found = [one for one in control.list_sessions(state, user=chosen) if everything or one.state == "open"]
    if as_json:
        json_out(found)
        return
    rows = [(s.id, s.user, s.way, s.address, s.state, s.created_at, s.seen_at, s.expires_at) for s in found]
    table(
        ("id", "user", "came by", "from", "state", "since", "last seen", "until"),
        rows,
        empty="Nobody is signed in. `trunkline console open` opens the console.",
    )


@console.command()
@click.argument("session", required=False)
@click.option("--user", metavar="USER", help="Every session of this user.")
@click.option("--all", "everybody", is_flag=True, help="Every session there is.")
@by_option
@place_options
def revoke(session: str | None, user: str | None, everybody: bool, who: str) -> None:
    """End a session by id, those of a user, or all."""
    from trunkline.control import sessions as control
    from trunkline.control import users

    state = state_here()
    if sum(map(bool, (session, user, everybody))) != 1:
        raise click.UsageError("Give the id of a session, --user USER, or --all.")
    chosen = users.find(state, user).id if user else None
    count = control.revoke(state, session=session, user=chosen, everybody=everybody, actor=f"cli:{who}")
    say(f"{count} session{'' if count == 1 else 's'} ended.")


def _link(state: State, user: str, who: str, life_s: float) -> str:
    from trunkline.control.sessions import make_link

    text = make_link(state, user, life_s=life_s, actor=f"cli:{who}")
    return f"{_address(state)}/sign-in?link={text}"


def _address(state: State) -> str:
    """Where the console is reached: as the registry says, as the running instance says, or as the settings say."""
    from trunkline.cli.banner import reachable
    from trunkline.control import published
    from trunkline.core import codec

    there = published.read_snapshot(state)
    if there is not None and there.notify.console_url:
        return there.notify.console_url
    settings = settings_here()
    facts = {
        "host": settings.host, "port": settings.port, "tls": bool(settings.tls_cert), "one_port": settings.one_port,
        "console_host": settings.console_host, "console_port": settings.console_port,
    }  # fmt: skip
    try:
        facts |= codec.from_json(state.serve.read_bytes())
    except (OSError, codec.DecodeError):
        say("Trunkline is not running here; the link holds once it is (`trunkline serve`).")
    if facts["one_port"]:
        return (
            f"{'https' if facts['tls'] else 'http'}://{reachable(str(facts['host']))}:{facts['port']}/console"
        )
    return f"http://{reachable(str(facts['console_host']))}:{facts['console_port']}"
