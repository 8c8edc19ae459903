"""Plays every fault to every call of a drill, many at once, and gathers what is needed to judge them.

Not for: stores that go away (`stores.py`), nor the command (`cli/drill.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

from trunkline.cli.drilling import calls, later
from trunkline.cli.drilling.forward import Forward
from trunkline.cli.drilling.stage import Simulated, Stage
from trunkline.core.service import Operation, Service, Snapshot
from trunkline.engine.generic import PROVEN
from trunkline.engine.operations import undeclared
from trunkline.ops.drill import copies
from trunkline.ops.drill.copies import Part, original, pace, part, whole
from trunkline.ops.drill.faults import FAULTS, REFUSED, Fault
from trunkline.ops.drill.report import Played
from trunkline.ops.drill.samples import Sample
from trunkline.ops.drill.verdict import Asked, Check, Evidence, Finding, Seen, judge

AT_ONCE = 12
LATE_MS = 500.0
"""Timeouts are looked at ten times a second."""
AGE_S = 0.2
"""Longer than a kept answer is fresh in a drill."""

Say = Callable[[str], None]


class Job(NamedTuple):
    """One fault for one call. `fault` None: the call as it is, to know that the simulated vendor takes it."""

    sample: Sample
    service: Service
    fault: Fault | None
    part: Part
    id: str
    door: Forward | None = None
    """The way to the simulated vendor where it is to be closed."""

    @property
    def deadline_s(self) -> float:
        """Of the copy."""
        own = next((one.timeout for one in self.service.operations if one.name == self.sample.operation), 0.0)
        return (own or self.service.timeout.total) / pace(self.service)

    @property
    def stale(self) -> bool:
        """Whether an earlier answer may stand in."""
        return any(one.kind == "stale" for one in self.sample.chain)

    @property
    def operation(self) -> Operation:
        """What the call is to the registry."""
        named = next((one for one in self.service.operations if one.name == self.sample.operation), None)
        if self.sample.form in ("model", "stream"):
            return Operation(name="", method="POST", path="", repeat="always")
        return named or undeclared(self.sample.method)


def jobs(
    snapshot: Snapshot, samples: Sequence[Sample], faults: Iterable[Fault], simulator: Simulated
) -> list[Job]:
    """Every call, without a fault and with each that can befall it."""
    chosen = list(faults)
    services = {service.name: service for service in snapshot.services}
    found: list[Job] = []
    for sample in samples:
        for fault in (None, *(one for one in chosen if sample.form in one.forms)):
            number = len(found)
            door = Forward(simulator.port) if fault is not None and fault.inject == REFUSED else None
            made = part(snapshot, sample, number, simulator.place, through=door.port if door else 0)
            found.append(Job(sample, services[sample.integration], fault, made, f"drill-{number}", door))
    return found


def play(stage: Stage, snapshot: Snapshot, todo: Sequence[Job], say: Say) -> list[Played]:
    """Publishes the copies, starts the gateway, makes the calls, reads the ledgers."""
    stage.publish(whole(snapshot, [job.part for job in todo]))
    stage.start()
    seen: dict[str, Seen] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(_one, stage, job): job for job in todo}
        for n, done in enumerate(as_completed(running), 1):
            job = running[done]
            seen[job.id] = done.result()
            title = job.fault.title if job.fault else "no fault"
            say(f"[{n}/{len(todo)}] {job.sample.entry}, {job.sample.form}: {title}")
    return _judged(stage, todo, seen)


def _one(stage: Stage, job: Job) -> Seen:
    fault, asked = job.fault, job.part.asked
    if fault is not None and job.stale:
        calls.made(stage, job.sample, asked, f"{job.id}-before", job.deadline_s)
        calls.pause(AGE_S)
    if job.door is not None:
        job.door.close()
    elif fault is not None:
        args = dict(fault.args)
        if fault.inject == "slow_start":
            args["ms"] = job.part.services[0].timeout.first_byte * 1500 + LATE_MS
        stage.simulator.fault(fault.inject, job.part.name, args)
    return calls.made(stage, job.sample, asked, job.id, job.deadline_s)


def _judged(stage: Stage, todo: Sequence[Job], seen: dict[str, Seen]) -> list[Played]:
    asked: dict[str, list[Asked]] = {}
    for entry in stage.simulator.ledger():
        at = str(entry["vendor"]).partition("~")[2]
        one = Asked(
            at=at,
            begun=entry["begun"],
            status=entry["status"],
            acted=entry["acted"],
            key=entry["idempotency_key"],
        )
        asked.setdefault(str(entry["correlation_id"]), []).append(one)
    rows = stage.rows()
    can_return = {job.id for job in todo if job.door is None}
    told = ((job_id, one.fallback, one.said) for job_id, one in seen.items() if job_id in can_return)
    ran = later.proved(stage, later.deferred(told))
    sound = {
        job.sample.key: seen[job.id].ending == "answer" and seen[job.id].status < 400
        for job in todo
        if job.fault is None
    }
    found = []
    for job in todo:
        if job.fault is None:
            if not sound[job.sample.key]:
                found.append(_unsound(job, seen[job.id]))
            continue
        if not sound[job.sample.key]:
            continue
        evidence = Evidence(
            fault=job.fault,
            form=job.sample.form,
            struck=job.part.name,
            deadline_s=job.deadline_s,
            attempts_max=max(1, job.service.retry.attempts),
            repeat=job.operation.repeat,
            chain=job.sample.chain,
            undone=PROVEN | {rule.kind for rule in job.service.errors if rule.never_acted},
            seen=seen[job.id],
            asked=asked.get(job.id, []),
            rows=rows.get(job.id, []),
            later=ran.get(job.id),
        )
        found.append(_played(job, evidence))
    return found


def _played(job: Job, it: Evidence) -> Played:
    verdict = judge(it, job.sample.entry)
    names = [service.name for service in job.part.services] + [job.part.asked]
    tried = [
        f"{original(str(one['target']), names)}: {one['status'] or ''} {one['code'] or 'ok'}".replace(
            "  ", " "
        )
        for row in it.rows
        for one in row.get("attempts", ())
    ]
    return Played(
        integration=job.sample.integration,
        entry=job.sample.entry,
        form=job.sample.form,
        fault=it.fault.name,
        title=it.fault.title,
        injected=_injected(job),
        vendor=[original(_told(one), names) for one in it.asked],
        attempts=tried,
        caller=original(_saw(it.seen), names),
        correlation_id=it.seen.correlation_id,
        took_s=round(it.seen.took_s, 3),
        result=verdict.result,
        checks=[Check(one.name, one.ok, original(one.said, names)) for one in verdict.checks],
        findings=verdict.findings,
    )


def _unsound(job: Job, seen: Seen) -> Played:
    """Nothing can be proved where the simulated vendor does not even take the call as it is."""
    text = f"{job.sample.entry}: the simulated vendor does not take {job.sample.method} {job.sample.path} ({seen.status} {seen.code})"
    return Played(
        integration=job.sample.integration,
        entry=job.sample.entry,
        form=job.sample.form,
        fault="none",
        title="no fault",
        injected="nothing",
        vendor=[],
        attempts=[],
        caller=_saw(seen),
        correlation_id=seen.correlation_id,
        took_s=round(seen.took_s, 3),
        result="not run",
        checks=[],
        findings=[Finding("not-drilled", job.sample.entry, f"{text}, so nothing was proved of it")],
    )


def _injected(job: Job) -> str:
    assert job.fault is not None
    if job.fault.inject == REFUSED:
        return "nothing listens at the address of the integration any more"
    args = ", ".join(f"{name}={value}" for name, value in job.fault.args.items())
    return f"simulator fault `{job.fault.inject}`" + (f" ({args})" if args else "")


def _told(one: Asked) -> str:
    return f"{one.at}: {one.status or 'no answer'}" + (", carried out" if one.acted else "")


def _saw(seen: Seen) -> str:
    parts = [str(seen.status or "no answer"), seen.code, seen.ending if seen.ending != "answer" else ""]
    parts += [
        f"fallback {seen.fallback}" if seen.fallback else "",
        f"cache {seen.cache}" if seen.cache else "",
    ]
    return ", ".join(part for part in parts if part)


def chosen(names: Sequence[str]) -> list[Fault]:
    """The faults of these names; all without a name. Raises KeyError for one that is none."""
    return [FAULTS[name] for name in names] if names else list(FAULTS.values())


TOTAL_S = copies.TOTAL_S
