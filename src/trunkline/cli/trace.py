"""`trunkline trace`: who received a person's data, and the list of what is to be asked of each vendor."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from trunkline.control.trace import Traced, TraceTask

STATES = ("open", "asked", "confirmed", "refused")
TASK_COLUMNS = (
    "id",
    "integration",
    "state",
    "person",
    "calls",
    "first",
    "last",
    "due",
    "changed",
    "by",
    "note",
)
SUBJECT = click.option("--subject", metavar="ID", default="", help="The id that your callers give them.")
EMAIL = click.option(
    "--email", metavar="ADDR", default="", help="An e-mail address of theirs; `-` reads it from stdin."
)


@click.group(cls=Subcommands, invoke_without_command=True)
@SUBJECT
@EMAIL
@click.option("--open", "opens", is_flag=True, help="Make a task for each vendor, to be worked off.")
@click.option("--due", metavar="DAY", default="", help="With --open: by when; 30 days from now unless told.")
@click.option(
    "--ids", type=click.IntRange(0, 1000), default=5, show_default=True, help="Calls shown of each vendor."
)
@by_option
@json_option
@place_options
@click.pass_context
def trace(
    context: click.Context, subject: str, email: str, opens: bool, due: str, ids: int, who: str, as_json: bool
) -> None:
    """Who received a person's data: every vendor, when, by which calls. Audited; the person is kept as a keyed hash only.

    With --open it becomes a deletion request with a task for each vendor: `trunkline trace tasks`, `trunkline trace mark`.
    """
    if context.invoked_subcommand is not None:
        return
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control import trace as control

    if due and not control.is_day(due):
        raise click.BadParameter(f"{due!r} is no day; write e.g. 2026-12-31", param_hint="--due")
    if not subject and not email:
        raise click.UsageError("Name the person: --subject ID or --email ADDR.")
    state = state_here(must_exist=True)
    person = control.person(state, subject=subject, email=given(email))
    up_to_date(state)
    found = control.trace(state, person, actor=f"cli:{who}")
    tasks = control.open_request(state, person, found, actor=f"cli:{who}", due=due) if opens else found.tasks
    if as_json:
        import msgspec

        json_out(msgspec.structs.replace(found, tasks=tasks))
        return
    _show(found, tasks, ids)


@trace.command("tasks")
@click.option("--all", "everything", is_flag=True, help="Those that are confirmed or refused as well.")
@json_option
@place_options
def tasks_(everything: bool, as_json: bool) -> None:
    """What is still to be asked of vendors, the oldest request first."""
    from trunkline.control import trace as control

    found = control.listed(state_here(must_exist=True), everything=everything)
    if as_json:
        json_out(found)
        return
    table(TASK_COLUMNS, [_cells(one) for one in found], empty="No vendor is still to be asked.")


@trace.command()
@click.argument("task")
@click.argument("state", type=click.Choice(STATES), metavar="open|asked|confirmed|refused")
@click.option(
    "--note", metavar="TEXT", default="", help="E.g. the vendor's ticket. No word about the person."
)
@by_option
@json_option
@place_options
def mark(task: str, state: str, note: str, who: str, as_json: bool) -> None:
    """Say how far TASK is: the vendor was asked, has confirmed, or has refused."""
    from trunkline.control import trace as control

    found = control.mark(state_here(must_exist=True), task, state, note=note, actor=f"cli:{who}")
    if as_json:
        json_out(found)
    else:
        say(f"{found.id} is {found.state}.")


def given(email: str) -> str:
    """An address as it was given, or from stdin, so that it does not stand in the shell's history."""
    return sys.stdin.readline().strip() if email == "-" else email


def _show(found: Traced, tasks: list[TraceTask], ids: int) -> None:
    since = f"the ledger begins on {found.since}" if found.since else "the ledger is empty"
    say(f"{found.person}: {_counted(found.calls, found.nowhere)}; {since}.")
    if found.more:
        say(
            "There are more calls than were looked at; vendors may be missing. Ask again after erasing, or look into the ledger."
        )
    states = {one.integration: one.state for one in tasks}
    rows = [
        (one.integration, one.calls, one.first_at, one.last_at, _reasons(one.known_by), " ".join(one.features),
         one.retention, states.get(one.integration, "-"))
        for one in found.vendors
    ]  # fmt: skip
    columns = ("vendor", "calls", "first", "last", "known by", "features", "it keeps data", "task")
    table(columns, rows, empty="No vendor received anything of this person that the ledger knows of.")
    for one in found.vendors if ids else ():
        click.echo(f"\n{one.integration}: the newest {min(ids, len(one.ids))} of {len(one.ids)}")
        table(
            ("at", "correlation id", "vendor's request id", "known by"),
            [
                (quoted.at, quoted.correlation_id, quoted.vendor_request_id, quoted.known_by)
                for quoted in one.ids[:ids]
            ],
        )
    if found.vendors and not tasks:
        say("\nMake it a deletion request with --open; then `trunkline trace tasks`.")


def _counted(calls: int, nowhere: int) -> str:
    """How many calls, and how many of them nobody received."""
    said = "1 call" if calls == 1 else f"{calls} calls"
    if not calls or not nowhere:
        return said
    if nowhere == calls:
        return f"{said}, sent to no vendor" if calls == 1 else f"{said}, none of them sent to a vendor"
    return f"{said}, {nowhere} of which reached no vendor"


def _reasons(known_by: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in known_by.items())


def _cells(one: TraceTask) -> list[object]:
    due = f"{one.due} (overdue)" if one.overdue else one.due
    what = [one.id, one.integration, one.state, one.person, one.calls, one.first_at, one.last_at]
    return [*what, due, one.changed_at, one.changed_by, one.note]
