"""Who gives a command, where that is written down: `--by NAME`, the login name unless told.

Not for: what somebody may (whoever can write the state folder may use the command line).
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
LONGEST = 100


def by_option(command: F) -> F:
    """Adds `--by`, handed to the command as `who`."""
    return click.option(
        "--by", "who", metavar="NAME", callback=_name, help="Who says so; your login name unless told."
    )(command)


def _name(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    del context, parameter
    name = " ".join((value if value is not None else _login()).split())
    if not name or len(name) > LONGEST:
        raise click.BadParameter(f"a name has 1 to {LONGEST} characters", param_hint="--by")
    return name


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "cli"
