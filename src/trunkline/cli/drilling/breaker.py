"""Plays an outage to each integration and watches its breaker open, hold back, try and close.

Not for: judging it (`ops/drill/breaking.py`).
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from msgspec.structs import replace

from trunkline.cli.drilling import calls
from trunkline.cli.drilling.stage import Stage
from trunkline.core import codec
from trunkline.core.service import Service, Snapshot
from trunkline.ops.drill.breaking import VOLUME_MAX, Breaking, judged, shortened
from trunkline.ops.drill.copies import Part, pace, part, whole
from trunkline.ops.drill.report import Played
from trunkline.ops.drill.samples import Sample
from trunkline.ops.drill.verdict import Finding, Seen

GIVE_UP_S = 12.0
WATCH_S = 3.0
GAP_S = 0.02
AT_ONCE = 8
CLOSED = ("closed", "returning")
Say = Callable[[str], None]


class Outage(NamedTuple):
    """One integration whose breaker is drilled."""

    sample: Sample
    service: Service
    part: Part
    id: str


def outages(
    snapshot: Snapshot, samples: Sequence[Sample], first: int, place: Callable[[Service, str], str]
) -> list[Outage]:
    """One for each integration; its copy breaks as declared."""
    services = {service.name: service for service in snapshot.services}
    chosen: dict[str, Sample] = {}
    for sample in samples:
        if sample.entry == sample.integration:
            chosen.setdefault(sample.integration, sample)
    found = []
    for number, (name, sample) in enumerate(chosen.items(), first):
        service = services[name]
        made = part(snapshot, sample, number, place)
        broken = replace(made.services[0], breaker=shortened(service))
        made = made._replace(services=[broken, *made.services[1:]])
        found.append(Outage(sample, service, made, f"drill-{number}"))
    return found


def play(stage: Stage, snapshot: Snapshot, todo: Sequence[Outage], say: Say) -> list[Played]:
    """Publishes the copies, starts the gateway and plays all outages, some at once."""
    stage.publish(whole(snapshot, [one.part for one in todo]))
    stage.start()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = []
        for played in pool.map(lambda one: _play(stage, one), todo):
            say(f"{played.entry}: breaker {played.result}")
            found.append(played)
        return found


def _play(stage: Stage, one: Outage) -> Played:
    if one.service.breaker.volume > VOLUME_MAX:
        text = f"the breaker of {one.service.name} needs {one.service.breaker.volume} calls before it counts; it was not drilled"
        return _told(one, None, [Finding("breaker-not-drilled", one.service.name, text)])
    return _told(one, _watched(stage, one), [])


def _watched(stage: Stage, one: Outage) -> Breaking:
    """The outage, seen from a caller and from the vendor."""
    caller = _Caller(stage, one)
    rule = stage.simulator.fault("server_error", one.part.name, {})
    opened = caller.until(lambda: caller.state() == "open", GIVE_UP_S)
    failures = len(_requests(stage, one))
    if opened < 0:
        stage.simulator.lift(rule)
        return Breaking(
            opened_s=-1, failures=failures, held_s=0, let_through=0, closed_s=-1, proofs=0, refused=0
        )
    at, seen, asked = time.monotonic(), caller.made, failures
    caller.until(lambda: False, WATCH_S)
    held, let_through = time.monotonic() - at, len(_requests(stage, one)) - asked
    refused = caller.made - seen - let_through
    stage.simulator.lift(rule)
    asked = len(_requests(stage, one))
    closed = caller.until(lambda: caller.state() in CLOSED, GIVE_UP_S, gap_s=0.05)
    proofs = caller.asked_at_closing - asked
    return Breaking(
        opened_s=opened,
        failures=failures,
        held_s=held,
        let_through=let_through,
        closed_s=closed,
        proofs=proofs,
        refused=refused,
    )


class _Caller:
    """Calls one copy again and again."""

    def __init__(self, stage: Stage, one: Outage) -> None:
        self._stage = stage
        self._one = one
        self._deadline_s = one.service.timeout.total / pace(one.service)
        self.made = 0
        self.last: Seen | None = None
        self.asked_at_closing = 0

    def until(self, look: Callable[[], bool], limit_s: float, gap_s: float = GAP_S) -> float:
        """Calls until `look` is true; the seconds that it took, -1 if it did not become so."""
        begun = time.monotonic()
        while time.monotonic() - begun < limit_s:
            name = f"{self._one.id}-{self.made}"
            self.last = calls.made(
                self._stage, self._one.sample, self._one.part.asked, name, self._deadline_s
            )
            self.made += 1
            if look():
                self.asked_at_closing = len(_requests(self._stage, self._one))
                return time.monotonic() - begun
            calls.pause(gap_s)
        return -1.0

    def state(self) -> str:
        """Of the breaker, as `/health?detail=1` tells it."""
        connection = http.client.HTTPConnection("127.0.0.1", self._stage.port, timeout=10)
        try:
            fields = {"authorization": f"Bearer {self._stage.key}"}
            connection.request("GET", "/health?detail=1", headers=fields)
            told: dict[str, Any] = codec.from_json(connection.getresponse().read())
        finally:
            connection.close()
        return str(told.get("details", {}).get(self._one.part.name, {}).get("breaker", ""))


def _requests(stage: Stage, one: Outage) -> list[dict[str, Any]]:
    """What reached the vendor so far."""
    return stage.simulator.ledger(one.part.services[0].base_url.rpartition("/")[2])


def _told(one: Outage, seen: Breaking | None, findings: list[Finding]) -> Played:
    checks = judged(seen, one.service.breaker) if seen is not None else []
    passed = bool(checks) and all(check.ok for check in checks)
    shown = (
        "" if seen is None else f"{seen.failures} failures, then {seen.let_through} in {seen.held_s:.1f} s"
    )
    return Played(
        integration=one.service.name,
        entry=one.service.name,
        form="breaker",
        fault="outage",
        title="an outage of 500s, and its end",
        injected="simulator fault `server_error` for every request, lifted afterwards" if seen else "nothing",
        vendor=[shown] if shown else [],
        attempts=[],
        caller="; ".join(check.said for check in checks) or "not drilled",
        correlation_id=f"{one.id}-0",
        took_s=0.0 if seen is None else round(seen.opened_s + seen.held_s + seen.closed_s, 1),
        result="not run" if seen is None else "pass" if passed else "fail",
        checks=checks,
        findings=findings,
    )
