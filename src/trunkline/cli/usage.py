"""`trunkline usage`: calls, errors, tokens and cost, grouped."""

from __future__ import annotations

import sys
from typing import Any

import click

from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.when import micros

SHOWN = ("calls", "errors", "input_tokens", "output_tokens", "cost_usd", "p50_ms", "p95_ms")
SPLIT = ("calls", "unpriced", "cost_usd", "input_usd", "cached_usd", "cache_write_usd", "output_usd", "reasoning_usd", "tools_usd",
         "other_usd", "wasted_usd")  # fmt: skip
"""With `--parts`."""


@click.command()
@click.option(
    "--by",
    default="integration",
    show_default=True,
    metavar="A,B",
    help="integration, model, team, feature, key_id, day, hour, ...",
)
@click.option(
    "--since",
    default="7d",
    show_default=True,
    metavar="WHEN",
    help="A length of time back from now, or a date.",
)
@click.option("--until", metavar="WHEN", help="Likewise; now unless told.")
@click.option("--parts", is_flag=True, help="Of which the cost is made: input, cached, output, tools, ...")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values on stdout.")
@json_option
@place_options
def usage(by: str, since: str, until: str | None, parts: bool, as_csv: bool, as_json: bool) -> None:
    """Calls, errors, tokens and cost, grouped. Whole hours; 0 calls are no row."""
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.control.key_names import names
    from trunkline.ledger.usage import Rollups, UnknownGroup

    groups = [name.strip() for name in by.split(",") if name.strip()]
    state = state_here(must_exist=True)
    up_to_date(state)
    rollups = Rollups(state.ledger)
    try:
        rows = rollups.usage(groups, micros(since, "--since"), micros(until, "--until"))
    except UnknownGroup as problem:
        raise click.BadParameter(str(problem), param_hint="--by") from None
    finally:
        rollups.close()
    columns = [*groups, *(SPLIT if parts else SHOWN)]
    if "key_id" in groups:
        columns.insert(groups.index("key_id") + 1, "key_name")
        rows = _named(rows, names(state))
    if as_json:
        json_out(rows)
    elif as_csv:
        _csv(rows, columns)
    else:
        table(
            columns, [[_cell(row, name) for name in columns] for row in rows], empty="No calls in this time."
        )
        if unknown := sum(map(_unknown, rows)):
            cure = "`trunkline models` and docs/how-to/models-and-prices.md say how to give them one"
            say(
                f"{unknown} answered calls have no price: their cost is unknown and not in these sums; {cure}."
            )


def _named(rows: list[dict[str, Any]], known: dict[str, str]) -> list[dict[str, Any]]:
    """The same with names of keys behind their ids, those of keys that have ended too."""
    return [
        {
            name: value
            for column, cell in row.items()
            for name, value in (
                ((column, cell), ("key_name", known.get(cell, "")))
                if column == "key_id"
                else ((column, cell),)
            )
        }
        for row in rows
    ]


def _unknown(row: dict[str, Any]) -> int:
    """Calls that were answered and have no price, at least; failed ones need none."""
    return max(0, int(row.get("unpriced") or 0) - int(row.get("errors") or 0))


def _cell(row: dict[str, Any], name: str) -> Any:
    value = row.get(name)
    if name == "cost_usd" and not value and _unknown(row):
        return "unpriced"
    if name.endswith("_usd") and isinstance(value, float):
        return f"{value:.4f}" if value or name == "cost_usd" else ""
    return f"{value:.1f}" if isinstance(value, float) else value


def _csv(rows: list[dict[str, Any]], otherwise: list[str]) -> None:
    import csv

    from trunkline.core.text import no_formula

    columns = list(rows[0]) if rows else otherwise
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: no_formula(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        for row in rows
    )
