"""K4: the disk of the journal fills under load and gets room again; acts are refused meanwhile, nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.battery.judge import Row
from tests.battery.load import Load, Sort
from tests.support.caller import Answer
from tests.support.gateway import SECRETS, Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control.child import child_environ
from trunkline.ledger.drain import Drain
from trunkline.ledger.query import CallFilter, Ledger
from trunkline.settings import to_environ

ITEMS = "/api/proxy/crm/items"
FILLING = (Sort("read", 1.0, "/v1/chat/completions", {"content-type": "application/json"},
                b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}', False, b"}"),)  # fmt: skip


class Cramped(Trunkline):
    """A gateway whose disk can be made full."""

    @property
    def full_mark(self) -> Path:
        return self.folder / "disk-is-full"

    def spawn(self) -> None:
        self.begin(str(Path(__file__).with_name("cramped_gateway.py")), CRAMPED_FULL=str(self.full_mark))

    def act(self, correlation_id: str, first_ms: int = 0) -> Answer:
        """One call that makes something and may not be repeated."""
        fields = {"x-correlation-id": correlation_id, "x-sim-latency": f"first_ms={first_ms}"}
        return self.call("POST", ITEMS, {"name": "x"}, fields)


def second_gateway(gateway: Trunkline) -> subprocess.CompletedProcess[str]:
    """Starts another gateway process on the same state folder; it must end by itself."""
    environ = child_environ({**os.environ, **gateway._environ}, to_environ(gateway._settings))
    command = [sys.executable, "-m", "trunkline.app"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


@dataclass
class Filled:
    """What K4 found."""

    refused: Answer
    meanwhile: list[int] = field(default_factory=list)
    """Statuses of calls that are no acts, while the disk was full."""
    recovered_s: float = 0.0
    seen: set[str] = field(default_factory=set)
    """Correlation ids of the acts that the vendor saw."""
    acknowledged: list[str] = field(default_factory=list)
    """Of the acts that were answered well."""
    states: dict[str, list[str]] = field(default_factory=dict)
    """In the ledger, by correlation id."""
    lost_records: int = 0
    """As the gateway counts them."""


def fill_disk(
    folder: Path, registry: str, simulator: SimulatorProcess, *, slow_acts: int, rate: float
) -> Filled:
    """`slow_acts` acts are begun while there is room and answered when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    gateway = Cramped(folder, registry, SECRETS, {})
    try:
        gateway.start()
        return _filled(gateway, simulator, slow_acts, rate)
    finally:
        gateway.stop()


def _filled(gateway: Cramped, simulator: SimulatorProcess, slow_acts: int, rate: float) -> Filled:
    acts: dict[str, int] = {}

    def act(name: str, first_ms: int = 0) -> Answer:
        answer = gateway.act(name, first_ms)
        acts[name] = answer.status
        return answer

    act("before")
    slow = [threading.Thread(target=act, args=(f"slow-{n}", 2500)) for n in range(slow_acts)]
    for thread in slow:
        thread.start()
    eventually(
        lambda: (
            len([e for e in simulator.ledger(vendor="crm") if e.correlation_id.startswith("slow")])
            == slow_acts
        ),
        "them",
    )
    gateway.full_mark.touch()
    with Load(lambda: gateway.port, gateway.key, rate=rate, seed=11, sorts=FILLING) as load:
        number = iter(range(1_000_000))
        refused = eventually(
            lambda: (a := act(f"during-{next(number)}")).status == 503 and a, "an act to be refused", 30
        )
        begun = time.monotonic()
        for thread in slow:
            thread.join(20)
        full_for = time.monotonic()
        act("still-full")
        gateway.full_mark.unlink()
        eventually(lambda: act(f"after-{next(number)}").status == 201, "acts to be served again")
        recovered_s = time.monotonic() - full_for
        asked = load.done()
    found = Filled(refused, recovered_s=recovered_s)
    found.meanwhile = [one.status for one in asked if begun <= one.begun <= full_for]
    found.seen = {e.correlation_id for e in simulator.ledger(vendor="crm")}
    found.acknowledged = [name for name, status in acts.items() if status == 201]
    stats = eventually(lambda: told if (told := _stats(gateway)) and not told["running"] else None, "quiet")
    found.lost_records = stats["lost_records"]
    gateway.stop()
    for row in ledger_rows(gateway):
        found.states.setdefault(row["correlation_id"], []).append(row["state"])
    return found


def _stats(gateway: Trunkline) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.msgpack.decode((gateway.state.path / "gateway.stats").read_bytes())
    return told


def ledger_rows(gateway: Trunkline) -> list[Row]:
    """Drains the journal of a gateway that has no console, and reads the ledger."""
    drain = Drain(gateway.state.journal, gateway.state.ledger)
    try:
        while drain.step():
            continue
    finally:
        drain.close()
    ledger = Ledger(gateway.state.ledger)
    try:
        rows: list[Row] = []
        before = ""
        while True:
            page = ledger.calls(CallFilter(), limit=1000, before=before)
            rows += page.calls
            before = page.next
            if not before:
                return rows
    finally:
        ledger.close()


def error_of(answer: Answer) -> dict[str, Any]:
    """Our fields of an error answer, wherever its dialect puts them."""
    body = json.loads(answer.body)
    found: dict[str, Any] = (
        body["error"] if isinstance(body.get("error"), dict) and "code" not in body else body
    )
    return found
