"""A1 to A4, F16, F30: a vendor that is down, callers that repeat as SDKs do, and what reaches the vendor of it.

Not for: what each fault leads to (`faults.py`).
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.battery.disk import error_of
from tests.battery.faults import files_open, settled_files
from tests.support.caller import Answer, Cut
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.core.codec import pack_decoder
from trunkline.core.record import Again, Begin, End, Record
from trunkline.journal.reader import START, Reader

REGISTRY = """version: 1
defaults:
  retry: {{backoff: 20ms, backoff_max: 50ms}}
integrations:
  crm: {{base_url: "{simulator}/crm", auth: {{kind: bearer, secret: env:CRM_TOKEN}}, breaker: {{open_for: {open_for}, ramp: 1s}}}}
  other: {{base_url: "{simulator}/other", auth: {{kind: bearer, secret: env:CRM_TOKEN}}}}
  pool:
    base_url: "{simulator}/well"
    auth: {{kind: bearer}}
    secret: [{{ref: env:CRM_TOKEN, base_url: "{simulator}/ill"}}, {{ref: env:STRIPE_SECRET_KEY}}]
    breaker: {{volume: 5}}
  openai:
    base_url: "{simulator}/openai"
    secret: env:OPENAI_API_KEY
    breaker: {{volume: 1000000}}
    fallback: [spare, last]
  spare: {{vendor: openai, base_url: "{simulator}/vllm", secret: env:OPENAI_API_KEY, breaker: {{volume: 1000000}}}}
  last: {{vendor: openai, base_url: "{simulator}/groq", secret: env:OPENAI_API_KEY, breaker: {{volume: 1000000}}}}
"""
SDK_REPEATS = 2
SDK_PAUSE_S = 0.05
CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
RECORD_MAX = 8 << 10
_records = pack_decoder(Record)


@contextmanager
def setting(folder: Path, simulator: SimulatorProcess, *, open_for: str = "5s") -> Iterator[Trunkline]:
    text = REGISTRY.format(simulator=simulator.address(), open_for=open_for)
    with running_trunkline(folder, text) as gateway:
        yield gateway


@dataclass
class Outage:
    """What one outage did. Times are seconds since its begin, or since its end."""

    offered: int = 0
    offered_open: int = 0
    """Calls that began once the breaker was open."""
    requests: int = 0
    requests_open: int = 0
    """What the vendor saw after that instant."""
    sent_by_sdk: int = 0
    """What reached the gateway, the callers' own repeats included."""
    opened_s: float = -1.0
    failures: int = 0
    """Requests that had failed when it opened."""
    most_in_a_second: int = 0
    """While it was open."""
    closed_s: float = -1.0
    proofs: int = 0
    """Requests between the end of the outage and the first call that was let through as any other."""
    elsewhere: Counter[int] = field(default_factory=Counter)
    """Statuses of another integration meanwhile."""


