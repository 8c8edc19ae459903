"""`trunkline runbook show`: what to do when an integration fails, with the facts of now."""

from __future__ import annotations

from pathlib import Path

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say


@click.group(cls=Subcommands)
@place_options
def runbook() -> None:
    """What to do when an integration fails."""


@runbook.command()
@click.argument("integration")
@json_option
@place_options
def show(integration: str, as_json: bool) -> int:
    """Print the runbook of an integration, preceded by its latest failures."""
    from trunkline.cli.integrations import known
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.ledger.query import CallFilter, Ledger

    snapshot, _ = known()
    service = next((s for s in snapshot.services if s.name == integration), None)
    if service is None:
        say(f"There is no integration {integration!r}. `trunkline integrations` lists all.")
        return exits.FAILED
    state = state_here()
    up_to_date(state)
    ledger = Ledger(state.ledger)
    try:
        failures = ledger.calls(CallFilter(integration=integration, state="error"), limit=5).calls
    finally:
        ledger.close()
    folder = settings_here().config_path.resolve().parent
    content = _content(folder, service.runbook)
    facts = {"owner": service.owner, "status_page": service.status_page, "changelog": service.changelog}
    if as_json:
        last = [{name: call[name] for name in ("call_id", "at", "code", "message")} for call in failures]
        json_out({"integration": integration, **facts, "failures": last, "runbook": content})
        return exits.OK
    for name, value in facts.items():
        if value:
            click.echo(f"{name.replace('_', ' ').capitalize()}: {value}")
    for call in failures:
        click.echo(f"Failed {call['at']}: {call['code']} {call['message']} ({call['call_id']})")
    if content:
        click.echo(f"\n{content}")
        return exits.OK
    say(
        f"{integration} has no runbook. Write one (symptom, triage, fallback, escalation, recovery) and name it as `runbook:`."
    )
    return exits.FAILED


def _content(folder: Path, runbook_path: str) -> str:
    try:
        return (folder / runbook_path).read_text("utf-8") if runbook_path else ""
    except OSError:
        return ""
