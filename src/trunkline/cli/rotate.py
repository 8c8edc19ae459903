"""`trunkline secrets rotate` and `secrets impact`: one credential replaced safely, and who would break without it.

The running Trunkline does the steps; here they are begun, watched and decided. Not for: the other commands of secrets (`secrets.py`).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import fancy, json_out, say, table
from trunkline.control.running import NotRunning, supervisor_pid

if TYPE_CHECKING:
    from trunkline.control.impact import Impact, UsedBy
    from trunkline.control.rotation import Rotation
    from trunkline.control.state import State

POLL_S = 0.3
WAIT_S = 120.0


@click.command()
@click.argument("name")
@click.option(
    "--from", "source", type=click.Path(dir_okay=False), help="File with the new value; else stdin."
)
@click.option(
    "--value-from-stdin",
    is_flag=True,
    help="Read the new value from stdin (so it is anyway without a terminal).",
)
@click.option(
    "--quiet", default="10m", show_default=True, help="So long without use the old version counts as idle."
)
@click.option("--hold", is_flag=True, help="Verify, then wait for --promote.")
@click.option("--unverified", is_flag=True, help="Promote without a call that proves the new version.")
@click.option("--wait", is_flag=True, help="Wait until the new version serves, or cannot.")
@click.option("--status", "act", flag_value="status", help="Where the rotation stands.")
@click.option("--promote", "act", flag_value="promote", help="Let the new version serve now.")
@click.option("--rollback", "act", flag_value="undo", help="Let the old version serve again, and end.")
@click.option("--abort", "act", flag_value="undo", help="The same.")
@click.option(
    "--finish",
    "act",
    flag_value="finish",
    help="The old version is revoked at the vendor: erase it, and end.",
)
@json_option
@place_options
def rotate(
    name: str,
    source: str | None,
    value_from_stdin: bool,
    quiet: str,
    hold: bool,
    unverified: bool,
    wait: bool,
    act: str | None,
    as_json: bool,
) -> int:
    """Replace a credential safely: add the new version, prove it with a free call, promote, watch, give the old one up.

    E.g. `printf %s "$NEW" | trunkline secrets rotate STRIPE`. The old version serves until the new one is proved; every step
    can be undone with --rollback until the old one is given up. It goes on by itself, also after a restart.

    NAME may be a reference in an outside store, e.g. `vault:secret/stripe#key`: then put the new value into that store afterwards;
    it does not serve before it is proved.
    """
    from trunkline.control import rotations
    from trunkline.core.outside import is_outside

    state = state_here(must_exist=True)
    name = name.removeprefix("store:")
    if act is not None:
        one = _decide(state, name, act, as_json, unverified)
    elif is_outside(name):
        if source or value_from_stdin:
            raise click.UsageError(
                f"The new value of {name} is put into its own store, once the rotation is begun."
            )
        one = rotations.begin_outside(state, name, quiet_s=_seconds(quiet), hold=hold, unverified=unverified)
    else:
        value = _value(name, source, value_from_stdin)
        _judge(state, name, value)
        one = rotations.begin(state, name, value, quiet_s=_seconds(quiet), hold=hold, unverified=unverified)
    if wait and act is None:
        one = _waited(state, one)
    _show(one, as_json)
    if act is None and not as_json:
        _say_who_goes_on(state)
    return exits.FAILED if one.stuck or (wait and one.state == "rolled_back") else exits.OK


@click.command()
@json_option
@place_options
def rotations(as_json: bool) -> None:
    """When each credential is due to be replaced, and the rotations that are under way or were."""
    from trunkline.control import rotations as control
    from trunkline.control.rotation import words
    from trunkline.ops import rotation_due

    state = state_here(must_exist=True)
    known, due, now = control.listed(state), rotation_due.read(state.path), time.time()
    if as_json:
        json_out({"rotations": known, "schedules": rotation_due.told(due)})
        return
    columns = ("credential", "integration", "state", "last", "due", "rotation")
    rows = [
        (
            one.ref,
            one.integration,
            one.state,
            rotation_due.day_of(one.last_at),
            rotation_due.day_of(one.due_at),
            one.rotating,
        )
        for one in due
    ]
    table(columns, rows, empty="No credential is in use yet, or Trunkline has not run here.")
    for one in known[:10]:
        say(f"{one.name}: {words(one, now)}")


@click.command()
@click.argument("name")
@click.option("--since", default="7d", show_default=True, help="How far back to look.")
@json_option
@place_options
def impact(name: str, since: str, as_json: bool) -> None:
    """Who breaks if a credential is revoked: integrations, callers, teams, features, deferred calls, with counts and last use.

    NAME is a stored secret, or any reference, e.g. env:STRIPE_SECRET_KEY.
    """
    from trunkline.control import impact as control

    found = control.impact(state_here(must_exist=True), name, days=_seconds(since) / 86_400)
    if as_json:
        json_out(found)
    else:
        _print_impact(found)


def _decide(state: State, name: str, act: str, as_json: bool, unverified: bool) -> Rotation:
    from trunkline.control import rotations
    from trunkline.control.rotation import words
    from trunkline.control.rotations import RotationProblem
    from trunkline.ledger.credentials import Credentials

    one = rotations.running(state, name)
    if act == "status":
        known = rotations.listed(state, name=name)
        if not known:
            raise RotationProblem(
                f"There was no rotation of {name} yet. Begin one: trunkline secrets rotate {name}"
            )
        return known[0]
    if one is None:
        raise RotationProblem(
            f"There is no rotation of {name} under way. Begin one: trunkline secrets rotate {name}"
        )
    if act == "promote":
        if one.state == "added" and not unverified:
            raise RotationProblem(
                f"Version {one.to_version} of {name} is not proved: {words(one, time.time())} To promote it all the same: "
                f"trunkline secrets rotate {name} --promote --unverified"
            )
        place = Credentials(state.ledger).place()
        return rotations.promote(state, one, place, actor="cli")
    if act == "undo":
        return rotations.undo(state, one, "asked by a person")
    if one.state == "promoted" and not as_json and sys.stdin.isatty():
        click.confirm(
            f"Version {one.from_version} was used within the last {one.quiet_s:.0f} s, and cannot be brought back then. Finish?",
            abort=True,
            err=True,
        )
    return rotations.finish(state, one, "asked by a person")


def _value(name: str, source: str | None, from_stdin: bool) -> str:
    if source is not None and from_stdin:
        raise click.UsageError("Give --from or --value-from-stdin, not both.")
    if source is not None:
        try:
            return Path(source).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise click.BadParameter(
                f"{source} cannot be read ({type(problem).__name__})", param_hint="--from"
            ) from None
    if not from_stdin and sys.stdin.isatty():
        found: str = click.prompt(f"New value of {name}", hide_input=True, err=True)
        return found
    return sys.stdin.read()


def _judge(state: State, name: str, value: str) -> None:
    """A key of the wrong kind is refused before anything is stored (R9)."""
    from trunkline.control import published
    from trunkline.control.rotations import RotationProblem
    from trunkline.registry import catalog

    snapshot = published.read_snapshot(state)
    for service in snapshot.services if snapshot is not None else []:
        if service.vendor and any(one.ref == f"store:{name}" for one in service.credentials):
            environment = settings_here().env
            problem = catalog.key_problem(catalog.entry(service.vendor), environment, value.strip())
            if problem:
                raise RotationProblem(f"{service.name}: {problem} Nothing was stored.")


def _waited(state: State, one: Rotation) -> Rotation:
    """Until it serves, is stuck or has ended; at most two minutes."""
    from trunkline.control import rotations

    until = time.monotonic() + WAIT_S
    supervisor_pid(state)  # nobody would go on
    while (
        one.state in ("awaiting", "added", "verified")
        and not one.stuck
        and not (one.state == "verified" and one.hold)
    ):
        if time.monotonic() > until:
            break
        time.sleep(POLL_S)
        one = next(found for found in rotations.listed(state, name=one.name) if found.id == one.id)
        if fancy():
            click.echo(f"\r{one.state} ...", err=True, nl=False)
    return one


def _show(one: Rotation, as_json: bool) -> None:
    from trunkline.control.rotation import words

    if as_json:
        json_out({**_plain(one), "said": words(one, time.time())})
    else:
        say(words(one, time.time()))


def _plain(one: Rotation) -> dict[str, Any]:
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def _say_who_goes_on(state: State) -> None:
    try:
        supervisor_pid(state)
    except NotRunning:
        say("Trunkline is not running here; the rotation goes on as soon as it is.")


def _seconds(text: str) -> float:
    from trunkline.control.periods import seconds

    try:
        return seconds(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None


def _print_impact(found: Impact) -> None:
    if found.verdict == "unused":
        say(f"Nothing uses {found.ref}: not the registry, and no call since {found.since}.")
        return
    partial = " (there was no time to look further back)" if found.partial else ""
    say(
        f"{found.ref}: {found.attempts} attempts since {found.since}{partial}, the last {found.last_used or 'never'}."
    )
    for one in found.integrations:
        what = (
            "fails"
            if one.alone and not one.fallbacks
            else "falls back"
            if one.alone
            else "goes on with its other credentials"
        )
        owner = f", owner {one.owner}" if one.owner else ""
        say(
            f"  {one.integration} ({one.criticality}{owner}) {what}: {', '.join(one.fallbacks) or 'no fallback'}."
        )
    for process in found.processes:
        say(f"  The process {process} gets it (`trunkline run --as {process}`).")
    for other in found.others:
        say(f"  It is used for {other}.")
    if found.tasks:
        say(f"  {found.tasks} deferred calls wait for it.")
    if found.revoked:
        say("  It is revoked here (kill switch) already.")
    if found.rotation:
        say(f"  A rotation is under way: {found.rotation}.")
    for title, group in (
        ("caller", found.by_key),
        ("team", found.by_team),
        ("feature", found.by_feature),
        ("operation or model", found.by_operation),
        ("version", found.by_version),
    ):
        _print_group(title, group)


def _print_group(title: str, group: list[UsedBy]) -> None:
    if any(one.name != "(none)" for one in group):
        rows = [(one.name, one.attempts, one.failed, one.last_used) for one in group[:20]]
        table((title, "attempts", "failed", "last used"), rows, empty="")
