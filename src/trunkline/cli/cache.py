"""`trunkline cache`: how much is kept in the running gateway, and having it forgotten."""

from __future__ import annotations

import time
from typing import Any

import click

from trunkline.cli import exits
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table

COLUMNS = ("integration", "hits", "misses", "stale", "shared", "hit rate")


@click.group(cls=Subcommands)
@place_options
def cache() -> None:
    """Kept answers of the running gateway: how many, how useful; and having them forgotten.

    What is kept is declared in the registry (`cache`). Answers lie in memory only: a restart forgets them too.
    """


@cache.command("stats")
@json_option
@place_options
def stats_(as_json: bool) -> int:
    """Show how much is kept, and hits and misses by integration since the gateway started."""
    from trunkline.control import forget
    from trunkline.control.running import running_facts

    state = state_here(must_exist=True)
    running_facts(state)
    told = forget.stats(state, time.time())
    kept, rows = told.get("cache", {}), by_integration(told)
    stale: dict[str, float] = told.get("stale_served", {})
    if as_json:
        json_out({**kept, "integrations": rows, "stale_served": stale})
        return exits.OK
    click.echo(
        f"{kept.get('answers', 0)} answers in {mb(kept.get('bytes', 0))} of {mb(kept.get('bytes_max', 0))}, "
        f"{kept.get('evicted', 0)} pushed out for want of room."
    )
    table(COLUMNS, [[row[column] for column in COLUMNS] for row in rows], empty="No call was looked up yet.")
    for name, seconds in stale.items():
        say(f"{name}: callers have been given stale answers for {seconds:.0f} s because it fails.")
    return exits.OK


@cache.command()
@click.argument("integration", required=False, default="")
@json_option
@place_options
def clear(integration: str, as_json: bool) -> int:
    """Have the gateway forget all answers, or those of one INTEGRATION; those of running calls are not kept either."""
    from trunkline.cli.integrations import known
    from trunkline.control import forget
    from trunkline.control.running import running_facts
    from trunkline.core.text import nearest

    state = state_here(must_exist=True)
    running_facts(state)
    names = [service.name for service in known()[0].services]
    if integration and integration not in names:
        near = nearest(integration, names)
        say(f"There is no integration {integration!r}." + (f" Did you mean {near!r}?" if near else ""))
        return exits.FAILED
    try:
        answers = forget.clear(state, integration)
    except forget.NotForgotten as problem:
        say(str(problem))
        return exits.UNAVAILABLE
    if as_json:
        json_out({"forgotten": answers, "integration": integration or None})
    else:
        say(f"Forgot {answers} answers" + (f" of {integration}." if integration else "."))
    return exits.OK


def by_integration(told: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each integration that was looked up."""
    rows = []
    for name in sorted(told.get("cache_miss", {})):
        hit, miss, stale, shared = (
            int(told.get(f"cache_{word}", {}).get(name, 0)) for word in ("hit", "miss", "stale", "shared")
        )
        asked = hit + miss + stale
        rate = f"{100 * (hit + stale) / asked:.0f} %" if asked else ""
        rows.append(dict(zip(COLUMNS, (name, hit, miss, stale, shared, rate), strict=True)))
    return rows


def mb(size: int) -> str:
    """A size for people."""
    return f"{size / (1 << 20):.1f} MB"
