"""`make bench`: runs the measurements in turn and prints one table. See docs/performance.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import tools
from benchmarks.bench import ROOT, Bench, NotRun, busy_note, cores
from benchmarks.measures import MEASURES, OFF, Measure
from benchmarks.peers import PEERS
from benchmarks.processes import Broken, pin
from benchmarks.report import BROKE, Row, as_json, because, markdown, not_run, placed, text

WANTED_FILES = 20_000
PAGE = ROOT / "docs" / "performance.md"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trunkline bench", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME,...", help=f"of: {', '.join(MEASURES)}")
    parser.add_argument(
        "--peers", default="", metavar="NAME,...", help=f"install and run: {', '.join(PEERS)}"
    )
    parser.add_argument(
        "--command",
        action="append",
        default=[],
        type=named_command,
        metavar="NAME=COMMAND",
        help="a further gateway, with {port} and {upstream} in its command; repeat for more",
    )
    parser.add_argument("--quick", action="store_true", help="short runs, to see that everything works")
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="paired runs (5, quick 2)")
    parser.add_argument("--json", metavar="FILE", help="write everything there, with each sample")
    parser.add_argument("--publish", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--strict", action="store_true", help="end with 1 when a target is missed")
    chosen = parser.parse_args(argv)
    for flag, given, known in (("--only", chosen.only, MEASURES), ("--peers", chosen.peers, PEERS)):
        if unknown := [name for name in names(given) if name not in known]:
            parser.error(f"{flag}: {', '.join(unknown)} is not known; choose from {', '.join(known)}")
    return chosen


def named_command(given: str) -> tuple[str, str]:
    """NAME=COMMAND in its two parts."""
    name, _, command = given.partition("=")
    if not name or "{port}" not in command or "{upstream}" not in command:
        raise argparse.ArgumentTypeError(
            f"{given!r}: write NAME=COMMAND with {{port}} and {{upstream}} in the command"
        )
    return name, command


def names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def about(bench: Bench) -> list[str]:
    """What a reader must know of the machine and the run."""
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    runs = f"{bench.pairs} paired runs each" + (", quick: no figure to rely on" if bench.quick else "")
    machine = f"{os.cpu_count()} cores, {processor()}, {platform.system()} {platform.release()}"
    python = f"Python {platform.python_version()}"
    versions = ", ".join(filter(None, (python, tools.version("nginx"), tools.version("wrk"))))
    pinned = (
        ""
        if bench.core is not None
        else "nothing could be pinned to a core on this system; compare with care"
    )
    alone = (
        "only one core: load and measured process share it; compare with care"
        if bench.core == bench.other
        else ""
    )
    return [line for line in (f"{when}; {runs}", machine, versions, busy_note(), pinned or alone) if line]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )


def measured(bench: Bench, measure: Measure) -> list[Row]:
    """The rows of one measurement; one without a value when it could not be made."""
    say(f"{measure.name} ...")
    try:
        return measure.run(bench)
    except (NotRun, Broken, OSError) as problem:
        say(f"  {'NOT RUN' if isinstance(problem, NotRun) else 'BROKE'}: {problem}")
        return [not_run(measure.name, measure.what, because(problem))]


def raise_file_limit() -> None:
    """As many open files as this user may have; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(argv: Sequence[str] | None = None) -> int:
    chosen = arguments(sys.argv[1:] if argv is None else argv)
    core, other = cores()
    if other is not None:
        pin(os.getpid(), other)
    raise_file_limit()
    tools.install_missing(say)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        Path(folder).chmod(0o755)
        pairs = chosen.pairs or (2 if chosen.quick else 5)
        bench = Bench(
            Path(folder),
            core,
            other,
            pairs,
            1.0 if chosen.quick else 4.0,
            chosen.quick,
            tuple(names(chosen.peers)),
            tuple(chosen.command),
            say,
        )
        told = about(bench)
        for name in names(chosen.only) or MEASURES:
            rows += measured(bench, MEASURES[name])
    print(
        "\n".join([*told, "", text(rows), "", "What was off, and for whom:", *(f"- {line}" for line in OFF)])
    )
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(as_json(rows, told, OFF), indent=1) + "\n")
    if chosen.publish:
        PAGE.write_text(placed(PAGE.read_text(), markdown(rows, told)))
    missed = chosen.strict and any(row.verdict in ("miss", "too noisy") for row in rows)
    broke = any(row.why_not.startswith(BROKE) for row in rows)
    return 1 if broke or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
