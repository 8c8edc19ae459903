"""Which installation a command works on: `--state-dir`, `--config` and `--env`, before or after the command's name.

Not for: the settings themselves (`trunkline.settings`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
_META = "trunkline.flags"


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        context.meta.setdefault(_META, {})[parameter.name] = value


def place_options(command: F) -> F:
    """Adds the options that name the installation."""
    for flag, metavar, text in (
        ("--env", "NAME", "Environment (overlay) that holds: dev, staging or prod."),
        ("--config", "FILE", "Registry; trunkline.yaml unless told."),
        ("--state-dir", "DIR", "State folder; .trunkline unless told."),
    ):
        command = click.option(flag, metavar=metavar, expose_value=False, callback=_remember, help=text)(
            command
        )
    return command


def json_option(command: F) -> F:
    """Adds `--json`, handed to the command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output on stdout.")(command)


def settings_here(flags: dict[str, Any] | None = None) -> Settings:
    """The settings that hold for the running command. Raises SettingsInvalid."""
    from trunkline.settings import read

    given = click.get_current_context().meta.get(_META, {})
    return read(os.environ, {**given, **(flags or {})})


def state_here(*, must_exist: bool = False) -> State:
    """The state folder that holds for the running command. Raises StateProblem when it must exist and does not."""
    from trunkline.control.state import State, StateProblem

    state = State(settings_here().state_path)
    if must_exist and not state.path.is_dir():
        raise StateProblem(
            f"There is no state folder {state.path}. Start `trunkline serve` here first, or give --state-dir."
        )
    return state


def environment_here(*, told_first: bool = False) -> str:
    """The environment that a command acts in: that of what is published here, for `serve` may have been told another one than
    this terminal was. With `told_first` one that was told here (`--env`, TRUNKLINE_ENV) comes before it.
    """
    from trunkline.control.published import read_snapshot

    given = click.get_current_context().meta.get(_META, {})
    if told_first and (given.get("env") or os.environ.get("TRUNKLINE_ENV")):
        return settings_here().env
    there = read_snapshot(state_here())
    return there.environment if there is not None else settings_here().env
