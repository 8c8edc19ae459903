"""`trunkline contracts compare`: two integrations side by side, mostly two versions of one API.

Not for: what makes one worse (`ops/contracts/beside.py`).
"""

from __future__ import annotations

from typing import Any

import click

from trunkline.cli import exits
from trunkline.cli.contract_place import snapshot_here
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table


@click.command()
@click.argument("one")
@click.argument("other")
@click.option("--since", metavar="TIME", default="7d", show_default=True, help="Calls since then.")
@json_option
@place_options
def compare(one: str, other: str, since: str, as_json: bool) -> int:
    """Compare two integrations, mostly two versions of one: errors, latency, and what differs in shape.

    Example: trunkline contracts compare stripe@2025-11 stripe@2026-08
    """
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.cli.when import micros
    from trunkline.core.text import nearest
    from trunkline.ledger.usage import Rollups
    from trunkline.ops.contracts import beside, store

    state = state_here(must_exist=True)
    names = [service.name for service in snapshot_here().services]
    for name in (one, other):
        if name not in names:
            near = nearest(name, names)
            say(f"There is no integration {name!r}." + (f" Did you mean {near!r}?" if near else ""))
            return exits.FAILED
    up_to_date(state)
    rollups, at = Rollups(state.ledger), micros(since, "--since")
    wholes, operations = rollups.usage(("integration",), at), rollups.usage(("integration", "operation"), at)
    codes = rollups.usage(("integration", "operation", "code"), at)
    calls = beside.compared(wholes, operations, codes, one, other)
    shapes = beside.shapes(store.read(state.path, one), store.read(state.path, other))
    if as_json:
        json_out({"one": one, "other": other, "since": since, "calls": calls, "shapes": shapes})
        return exits.OK
    columns = ("operation", "calls", "errors", "p50 ms", "p95 ms", "verdict", "why")
    table(columns, [_side_by_side(row) for row in calls], empty="Neither of them was called.")
    changed = [(row.operation, change) for row in shapes for change in row.changes]
    if changed:
        click.echo("")
        table(
            ("operation", "harm", "change"), [(name, change.harm, change.title) for name, change in changed]
        )
    elif shapes:
        say(f"No difference in the shapes of {len(shapes)} operations that both were asked for.")
    return exits.OK


def _side_by_side(row: Any) -> list[object]:
    def pair(name: str, form: str) -> str:
        was, now = getattr(row.one, name), getattr(row.other, name)
        return " / ".join("-" if value is None else format(value, form) for value in (was, now))

    return [
        row.operation or "(all)", pair("calls", "d"), pair("error_rate", ".2%"), pair("p50_ms", ".0f"), pair("p95_ms", ".0f"),
        row.verdict, "; ".join(row.why),
    ]  # fmt: skip
