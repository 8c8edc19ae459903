"""`trunkline check` and `trunkline reload`: is the registry right, and put it live."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say
from trunkline.control.running import NotRunning, supervisor_pid

if TYPE_CHECKING:
    from trunkline.control.state import State
    from trunkline.registry.findings import Finding

RELOAD_WAIT_S = 15.0


@click.command()
@json_option
@place_options
def check(as_json: bool) -> int:
    """Validate and lint the registry, without starting anything.

    Exit codes: 0 nothing found, 1 findings, 3 the registry is invalid.
    """
    from trunkline.cli.main import known_commands
    from trunkline.control.lint import findings_of

    settings = settings_here()
    ok, findings = findings_of(settings.config_path, settings.env, os.environ, state_here(), known_commands())
    if as_json:
        json_out({"ok": ok, "file": settings.config, "environment": settings.env, "findings": findings})
    else:
        _print_findings(findings)
        say(_verdict(settings.config, settings.env, ok, findings))
    if not ok:
        return exits.INVALID
    return exits.FAILED if any(finding.severity != "info" for finding in findings) else exits.OK


@click.command()
@json_option
@place_options
def reload(as_json: bool) -> int:
    """Put a changed registry (and changed secrets) live now, and wait until the gateway serves it.

    Refused, with the old one staying live, if the file is invalid or a secret that resolved before no longer does.
    """
    from trunkline.control.reload import read_outcome

    state = state_here(must_exist=True)
    pid = supervisor_pid(state)
    asked = time.time()
    os.kill(pid, signal.SIGHUP)
    deadline = asked + RELOAD_WAIT_S
    while (outcome := read_outcome(state)) is None or outcome.started < asked:
        _wait(deadline, f"The supervisor (pid {pid}) did not answer within {RELOAD_WAIT_S:g} s.")
    if not outcome.ok:
        if as_json:
            json_out(outcome)
        else:
            _print_findings(outcome.errors)
        say(f"Refused; {outcome.version or 'nothing'} stays live.")
        return exits.INVALID
    while not _is_live(state, outcome.version):
        _wait(
            deadline,
            f"Published {outcome.version}, but the gateway has not taken it over; see `trunkline doctor`.",
        )
    if as_json:
        json_out(outcome)
    else:
        say(f"Live: {outcome.version}")
    return exits.OK


def _is_live(state: State, version: str) -> bool:
    """Whether the gateway serves this version with the credentials that are published."""
    from trunkline.control.published import read_sealed
    from trunkline.control.reload import gateway_facts

    facts = gateway_facts(state)
    sealed = read_sealed(state, state.master_key())
    return facts.get("version") == version and (
        sealed is None or facts.get("secrets", sealed.version) == sealed.version
    )


def _wait(deadline: float, otherwise: str) -> None:
    if time.time() > deadline:
        raise NotRunning(otherwise)
    time.sleep(0.02)


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(str(finding))


def _verdict(config: str, environment: str, ok: bool, findings: list[Finding]) -> str:
    if not ok:
        return f"{config} is invalid."
    count = sum(finding.severity != "info" for finding in findings)
    return f"{config} ({environment}) is valid" + (
        f", with {count} finding{'s'[: count - 1]}." if count else "."
    )
