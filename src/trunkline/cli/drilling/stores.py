"""Takes the stores away that Trunkline itself stands on, one after the other, while calls go on: console, ledger, disk, secrets.

Not for: vendors' faults (`run.py`).
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from trunkline.cli.drilling import calls
from trunkline.cli.drilling.stage import Stage, StageProblem, waited
from trunkline.control import faults as control
from trunkline.control.reload import Compiler
from trunkline.core.faults import DISK_FULL, JOURNAL, LIFTED, Fault
from trunkline.core.service import Service, Snapshot
from trunkline.ops.drill.copies import Part, original, pace, part, whole
from trunkline.ops.drill.faults import STORES
from trunkline.ops.drill.report import Played
from trunkline.ops.drill.samples import Sample
from trunkline.ops.drill.verdict import SLACK_S, Check, Seen

LOCKED_S = 3.0
CAUGHT_UP_S = 10.0
RECOVERS_S = 5.0
AT_ONCE = 6
Say = Callable[[str], None]


class One(NamedTuple):
    """One call that is made again and again while a store is away."""

    sample: Sample
    service: Service
    part: Part

    @property
    def deadline_s(self) -> float:
        return self.service.timeout.total / pace(self.service)


class Round(NamedTuple):
    """What came of one call of each."""

    name: str
    seen: list[tuple[One, Seen]]

    @property
    def good(self) -> bool:
        return all(seen.ending == "answer" and seen.status < 400 for _, seen in self.seen)

    def check(self, name: str) -> Check:
        """All of them were answered, in time."""
        late = [one for one, seen in self.seen if seen.took_s > one.deadline_s + SLACK_S]
        bad = [
            f"{one.sample.entry} {one.sample.form}: {seen.status} {seen.code or seen.ending}"
            for one, seen in self.seen
            if seen.ending != "answer" or seen.status >= 400
        ]
        slowest = max((seen.took_s for _, seen in self.seen), default=0.0)
        said = (
            f"{len(self.seen) - len(bad)} of {len(self.seen)} calls answered, the slowest in {slowest:.2f} s"
        )
        return Check(name, not bad and not late, "; ".join([said, *bad[:3]]))


class Rounds:
    """The calls of a stage: one of each kind of each integration."""

    def __init__(self, stage: Stage, snapshot: Snapshot, samples: Sequence[Sample], first: int) -> None:
        services = {service.name: service for service in snapshot.services}
        self.stage = stage
        self.made = 0
        self.all = [
            One(
                sample, services[sample.integration], part(snapshot, sample, first + n, stage.simulator.place)
            )
            for n, sample in enumerate(samples)
            if sample.entry == sample.integration
        ]
        self.snapshot = whole(snapshot, [one.part for one in self.all])

    def once(self, chosen: Callable[[One], bool] = lambda _: True) -> Round:
        """Each call once, some at the same time."""
        self.made += 1
        name = f"drill-store-{self.made}"
        some = [one for one in self.all if chosen(one)]

        def call(n: int) -> Seen:
            one = some[n]
            return calls.made(self.stage, one.sample, one.part.asked, f"{name}-{n}", one.deadline_s)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return Round(name, list(zip(some, pool.map(call, range(len(some))), strict=True)))

    def keep_sound(self) -> None:
        """Leaves out calls that the simulated vendors do not take."""
        found = self.once()
        self.all = [one for one, seen in found.seen if seen.ending == "answer" and seen.status < 400]


def play(
    stage: Stage, snapshot: Snapshot, samples: Sequence[Sample], names: Sequence[str], first: int, say: Say
) -> list[Played]:
    """Starts the copy and takes away what is asked for."""
    rounds = Rounds(stage, snapshot, samples, first)
    stage.publish(rounds.snapshot)
    stage.start()
    rounds.keep_sound()
    playing: dict[str, Callable[[Rounds], Played]] = {
        "console_stopped": console_stopped,
        "ledger_locked": ledger_locked,
        "disk_full": disk_full,
        "secret_lost": secret_lost,
    }
    found = []
    for name in names:
        played = playing[name](rounds)
        say(f"{STORES[name]}: {played.result}")
        found.append(played)
    return found


def console_stopped(rounds: Rounds) -> Played:
    """The console is killed; calls go on; when it is back, everything stands in the ledger."""
    stage, begun = rounds.stage, time.monotonic()
    stage.spawn("console", "trunkline.console")
    before = rounds.once()
    drained = _caught_up(stage, [before])
    stage.stop("console", at_once=True)
    during = rounds.once()
    stage.spawn("console", "trunkline.console")
    checks = [
        Check("drained", drained >= 0, f"the ledger held the calls before within {drained:.1f} s"),
        during.check("calls without the console"),
        _told_after(stage, [during], "caught up"),
    ]
    stage.stop("console")
    return _played(
        stage, "console_stopped", checks, during, begun, "SIGKILL to the console process of the copy"
    )


def ledger_locked(rounds: Rounds) -> Played:
    """Another process holds the ledger's databases; calls go on; afterwards the drain catches up."""
    stage, begun = rounds.stage, time.monotonic()
    stage.spawn("console", "trunkline.console")
    _caught_up(stage, [rounds.once()])
    until = time.monotonic() + LOCKED_S
    during: list[Round] = []
    with locked(sorted(stage.state.ledger.glob("*.db"))):
        while not during or time.monotonic() < until:
            during.append(rounds.once())
            calls.pause(0.2)
    checks = [
        _all(during, "calls while it is locked"),
        _told_after(stage, during, "caught up"),
    ]
    stage.stop("console")
    return _played(
        stage,
        "ledger_locked",
        checks,
        during[0],
        begun,
        f"BEGIN EXCLUSIVE on every database of the ledger for {LOCKED_S:g} s",
    )


