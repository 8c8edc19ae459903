"""S11: sqlmap at level 3 against the console's parameters and both Authorization fields; searches among many calls.

sqlmap is a program of its own (GPL), installed for the battery alone and started as a process. Techniques that judge by time are left
out: on a shared machine they find what is not there. Not for: what a text means in a filter (`test_hostile_queries.py`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.battery.upgrades import DAY, earlier
from trunkline.ledger.drain import Drain
from trunkline.ledger.query import CallFilter, Ledger

CLEAN = re.compile(r"all tested parameters do not appear to be injectable", re.IGNORECASE)
FOUND = re.compile(r"(Parameter: .*|.*is vulnerable.*|sqlmap identified the following injection.*)")
FLOODS = ("%" * 256, "_%" * 100, "%a" * 100, "*" * 256, "\\%" * 100, "' OR 1=1 --", "[a-z]" * 50, "x")


class Tried(NamedTuple):
    """What sqlmap said of one target."""

    target: str
    requests: int
    findings: list[str]
    clean: bool
    said: str


def sqlmap(target: str, folder: Path, *more: str, limit_s: float = 900.0) -> Tried:
    """One run. `more`: header fields, the parameters to try."""
    command = [
        str(Path(sys.executable).with_name("sqlmap")), "-u", target, "--batch", "--level=3", "--risk=2", "--technique=BEU",
        "--dbms=sqlite", "--flush-session", "--disable-coloring", "--ignore-code=*", "--skip-waf", "--retries=0", "--threads=2",
        "--unstable", f"--output-dir={folder}", *more,
    ]  # fmt: skip
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=limit_s, cwd=folder, stdin=subprocess.DEVNULL
    )
    said = ran.stdout + ran.stderr
    counted = [int(n) for n in re.findall(r"\((\d+) times\)|(\d+) HTTP\(s\) requests", said) for n in n if n]
    return Tried(target, sum(counted), FOUND.findall(said), bool(CLEAN.search(said)), said[-3000:])


def slowest_search(folder: Path, rows: int) -> tuple[float, str]:
    """Seconds of processor time of the slowest search with a hostile text among so many calls, and which it was."""
    ledger = folder / "ledger"
    ledger.mkdir(parents=True)
    earlier(ledger / f"calls-{DAY}.db", rows)
    drain = Drain(folder / "journal", ledger)
    drain.open()
    drain.close()
    reading, worst = Ledger(ledger), (0.0, "")
    try:
        reading.calls(limit=50)
        for text in FLOODS:
            for name in ("text", "note", "integration", "model", "team"):
                begun = time.thread_time()
                reading.calls(CallFilter(**{name: text}), limit=50)
                worst = max(worst, (time.thread_time() - begun, f"{name}={text[:12]}"))
    finally:
        reading.close()
    return worst
