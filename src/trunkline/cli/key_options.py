"""The options of `trunkline keys create` and `update`, and what they mean.

Not for: what cannot be asked of a key (`control/wish.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--team", help="Who its calls and costs belong to."),
    click.option(
        "--scope",
        "scopes",
        multiple=True,
        metavar="SCOPE",
        help="What it may do; repeat for more. See `keys create`.",
    ),
    click.option("--expires", metavar="WHEN", help="90d, 12h, a date, or never."),
    click.option(
        "--ip",
        "ips",
        multiple=True,
        metavar="NET",
        help="Address or network it may be used from; repeat for more.",
    ),
    click.option(
        "--origin",
        "origins",
        multiple=True,
        metavar="URL",
        help="Browser origin for CORS and for minted tokens.",
    ),
    click.option("--concurrency", metavar="N|none", help="Calls at once."),
    click.option("--rate", metavar="N/PERIOD|none", help="Calls per period, e.g. 600/1m."),
    click.option(
        "--budget-usd",
        metavar="N/PERIOD|none",
        help="US dollars its calls may cost per UTC day or calendar month, e.g. 50/month; then they are refused.",
    ),
    click.option(
        "--lane",
        type=click.Choice(["interactive", "pipeline", "batch"]),
        help="Lane of its calls where they have to wait; a call may ask for a lower one.",
    ),
    click.option(
        "--role",
        type=click.Choice(["caller", "viewer", "developer", "operator", "admin"]),
        help="What it may in the console's API; without a word nothing.",
    ),
    click.option("--feature", help="Feature that its calls count for; callers cannot override it."),
    click.option("--subject", help="End user that its calls are for; callers cannot override it."),
    click.option("--tags", help="Tags on all its calls."),
    click.option(
        "--errors",
        "error_style",
        type=click.Choice(["superset", "native", "normalized"]),
        help="Form of errors; native for kind sdk.",
    ),
)


def settings_options(command: Command) -> Command:
    """Gives a command all that can be set of a key."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wished(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of `control.wish.Wish` for the options that were given; the others are left out."""
    from trunkline.control.wording import Unreadable, fields_of

    told = {name: value for name, value in given.items() if value != ()}
    try:
        return fields_of(told, time.time())
    except Unreadable as problem:
        flag = f"--{problem.name.replace('_', '-')}"
        raise click.BadParameter(str(problem), param_hint=flag) from None


def seconds_of(text: str, flag: str) -> float:
    """Seconds of a length of time given to an option."""
    from trunkline.control.periods import seconds

    try:
        return seconds(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint=flag) from None
