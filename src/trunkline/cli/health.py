"""`trunkline health`: asks the running gateway."""

from __future__ import annotations

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table


@click.command()
@json_option
@place_options
def health(as_json: bool) -> int:
    """Health of the running Trunkline, by integration, with reasons.

    Exit codes: 0 healthy or degraded, 7 down or not running.
    """
    from trunkline.cli.running import local_key, request, running_facts
    from trunkline.core import codec

    state = state_here(must_exist=True)
    facts = running_facts(state)
    with (
        local_key(state, ["health:read"]) as key,
        request(facts, "GET", "/health?detail=1", [("x-trunkline-key", key)]) as answer,
    ):
        told = codec.from_json(answer.read())
    if as_json:
        json_out(told)
    else:
        click.echo(f"Trunkline is {told.get('status')}.")
        rows = [
            (name, one.get("status"), one.get("reason", "")) if isinstance(one, dict) else (name, one, "")
            for name, one in told.get("integrations", {}).items()
        ]
        table(("integration", "status", "reason"), rows, empty="No integrations.")
        if (told.get("reload") or {}).get("ok") is False:
            say("The changed registry was refused; the one before is live. `trunkline check` says why.")
    return exits.OK if answer.status < 400 else exits.UNAVAILABLE
