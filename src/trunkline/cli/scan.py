"""`trunkline scan`: the same reading as `init`, as a check: credentials outside of the store, undeclared hosts, calls past the proxy.

Not for: writing a registry (`init.py`).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trunkline.cli import exits
from trunkline.cli.place import json_option, place_options, settings_here, state_here
from trunkline.cli.reading import Progress, declared_in, limits_of, limits_options
from trunkline.cli.show import json_out, say

if TYPE_CHECKING:
    from trunkline.ops.scan.baseline import Baseline
    from trunkline.ops.scan.judge import Declared, Problem


@click.command()
@click.argument(
    "folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--baseline",
    "baseline_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Problems that are known; only others count.",
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write all problems there are now as known.",
)
@click.option("--sarif", is_flag=True, help="SARIF 2.1.0 on stdout, for code hosts and editors.")
@click.option("--all", "show_all", is_flag=True, help="Also show what the baseline knows.")
@click.option("--record", is_flag=True, help="Also note the problems as findings of this installation.")
@limits_options
@json_option
@place_options
def scan(
    folder: Path,
    baseline_file: Path | None,
    write_baseline: Path | None,
    sarif: bool,
    show_all: bool,
    record: bool,
    as_json: bool,
    **bounds: Any,
) -> int:
    """Check the project in DIR against its registry; made for CI. No value of a credential is ever shown.

    Exit codes: 0 nothing new, 1 problems (notes of severity info do not count), 2 usage, 3 invalid registry or baseline.
    """
    from trunkline.ops.scan import baseline

    if sarif and as_json:
        raise click.UsageError("Give --json or --sarif, not both.")
    known = baseline.read(baseline_file) if baseline_file else None
    salt = bytes.fromhex(known.salt) if known else baseline.new_salt()
    declared = _declared(folder)
    problems, stopped = _problems(folder, declared, salt, bounds, quiet=as_json or sarif)
    if write_baseline:
        write_baseline.write_text(baseline.text_of(problems, salt), "utf-8")
        say(f"Wrote {len(problems)} known problems to {write_baseline}.")
        return exits.OK
    if known:
        problems = baseline.marked(problems, known)
    _show(problems, declared, known, sarif=sarif, as_json=as_json, show_all=show_all, stopped=stopped)
    if record:
        _record(problems)
    fresh = [problem for problem in problems if not problem.known and problem.severity != "info"]
    return exits.FAILED if fresh or stopped else exits.OK


def _declared(folder: Path) -> Declared:
    """What the registry of the folder says; without one nothing is declared, and only credentials are judged."""
    from trunkline.ops.scan.judge import Declared

    config = settings_here().config_path
    there = config if config.name != "trunkline.yaml" or config.parent != Path() else folder / config
    if there.exists():
        return declared_in(there)
    say(f"There is no registry {there}, so hosts and clients are not judged. `trunkline init` writes one.")
    return Declared(known=False)


def _problems(
    folder: Path, declared: Declared, salt: bytes, bounds: dict[str, Any], *, quiet: bool
) -> tuple[list[Problem], str]:
    """Every problem, and why reading ended early, if it did."""
    from trunkline.ops.scan import gather, judge, plan, services, vendors

    known = vendors.load()
    with Progress(quiet) as progress:
        look = gather.look(folder, vendors=known, salt=salt, limits=limits_of(bounds), said=progress.files)
    found = services.services_of(look.found, known)
    sites = plan.sites_of(look, found, known, "") if declared.known else []
    return judge.problems_of(look.found, found, sites, declared), look.found.skipped.stopped


def _show(
    problems: list[Problem],
    declared: Declared,
    known: Baseline | None,
    *,
    sarif: bool,
    as_json: bool,
    show_all: bool,
    stopped: str,
) -> None:
    from trunkline import __version__
    from trunkline.ops.scan import baseline
    from trunkline.ops.scan.sarif import log

    shown = [problem for problem in problems if show_all or not problem.known]
    gone = baseline.gone(problems, known) if known else []
    if sarif:
        json_out(log(problems, version=__version__, with_baseline=known is not None))
    elif as_json:
        json_out({"problems": shown, "registry": declared.known, "gone": gone, "stopped": stopped or None})
    else:
        for problem in shown:
            mark = " (known)" if problem.known else ""
            click.echo(f"{problem.place}: {problem.severity}[scan.{problem.rule}] {problem.message}{mark}")
    if stopped:
        say(f"Reading ended {stopped}: what lies beyond was not judged. Raise --max-seconds or --max-files.")
    said = _verdict(problems)
    if gone:
        said += f" {len(gone)} of the baseline {'is' if len(gone) == 1 else 'are'} gone; write it anew with --write-baseline."
    say(said)


def _verdict(problems: list[Problem]) -> str:
    from trunkline.ops.scan.judge import RULES

    fresh = [problem for problem in problems if not problem.known]
    known = f" ({len(problems) - len(fresh)} known)" if len(fresh) < len(problems) else ""
    if not fresh:
        return f"No problems{known}."
    rules = dict.fromkeys(problem.rule for problem in fresh)
    cures = "\n".join(f"  scan.{rule}: {RULES[rule].about} {RULES[rule].cure}" for rule in rules)
    return f"{len(fresh)} problem{'s' if len(fresh) > 1 else ''}{known}.\n{cures}"


def _record(problems: list[Problem]) -> None:
    """Notes what is new, and resolves what was noted before and is no more."""
    from trunkline.ops import findings
    from trunkline.ops.scan.judge import RULES

    state, now = state_here(), time.time()
    there = {}
    for problem in problems:
        subject = f"{problem.place.path} {problem.subject}"[:200]
        detail = {
            "rule": problem.rule,
            "place": str(problem.place),
            "others": [str(place) for place in problem.others],
            "cure": RULES[problem.rule].cure,
        }
        made = findings.Finding(
            kind=f"scan.{problem.rule}",
            integration=problem.integration,
            subject=subject,
            severity=problem.severity,
            title=problem.message,
            detail=detail,
        )
        there[(made.kind, made.integration, made.subject)] = made
    for made in there.values():
        findings.note(state, made, now)
    for old in findings.listed(state, kind="scan"):
        if (old.kind, old.integration, old.subject) not in there:
            findings.resolve(
                state, old.kind, old.integration, old.subject, "no longer found by `trunkline scan`", now
            )
    say(f"Noted {len(there)} findings; `trunkline findings list --kind scan` shows them.")
