"""`trunkline contracts test|record|replay`: declared checks against a vendor's sandbox or cassettes, recording, serving what was recorded.

Not for: what a check means (`ops/contracts/checks.py`), nor for the group (`contracts.py`).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.contract_place import lock_here
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say, table

if TYPE_CHECKING:
    from trunkline.cli.contract_calls import Caller
    from trunkline.ops.contracts.cassette import Cassette
    from trunkline.ops.contracts.checks import Check, Outcome

FILES = click.argument("files", nargs=-1, type=click.Path(path_type=Path))
CASSETTES = click.option(
    "--cassettes",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="contracts/cassettes beside the registry unless told.",
)


@click.command()
@FILES
@click.option("--recorded", is_flag=True, help="Judge the cassettes; nothing is called.")
@click.option("--serve", "starts", is_flag=True, help="Start a Trunkline for the time of the checks; for CI.")
@click.option(
    "--simulate-missing", is_flag=True, help="With --serve: vendors whose secret is missing are simulated."
)
@click.option("--only", metavar="TEXT", default="", help="Checks whose name holds this.")
@CASSETTES
@json_option
@place_options
def test(
    files: tuple[Path, ...],
    recorded: bool,
    starts: bool,
    simulate_missing: bool,
    only: str,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Run declared checks (contracts/*.yaml beside the registry) against the vendors' sandboxes, or what was recorded.

    Calls go through the running gateway, so that version and credential are those of the registry. Exit codes: 0 all hold, 1 one
    does not, 3 a file is invalid, 7 nothing runs.
    """
    from trunkline.ops.contracts.checks import judged

    checks, lock = _checks(files, only), lock_here()
    outcomes: list[Outcome] = []
    with _answering(recorded, starts, simulate_missing, folder) as answer:
        for check in checks:
            outcomes.append(judged(check, answer(check), lock, operation_of(check, lock)))
            if not as_json:
                _show(outcomes[-1])
    failed = sum(not outcome.passed for outcome in outcomes)
    if as_json:
        json_out({"ok": not failed, "checks": outcomes})
    else:
        say(f"{len(outcomes) - failed} of {len(outcomes)} checks hold.")
    return exits.FAILED if failed else exits.OK


@click.command()
@FILES
@click.option(
    "--call", "target", nargs=2, metavar='NAME "METHOD /path"', help="Record this call instead of checks."
)
@click.option("-d", "--data", metavar="TEXT", default="", help="With --call: the request body.")
@click.option("--name", metavar="NAME", default="", help="With --call: the name of the cassette.")
@click.option("--only", metavar="TEXT", default="", help="Checks whose name holds this.")
@click.option("--serve", "starts", is_flag=True, help="Start a Trunkline for the time of the calls.")
@click.option(
    "--simulate-missing", is_flag=True, help="With --serve: vendors whose secret is missing are simulated."
)
@CASSETTES
@json_option
@place_options
def record(
    files: tuple[Path, ...],
    target: tuple[str, str] | None,
    data: str,
    name: str,
    only: str,
    starts: bool,
    simulate_missing: bool,
    folder: Path | None,
    as_json: bool,
) -> int:
    """Make the calls of declared checks (or one --call) and keep their answers as cassettes.

    Credentials are never kept; ids, texts, names and addresses are replaced by others of the same form. Streams keep their timing.
    """
    from trunkline.ops.contracts import cassette

    wanted = _checks(files, only) if target is None else [_call(target, name, data)]
    made: list[tuple[Path, Cassette]] = []
    with _calling(starts, simulate_missing) as caller:
        for check in wanted:
            one = caller.recorded(check)
            path = cassette.path_of(folder or _folder(), check.integration, check.name)
            cassette.write(path, one)
            made.append((path, one))
            if not as_json:
                told = " (simulated)" if one.simulated else ""
                say(f"{one.response.status} {path}{told}")
    if as_json:
        json_out(
            [
                {"path": str(path), "status": one.response.status, "simulated": one.simulated}
                for path, one in made
            ]
        )
    return exits.OK


def _call(target: tuple[str, str], name: str, data: str) -> Check:
    """What --call asks for, as a check."""
    from trunkline.ops.contracts.cassette import name_of
    from trunkline.ops.contracts.checks import Check, is_call

    if not is_call(target[1]):
        raise click.UsageError(
            f'--call takes an integration and "METHOD /path"; {target[1]!r} is none. '
            f'Example: --call {target[0]} "GET /v1/models"'
        )
    return Check(name=name or name_of(target[1]), call=target[1], integration=target[0], body=data or None)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes any free one."
)
@click.option(
    "--speed",
    type=click.FloatRange(0, 1000),
    default=1.0,
    show_default=True,
    help="10: ten times as fast; 0: at once.",
)
@click.option("--prefix", metavar="PATH", default="", help="Path before all recorded ones.")
@click.option("--assert", "judges", is_flag=True, help="Do not serve: judge every cassette against the lock.")
@json_option
@place_options
def replay(files: tuple[Path, ...], port: int, speed: float, prefix: str, judges: bool, as_json: bool) -> int:
    """Serve cassettes as a local vendor, with the timing that was recorded; point an integration's base_url at it.

    Ends with Ctrl-C, then with exit code 1 if a request came that no cassette answers.
    """
    from trunkline.ops.contracts import cassette

    found = cassette.folder(files or ([_folder()] if _folder().exists() else []))
    if not found:
        say(f"There are no cassettes in {_folder()}. Make some with `trunkline contracts record`.")
        return exits.FAILED
    if judges:
        return _assert(found, as_json)
    return _serve([one for _, one in found], port, speed, prefix, as_json)