def disk_full(rounds: Rounds) -> Played:
    """The journal takes nothing: acts are refused, the rest goes on uncounted; with room again, all is served."""
    stage, begun = rounds.stage, time.monotonic()
    now = time.time()
    control.put(stage.state, Fault(integration=JOURNAL, fault=DISK_FULL, play="disk_full", since=now), now)
    waited(
        lambda: "faults are set" in stage.said("gateway"), None, "the fault of the disk was not taken over"
    )
    acts = rounds.once(lambda one: one.sample.form == "act")
    rest = rounds.once(lambda one: one.sample.form != "act")
    refused = [seen.code for _, seen in acts.seen]
    control.clear(stage.state, "", time.time())
    freed = time.monotonic()
    # What is no act is served all the while: only when the gateway knows of the room is it recorded, too.
    waited(lambda: LIFTED in stage.said("gateway"), None, "the end of the fault was not taken over")
    after = rounds.once()
    while not after.good and time.monotonic() - freed < RECOVERS_S:
        calls.pause(0.1)
        after = rounds.once()
    recovered = time.monotonic() - freed
    checks = [
        Check(
            "acts refused",
            all(code == "store_unavailable" for code in refused),
            f"{refused.count('store_unavailable')} of {len(refused)} acts answered 503 store_unavailable",
        ),
        rest.check("calls that are no acts"),
        Check("served again", after.good, f"{recovered:.1f} s after there was room"),
        _told_after(stage, [after], "recorded again", drain=True),
    ]
    return _played(
        stage, "disk_full", checks, acts if acts.seen else rest, begun, "the journal acts as on a full disk"
    )


def secret_lost(rounds: Rounds) -> Played:
    """The store of secrets is gone. A gateway that runs goes on with what it has; one that starts tells whose secret is missing."""
    stage, begun = rounds.stage, time.monotonic()
    refusal = _reload_without_secret(stage)
    during = rounds.once()
    keyed = {
        ref for service in rounds.snapshot.services for ref in (c.ref for c in service.credentials) if ref
    }
    stage.stop("gateway")
    stage.publish(rounds.snapshot, dict.fromkeys(keyed, "the store does not answer (drill)"))
    stage.start()
    after = rounds.once()
    checks = [
        Check("reload refused", "secret-lost" in refusal, refusal or "the reload went through"),
        during.check("calls of a gateway that runs"),
        *_without_secrets(after),
    ]
    return _played(
        stage,
        "secret_lost",
        checks,
        after,
        begun,
        "references that resolve no more, first at a reload, then at a start",
    )


