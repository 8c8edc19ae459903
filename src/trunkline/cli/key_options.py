"""The options of `trunkline keys create` and `update`, and what they mean.

Not for: what cannot be asked of a key (`control/wish.py`).
"""

from __future__ import annotations

import math
import re
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
    told = {name: value for name, value in given.items() if value is not None and value != ()}
    wish: dict[str, Any] = {}
    for name, value in told.items():
        wish |= (
            _MEANING[name](value)
            if name in _MEANING
            else {name: list(value) if isinstance(value, tuple) else value}
        )
    return wish


def _expires(text: str) -> dict[str, Any]:
    from trunkline.control.periods import instant

    try:
        return {"expires_at": instant(text, time.time())}
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--expires") from None


def seconds_of(text: str, flag: str) -> float:
    """Seconds of a length of time given to an option."""
    from trunkline.control.periods import seconds

    try:
        return seconds(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint=flag) from None


def _concurrency(text: str) -> dict[str, Any]:
    if text.lower() == "none":
        return {"concurrency": 0}
    if not _is_count(text):
        raise click.BadParameter(f"{text!r} must be a number from 1 on, or none", param_hint="--concurrency")
    return {"concurrency": int(text)}


def _rate(text: str) -> dict[str, Any]:
    if not text or text.lower() == "none":
        return {"rate": 0, "rate_per": 0.0}
    count, slash, period = text.partition("/")
    if not slash or not _is_count(count):
        said = f"{text!r} must be a number and a period, e.g. 600/1m or 10/s"
        raise click.BadParameter(said, param_hint="--rate")
    return {"rate": int(count), "rate_per": seconds_of(period, "--rate")}


_PERIODS = {"day": "day", "d": "day", "1d": "day", "month": "month"}


def budget_of(text: str) -> dict[str, Any]:
    """`50/month`, `2.50/day` or `none`."""
    if not text or text.lower() == "none":
        return {"budget_usd": 0.0, "budget_per": "month"}
    amount, _, period = text.partition("/")
    number = float(amount) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", amount) else math.nan
    if not number > 0 or period.lower() not in _PERIODS:
        said = f"{text!r} must be an amount and day or month, e.g. 50/month or 2.50/day, or none"
        raise click.BadParameter(said, param_hint="--budget-usd")
    return {"budget_usd": number, "budget_per": _PERIODS[period.lower()]}


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) >= 1


_MEANING: dict[str, Callable[[str], dict[str, Any]]] = {
    "expires": _expires,
    "concurrency": _concurrency,
    "rate": _rate,
    "budget_usd": budget_of,
}
