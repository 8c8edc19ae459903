"""`trunkline findings`: everything that a person should look at: list, show, acknowledge, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table, text_lines
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.ops.findings import FindingRow

COLUMNS = ("severity", "kind", "integration", "subject", "state", "since", "times", "due", "title", "id")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def findings(context: click.Context, as_json: bool) -> None:
    """What a person should look at: drift, dates that come near, rotations due, data that nobody declared, alerts that failed.

    Without a command, those that are open.
    """
    if context.invoked_subcommand is None:
        _list(None, None, everything=False, limit=100, as_json=as_json)


@findings.command("list")
@click.option("--kind", metavar="KIND", help="Also the beginning of one: contract for contract.drift.")
@click.option("--integration", metavar="NAME")
@click.option("--all", "everything", is_flag=True, help="Those that were resolved as well.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@place_options
def list_(kind: str | None, integration: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """Those that are open, the worst first, then the newest; with --json one object per line."""
    _list(kind, integration, everything=everything, limit=limit, as_json=as_json)


@findings.command()
@click.argument("finding")
@json_option
@place_options
def show(finding: str, as_json: bool) -> None:
    """Show one finding with its details and the calls that show it."""
    from trunkline.control import findings as control

    found = control.find(state_here(must_exist=True), finding)
    if as_json:
        json_out(found)
    else:
        text_lines(lines(found))


@findings.command()
@click.argument("finding")
@click.option("--note", metavar="TEXT", default="", help="What you are doing about it.")
@by_option
@json_option
@place_options
def ack(finding: str, note: str, who: str, as_json: bool) -> None:
    """Say that you look after it. It stays open, and no more reminders are sent."""
    from trunkline.control import findings as control

    found = control.acknowledge(state_here(must_exist=True), finding, who, note)
    if as_json:
        json_out(found)
    else:
        say(f"{found.id} is acknowledged by {who}: {found.title}")


@findings.command()
@click.argument("finding")
@click.option("--note", metavar="TEXT", default="", help="Why it is settled.")
@by_option
@json_option
@place_options
def resolve(finding: str, note: str, who: str, as_json: bool) -> None:
    """Say that it is settled. If it is found again, it opens anew."""
    from trunkline.control import findings as control

    found = control.resolve(state_here(must_exist=True), finding, who, note)
    if as_json:
        json_out(found)
    else:
        say(f"{found.id} is resolved: {found.title}")


def _list(kind: str | None, integration: str | None, *, everything: bool, limit: int, as_json: bool) -> None:
    from trunkline.ops.findings import listed

    found = listed(
        state_here(must_exist=True),
        kind=kind,
        integration=integration,
        open_only=not everything,
        limit=limit,
    )
    if as_json:
        for one in found:
            json_out(one)
        return
    table(COLUMNS, [_cells(one) for one in found], empty="Nothing is open that somebody should look at.")


def _cells(one: FindingRow) -> list[object]:
    since = _when(one.opened_at)
    return [one.severity, one.kind, one.integration, one.subject, one.state, since, one.times, one.due, one.title, one.id]  # fmt: skip


def lines(one: FindingRow) -> list[str]:
    """A finding for people."""
    from trunkline.core.codec import to_json

    facts = [
        ("id", one.id),
        ("kind", one.kind),
        ("severity", one.severity),
        ("integration", one.integration),
        ("subject", one.subject),
        ("state", one.state),
        ("since", _when(one.opened_at)),
        ("last seen", f"{_when(one.last_at)}, {one.times} times"),
        ("due", one.due),
        ("acknowledged", f"{_when(one.acknowledged_at)} by {one.acknowledged_by}" if one.acknowledged_at else ""),
        ("note", one.note),
        ("resolved", f"{_when(one.resolved_at)}: {one.resolved_why}" if one.state == "resolved" else ""),
        ("calls", " ".join(one.correlation_ids)),
        *((name, value if isinstance(value, str) else to_json(value).decode()) for name, value in one.detail.items()),
    ]  # fmt: skip
    return [one.title, *(f"  {name:<14} {value}" for name, value in facts if value)]


def _when(at: float) -> str:
    from trunkline.control.periods import rfc3339

    return rfc3339(at) or ""
