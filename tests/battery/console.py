"""K5 and its neighbour: the console is killed, or somebody else locks its databases; calls go on, and all is drained after."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.battery.judge import Verdict, judge
from tests.battery.load import QUICK, Asked, Load, quantile
from tests.battery.served import REGISTRY, Served, serving
from tests.support.polling import eventually
from tests.support.simulator import running_simulator
from trunkline.simulator.ledger import read_file

DRAIN_S = 10.0


@dataclass
class Undisturbed:
    """What a disturbance of the console did to calls. `free_s` and `disturbed_s` are latencies of good calls in alternating windows."""

    verdict: Verdict
    drained_s: float = 0.0
    """From the end of the disturbance and the load to the last record in the ledger."""
    bad: int = 0
    """Calls without a good answer."""
    free_s: list[list[float]] = field(default_factory=list)
    disturbed_s: list[list[float]] = field(default_factory=list)

    def added_p99_ms(self) -> list[float]:
        """Per pair of windows: p99 while disturbed minus p99 before, in ms."""
        pairs = zip(self.free_s, self.disturbed_s, strict=True)
        return [(quantile(after, 0.99) - quantile(before, 0.99)) * 1e3 for before, after in pairs]

    def ratios(self) -> list[float]:
        pairs = zip(self.free_s, self.disturbed_s, strict=True)
        return [quantile(after, 0.99) / quantile(before, 0.99) for before, after in pairs]

    def noise_ms(self) -> float:
        """How far the p99 of the undisturbed windows lie apart among themselves."""
        each = [quantile(window, 0.99) * 1e3 for window in self.free_s]
        return max(each) - min(each)


def kill_console(folder: Path, *, kills: int, rate: float, seed: int) -> Undisturbed:
    """SIGKILL to the console, again and again, wherever its drain is."""
    with _setting(folder) as (served, ledger):
        dice = random.Random(seed)
        with Load(lambda: served.port, served.key, rate=rate, seed=seed, sorts=QUICK) as load:
            for _ in range(kills):
                time.sleep(dice.uniform(0.1, 0.9))
                gone = served.kill("console")
                eventually(
                    lambda gone=gone: served.pid("console") not in (0, gone), "the console to be back", 40
                )
            asked = load.done()
        return _judged(served, ledger, asked)


def lock_ledger(folder: Path, *, windows: int, window_s: float, rate: float, seed: int) -> Undisturbed:
    """`BEGIN EXCLUSIVE` on every database of the ledger, in every second window."""
    with _setting(folder) as (served, ledger):
        databases = lambda: sorted((served.state / "ledger").glob("*.db"))  # noqa: E731
        with Load(lambda: served.port, served.key, rate=rate, seed=seed, sorts=QUICK) as load:
            eventually(lambda: len(databases()) >= 2, "the first drained calls")
            bounds = [time.monotonic()]
            for _ in range(windows):
                _until(bounds[-1] + window_s)
                bounds.append(time.monotonic())
                with locked(databases()):
                    _until(bounds[-1] + window_s)
                bounds.append(time.monotonic())
            asked = load.done()
        found = _judged(served, ledger, asked)
        for number, (start, end) in enumerate(pairwise(bounds)):
            took = [one.took_s for one in asked if one.good and start <= one.begun < end]
            (found.disturbed_s if number % 2 else found.free_s).append(took)
        return found


@contextmanager
def locked(databases: list[Path]) -> Iterator[None]:
    """Holds each of them exclusively."""
    held = [sqlite3.connect(path, timeout=10, isolation_level=None) for path in databases]
    try:
        for connection in held:
            connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        for connection in held:
            connection.close()


@contextmanager
def _setting(folder: Path) -> Iterator[tuple[Served, Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder / "simulator.jsonl"
    with (
        running_simulator(ledger_file=ledger) as simulator,
        serving(folder, REGISTRY.format(simulator=simulator.address())) as served,
    ):
        yield served, ledger


def _judged(served: Served, ledger: Path, asked: list[Asked]) -> Undisturbed:
    ended = time.monotonic()
    while True:
        verdict = judge(asked, read_file(ledger), served.logs())
        took = time.monotonic() - ended
        if not (verdict.lost or verdict.unfinished) or took > 2 * DRAIN_S:
            return Undisturbed(verdict, took, sum(not one.good for one in asked))


def _until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.monotonic()))