def _without_secrets(after: Round) -> list[Check]:
    """At a start without secrets: told whose, or a fallback; what needs none is served."""
    wrong, stood_in, told = [], 0, 0
    for one, seen in after.seen:
        needs = bool(one.part.services[0].credentials)
        if seen.ending == "answer" and seen.status < 400 and (seen.fallback or seen.cache or not needs):
            stood_in += bool(needs)
        elif seen.code == "secret_unavailable" and needs:
            told += 1
        else:
            wrong.append(f"{one.sample.entry} {one.sample.form}: {seen.status} {seen.code or seen.ending}")
    said = f"{told} calls told secret_unavailable, {stood_in} served by a fallback"
    return [Check("calls of a gateway that starts", not wrong, "; ".join([said, *wrong[:3]]))]


def _reload_without_secret(stage: Stage) -> str:
    """The codes with which a registry whose secret no longer resolves is refused, by the code that `trunkline serve` runs."""
    name, ref = "DRILL_SECRET", "env:DRILL_SECRET"
    text = f"version: 1\nintegrations:\n  drilled: {{base_url: 'https://drill.example', auth: {{kind: bearer, secret: '{ref}'}}}}\n"
    side = Stage(stage.folder / "reload", stage.simulator)
    side.folder.mkdir()
    side.settings.config_path.write_text(text)
    with_secret = Compiler(side.state, side.settings, {name: "drill-not-a-real-credential"})
    if not with_secret.run(first=True).ok:
        return ""
    refused = Compiler(side.state, side.settings, {}).run(first=False)
    return ", ".join(f"{one.code}: {one.message}" for one in refused.errors)


@contextlib.contextmanager
def locked(databases: Sequence[Path]) -> Iterator[None]:
    """Holds each of them exclusively."""
    held = [sqlite3.connect(path, timeout=10, isolation_level=None) for path in databases]
    try:
        for connection in held:
            connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        for connection in held:
            connection.close()


def _all(some: Sequence[Round], name: str) -> Check:
    found = [one.check(name) for one in some]
    bad = [check for check in found if not check.ok]
    return bad[0] if bad else Check(name, True, f"{len(some)} rounds: {found[-1].said}")


def _told_after(stage: Stage, some: Sequence[Round], name: str, *, drain: bool = False) -> Check:
    took = _caught_up(stage, some, drain=drain)
    count = sum(len(one.seen) for one in some)
    said = f"{count} calls in the ledger, each once, after {took:.1f} s" if took >= 0 else "calls are missing"
    return Check(name, 0 <= took <= CAUGHT_UP_S, said)


def _caught_up(stage: Stage, some: Sequence[Round], *, drain: bool = False) -> float:
    """Seconds until the ledger holds every one of these calls once, ended; -1 if it does not in time."""
    wanted = {f"{one.name}-{n}" for one in some for n in range(len(one.seen))}
    begun = time.monotonic()
    while (gone := time.monotonic() - begun) < CAUGHT_UP_S + 2:
        with contextlib.suppress(StageProblem, OSError, sqlite3.Error):
            rows = stage.rows() if drain else stage.ledger()
            if all([row["state"] != "running" for row in rows.get(one, [])] == [True] for one in wanted):
                return gone
        calls.pause(0.1)
    return -1.0


def _played(
    stage: Stage, name: str, checks: list[Check], shown: Round, begun: float, injected: str
) -> Played:
    names = [service.name for one, _ in shown.seen for service in one.part.services]
    saw = [
        f"{one.sample.entry} {one.sample.form}: {seen.status or 'no answer'} {seen.code}".strip()
        for one, seen in shown.seen
    ]
    said = [Check(one.name, one.ok, original(one.said, names)) for one in checks]
    mine = f"{shown.name}-"
    asked = [one for one in stage.simulator.ledger() if str(one["correlation_id"]).startswith(mine)]
    return Played(
        integration="",
        entry="stores",
        form="all",
        fault=name,
        title=STORES[name],
        injected=injected,
        vendor=[f"{len(asked)} requests for the {len(shown.seen)} calls shown here"],
        attempts=[],
        caller="; ".join(saw[:8]) + (f"; and {len(saw) - 8} more" if len(saw) > 8 else ""),
        correlation_id=f"{shown.name}-0",
        took_s=round(time.monotonic() - begun, 1),
        result="pass" if all(one.ok for one in said) else "fail",
        checks=said,
        findings=[],
    )
