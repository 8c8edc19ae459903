"""`trunkline data-map`: which integration may receive and did receive which categories of data, for what, where, for how long."""

from __future__ import annotations

import click

from trunkline.cli import exits
from trunkline.cli.place import place_options, state_here
from trunkline.cli.show import json_out, say


@click.command("data-map")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "csv", "json"]), default="markdown", show_default=True
)
@click.option(
    "--check",
    is_flag=True,
    help="Exit with 1 if an integration receives what nobody declared, or what is forbidden.",
)
@place_options
def data_map(form: str, check: bool) -> int:
    """Print who receives which data: declared and observed, owner, purpose, region, retention, agreement, features that use it.

    What nobody has declared is said as "not declared". Observed is what was seen in sampled calls.
    """
    import time

    from trunkline.cli.integrations import known
    from trunkline.cli.ledger_reading import up_to_date
    from trunkline.ledger import data_tables
    from trunkline.ledger.usage import Rollups
    from trunkline.ops.data import map as maps
    from trunkline.ops.data.map_text import markdown, table_csv

    now = time.time()
    snapshot = known()[0]
    state = state_here()
    rows, usage = [], []
    if state.control_db.exists():
        up_to_date(state)
        rollups = Rollups(state.ledger)
        try:
            groups = ("integration", "feature", "team", "simulated")
            usage = rollups.usage(groups, int((now - maps.DAYS * 86_400) * 1e6))
        finally:
            rollups.close()
        with state.view() as connection:
            rows = data_tables.listed(connection)
    found = maps.data_map(snapshot, rows, usage, now)
    if form == "json":
        json_out(found)
    else:
        click.echo(markdown(found) if form == "markdown" else table_csv(found), nl=False)
    wrong = [
        f"{one.integration}: {row.category} ({row.state})"
        for one in found.integrations
        for row in one.observed
        if row.side == "request" and row.state in ("undeclared", "forbidden")
    ]
    if check and wrong:
        say(f"{len(wrong)} not as declared: {', '.join(wrong)}")
        return exits.FAILED
    return exits.OK
