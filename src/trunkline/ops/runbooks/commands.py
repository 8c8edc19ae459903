"""The exact commands for one integration, which people copy while it fails. Pure.

Every one of them exists (`tests/unit/cli/test_runbook.py` tries). Not for: choosing what to do.
"""

from __future__ import annotations

import shlex
from typing import NamedTuple

from trunkline.core.service import Service


class Command(NamedTuple):
    """What it does, and how it is written."""

    what: str
    line: str


def triage(service: Service, since: str = "15m") -> list[Command]:
    """Looks that change nothing."""
    name = shlex.quote(service.name)
    return [
        Command("what is known now", f"trunkline runbook show {name}"),
        Command("health, by evidence", "trunkline health"),
        Command("its failures", f"trunkline logs --integration {name} --state error --since {since}"),
        Command("follow its calls", f"trunkline logs --integration {name} --follow"),
        Command("settings and breakers", f"trunkline integrations show {name}"),
        Command("open findings", f"trunkline findings list --integration {name}"),
    ]


def acting(service: Service) -> list[Command]:
    """What changes something."""
    name = shlex.quote(service.name)
    return [
        Command("say that you look after it", f"trunkline runbook ack {name} --note '...'"),
        Command(
            "stop all calls to it (fallbacks go on)",
            f"trunkline integrations disable {name} --reason '...'",
        ),
        Command("let it be called again", f"trunkline integrations enable {name}"),
        *(
            Command("stop one credential", f"trunkline secrets revoke {shlex.quote(credential.ref)}")
            for credential in service.credentials
        ),
    ]


def fallback(service: Service) -> list[Command]:
    """What proves that fallbacks work; nothing real is called."""
    return [
        Command("prove its fallbacks on a copy", f"trunkline drill {shlex.quote(service.name)} --live --yes")
    ]


def recovery(service: Service) -> list[Command]:
    """What shows that it is well again."""
    name = shlex.quote(service.name)
    found = [Command("health, again and again", "trunkline health --watch")]
    probe = service.probe
    if probe is not None and probe.method == "GET":
        found.append(Command("one free call", f"trunkline call {name} GET {shlex.quote(probe.path)}"))
    found += [
        Command("no failures any more", f"trunkline logs --integration {name} --state error --since 5m"),
        Command("calls in doubt", f"trunkline unknown list --integration {name}"),
        Command("incidents", f"trunkline incidents list --integration {name}"),
    ]
    return found