def outage(gateway: Trunkline, simulator: SimulatorProcess, *, for_s: float, callers: int) -> Outage:
    """Callers of one integration, each at once after its last call; the vendor answers 500 to everything, then is well again."""
    found, lock, stop = Outage(), threading.Lock(), threading.Event()
    gateway.call("GET", "/api/proxy/crm/echo")
    rule = simulator.fault("server_error", "crm")
    since = len(simulator.ledger(vendor="crm"))
    begun = time.monotonic()

    def caller(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            open_before = found.opened_s >= 0
            tries, answer = _as_an_sdk(gateway, f"outage-{number}-{turn}")
            with lock:
                found.offered += 1
                found.offered_open += open_before
                found.sent_by_sdk += tries
                if found.opened_s < 0 and error_of(answer).get("code") == "circuit_open":
                    found.opened_s = time.monotonic() - begun
                    found.failures = len(simulator.ledger(vendor="crm")) - since
            stop.wait(SDK_PAUSE_S)

    with ThreadPoolExecutor(callers) as pool:
        for number in range(callers):
            pool.submit(caller, number)
        while time.monotonic() - begun < for_s:
            found.elsewhere[gateway.call("GET", "/api/proxy/other/echo").status] += 1
            stop.wait(0.1)
        stop.set()
    entries = simulator.ledger(vendor="crm")[since:]
    found.requests = len(entries)
    opened_at = time.time() - (time.monotonic() - begun) + found.opened_s
    after = [entry.begun for entry in entries if entry.begun > opened_at]
    found.requests_open = len(after)
    found.most_in_a_second = max((sum(at <= other < at + 1 for other in after) for at in after), default=0)
    simulator.control("DELETE", f"faults/{rule}")
    _recovery(gateway, simulator, found)
    return found


def _as_an_sdk(gateway: Trunkline, name: str) -> tuple[int, Answer]:
    """One call with two repeats, unless the answer says that a repeat would not help."""
    for number in range(1, SDK_REPEATS + 2):
        answer = gateway.call("GET", "/api/proxy/crm/echo", headers={"x-correlation-id": f"{name}-{number}"})
        if answer.status < 400 or answer.field("x-should-retry") == "false":
            break
        time.sleep(SDK_PAUSE_S)
    return number, answer


def _recovery(gateway: Trunkline, simulator: SimulatorProcess, found: Outage) -> None:
    since, begun = len(simulator.ledger(vendor="crm")), time.monotonic()

    def back() -> bool:
        gateway.call("GET", "/api/proxy/crm/echo")
        state = gateway.call("GET", "/health?detail=1").json["details"]["crm"]["breaker"]
        return state in ("returning", "closed")

    eventually(back, "the breaker to close", 30)
    found.closed_s = time.monotonic() - begun
    found.proofs = len(simulator.ledger(vendor="crm")) - since


def one_of_a_pool(gateway: Trunkline, simulator: SimulatorProcess, *, calls: int) -> tuple[Counter[int], int]:
    """One credential's address is ill: the statuses that callers saw, and how many requests still went there."""
    simulator.fault("server_error", "ill")
    seen = Counter(gateway.call("GET", "/api/proxy/pool/echo").status for _ in range(calls))
    return seen, len(simulator.ledger(vendor="ill"))


def first_event_failures(gateway: Trunkline, simulator: SimulatorProcess, *, calls: int) -> list[str]:
    """F16: streams whose first vendor fails after a harmless event; lists the callers that noticed anything."""
    rule = simulator.fault("error_first", "openai")

    def one(number: int) -> str:
        name = f"f16-{number}"
        try:
            answer = gateway.call(
                "POST", "/v1/chat/completions", {**CHAT, "stream": True}, {"x-correlation-id": name}
            )
        except (Cut, TimeoutError) as problem:
            return f"{name}: {problem!r}"
        whole = (
            answer.status == 200
            and answer.body.endswith(b"data: [DONE]\n\n")
            and b"correlationId" not in answer.body
        )
        return "" if whole else f"{name}: {answer.status} {answer.body[-100:]!r}"

    with ThreadPoolExecutor(8) as pool:
        noticed = [said for said in pool.map(one, range(calls)) if said]
    simulator.control("DELETE", f"faults/{rule}")
    return noticed


@dataclass
class Kept:
    """What became of calls over connections that the vendor closes after each answer."""

    reads: Counter[int] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    sent_again: int = 0
    """Acts that the vendor saw more than once."""


def closed_connections(gateway: Trunkline, simulator: SimulatorProcess, *, calls: int) -> Kept:
    """F30: every answer is followed by the end of its connection, which nobody announced."""
    rule = simulator.fault("close_idle", "other")
    found = Kept()
    for number in range(calls):
        found.reads[gateway.call("GET", "/api/proxy/other/echo").status] += 1
        name = {"x-correlation-id": f"f30-{number}"}
        answer = gateway.call("POST", "/api/proxy/other/items", {"name": "x"}, name)
        found.acts["201" if answer.status == 201 else str(error_of(answer).get("code"))] += 1
    simulator.control("DELETE", f"faults/{rule}")
    seen = Counter(
        entry.correlation_id for entry in simulator.ledger(vendor="other") if entry.method == "POST"
    )
    found.sent_again = sum(count > 1 for count in seen.values())
    return found


@dataclass
class Bounded:
    """The costliest of many calls for which every target failed."""

    attempts: int = 0
    record_bytes: int = 0
    revisited: list[str] = field(default_factory=list)
    """Calls that came back to a target once left."""


def everything_fails(gateway: Trunkline, simulator: SimulatorProcess, *, calls: int) -> Bounded:
    """A4: three targets in a row, all down."""
    rules = [simulator.fault("server_error", vendor) for vendor in ("openai", "vllm", "groq")]
    for number in range(calls):
        body = {**CHAT, "messages": [{"role": "user", "content": "x" * 2000}]}
        gateway.call("POST", "/v1/chat/completions", body, {"x-correlation-id": f"a4-{number}"})
    for rule in rules:
        simulator.control("DELETE", f"faults/{rule}")
    found = Bounded()
    orders: dict[str, list[str]] = {}
    for entry in simulator.ledger():
        if entry.correlation_id.startswith("a4-"):
            orders.setdefault(entry.correlation_id, []).append(entry.vendor)
    for name, order in orders.items():
        found.attempts = max(found.attempts, len(order))
        runs = [vendor for n, vendor in enumerate(order) if n == 0 or vendor != order[n - 1]]
        if len(runs) != len(set(runs)):
            found.revisited.append(f"{name}: {order}")
    found.record_bytes = max(_record_bytes(gateway, "a4-").values())
    return found


def _record_bytes(gateway: Trunkline, prefix: str) -> dict[str, int]:
    """Bytes in the journal by call, for calls whose correlation id begins so."""
    ids: dict[str, str] = {}
    sizes: Counter[str] = Counter()
    reader = Reader(gateway.state.journal, START)
    while batch := reader.read(1000):
        for _, payload in batch:
            record = _records.decode(payload)
            if isinstance(record, Begin | Again | End):
                sizes[record.call_id] += len(payload)
            if isinstance(record, Begin):
                ids[record.call_id] = record.correlation_id
    return {name: sizes[call] for call, name in ids.items() if name.startswith(prefix)}


@dataclass
class Quiet:
    """What a gateway still holds once nobody calls it."""

    running: int
    descriptors: int
    """More than before."""


def quiet(gateway: Trunkline, simulator: SimulatorProcess, before: int, *, limit_s: float) -> Quiet:
    """A3: after everything above. Idle connections to the vendor are closed by the vendor first."""
    simulator.control("POST", "connections", {"idle_only": True})
    left = settled_files(gateway.pid, before, limit_s) - before
    stats = eventually(lambda: told if (told := _stats(gateway)) else None, "the statistics")
    return Quiet(int(stats["running"]), max(0, left))


def opened_now(gateway: Trunkline) -> int:
    """Descriptors before the experiments, with a few connections made."""
    for name in ("crm", "other", "pool"):
        gateway.call("GET", f"/api/proxy/{name}/echo")
    return files_open(gateway.pid)


def _stats(gateway: Trunkline) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.msgpack.decode((gateway.state.path / "gateway.stats").read_bytes())
    return told


def shown(counts: Counter[Any]) -> str:
    """Counts as text."""
    return json.dumps({str(key): count for key, count in sorted(counts.items(), key=str)}).strip("{}")
