"""`trunkline unknown`: acts that may or may not have happened: list them, see what to look for, say what was found."""

from __future__ import annotations

from typing import Any

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table, text_lines

COLUMNS = ("at", "call_id", "integration", "operation", "request", "attempts", "caller", "correlation_id")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def unknown(context: click.Context, as_json: bool) -> None:
    """Calls of unknown outcome: they were sent, and no answer came. Nothing repeats them by itself.

    Without a command, those that are open.
    """
    if context.invoked_subcommand is None:
        _list(None, 100, everything=False, as_json=as_json)


@unknown.command("list")
@click.option("--integration", metavar="NAME")
@click.option("--all", "everything", is_flag=True, help="Those that were resolved as well.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@json_option
@place_options
def list_(integration: str | None, everything: bool, limit: int, as_json: bool) -> None:
    """Those that are open, newest first; with --json one object per line."""
    _list(integration, limit, everything=everything, as_json=as_json)


@unknown.command()
@click.argument("call")
@click.option("--key", metavar="TEXT", help="An idempotency key: says whether the call was made with it.")
@json_option
@place_options
def show(call: str, key: str | None, as_json: bool) -> None:
    """Show one call with its attempts, and what to look for at its vendor."""
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.cli.waterfall import lines
    from trunkline.control import unknown as control

    state = state_here(must_exist=True)
    up_to_date(state)
    found = control.described(state, control.find(state, call), key)
    if as_json:
        json_out(found)
    else:
        text_lines([*lines(found), *_look_for(found)])


@unknown.command()
@click.argument("call")
@click.option(
    "--as",
    "resolution",
    type=click.Choice(["happened", "did-not-happen", "repeat"]),
    required=True,
    help="What you found at the vendor; repeat: whatever it was, the request may go out again.",
)
@click.option("--note", metavar="TEXT", default="", help="How you know; stands in the audit log.")
@json_option
@place_options
def resolve(call: str, resolution: Any, note: str, as_json: bool) -> None:
    """Say what became of a call. A repeat under its idempotency key then goes out again, or is refused for good.

    Saying it again replaces what was said before.
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control import unknown as control

    state = state_here(must_exist=True)
    up_to_date(state)
    found = control.resolve(state, call, resolution, note=note)
    if as_json:
        json_out(found)
        return
    effects = {
        "happened": "A repeat under its key is refused with conflict (409).",
        "did-not-happen": "A repeat under its key goes out as if it were the first.",
        "repeat": "A repeat under its key goes out, whatever became of the first.",
    }
    say(f"{found['call_id']} is resolved: {resolution}. {effects[resolution]}")


def _list(integration: str | None, limit: int, *, everything: bool, as_json: bool) -> None:
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.ledger.query import CallFilter, Ledger

    state = state_here(must_exist=True)
    up_to_date(state)
    wanted = CallFilter(state="outcome_unknown", integration=integration, unresolved=not everything)
    ledger = Ledger(state.ledger)
    try:
        calls = ledger.calls(wanted, limit=limit).calls
    finally:
        ledger.close()
    if as_json:
        for call in calls:
            json_out(call)
        return
    columns = (*COLUMNS, "resolution") if everything else COLUMNS
    table(
        columns, [_row(call)[: len(columns)] for call in calls], empty="No call of unknown outcome is open."
    )


def _row(call: dict[str, Any]) -> list[Any]:
    return [
        call["at"],
        call["call_id"],
        call["integration"],
        call["operation"],
        f"{call['method']} {call['path']}",
        len(call["attempts"]),
        " ".join(filter(None, (call["key_id"], call["team"]))),
        call["correlation_id"],
        call["resolution"],
    ]


def _look_for(found: dict[str, Any]) -> list[str]:
    wanted = found["look_for"]
    facts = (
        ("account", wanted["account"]),
        ("request", f"{wanted['request']}  {wanted['operation']}".strip()),
        ("body", f"{wanted['body_bytes']} bytes"),
        ("sent at", ", ".join(wanted["sent_at"])),
        ("correlation", wanted["correlation_id"]),
        ("request ids", ", ".join(wanted["vendor_request_ids"])),
        ("key", _key(wanted["idempotency"])),
        ("status page", wanted["status_page"]),
    )
    lines = [f"Look for it at {wanted['integration']}:"]
    lines += [f"  {name:<12} {value}" for name, value in facts if value]
    if not found["resolution"]:
        lines.append(
            f"Then: trunkline unknown resolve {found['call_id']} --as happened|did-not-happen|repeat"
        )
    return lines


def _key(facts: dict[str, Any]) -> str:
    header = facts["header"] or "Idempotency-Key"
    if facts["key"]:
        return f"{header}: {facts['key']}"
    if not facts["key_hash"]:
        return ""
    matches = {True: ", which is the one given", False: ", which is not the one given", None: ""}
    return f"{header} of the caller, keyed hash {facts['key_hash']}{matches[facts['key_matches']]}"
