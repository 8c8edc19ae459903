"""`trunkline secrets import`: values from where they lie into the built-in store, without anybody seeing them.

Not for: finding them in a project (`init.py`, `scan.py`), nor for taking them out of the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.ops.scan.values import Value
    from trunkline.ops.scan.vendors import Vendors


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--only", multiple=True, metavar="NAME", help="Only this one; repeat for more. Default: every credential."
)
@click.option("--as", "as_name", metavar="NAME", help="The name in the store, for a single value.")
@click.option("--line", type=int, metavar="N", help="The credential that stands in this line, also of code.")
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@json_option
@place_options
def import_(
    file: Path, only: tuple[str, ...], as_name: str | None, line: int | None, dry_run: bool, as_json: bool
) -> int:
    """Store credentials from FILE (env file, YAML, JSON, TOML, properties; with --line also code). Values are never shown.

    What the store has already is left as it is. FILE is not changed: take the values out of it yourself. E.g.
    `trunkline secrets import .env --only STRIPE_SECRET_KEY`, `trunkline secrets import app/pay.py --line 14 --as STRIPE_SECRET_KEY`.
    """
    from trunkline.ops.scan import vendors as table_of_vendors

    known = table_of_vendors.load()
    chosen = _chosen(file, only, line, known)
    if as_name and len(chosen) != 1:
        raise click.UsageError(f"--as names a single value, but {len(chosen)} were chosen; add --only NAME.")
    rows = [_stored(value, as_name or _store_name(value), dry_run=dry_run) for value in chosen]
    if as_json:
        json_out(rows)
    else:
        table(
            ("name", "from", "outcome"),
            [(row["name"], f"{file}:{row['line']}", row["outcome"]) for row in rows],
        )
        if any(row["outcome"].startswith("stored") for row in rows):
            say(f"Use them as store:NAME in the registry, then take them out of {file}.")
    return exits.OK


def _chosen(file: Path, only: tuple[str, ...], line: int | None, known: Vendors) -> list[Value]:
    """What is to be stored. Raises ValueProblem and UsageError, before anything is stored."""
    from trunkline.core.text import nearest
    from trunkline.ops.scan import values
    from trunkline.ops.scan.secrets_seen import is_placeholder

    if line is not None:
        if only:
            raise click.UsageError("Give --line or --only, not both.")
        return [values.in_line(file, line, known)]
    there = {value.name: value for value in values.named(file, known)}
    for name in only:
        if name not in there:
            near = nearest(name, list(there))
            raise values.ValueProblem(
                f"{file} sets no {name!r}." + (f" Did you mean {near!r}?" if near else "")
            )
        if is_placeholder(there[name].value):
            said = f"{file}:{there[name].line}: the value of {name} is a placeholder, or no credential."
            raise values.ValueProblem(f"{said} If it is one, use `trunkline secrets set {name}`.")
    if only:
        return [there[name] for name in only]
    found = [value for value in there.values() if values.is_credential(value, known)]
    if not found:
        raise values.ValueProblem(
            f"{file} holds no credential (placeholders do not count). Name one with --only."
        )
    return found


def _stored(value: Value, name: str, *, dry_run: bool) -> dict[str, Any]:
    from trunkline.control import secrets as control

    row: dict[str, Any] = {"name": name, "line": value.line}
    state = state_here()
    current = _current(state, name)
    if current is not None and current[1] == control.fingerprint(state, value.value.strip("\r\n")):
        return {**row, "version": current[0], "outcome": "unchanged: the store has it"}
    if dry_run:
        return {
            **row,
            "version": None,
            "outcome": "would be stored" + (" as a new version" if current else ""),
        }
    version = control.set_secret(state, name, value.value)
    return {**row, "version": version, "outcome": f"stored, version {version}"}


def _current(state: State, name: str) -> tuple[int, str] | None:
    """Version and fingerprint of what the store has under a name; looking makes no installation."""
    from trunkline.control import secrets as control

    if not state.control_db.exists():
        return None
    return next(
        ((info.version, info.fingerprint) for info in control.list_secrets(state) if info.name == name), None
    )


def _store_name(value: Value) -> str:
    if not value.name:
        raise click.UsageError("The value has no name; give one with --as.")
    return value.name
