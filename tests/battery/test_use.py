"""U5: every command as a person starts it: how soon its help comes, its JSON, its exit code."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.battery import report
from tests.support.commands import LONG, Words, arguments, documented, every, takes

pytestmark = [pytest.mark.slow, pytest.mark.row("Q2")]

ALL = every()
REGISTRY = "version: 1\nintegrations:\n  crm: {base_url: 'http://127.0.0.1:1', auth: {kind: none}}\n"
RUNS = 5


def ran(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli", *words],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def children_s() -> float:
    """Processor time of all processes that have ended."""
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def test_u5_help_comes_soon(tmp_path: Path) -> None:
    took: dict[Words, list[float]] = {path: [] for path in ALL}
    spent: dict[Words, list[float]] = {path: [] for path in ALL}
    for _ in range(RUNS):
        for path in ALL:
            begun, used = time.monotonic(), children_s()
            told = ran(tmp_path, *path, "--help")
            took[path].append(time.monotonic() - begun)
            spent[path].append(children_s() - used)
            assert (told.returncode, told.stderr) == (0, ""), path
            assert told.stdout.startswith(f"Usage: trunkline {' '.join(path)}"), path
    slowest = max(took, key=lambda path: statistics.median(took[path]))
    worst = statistics.median(took[slowest])
    used = statistics.median(spent[slowest])
    note = f"medians of {RUNS}: {' '.join(slowest)}, {used * 1000:.0f} ms of it processor time, on a machine with a load of "
    note += f"{os.getloadavg()[0]:.0f}"
    what = f"help of {len(ALL)} commands, the slowest (ms)"
    report.tell("U5", what, "<= 300", f"{worst * 1000:.0f}", note)
    assert worst <= 0.3


def is_json(text: str) -> bool:
    """One document, or one per line; nothing is an empty list of those."""
    try:
        json.loads(text)
    except ValueError:
        try:
            [json.loads(line) for line in text.splitlines()]
        except ValueError:
            return False
    return True


@pytest.mark.parametrize("there", [False, True], ids=["nothing there", "an installation"])
def test_u5_json_is_json_and_exit_codes_are_documented(tmp_path: Path, there: bool) -> None:
    file = tmp_path / "file.txt"
    file.write_text("{}")
    if there:
        (tmp_path / "trunkline.yaml").write_text(REGISTRY)
        assert ran(tmp_path, "keys", "create", "--name", "web", "--scope", "*", "--json").returncode == 0
        assert ran(tmp_path, "teams", "create", "shop").returncode == 0
    wrong, read = [], 0
    asked = {path: command for path, command in ALL.items() if path not in LONG and takes(command, "--json")}
    for path, command in asked.items():
        told = ran(tmp_path, *path, *arguments(command, str(file)), "--json")
        silent = not told.stdout and not told.stderr and "per line" not in (command.help or "")
        if (
            told.returncode not in documented(command)
            or not is_json(told.stdout)
            or silent
            or "defect of Trunkline" in told.stderr
        ):
            wrong.append((path, told))
        read += bool(told.stdout)
    where = "where Trunkline is set up" if there else "in an empty folder"
    report.tell(
        "U5",
        f"{len(asked)} commands with --json {where}: JSON, a documented exit code",
        "all",
        len(asked) - len(wrong),
    )
    assert wrong == []
    assert read >= (30 if there else 10)
