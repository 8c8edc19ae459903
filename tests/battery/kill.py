"""K1: the gateway is killed again and again under load; afterwards all accounts must agree."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.judge import Verdict, judge
from tests.battery.load import Load
from tests.battery.served import REGISTRY, Served, serving
from tests.support.polling import eventually
from tests.support.processes import HANGS_S
from tests.support.simulator import SimulatorProcess, running_simulator
from trunkline.simulator.ledger import read_file

SETTLE_S = 5.0


@dataclass
class Killed:
    """What K1 found."""

    verdict: Verdict
    back_s: list[float] = field(default_factory=list)
    """Each time from the kill to the next answer."""
    settled_s: float = 0.0
    """From the last answer to the last call's final state."""
    retried: int = 0
    good: int = 0


def kill_under_load(
    folder: Path, *, kills: int, rate: float, seed: int, apart_s: tuple[float, float] = (0.3, 1.3)
) -> Killed:
    """Kills at seeded instants, `apart_s` after each return."""
    dice = random.Random(seed)
    ledger = folder / "simulator.jsonl"
    with (
        running_simulator(ledger_file=ledger) as simulator,
        serving(folder, REGISTRY.format(simulator=simulator.address())) as served,
    ):
        _trouble(simulator, seed)
        back = []
        with Load(lambda: served.port, served.key, rate=rate, seed=seed) as load:
            for _ in range(kills):
                time.sleep(dice.uniform(*apart_s))
                back.append(_kill(served))
            time.sleep(dice.uniform(*apart_s))
            asked = load.done()
        ended = time.monotonic()
        verdict = settled(served, lambda rows: judge(asked, read_file(ledger), rows))
        retried = sum(1 for entry in read_file(ledger) if entry.fault)
        return Killed(verdict, back, time.monotonic() - ended, retried, sum(one.good for one in asked))


def settled(served: Served, account) -> Verdict:  # type: ignore[no-untyped-def]
    """The verdict, once the ledger has caught up; the last one if it never does. How soon it must is for the battery to say."""
    until = time.monotonic() + HANGS_S
    while True:
        verdict: Verdict = account(served.logs())
        if not (verdict.lost or verdict.unfinished) or time.monotonic() > until:
            return verdict


def _trouble(simulator: SimulatorProcess, seed: int) -> None:
    """Retries in flight: failures that pass, on what may be repeated; refusals unread, on acts."""
    for number, name in enumerate(("server_error", "reset", "overloaded")):
        simulator.fault(name, "openai", probability=0.04, seed=seed + number)
    simulator.fault("rate_limit", "stripe", probability=0.1, seed=seed + 10, args={"retry_after_ms": 50})


def _kill(served: Served) -> float:
    gone = served.kill("gateway")
    begun = time.monotonic()
    eventually(
        lambda: served.pid("gateway") not in (0, gone) and served.answers() == 200,
        "the gateway to be back",
        40,
    )
    return time.monotonic() - begun
