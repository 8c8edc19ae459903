"""Every command, by the tree that the command line is made from, and what one can be given. Not for: running it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from trunkline.cli import exits
from trunkline.cli.main import trunkline as root

Words = tuple[str, ...]

SAID_ONCE = {
    ("serve",), ("run",), ("bench",), ("completion",), ("console", "open"), ("console", "revoke"), ("faults", "clear"), ("faults", "set"),
    ("integrations", "disable"), ("integrations", "enable"), ("runbook", "new"), ("users", "disable"), ("users", "enable"),
    ("users", "password"), ("users", "unlock"),
    *(("secrets", name) for name in ("kill", "remove", "revive", "revoke", "rotate-master")),
}  # fmt: skip
"""Without `--json`: they do something and say one sentence of it, or hand on what another program says."""
OWN_FORM = {("audit", "anchor"), ("audit", "export"), ("data-map",)}
"""Their output is for programs anyway: one line, or the form that `--format` names."""
LONG = {("drill",)}
"""Starts processes of its own; `test_drill.py` reads its JSON."""
CODES = re.compile(r"Exit codes:(.*?)(?:\n\n|\Z)", re.DOTALL)


def _leaves(
    context: click.Context, command: click.Command, path: Words
) -> Iterator[tuple[Words, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _leaves(context, inner, (*path, name))


def every() -> dict[Words, click.Command]:
    """All commands that are no groups, by their words."""
    with click.Context(root) as context:
        return dict(_leaves(context, root, ()))


def takes(command: click.Command, option: str) -> bool:
    """Whether it knows an option."""
    return any(option in parameter.opts for parameter in command.params)


def arguments(command: click.Command, file: str) -> list[str]:
    """Something for everything that must be given; that there is no such thing is the usual answer."""
    given: list[str] = []
    for one in command.params:
        if not one.required:
            continue
        kind = one.type
        word = (
            str(kind.choices[0])
            if isinstance(kind, click.Choice)
            else file
            if isinstance(kind, click.Path)
            else "crm"
        )
        given += [word] if isinstance(one, click.Argument) else [one.opts[0], word]
    return given


def named_codes(command: click.Command) -> set[int]:
    """The exit codes that its help names; none, where it names none."""
    found = CODES.search(command.help or "")
    return {int(code) for code in re.findall(r"\b(\d{1,3})\b", found[1])} if found else set()


def documented(command: click.Command) -> set[int]:
    """The codes that its help names (all, where it names none), and those of every command: usage, configuration, not running."""
    own = named_codes(command) or set(exits.MEANINGS)
    return own | {exits.OK, exits.FAILED, exits.USAGE, exits.INVALID, exits.UNAVAILABLE}
