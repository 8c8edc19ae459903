"""`trunkline drill`: proves on an isolated copy that each declared fallback works, and writes a report."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trunkline.cli import exits
from trunkline.cli.place import environment_here, json_option, place_options, settings_here, state_here
from trunkline.cli.show import json_out, say

if TYPE_CHECKING:
    from trunkline.core.service import Snapshot
    from trunkline.ops.drill.report import Report
    from trunkline.settings import Settings

PRODUCTION = "prod"
FOLDER = "drills"
LOW_PRIORITY = 10


class NotInProduction(Exception):
    """Asked for where it is not done; says how it is."""


@click.command()
@click.argument("integration", required=False)
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="Play this fault only; may be repeated."
)
@click.option("--out", metavar="FILE", help="Where the report goes; drills/DATE.md unless told.")
@click.option("--yes", is_flag=True, help="Do not ask before it starts.")
@click.option("--allow-production", is_flag=True, help="Also where TRUNKLINE_ENV is prod or unset.")
@click.option(
    "--live", is_flag=True, help="Drill what is published and live, instead of the registry's file."
)
@click.option("--scheduled", is_flag=True, hidden=True)
@json_option
@place_options
def drill(
    integration: str | None,
    faults: tuple[str, ...],
    out: str | None,
    yes: bool,
    allow_production: bool,
    live: bool,
    scheduled: bool,
    as_json: bool,
) -> int:
    """Prove that fallbacks work: plays vendors' faults to an isolated copy of the registry and writes a report.

    Nothing real is called or billed: the copy has a state folder of its own, made-up credentials and simulated vendors.
    A drill of everything is what `trunkline health` then tells as the last one.

    Exit codes: 0 all passed, 1 something failed, 2 no such integration or fault, 3 the registry is invalid, 4 production,
    7 the copy could not be set up.
    """
    from trunkline.cli.drilling.whole import drilled

    settings = settings_here({"env": environment_here(told_first=True)})
    refuse_production(settings.env, allowed=allow_production, what="Drills")
    snapshot = _published() if live else _registry(settings)
    known = _known(snapshot, integration, faults)
    if not yes and not as_json:
        _asked(known)
    if scheduled:
        os.nice(LOW_PRIORITY)
    report = drilled(snapshot, known, faults, say if not as_json or _watched() else _silent)
    path = _written(report, out, state_here().path / FOLDER if scheduled else Path(FOLDER))
    if integration is None and not faults:
        _remembered(report, path, scheduled)
    if as_json:
        json_out(report)
    else:
        _summed_up(report, path)
    return exits.FAILED if report.result == "fail" else exits.OK


def refuse_production(
    environment: str, *, what: str, allowed: bool = False, cure: str = ", or give --allow-production"
) -> None:
    """Raises NotInProduction unless it is allowed."""
    if environment == PRODUCTION and not allowed:
        raise NotInProduction(
            f"{what} are not for production, and the environment here is prod (so it is unless `serve` or TRUNKLINE_ENV says "
            f"another). Start Trunkline with TRUNKLINE_ENV=staging (or dev){cure}."
        )


def _published() -> Snapshot:
    from trunkline.control.published import read_snapshot
    from trunkline.control.state import StateProblem

    state = state_here(must_exist=True)
    there = read_snapshot(state)
    if there is None:
        raise StateProblem(
            f"Nothing is published in {state.path}. Start `trunkline serve`, or leave --live out."
        )
    return there


def _registry(settings: Settings) -> Snapshot:
    from trunkline.registry.load import load

    return load(settings.config_path, environment=settings.env, environ=os.environ).snapshot


def _known(snapshot: Snapshot, integration: str | None, faults: tuple[str, ...]) -> list[str]:
    """The integrations to drill. Raises UsageError naming what there is."""
    from trunkline.ops.drill.faults import names

    there = [service.name for service in snapshot.services if service.enabled]
    if integration is not None and integration not in there:
        raise click.UsageError(
            f"There is no integration {integration!r}. Known: {', '.join(there) or 'none'}."
        )
    strange = [name for name in faults if name not in names()]
    if strange:
        raise click.UsageError(f"There is no fault {strange[0]!r}. Known: {', '.join(names())}.")
    return [integration] if integration is not None else there


def _asked(names: list[str]) -> None:
    import sys

    if sys.stdin.isatty():
        click.confirm(
            f"Drill {', '.join(names)} on an isolated copy now?", default=True, abort=True, err=True
        )


def _watched() -> bool:
    import sys

    return sys.stderr.isatty()


def _silent(text: str) -> None:
    del text


def _written(report: Report, out: str | None, folder: Path) -> Path:
    from trunkline.ops.drill.report import markdown

    path = Path(out) if out else folder / f"{report.at.replace(':', '')}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(markdown(report))
    return path


def _remembered(report: Report, path: Path, scheduled: bool) -> None:
    """What schedule and health know of it, where there is an installation."""
    from trunkline.core import codec
    from trunkline.ops.drill.last import FILE, KEPT, Last

    state = state_here()
    if not state.path.is_dir():
        return
    last = Last(
        at=time.time(),
        result=report.result,
        took_s=report.took_s,
        counts=report.counts,
        findings=len(report.findings),
        integrations=report.integrations,
        report=str(path.resolve()),
        scheduled=scheduled,
    )
    state.write(state.path / FILE, codec.to_json(last) + b"\n")
    for old in sorted((state.path / FOLDER).glob("*.md"))[:-KEPT]:
        old.unlink(missing_ok=True)


def _summed_up(report: Report, path: Path) -> None:
    for one in report.played:
        if one.result != "pass":
            why = "; ".join(f"{check.name}: {check.said}" for check in one.checks if not check.ok)
            click.echo(f"{one.result.upper():<8} {one.entry}, {one.form}: {one.title}: {why or one.caller}")
    for finding in report.findings:
        click.echo(f"FINDING  {finding.message}")
    with contextlib.suppress(ValueError):
        counts = ", ".join(f"{n} {name}" for name, n in report.counts.items() if n)
        say(
            f"Drill: {report.result} ({counts or 'nothing played'}, {len(report.findings)} findings). Report: {path}"
        )
