"""The isolated copy of a drill: a state folder of its own, a simulator, a gateway, and whatever else is asked for, as processes.

Nothing of it reaches a vendor: every address is the simulator's, every credential is made up, and the environment of its
processes holds none. Not for: what is called there (`calls.py`).
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from trunkline.control import keys, publish, published
from trunkline.control.child import child_environ
from trunkline.control.reload import gateway_facts
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.service import Service, Snapshot
from trunkline.settings import Settings, to_environ

START_S = 20.0
LOOK_S = 0.02
T = TypeVar("T")


class StageProblem(Exception):
    """The copy could not be set up or came down; says why and what to do."""


class Stage:
    """One isolated copy. Use `set_up`, which also clears it away."""

    def __init__(self, folder: Path, simulator: Simulated) -> None:
        self.folder = folder
        self.simulator = simulator
        self.settings = Settings(
            env="dev", config=str(folder / "trunkline.yaml"), state_dir=str(folder / "state"), port=0, console_port=0, drain=2.0,
            probes=False,
        )  # fmt: skip
        self._environ = own_environ()
        self.state = State(self.settings.state_path, self._environ)
        self.port = 0
        self.key = ""
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def publish(self, snapshot: Snapshot, missing: Mapping[str, str] | None = None) -> None:
        """What can be called, with made-up credentials; those that are `missing` do not resolve."""
        lost = dict(missing or {})
        refs = [one.ref for service in snapshot.services for one in service.credentials if one.ref]
        values = {ref: f"drill-not-a-real-credential-{n}" for n, ref in enumerate(refs) if ref not in lost}
        publish.sealed(self.state, values, lost)
        publish.snapshot(self.state, snapshot)

    def start(self, environ: Mapping[str, str] | None = None) -> None:
        """The gateway, on what is published; returns when it answers."""
        if not self.key:
            wish = keys.Wish(name="drill", scopes=["*"], concurrency=0)
            self.key = keys.create(self.state, wish, actor="drill").key
        process = self.spawn("gateway", "trunkline.app", environ)
        waited(lambda: gateway_facts(self.state).get("pid") == process.pid, process, self._log("gateway"))
        self.port = int(gateway_facts(self.state)["port"])

    def renew(self, snapshot: Snapshot, missing: Mapping[str, str] | None = None) -> None:
        """Another snapshot for the gateway that runs; returns when it is live."""
        self.publish(snapshot, missing)
        there = published.read_snapshot(self.state)
        sealed = published.read_sealed(self.state, self.state.master_key())
        wanted = (there.version if there else "", sealed.version if sealed else "")

        def live() -> bool:
            facts = gateway_facts(self.state)
            return (facts.get("version"), facts.get("secrets")) == wanted

        waited(live, self._running.get("gateway"), self._log("gateway"))

    def spawn(
        self, name: str, module: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts one process of the copy."""
        given = {**child_environ(self._environ, to_environ(self.settings)), **(environ or {})}
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (our own modules)
                [sys.executable, "-m", module], env=given, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._running[name] = process
        return process

    def stop(self, name: str, *, at_once: bool = False) -> None:
        """Ends one process, if it runs."""
        process = self._running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.kill() if at_once else process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """Ends everything."""
        for name in reversed(list(self._running)):
            self.stop(name)

    def said(self, name: str) -> str:
        """What a process wrote."""
        log = self._log(name)
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Everything in the journal, drained into the copy's ledger: calls by correlation id."""
        from trunkline.ledger.drain import Drain

        drain = Drain(self.state.journal, self.state.ledger)
        try:
            drain.open()
            while drain.step():
                continue
        finally:
            drain.close()
        return self.ledger()

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """What the copy's ledger holds: calls by correlation id."""
        from trunkline.ledger.query import Ledger

        found: dict[str, list[dict[str, Any]]] = {}
        ledger, before = Ledger(self.state.ledger), ""
        try:
            while True:
                page = ledger.calls(limit=1000, before=before)
                for call in page.calls:
                    found.setdefault(str(call["correlation_id"]), []).append(call)
                if not page.next:
                    return found
                before = page.next
        finally:
            ledger.close()

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


class Simulated:
    """The simulated vendors of a drill."""

    def __init__(self, port: int) -> None:
        self.port = port

    def place(self, service: Service, name: str) -> str:
        """Where a copy of this name lives; each is a vendor of its own there."""
        from trunkline.simulator.spoken import played_by

        played = played_by(service.vendor, [dialect.name for dialect in service.dialects])
        return f"http://127.0.0.1:{self.port}/{played}~{name}"

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to its control API. Raises StageProblem."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, f"/_sim/{path}", None if body is None else codec.to_json(body))
            answer = connection.getresponse()
            told = codec.from_json(answer.read())
        except OSError as problem:
            raise StageProblem(f"The simulator of the drill does not answer: {problem}") from None
        finally:
            connection.close()
        if answer.status != 200:
            raise StageProblem(f"The simulator of the drill refused {path}: {told}")
        return told

    def fault(self, name: str, copy: str, args: Mapping[str, Any]) -> int:
        """From now on every request to this copy meets the fault."""
        rule = {"fault": name, "vendor": f"*~{copy}", "args": dict(args)}
        return int(self.control("POST", "faults", rule)["id"])

    def lift(self, rule: int) -> None:
        """Lifts a fault."""
        self.control("DELETE", f"faults/{rule}")

    def ledger(self, vendor: str = "") -> list[dict[str, Any]]:
        """Every request that it saw (or one of its vendors), oldest first."""
        found: list[dict[str, Any]] = self.control("GET", f"ledger?vendor={quote(vendor)}")["entries"]
        return found


def own_environ() -> dict[str, str]:
    """The environment without what concerns the real installation: a copy has a master key and settings of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}


def waited(look: Callable[[], T], process: subprocess.Popen[bytes] | None, log: Path | str) -> T:
    """The first true value of `look`. Raises StageProblem when the process ends before, or after START_S."""
    until = time.monotonic() + START_S
    while True:
        found = look()
        if found:
            return found
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > until:
            said = log.read_text("utf-8", "replace")[-800:].strip() if isinstance(log, Path) else log
            raise StageProblem(f"The copy for the drill did not start: {said or 'it said nothing'}")
        time.sleep(LOOK_S)


@contextmanager
def simulating() -> Iterator[Simulated]:
    """A simulator as a process of its own."""
    environ = child_environ(own_environ(), {})
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.simulator", "--port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environ,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StageProblem("The simulator of the drill did not start; what it said stands above.")
        yield Simulated(int(codec.from_json(line)["port"]))
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def set_up(simulator: Simulated) -> Iterator[Stage]:
    """A stage in a temporary folder, cleared away afterwards."""
    with tempfile.TemporaryDirectory(prefix="trunkline-drill-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), simulator)
        try:
            yield stage
        finally:
            stage.close()
