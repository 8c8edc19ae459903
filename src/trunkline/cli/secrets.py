"""`trunkline secrets`: credentials in the built-in store. No command here ever prints one."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, state_here
from trunkline.cli.rotate import impact, rotate, rotations
from trunkline.cli.secrets_import import import_
from trunkline.cli.show import json_out, say, table
from trunkline.cli.verify import verify

if TYPE_CHECKING:
    from trunkline.control.secrets import SecretInfo


@click.group(cls=Subcommands)
@place_options
def secrets() -> None:
    """Set, list and remove stored credentials (`store:NAME` in the registry).

    Values are encrypted with a key of their own under the master key, and never shown again.
    """


@secrets.command("set")
@click.argument("name")
@json_option
@place_options
def set_(name: str, as_json: bool) -> None:
    """Store a value, read from stdin (or asked for, unseen, at a terminal), as the next version of NAME.

    E.g. `printf %s "$CRM_TOKEN" | trunkline secrets set CRM_TOKEN`. Live within a second.
    """
    from trunkline.control import rotations as under_way
    from trunkline.control import secrets as control

    if under_way.running(state_here(), name) is not None:
        raise click.UsageError(
            f"A rotation of {name} is under way (`trunkline secrets rotate {name} --status`); end it first, e.g. with --abort."
        )
    value = (
        click.prompt(f"Value of {name}", hide_input=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.read()
    )
    version = control.set_secret(state_here(), name, value)
    if as_json:
        json_out({"name": name, "version": version})
    else:
        say(f"Stored {name}, version {version}. Use it as store:{name}.")


@secrets.command("list")
@json_option
@place_options
def list_(as_json: bool) -> None:
    """List stored secrets (version, last characters, fingerprint, use), and those of outside stores with their age."""
    from trunkline.control import secrets as control
    from trunkline.ops import stores

    state = state_here()
    known, outside = control.list_secrets(state), stores.told(stores.read(state.path), time.time())
    if as_json and outside:
        json_out([*known, *outside])
        return
    if known or as_json or not outside:
        _print(known, as_json, "No secrets yet. Store one: trunkline secrets set NAME")
    if outside:
        columns = ("reference", "version", "state", "age", "problem")
        rows = [
            (one["ref"], one["version"], one["state"], _age(one["age_s"]), one["problem"]) for one in outside
        ]
        table(columns, rows, empty="")


@secrets.command()
@click.argument("name")
@json_option
@place_options
def versions(name: str, as_json: bool) -> None:
    """List the versions of one secret, oldest first."""
    from trunkline.control import secrets as control

    _print(control.versions(state_here(), name), as_json, "")


@secrets.command()
@click.argument("name")
@click.argument("version", type=int, required=False)
@json_option
@place_options
def revert(name: str, version: int | None, as_json: bool) -> None:
    """Make an older version current again; the one before unless told."""
    from trunkline.control import secrets as control

    chosen = control.revert(state_here(), name, version)
    if as_json:
        json_out({"name": name, "version": chosen})
    else:
        say(f"{name} is version {chosen} again.")


@secrets.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Even if an integration uses it.")
@place_options
def remove(name: str, force: bool) -> None:
    """Erase all versions of a secret for good."""
    from trunkline.control import secrets as control

    control.remove(state_here(), name, force=force)
    say(f"Removed {name}.")


@secrets.command()
@click.argument("ref")
@click.option("--reason", default="", help="Kept in the audit log.")
@place_options
def revoke(ref: str, reason: str) -> None:
    """Refuse a credential everywhere within 2 seconds, e.g. `env:STRIPE_SECRET_KEY`, and end the calls that run with it.

    Works without console and database. A pool goes on with its other members; nothing is erased. Revoke it at the vendor too.
    """
    subject = _reference(ref)
    from trunkline.control import kills

    state = state_here()
    kills.append(state, "credential", subject, why=reason)
    say(
        f"Revoked {subject}: calls that need it are answered `secret_unavailable`. `trunkline secrets revive {subject}` undoes it."
    )
    if later := kills.told(state):
        say(later)


@secrets.command(hidden=True)
@click.argument("ref")
@place_options
@click.pass_context
def kill(context: click.Context, ref: str) -> None:
    """The former name of `revoke`."""
    context.invoke(revoke, ref=ref)


@secrets.command()
@click.argument("ref")
@place_options
def revive(ref: str) -> None:
    """Let a revoked credential be used again."""
    from trunkline.control import kills

    subject = _reference(ref)
    state = state_here()
    kills.append(state, "credential", subject, dead=False)
    say(f"{subject} may be used again.")
    if later := kills.told(state):
        say(later)


@secrets.command("rotate-master")
@click.option(
    "--new-key-file",
    type=click.Path(exists=True, dir_okay=False),
    help="The new key, if it is handed in from outside.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@place_options
def rotate_master(new_key_file: str | None, yes: bool) -> None:
    """Wrap everything with a new master key. Older backups need the old key: keep it as long as you keep them."""
    from pathlib import Path

    from trunkline.control import secrets as control
    from trunkline.plugins.secrets import masterkey

    if not yes and sys.stdin.isatty():
        click.confirm("Rotate the master key? Backups made before need the old one.", abort=True, err=True)
    new_key = masterkey.read_file(Path(new_key_file)) if new_key_file else None
    say(f"The master key is now {control.rotate_master(state_here(must_exist=True), new_key)}.")
    if new_key_file:
        say("Hand in the new key (TRUNKLINE_MASTER_KEY or _FILE) and start Trunkline again.")


for _command in (import_, rotate, rotations, impact, verify):
    secrets.add_command(_command)


def _age(seconds: float | None) -> str:
    from trunkline.ops.stores import age_words

    return "" if seconds is None else age_words(seconds)


def _reference(text: str) -> str:
    from trunkline.core.outside import SCHEMES

    scheme, colon, rest = text.partition(":")
    if not colon or not rest or scheme not in ("env", "file", "store", *SCHEMES):
        raise click.BadParameter(
            f"{text!r} must be a reference, e.g. env:STRIPE_SECRET_KEY or store:CRM_TOKEN", param_hint="REF"
        )
    return text


def _print(known: list[SecretInfo], as_json: bool, empty: str) -> None:
    if as_json:
        json_out(known)
        return
    columns = ("name", "version", "current", "ends with", "fingerprint", "created", "used by")
    rows = [
        (
            s.name,
            s.version,
            "yes" if s.current else "",
            s.last4,
            s.fingerprint,
            s.created_at,
            " ".join(s.used_by),
        )
        for s in known
    ]
    table(columns, rows, empty=empty)
