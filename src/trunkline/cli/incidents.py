"""`trunkline incidents`: what failed, since when and for whom: list, show, note, acknowledge, close, export a review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table, text_lines
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.ops.incidents.incident import Entry, Incident

COLUMNS = ("id", "state", "severity", "integration", "cause", "opened", "lasted", "acknowledged", "what")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def incidents(context: click.Context, as_json: bool) -> None:
    """Incidents begin and end by themselves, by what health and breakers say. Without a command, those that are open."""
    if context.invoked_subcommand is None:
        _list(None, everything=False, limit=50, as_json=as_json)


@incidents.command("list")
@click.option("--integration", metavar="NAME")
@click.option("--all", "everything", is_flag=True, help="Those that are over as well.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@place_options
def list_(integration: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """Those that are open, newest first; with --json one object per line."""
    _list(integration, everything=everything, limit=limit, as_json=as_json)


@incidents.command()
@click.argument("incident")
@json_option
@place_options
def show(incident: str, as_json: bool) -> None:
    """Show one incident with its timeline."""
    from trunkline.control import incidents as control

    found, timeline = control.find(state_here(must_exist=True), incident)
    if as_json:
        json_out({"incident": found, "timeline": timeline})
    else:
        text_lines(lines(found, timeline))


@incidents.command()
@click.argument("incident")
@click.argument("words", nargs=-1, required=True)
@by_option
@json_option
@place_options
def note(incident: str, words: tuple[str, ...], who: str, as_json: bool) -> None:
    """Add a line to its timeline, e.g. `trunkline incidents note ID their support confirms`."""
    from trunkline.control import incidents as control

    _said(control.note(state_here(must_exist=True), incident, who, " ".join(words)), "has your note", as_json)


@incidents.command()
@click.argument("incident")
@click.option("--note", metavar="TEXT", default="", help="What you are doing.")
@by_option
@json_option
@place_options
def ack(incident: str, note: str, who: str, as_json: bool) -> None:
    """Say that you look after it; no more reminders are sent."""
    from trunkline.control import incidents as control

    found = control.acknowledge(state_here(must_exist=True), incident, who, note)
    _said(found, f"is acknowledged by {who}", as_json)


@incidents.command()
@click.argument("incident")
@click.option("--note", metavar="TEXT", default="", help="Why it is over.")
@by_option
@json_option
@place_options
def close(incident: str, note: str, who: str, as_json: bool) -> None:
    """Say that it is over. One that ends by itself needs nobody; one that goes on does not come back before it was well once."""
    from trunkline.control import incidents as control

    _said(control.close(state_here(must_exist=True), incident, who, note), "is closed", as_json)


@incidents.command()
@click.argument("incident")
@click.option("--out", metavar="FILE", help="Where it goes; - is stdout; incidents/ID.md unless told.")
@click.option("--force", is_flag=True, help="Also over a file that is there.")
@json_option
@place_options
def export(incident: str, out: str | None, force: bool, as_json: bool) -> None:
    """Write the review of an incident: summary, impact, timeline, what helped, open questions, actions.

    Markdown into a file, or with --json everything in it on stdout.
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control import review
    from trunkline.control.incidents import IncidentProblem, find
    from trunkline.ops.incidents.review import markdown

    state = state_here(must_exist=True)
    up_to_date(state)
    found, _ = find(state, incident)
    made = review.made(state, incident, runbook=_runbook(state, found.integration))
    if as_json:
        json_out(made)
        return
    text = markdown(made)
    if out == "-":
        click.echo(text, nl=False)
        return
    path = Path(out) if out else Path("incidents") / f"{incident}.md"
    if path.exists() and not force:
        raise IncidentProblem(f"{path} is there already. Give another --out, or --force to write over it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    say(f"Written: {path}")


def lines(one: Incident, timeline: list[Entry]) -> list[str]:
    """An incident for people."""
    from trunkline.ops.incidents.book import clock
    from trunkline.ops.incidents.incident import CAUSES

    facts = [
        ("state", one.state + (f", closed by {one.closed_by}" if one.closed_by else "")),
        ("severity", one.severity),
        ("cause", f"{one.cause}: {CAUSES[one.cause]}"),
        ("now", one.reason if one.state == "open" else ""),
        ("began", clock(one.began_at)),
        ("opened", clock(one.opened_at)),
        ("closed", clock(one.closed_at) if one.closed_at else ""),
        ("lasted", _lasted(one)),
        ("again", f"{one.reopened} times" if one.reopened else ""),
        ("owner", one.owner),
        ("acknowledged", f"{clock(one.acknowledged_at)} by {one.acknowledged_by}" if one.acknowledged_at else "by nobody"),
        ("runbook", f"trunkline runbook show {one.integration}"),
    ]  # fmt: skip
    found = [f"{one.id}: {one.title}", *(f"  {name:<13} {value}" for name, value in facts if value)]
    told = [f"  {clock(e.at)}  {e.text}" + (f"  ({e.by})" if e.by else "") for e in timeline]
    return [*found, "Timeline:", *told]


def _list(integration: str | None, *, everything: bool, limit: int, as_json: bool) -> None:
    from trunkline.ops.incidents import book

    found = book.listed(
        state_here(must_exist=True), integration=integration, open_only=not everything, limit=limit
    )
    if as_json:
        for one in found:
            json_out(one)
        return
    rows = [
        [one.id, one.state, one.severity, one.integration, one.cause, book.clock(one.opened_at), _lasted(one),
         one.acknowledged_by, one.title]
        for one in found
    ]  # fmt: skip
    table(COLUMNS, rows, empty="No incident." if everything else "No incident is open.")


def _lasted(one: Incident) -> str:
    import time

    from trunkline.ops.incidents.review import span

    return span(max(0.0, (one.closed_at or time.time()) - one.began_at))


def _said(one: Incident, words: str, as_json: bool) -> None:
    if as_json:
        json_out(one)
    else:
        say(f"{one.id} {words}: {one.title}")


def _runbook(state: State, integration: str) -> str:
    """What is wrong with the runbook, in a sentence; empty if nothing is."""
    import time

    from trunkline.console.situation import text
    from trunkline.control.published import read_snapshot

    snapshot = read_snapshot(state)
    service = next((s for s in snapshot.services if s.name == integration), None) if snapshot else None
    if service is None:
        return ""
    found = text(settings_here().config_path.resolve().parent, service, time.time())
    return " ".join(found.problems[:2])
