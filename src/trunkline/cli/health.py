"""`trunkline health`: asks the running gateway."""

from __future__ import annotations

import time
from typing import Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import fancy, json_out, say, table

WATCH_S = 2.0


@click.command()
@click.option("--watch", is_flag=True, help="Ask again every two seconds, until Ctrl-C.")
@json_option
@place_options
def health(watch: bool, as_json: bool) -> int:
    """Health of the running Trunkline, by integration: why, by what evidence and how old, and which features are hit.

    Exit codes: 0 healthy or degraded, 7 down or not running.
    """
    from trunkline.cli.running import local_key, request
    from trunkline.control.running import running_facts
    from trunkline.core import codec

    state = state_here(must_exist=True)
    facts = running_facts(state)
    with local_key(state, ["health:read"]) as key:
        while True:
            with request(facts, "GET", "/health?detail=1", [("x-trunkline-key", key)]) as answer:
                told = codec.from_json(answer.read())
            if watch and fancy():
                click.clear()
            if as_json:
                json_out(told)
            else:
                _print(told)
            if not watch:
                return exits.OK if answer.status < 400 else exits.UNAVAILABLE
            time.sleep(WATCH_S)


def _print(told: dict[str, Any]) -> None:
    click.echo(f"Trunkline is {told.get('status')}.")
    rows = []
    for name, status in told.get("integrations", {}).items():
        one = told.get("details", {}).get(name, {})
        rows.append((name, status, one.get("reason", ""), seen(one), hit(one), breakers(one)))
    columns = ("integration", "status", "reason", "seen", "features hit", "breakers")
    table(columns, rows, empty="No integrations.")
    for name, one in told.get("details", {}).items():
        if one.get("status") == "down" and one.get("fallbacks"):
            say(f"{name}: its calls are served by {', '.join(one['fallbacks'])}.")
    for incident in told.get("incidents", []):
        taken = incident["acknowledged_by"]
        who = f"{taken} looks after it" if taken else "nobody has acknowledged it"
        say(
            f"Incident {incident['id']} ({incident['severity']}), since {incident['opened_at']}: {incident['title']}; {who}."
        )
    if last := (told.get("drills") or {}).get("last"):
        say(f"Last drill: {last['at']}, {last['result']} ({last['report'] or last['problem']}).")
    for finding in told.get("findings", []):
        say(f"{finding['severity']}: {finding['message']}.")
    if (told.get("reload") or {}).get("ok") is False:
        say("The changed registry was refused; the one before is live. `trunkline check` says why.")


def seen(one: dict[str, Any]) -> str:
    """Which sources speak of an integration, and how old they are."""
    words = {"traffic": "calls", "probe": "probe", "status_page": "page", "cache": "stale"}
    ages = [(words.get(e["source"], ""), e.get("age_s")) for e in one.get("evidence", [])]
    return ", ".join(f"{word} {short(age)}" for word, age in ages if word and age is not None)


def hit(one: dict[str, Any]) -> str:
    """Features whose calls it has failed, with how many of how many."""
    features = [f for f in one.get("features", []) if f["failures"]]
    return ", ".join(f"{f['feature']} {f['failures']}/{f['calls']}" for f in features[:5])


def breakers(one: dict[str, Any]) -> str:
    """Circuits that hold something back."""
    held = [b for b in one.get("breakers", []) if b["state"] != "closed"]
    named = [(f"{b['credential']} {b['model'] or ''}".strip(), b) for b in held]
    return ", ".join(f"{name} {b['state']} ({b['share']:.0%})" for name, b in named)


def short(seconds: float) -> str:
    """An age in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"
