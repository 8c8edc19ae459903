"""`trunkline logs`: recorded calls: search, follow, show one with its attempts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table, text_lines
from trunkline.cli.when import micros

if TYPE_CHECKING:
    from trunkline.ledger.query import CallFilter

FOLLOW_S = 0.5
FILTERS = ("integration", "model", "key_id", "team", "feature", "state", "code", "text", "correlation_id")
COLUMNS = (
    "at",
    "call_id",
    "integration",
    "operation",
    "model",
    "state",
    "status",
    "code",
    "ms",
    "attempts",
    "cost",
)


@click.group(cls=Subcommands, invoke_without_command=True)
@click.option(
    "--follow", "-F", is_flag=True, help="Go on with new calls as they begin and end, until Ctrl-C."
)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the newest."
)
@click.option("--integration", metavar="NAME")
@click.option("--model", metavar="NAME")
@click.option("--key", "key_id", metavar="ID", help="Id of a caller key.")
@click.option("--team", metavar="NAME")
@click.option("--feature", metavar="NAME")
@click.option(
    "--state", type=click.Choice(["running", "ok", "error", "cancelled", "truncated", "outcome_unknown"])
)
@click.option("--code", metavar="CODE", help="Kind of failure, e.g. rate_limited.")
@click.option("--text", metavar="WORDS", help="Somewhere in the message of the failure.")
@click.option(
    "--note", metavar="NOTE", help="What flow control did: a note such as cache=hit, or its beginning."
)
@click.option("--correlation-id", metavar="ID")
@click.option("--since", metavar="WHEN", help="A length of time back from now (2h, 7d), or a date.")
@click.option("--until", metavar="WHEN", help="Likewise.")
@click.option("--slower-than", type=float, metavar="MS", help="Only calls that took longer.")
@json_option
@place_options
@click.pass_context
def logs(
    context: click.Context,
    /,
    follow: bool,
    limit: int,
    as_json: bool,
    slower_than: float | None,
    **given: Any,
) -> None:
    """Recorded calls, newest first; with --json one object per line with its attempts.

    `trunkline logs show ID` shows one call with its attempts.
    """
    if context.invoked_subcommand is not None:
        return
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.ledger.query import CallFilter, Ledger

    since, until = micros(given.pop("since"), "--since"), micros(given.pop("until"), "--until")
    slower = int(slower_than * 1000) if slower_than is not None else None
    wanted = CallFilter(since_us=since, until_us=until, min_latency_us=slower, **given)
    state = state_here(must_exist=True)
    up_to_date(state)
    ledger = Ledger(state.ledger)
    try:
        if follow:
            _follow(ledger, wanted, as_json)
        else:
            _print(_newest(ledger, wanted, limit), as_json)
    finally:
        ledger.close()


@logs.command()
@click.argument("call")
@json_option
@place_options
def show(call: str, as_json: bool) -> int:
    """Show one call by its call id or correlation id, with a line per attempt."""
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.cli.waterfall import lines
    from trunkline.ledger.query import Ledger

    state = state_here(must_exist=True)
    up_to_date(state)
    ledger = Ledger(state.ledger)
    try:
        found = ledger.call(call)
    finally:
        ledger.close()
    if found is None:
        say(f"No call {call!r} is recorded. A call is there within a second; it is kept for 90 days.")
        return exits.FAILED
    if as_json:
        json_out(found)
    else:
        text_lines(lines(found))
    return exits.OK


def _newest(ledger: Any, wanted: CallFilter, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = ""
    while len(found) < limit:
        page = ledger.calls(wanted, limit=min(limit - len(found), 1000), before=before)
        found += page.calls
        before = page.next
        if not before:
            break
    return found


def _print(calls: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for call in calls:
            json_out(call)
        return
    table(COLUMNS, [_row(call) for call in calls], empty="No calls recorded (for these conditions).")


def _row(call: dict[str, Any]) -> list[Any]:
    cost = call.get("cost_usd")
    return [
        call["at"],
        call["call_id"],
        call["integration"],
        call["operation"],
        call["model"],
        call["state"],
        call["status"] or "",
        call["code"],
        f"{call['duration_us'] / 1000:.1f}",
        len(call["attempts"]),
        f"{cost:.6f}" if isinstance(cost, float) and cost >= 0 else "",
    ]


def _follow(ledger: Any, wanted: CallFilter, as_json: bool) -> None:
    after, _ = ledger.tail()
    while True:
        after, changed = ledger.tail(after)
        for call in changed:
            if not _matches(call, wanted):
                continue
            if as_json:
                json_out(call)
            else:
                text_lines(["  ".join(str(cell) for cell in _row(call) if cell != "")])
        if not changed:
            time.sleep(FOLLOW_S)


def _matches(call: dict[str, Any], wanted: CallFilter) -> bool:
    for name in FILTERS:
        value = getattr(wanted, name)
        if value is None:
            continue
        if name == "text":
            if value.lower() not in str(call.get("message", "")).lower():
                return False
        elif call.get(name) != value:
            return False
    if wanted.note is not None and not any(note.startswith(wanted.note) for note in call["notes"]):
        return False
    return wanted.min_latency_us is None or call["duration_us"] >= wanted.min_latency_us
