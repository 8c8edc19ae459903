"""`python -m trunkline.cli.reference [--check]`: writes the generated reference pages, or says which are out of date.

Each page is made from what it describes: commands, failures, the registry's shape, the console's routes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from trunkline.cli import exits
from trunkline.cli.main import COMMANDS, trunkline

FOLDER = Path(__file__).parents[3] / "docs" / "reference"
NOTE = "This page is made from the source by `python -m trunkline.cli.reference`; do not edit it.\n"


def pages() -> dict[str, str]:
    """File name -> content of every generated page."""
    from trunkline import __version__
    from trunkline.cli import reference_routes as routes
    from trunkline.console import openapi
    from trunkline.console.endpoints import ENDPOINTS
    from trunkline.registry import reference

    return {
        "cli.md": commands(),
        "errors.md": failures(),
        "registry.md": reference.markdown(),
        "routes.md": routes.markdown(),
        "settings.md": settings(),
        **openapi.pages(ENDPOINTS, __version__),
    }


def commands() -> str:
    """Every command with its help, and the exit codes."""
    lines = ["# Command line\n", NOTE]
    lines += [
        "Data goes to stdout, talk to stderr. `--json` prints JSON, `NO_COLOR` and `TERM=dumb` switch colour off.\n"
    ]
    lines += ["## Exit codes\n", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in exits.MEANINGS.items()]
    lines.append("")
    with click.Context(
        trunkline, info_name="trunkline", max_content_width=100, terminal_width=100
    ) as context:
        lines += _help(context, trunkline)
        for name in COMMANDS:
            command = trunkline.get_command(context, name)
            assert command is not None
            lines += _tree(context, command, name)
    return "\n".join(lines) + "\n"


def _tree(parent: click.Context, command: click.Command, name: str) -> Iterator[str]:
    with click.Context(
        command, info_name=name, parent=parent, max_content_width=100, terminal_width=100
    ) as context:
        yield from _help(context, command)
        for sub, inner in getattr(command, "commands", {}).items():
            yield from _tree(context, inner, sub)


def _help(context: click.Context, command: click.Command) -> list[str]:
    return [f"## {context.command_path}\n", "```", command.get_help(context), "```", ""]


def failures() -> str:
    """The table of failures."""
    from trunkline.core.errors import KINDS

    lines = [
        "# Failures\n",
        NOTE,
        "Every failure is one of these. *Status* stands where Trunkline must choose one; a vendor's own",
    ]
    lines += [
        "status is kept unless errors are `normalized`. *Again*: may be tried again at the same target within the call."
    ]
    lines += [
        "*Elsewhere*: another target may succeed. *May have acted*: never repeated blindly. *Retryable*: the same request"
    ]
    lines += [
        "could succeed later.\n",
        "| code | status | again | elsewhere | may have acted | retryable | who acts | what to do |",
    ]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for kind in KINDS.values():
        marks = ("yes" if flag else "" for flag in (kind.again, kind.elsewhere, kind.acted, kind.later))
        lines.append(f"| `{kind.code}` | {kind.status} | {' | '.join(marks)} | {kind.who} | {kind.action} |")
    return "\n".join(lines) + "\n"


def settings() -> str:
    """The process settings."""
    import msgspec

    from trunkline.registry.describe import descriptions
    from trunkline.settings import PREFIX, Settings, to_environ

    told = descriptions(Settings)
    defaults = to_environ(Settings())
    lines = [
        "# Settings\n",
        NOTE,
        "A flag of `trunkline serve` wins over its variable.\n",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    for field in msgspec.structs.fields(Settings):
        name = PREFIX + field.name.upper()
        lines.append(f"| `{name}` | `{defaults[name]}` | {told.get(field.name, '')} |")
    lines += [
        "| `TRUNKLINE_MASTER_KEY` | | The master key itself: 32 bytes as base64 or 64 hexadecimal digits. |",
        "| `TRUNKLINE_MASTER_KEY_FILE` | | A file with the master key; without either, `master.key` in the state folder. |",
        "| `TRUNKLINE_KEY` | | The caller key of `trunkline call`. |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes or checks; answers the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, content in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != content:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, "utf-8")
    if stale:
        print(
            f"{'Out of date' if check else 'Written'}: {', '.join(f'docs/reference/{name}' for name in stale)}",
            file=sys.stderr,
        )
    if stale and check:
        print("Run: python -m trunkline.cli.reference", file=sys.stderr)
    return exits.FAILED if stale and check else exits.OK


if __name__ == "__main__":
    raise SystemExit(main())
