"""The simulator in a child process, steered through its control API, and its ledger: the ground truth of a test.

Fixtures are imported by the conftest of the folder that uses them: `from tests.support.simulator import simulator`.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import HANGS_S, ended
from trunkline.simulator.ledger import Entry, read_file


class SimulatorProcess:
    """A running simulator. `address(vendor)` is the base address of a vendor; everything else is the control API."""

    def __init__(
        self, process: subprocess.Popen[bytes], told: dict[str, Any], ledger_file: Path | None
    ) -> None:
        self.process = process
        self.port: int = told["port"]
        self.tls_ports: dict[str, int] = told.get("tls", {})
        self.ca_file: str = told.get("ca", "")
        self.ledger_file = ledger_file

    def address(self, vendor: str = "") -> str:
        """`http://127.0.0.1:PORT/vendor`."""
        return f"http://127.0.0.1:{self.port}" + (f"/{vendor}" if vendor else "")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to `/_sim/{path}`. Raises AssertionError with the answer when it is refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HANGS_S)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_sim/{path}", sent, {"content-type": "application/json"})
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        assert reply.status == 200, answer
        return answer

    def fault(self, fault: str, vendor: str = "*", **rule: Any) -> int:
        """Puts a fault in force (`times`, `path`, `args`, `probability`, `seed`, `after`). Returns its number."""
        return int(self.control("POST", "faults", {"fault": fault, "vendor": vendor, **rule})["id"])

    def no_faults(self) -> None:
        """Lifts all faults."""
        self.control("DELETE", "faults")

    def latency(self, vendor: str = "*", **rule: float) -> None:
        """`first_ms`, `per_chunk_ms`, `chunks`."""
        self.control("POST", "latency", {"vendor": vendor, **rule})

    def accept(self, vendor: str, *credentials: str) -> None:
        """From now on the vendor accepts these only; none at all refuses everyone."""
        self.control("POST", "credentials", {"vendor": vendor, "values": list(credentials)})

    def refuse_connections(self, milliseconds: float) -> None:
        """The listener closes for a while."""
        self.control("POST", "listener", {"closed_ms": milliseconds})

    def ledger(self, since: int = 0, vendor: str = "") -> list[Entry]:
        """What the simulator saw, oldest first."""
        answer = self.control("GET", f"ledger?since={since}&vendor={vendor}")
        return [_entry(row) for row in answer["entries"]]

    def state(self) -> dict[str, Any]:
        """Connections, counts, rules."""
        found: dict[str, Any] = self.control("GET", "state")
        return found

    def reset(self) -> None:
        """As if just started."""
        self.control("POST", "reset")

    def ledger_after_death(self) -> list[Entry]:
        """The ledger file, for when the process was killed."""
        assert self.ledger_file is not None, "start the simulator with ledger_file"
        return read_file(self.ledger_file)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        ended(self.process)


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**{**row, "header_names": tuple(row["header_names"])})


@contextmanager
def running_simulator(
    *,
    port: int = 0,
    root: str = "",
    ledger_file: Path | None = None,
    tls: str = "",
    tls_dir: Path | None = None,
) -> Iterator[SimulatorProcess]:
    """Starts a simulator in a child process and ends it afterwards."""
    command = [sys.executable, "-m", "trunkline.simulator", "--port", str(port), "--root", root]
    command += ["--ledger", str(ledger_file)] if ledger_file else []
    command += ["--tls", tls, "--tls-dir", str(tls_dir)] if tls else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the simulator did not start; its error stands above"
        yield SimulatorProcess(process, json.loads(line), ledger_file)
    finally:
        process.terminate()
        ended(process)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def simulator_process() -> Iterator[SimulatorProcess]:
    """One simulator for the whole run; tests take `simulator`, which is reset for each."""
    with running_simulator() as process:
        yield process


@pytest.fixture
def simulator(simulator_process: SimulatorProcess) -> SimulatorProcess:
    """A simulator without rules, entries or objects."""
    simulator_process.reset()
    return simulator_process
