"""S11: sqlmap at level 3 against the console's parameters and both Authorization fields; searches among many calls.

sqlmap is a program of its own (GPL), installed for the battery alone and started as a process. Techniques that judge by time are left
out: on a shared machine they find what is not there. A page that puts what it is asked into its SQL shows that the same command finds
something where there is something. Not for: what a text means in a filter (`test_hostile_queries.py`).
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

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


@contextmanager
def broken() -> Iterator[str]:
    """The address of a page that is really injectable: `?text=` stands in its SQL as it came."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = parse_qs(urlsplit(self.path).query).get("text", [""])[0]
            with closing(sqlite3.connect(":memory:")) as database:
                database.execute("CREATE TABLE calls (name TEXT)")
                database.execute("INSERT INTO calls VALUES ('a')")
                try:
                    rows = database.execute(f"SELECT name FROM calls WHERE name = '{text}'").fetchall()
                    status, told = 200, f"{len(rows)} calls: {rows}"
                except sqlite3.Error as fault:
                    status, told = 500, f"sqlite3.OperationalError: {fault}"
            self.send_response(status)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(told.encode())

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/calls?text=a"
        finally:
            server.shutdown()


class Slowest(NamedTuple):
    """The slowest search, in seconds: by the clock, and of the processor; the better of three tries each."""

    clock_s: float
    processor_s: float
    which: str


def slowest_search(folder: Path, rows: int) -> Slowest:
    """Searches with hostile texts among so many calls."""
    ledger = folder / "ledger"
    ledger.mkdir(parents=True)
    earlier(ledger / f"calls-{DAY}.db", rows)
    drain = Drain(folder / "journal", ledger)
    drain.open()
    drain.close()
    reading, took = Ledger(ledger), []
    try:
        reading.calls(limit=50)
        for text in FLOODS:
            for name in ("text", "note", "integration", "model", "team"):
                tries = [_timed(reading, CallFilter(**{name: text})) for _ in range(3)]
                took.append(Slowest(*map(min, zip(*tries, strict=True)), f"{name}={text[:12]}"))
    finally:
        reading.close()
    return max(took)


def _timed(reading: Ledger, wanted: CallFilter) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.thread_time()
    reading.calls(wanted, limit=50)
    return time.perf_counter() - clock, time.thread_time() - processor
