"""`trunkline runbook`: what to do when an integration fails: with the facts of now, a first one to fill in, lint, acknowledgements."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.core.service import Service, Snapshot


class RunbookProblem(Exception):
    """What was asked of a runbook cannot be done; says why and the cure."""


@click.group(cls=Subcommands)
@place_options
def runbook() -> None:
    """What to do when an integration fails."""


@runbook.command()
@click.argument("integration")
@click.option("--facts", "facts_only", is_flag=True, help="The facts of now, without what people wrote.")
@json_option
@place_options
def show(integration: str, facts_only: bool, as_json: bool) -> int:
    """Print the facts of now, then the runbook: who is affected, since when, the last failures, what works instead, commands.

    Exit codes: 0 done, 1 there is no such integration, or it has no runbook (the facts are printed all the same).
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.cli.main import known_commands
    from trunkline.console.published import Published
    from trunkline.console.situation import Sources, facts, traffic_of
    from trunkline.ledger.query import Ledger
    from trunkline.ops.runbooks.facts import lines

    snapshot = _live()
    service = _service(snapshot, integration)
    state, now = state_here(), time.time()
    up_to_date(state)
    published, ledger = Published(state.path), Ledger(state.ledger)
    try:
        traffic = traffic_of(state, published, snapshot, now)
        sources = Sources(state, published, snapshot, traffic, ledger, _folder(), known_commands())
        found = facts(sources, service, now)
    finally:
        ledger.close()
    if as_json:
        json_out(found)
    else:
        click.echo("\n".join(lines(found)).rstrip())
        if found.runbook.content and not facts_only:
            click.echo(f"\n{'-' * 72}\n{found.runbook.content.rstrip()}")
    if found.runbook.path.startswith(("https://", "http://")):
        say(f"The runbook of {integration} is at {found.runbook.path}")
        return exits.OK
    for problem in found.runbook.problems:
        say(problem)
    return exits.OK if found.runbook.content else exits.FAILED


@runbook.command()
@click.argument("integration")
@click.option(
    "--out",
    metavar="FILE",
    help="Where it goes; runbooks/NAME.md beside the registry unless told; - is stdout.",
)
@click.option("--force", is_flag=True, help="Also over a file that is there.")
@place_options
def new(integration: str, out: str | None, force: bool) -> None:
    """Write a first runbook with all that registry and catalog know; what only people know is marked `Fill in`."""
    from trunkline.ops.runbooks.template import template

    service = _service(_written(), integration)
    text = template(service, _features(integration))
    if out == "-":
        click.echo(text, nl=False)
        return
    default = (
        service.runbook if service.runbook and "://" not in service.runbook else f"runbooks/{integration}.md"
    )
    path = Path(out) if out else _folder() / default
    if path.exists() and not force:
        raise RunbookProblem(f"{path} is there already. Give another --out, or --force to write over it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    say(f"Written: {path}. Fill in what is marked, then `trunkline runbook lint {integration}`.")
    if not service.runbook:
        say(f"Name it in the registry, under `{integration}:`\n    runbook: {_named(path)}")


@runbook.command()
@click.argument("integration", required=False)
@json_option
@place_options
def lint(integration: str | None, as_json: bool) -> int:
    """Say what is missing in the runbooks: questions, contacts, commands that do not exist, reviews.

    Exit codes: 0 nothing found, 1 findings.
    """
    from trunkline.cli.main import known_commands
    from trunkline.console.situation import text

    snapshot = _written()
    if integration is not None:
        _service(snapshot, integration)
    commands, folder, now = known_commands(), _folder(), time.time()
    services = [s for s in snapshot.services if s.enabled and integration in (None, s.name)]
    found = {service.name: text(folder, service, now, commands) for service in services}
    if as_json:
        names = ("path", "reviewed", "problems")
        json_out(
            [{"integration": name, **{n: getattr(one, n) for n in names}} for name, one in found.items()]
        )
    else:
        rows = [
            [name, one.path, one.reviewed or "never", problem]
            for name, one in found.items()
            for problem in one.problems
        ]
        table(("integration", "runbook", "reviewed", "problem"), rows, empty="Nothing to mend.")
    return exits.FAILED if any(one.problems for one in found.values()) else exits.OK


@runbook.command()
@click.argument("integration")
@click.option("--note", metavar="TEXT", default="", help="What you are doing, or which step.")
@by_option
@json_option
@place_options
def ack(integration: str, note: str, who: str, as_json: bool) -> None:
    """Say that you work by this runbook. It stands in the timeline of the incident that is open, and no more reminders are sent."""
    from trunkline.control import incidents as control

    _service(_live(), integration)
    incident = control.acknowledge_runbook(state_here(must_exist=True), integration, who, note)
    if as_json:
        json_out({"integration": integration, "by": who, "note": note, "incident_id": incident})
    else:
        say(
            f"{who} works by the runbook of {integration}"
            + (f" ({incident})." if incident else "; no incident is open.")
        )


def _live() -> Snapshot:
    """What is published, running or not; before anything was, what the registry says."""
    from trunkline.control.published import read_snapshot

    return read_snapshot(state_here()) or _written()


def _written() -> Snapshot:
    """What the registry's file says. Raises RegistryInvalid."""
    import os

    from trunkline.registry.load import load

    settings = settings_here()
    return load(settings.config_path, environment=settings.env, environ=os.environ).snapshot


def _service(snapshot: Snapshot, integration: str) -> Service:
    from trunkline.core.text import nearest

    names = [service.name for service in snapshot.services]
    if integration not in names:
        near = nearest(integration, names)
        hint = f"Did you mean {near!r}?" if near else "`trunkline integrations` lists all."
        raise RunbookProblem(f"There is no integration {integration!r}. {hint}")
    return snapshot.services[names.index(integration)]


def _folder() -> Path:
    return settings_here().config_path.resolve().parent


def _named(path: Path) -> str:
    """As the registry names it."""
    whole = path.resolve()
    return str(whole.relative_to(_folder())) if whole.is_relative_to(_folder()) else str(whole)


def _features(integration: str) -> list[str]:
    """Those that called it in the last month, by the roll-ups; none where nothing was ever called."""
    from trunkline.ledger.usage import Rollups

    rollups = Rollups(state_here().ledger)
    try:
        rows = rollups.usage(("integration", "feature"), int((time.time() - 30 * 86400) * 1e6))
    finally:
        rollups.close()
    return [row["feature"] for row in rows if row["integration"] == integration and row["feature"]][:10]