def _serve(cassettes: Sequence[Cassette], port: int, speed: float, prefix: str, as_json: bool) -> int:
    import asyncio
    import signal

    from trunkline.control.contracts import ContractProblem
    from trunkline.ops.contracts.replay import Player, Replay

    player = Player(cassettes, prefix=prefix)

    async def run() -> None:
        replay, stop = Replay(player, speed=speed), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            await replay.start("127.0.0.1", port)
        except OSError as problem:
            raise ContractProblem(
                f"Port {port} cannot be had ({os.strerror(problem.errno or 0)}). Give another with --port; 0 takes any free one."
            ) from None
        told = f"http://127.0.0.1:{replay.port}{prefix}"
        json_out({"url": told, "port": replay.port, "cassettes": len(cassettes)}) if as_json else say(
            f"Serving {len(cassettes)} cassettes at {told} (Ctrl-C ends)."
        )
        sys.stdout.flush()
        await stop.wait()
        await replay.stop()

    asyncio.run(run())
    for missed in player.missed:
        near = f"; nearest is {missed.nearest}" if missed.nearest else ""
        say(f"No cassette answered {missed.method} {missed.target}{near}")
    return exits.FAILED if player.missed else exits.OK


def _assert(found: Sequence[tuple[Path, Cassette]], as_json: bool) -> int:
    from trunkline.ops.contracts.checks import Check, Expect, judged
    from trunkline.ops.contracts.single import Answer

    lock, outcomes = lock_here(), []
    for path, one in found:
        target = one.request.path + (f"?{one.request.query}" if one.request.query else "")
        statuses = [one.response.status]
        expect = Expect(status=statuses, shape="lock")
        check = Check(
            name=one.name,
            call=f"{one.request.method} {target}",
            integration=one.integration,
            expect=expect,
            file=str(path),
        )
        answer = Answer(status=one.response.status, headers=one.response.headers, body=one.response.body)
        outcomes.append(judged(check, answer, lock, operation_of(check, lock)))
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if as_json:
        json_out({"ok": not failed, "cassettes": outcomes})
    else:
        rows = [
            [outcome.integration, outcome.check, problem]
            for outcome in failed
            for problem in outcome.problems
        ]
        table(
            ("integration", "cassette", "problem"),
            rows,
            empty=f"All {len(outcomes)} cassettes are as the lock says.",
        )
    return exits.FAILED if failed else exits.OK


@contextlib.contextmanager
def _answering(recorded: bool, starts: bool, simulate: bool, folder: Path | None) -> Iterator[Any]:
    """Gives the answer to a check: a recorded one, or that of a call."""
    if not recorded:
        with _calling(starts, simulate) as caller:
            yield caller.answer
        return
    from trunkline.ops.contracts import cassette
    from trunkline.ops.contracts.single import Answer

    def kept(check: Check) -> Answer:
        one = cassette.read(cassette.path_of(folder or _folder(), check.integration, check.name))
        return Answer(status=one.response.status, headers=one.response.headers, body=one.response.body)

    yield kept


@contextlib.contextmanager
def _calling(starts: bool, simulate: bool) -> Iterator[Caller]:
    from trunkline.cli.contract_calls import Caller, started
    from trunkline.cli.running import local_key
    from trunkline.control.running import NotRunning, running_facts

    if starts:
        with started(settings_here(), os.environ, simulate=simulate) as caller:
            yield caller
        return
    state = state_here()
    try:
        facts = running_facts(state)
    except NotRunning as problem:
        raise NotRunning(f"{problem} With --serve, one is started for the time of this command.") from None
    with local_key(state, ["*"]) as key:
        yield Caller(state, facts, key)


def operation_of(check: Check, lock: Any) -> str:
    """The name under which a check's operation stands in the lock; empty if it does not."""
    from trunkline.ops.contracts.openapi import fits

    one = lock.integrations.get(check.integration)
    if one is None:
        return ""
    if check.operation:
        return check.operation if check.operation in one.operations else ""
    path = check.target.partition("?")[0]
    for name, operation in sorted(one.operations.items()):
        method, _, template = operation.call.partition(" ")
        if method == check.method and fits(template, path):
            return str(name)
    return ""


def _checks(files: Sequence[Path], only: str) -> list[Check]:
    from trunkline.ops.contracts import checks

    folder = settings_here().config_path.parent / checks.FOLDER
    paths = list(files) or sorted(folder.glob("*.yaml"))
    if not paths:
        raise checks.ChecksInvalid(
            f"There are no checks in {folder}. `docs/how-to/contracts.md` shows how to write some."
        )
    found = [check for path in paths for check in checks.read(path)]
    for double in checks.doubles(found):
        raise checks.ChecksInvalid(double)
    wanted = [check for check in found if only.lower() in check.name.lower()]
    if not wanted:
        names = ", ".join(repr(check.name) for check in found) or "none"
        raise checks.ChecksInvalid(f"No check has {only!r} in its name. There are: {names}.")
    return wanted


def _folder() -> Path:
    from trunkline.ops.contracts.cassette import FOLDER
    from trunkline.ops.contracts.checks import FOLDER as CHECKS

    return settings_here().config_path.parent / CHECKS / FOLDER


def _show(outcome: Outcome) -> None:
    click.echo(f"{'ok  ' if outcome.passed else 'FAIL'}  {outcome.integration}  {outcome.check}")
    for problem in outcome.problems:
        click.echo(f"        {problem}")
