"""`trunkline contracts`: the shapes of vendors' APIs as they are used: what is known, what has changed, accepting it, readings.

Not for: checks and cassettes (`contract_tests.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.contract_compare import compare
from trunkline.cli.contract_place import lock_here, lock_path, snapshot_here
from trunkline.cli.contract_tests import record, replay, test
from trunkline.cli.main import Subcommands
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table
from trunkline.cli.who import by_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trunkline.core.service import Service, Snapshot
    from trunkline.ops.contracts.change import Change
    from trunkline.ops.contracts.merge_lock import Moved, Step

OPERATION_COLUMNS = ("integration", "operation", "state", "learned", "since", "changes")
CHANGE_COLUMNS = ("integration", "operation", "harm", "change", "evidence")
REVIEW_COLUMNS = ("integration", "state", "last", "by", "due", "changelog")


@click.group(cls=Subcommands, invoke_without_command=True)
@json_option
@place_options
@click.pass_context
def contracts(context: click.Context, as_json: bool) -> None:
    """What the APIs that you use look like, and whether that has changed.

    Shapes are learned from sampled calls or from OpenAPI files, and accepted into trunkline.lock beside the registry, which you
    commit. Without a command, all operations that are known.
    """
    if context.invoked_subcommand is None:
        _list((), as_json)


@contracts.command("list")
@click.argument("integrations", nargs=-1)
@json_option
@place_options
def list_(integrations: tuple[str, ...], as_json: bool) -> None:
    """Known operations: how much of each was seen, what has changed."""
    _list(integrations, as_json)


@contracts.command()
@click.argument("integrations", nargs=-1)
@click.option(
    "--openapi",
    metavar="FILE",
    help="Compare the lock with a description of ONE integration instead of calls.",
)
@click.option("--strict", is_flag=True, help="Harmless changes count, too.")
@json_option
@place_options
def check(integrations: tuple[str, ...], openapi: str | None, strict: bool, as_json: bool) -> int:
    """Compare what was seen (or a vendor's newest description) with the lock.

    Exit codes: 0 nothing, 1 something has changed that breaks or endangers callers, 3 the lock or the description is invalid.
    """
    from trunkline.ops.contracts.change import HARMS

    found = _described_changes(integrations, openapi) if openapi else _seen_changes(integrations)
    least = HARMS.index("harmless" if strict else "risky")
    failed = [row for row in found if HARMS.index(row["harm"]) >= least]
    if as_json:
        json_out({"ok": not failed, "changes": found})
    else:
        table(
            CHANGE_COLUMNS,
            [[row[column] for column in CHANGE_COLUMNS] for row in found],
            empty="Nothing has changed.",
        )
        _cures(failed, openapi)
    return exits.FAILED if failed else exits.OK


def _cures(failed: list[dict[str, Any]], openapi: str | None) -> None:
    """What to do about what was found."""
    names = {row["integration"] for row in failed if row["kind"] != "version"}
    if names and openapi:
        say(f"If it is right: `trunkline contracts learn {min(names)} --openapi {openapi}`.")
    elif names:
        say("Look at it with `trunkline contracts diff`; if it is right, `trunkline contracts accept`.")
    for row in failed:
        if row["kind"] == "version":
            say(f"If it is right: `trunkline contracts learn {row['integration']}`.")


@contracts.command()
@click.argument("integration", required=False, default="")
@click.argument("operations", nargs=-1)
@json_option
@place_options
def diff(integration: str, operations: tuple[str, ...], as_json: bool) -> int:
    """Show what `accept` would change in the lock. Exit code 1 if it would change anything."""
    steps, repinned = _steps(integration, operations), _repinned(integration)
    if as_json:
        json_out([*(_step(step, difference=True) for step in steps), *map(_moved, repinned)])
    else:
        for one in repinned:
            click.echo(f"{one.integration}: {_told(one)}")
        for step in steps:
            _show_step(step)
        if not steps and not repinned:
            say("The lock is as what was seen.")
    return exits.FAILED if steps or repinned else exits.OK


@contracts.command()
@click.argument("integration", required=False, default="")
@click.argument("operations", nargs=-1)
@by_option
@json_option
@place_options
def accept(integration: str, operations: tuple[str, ...], who: str, as_json: bool) -> int:
    """Take changes, and operations that are new, over into trunkline.lock; all of them, or those named."""
    return _write(_steps(integration, operations), who, "contract.accept", as_json, _repinned(integration))


@contracts.command()
@click.argument("integration", required=False, default="")
@click.argument("operations", nargs=-1)
@click.option(
    "--openapi", metavar="FILE", help="Learn from an OpenAPI description (JSON or YAML) of INTEGRATION."
)
@click.option("--all", "everything", is_flag=True, help="With --openapi: every operation of the description.")
@by_option
@json_option
@place_options
def learn(
    integration: str,
    operations: tuple[str, ...],
    openapi: str | None,
    everything: bool,
    who: str,
    as_json: bool,
) -> int:
    """Write everything that was seen into trunkline.lock, or what an OpenAPI description says of the operations in use."""
    if openapi:
        steps = _from_description(integration, openapi, everything)
        if operations:
            steps = [step for step in steps if step.operation in operations]
    else:
        steps = _steps(integration, operations, anew=True)
    return _write(steps, who, "contract.learn", as_json, _repinned(integration))


@contracts.command()
@click.argument("integration", required=False, default="")
@click.option("--note", metavar="TEXT", default="", help="What the changelog means for you.")
@by_option
@json_option
@place_options
def review(integration: str, note: str, who: str, as_json: bool) -> None:
    """Record that you have read the changelog of INTEGRATION; without one, show when each was read and is due."""
    from trunkline.control import contracts as control

    state, snapshot = state_here(must_exist=True), snapshot_here()
    if not integration:
        _show_reviews(control.latest(state), snapshot, as_json)
        return
    made = control.review(state, snapshot, integration, who, note)
    if as_json:
        json_out(made)
    else:
        say(f"Recorded: {who} has read the changelog of {integration}.")


def _steps(integration: str, operations: Sequence[str], *, anew: bool = False) -> list[Step]:
    from trunkline.control import contracts as control

    state = state_here()
    names = [integration] if integration else []
    services = snapshot_here().services if settings_here().config_path.exists() else ()
    found = control.steps(state.path, lock_here(), names, operations, anew=anew, services=services)
    if integration and not found:
        _must_be_known(integration)
    return found


def _must_be_known(integration: str) -> Service:
    """An integration of the registry. Raises ContractProblem."""
    from trunkline.control.contracts import ContractProblem
    from trunkline.core.text import nearest

    services = snapshot_here().services
    found = next((service for service in services if service.name == integration), None)
    if found is None:
        near = nearest(integration, [service.name for service in services])
        raise ContractProblem(
            f"There is no integration {integration!r}." + (f" Did you mean {near!r}?" if near else "")
        )
    return found


def _from_description(integration: str, file: str, everything: bool) -> list[Step]:
    from trunkline.cli.descriptions import described_of, named_here
    from trunkline.ops.contracts import merge_lock

    if not integration:
        raise click.UsageError(
            "Name the integration that the description is of: contracts learn stripe --openapi FILE."
        )
    service = _must_be_known(integration)
    names = named_here(service, file, lock_here(), state_here(), everything=everything)
    if not names:
        say(
            f"{file} describes nothing of {integration} that is in use: an operation that the registry declares, that is locked, or that "
            "was called. --all takes every one that it describes."
        )
    return list(merge_lock.from_description(lock_here(), service, described_of(file, names), names))


def _described_changes(integrations: Sequence[str], file: str) -> list[dict[str, Any]]:
    from trunkline.cli.descriptions import against_lock, paths
    from trunkline.control.contracts import ContractProblem

    if len(integrations) != 1:
        raise click.UsageError("With --openapi name the one integration that it describes.")
    (integration,) = integrations
    service, lock = _must_be_known(integration), lock_here()
    outlined = paths(file)
    if integration not in lock.integrations:
        raise ContractProblem(
            f"Nothing of {integration} is in {lock_path()}, so that the {len(outlined)} operations of {file} cannot be compared with it. "
            f"Write it first: trunkline contracts learn {integration} --openapi {file}"
        )
    return [_row(integration, name, change) for name, change in against_lock(service, file, lock)]


def _seen_changes(integrations: Sequence[str]) -> list[dict[str, Any]]:
    """Changes of everything that was seen, and versions that were pinned since the lock was written."""
    from trunkline.ops.contracts import lock as locks
    from trunkline.ops.contracts import store

    lock, state = lock_here(), state_here()
    for name in integrations:
        _must_be_known(name)
    found = []
    for name, book in store.books(state.path):
        if integrations and name not in integrations:
            continue
        for operation, known in sorted(book.operations.items()):
            locked = locks.found(lock, name, operation)
            if locked is not None and locks.mark_of(locked) != known.accepted:
                known.accept(locks.contract_of(locked), "")  # the console has not seen this lock yet
            found += [_row(name, operation or "errors", change) for change in known.changes()]
    return found + [_moved(one) for one in _repinned(*integrations)]


def _repinned(*integrations: str) -> list[Moved]:
    """Integrations that are pinned to another version than their lock is of."""
    from trunkline.ops.contracts.merge_lock import moved

    if not settings_here().config_path.exists():
        return []
    return moved(lock_here(), snapshot_here().services, [name for name in integrations if name])


def _moved(one: Moved) -> dict[str, Any]:
    return {
        "integration": one.integration, "operation": "", "harm": "risky", "change": _told(one), "evidence": "", "place": "",
        "kind": "version",
    }  # fmt: skip


def _told(one: Moved) -> str:
    return f"version: the lock is of {one.was or 'none'}, pinned is {one.now or 'none'}"


def _row(integration: str, operation: str, change: Change) -> dict[str, Any]:
    return {
        "integration": integration,
        "operation": operation,
        "harm": change.harm,
        "change": change.title,
        "evidence": change.evidence,
        "place": f"{change.part} {change.place}".strip(),
        "kind": change.kind,
    }


def _write(steps: list[Step], who: str, action: str, as_json: bool, repinned: Sequence[Moved]) -> int:
    from trunkline.control import contracts as control

    state = state_here()
    if not steps and not repinned:
        if as_json:
            json_out([])
        else:
            say(
                "Nothing to write: the lock is as what is known. Shapes are learned from sampled calls, or with --openapi."
            )
        return exits.OK
    path = lock_path()
    control.write(state, path, lock_here(), steps, snapshot_here(), who, action, repinned)
    control.resolve(state, steps, who)
    if as_json:
        json_out([*(_step(step, difference=False) for step in steps), *map(_moved, repinned)])
    else:
        for one in repinned:
            click.echo(f"{one.integration}: version {one.was or 'none'} -> {one.now or 'none'}")
        for step in steps:
            word = "new" if step.old is None else _counted(len(step.changes))
            click.echo(f"{step.integration} {step.operation or 'errors'}: {word}")
        say(f"Written: {path}. Commit it.")
    return exits.OK


def _counted(changes: int) -> str:
    return {0: "counts only", 1: "1 change"}.get(changes, f"{changes} changes")


def _step(step: Step, *, difference: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "integration": step.integration,
        "operation": step.operation or "errors",
        "new": step.old is None,
        "changes": [_row(step.integration, step.operation or "errors", change) for change in step.changes],
    }
    return {**told, "difference": step.difference} if difference else told


def _show_step(step: Step) -> None:
    click.echo(f"{step.integration} {step.operation or 'errors'}" + (" (new)" if step.old is None else ""))
    for change in step.changes:
        click.echo(f"  {change.harm}: {change.title}; {change.evidence}")
    click.echo("\n".join(f"    {line}" for line in step.difference.splitlines()[:200]))


def _list(integrations: Sequence[str], as_json: bool) -> None:
    from trunkline.ops.contracts import overview
    from trunkline.ops.contracts.watch import LEARNED_UNITS

    lock, names = lock_here(), _names()
    rows = overview.rows(state_here().path, lock, names, integrations)
    for name in set(integrations) - {row.integration for row in rows}:
        _must_be_known(name)
    if as_json:
        json_out(rows)
        return
    empty = "No operation is known yet. Shapes are learned from calls, or with `trunkline contracts learn NAME --openapi FILE`."
    table(
        OPERATION_COLUMNS,
        [[getattr(row, column) for column in OPERATION_COLUMNS] for row in rows],
        empty=empty,
    )
    if any(row.state == "learning" for row in rows):
        say(
            f"Learning ends after {LEARNED_UNITS} units (what one caller got within a minute; calls are sampled). "
            "`trunkline contracts learn` writes down what was seen so far."
        )


def _names() -> Iterable[str]:
    there = settings_here().config_path.exists()
    return [service.name for service in snapshot_here().services] if there else []


def _show_reviews(last: dict[str, Any], snapshot: Snapshot, as_json: bool) -> None:
    from datetime import UTC, datetime

    from trunkline.ops.contracts.reviews import standings

    known = standings(snapshot, last, datetime.now(UTC).date())
    if as_json:
        json_out(known)
        return
    rows = [[one.integration, one.state, one.last, one.who, one.due, one.changelog] for one in known]
    table(REVIEW_COLUMNS, rows, empty="No integration has a changelog.")
    if any(one.state == "unscheduled" for one in known):
        say(
            "Without a schedule nothing becomes due: add `contract: {review: 90d}` to an integration or to `defaults`."
        )


for one in (test, record, replay, compare):
    contracts.add_command(one)
