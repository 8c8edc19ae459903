"""Runs the detector over vendors that change and vendors that do not, and counts: how many changes are found, after how many calls, and
how often it cries for nothing.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.drift.contract import Contract
from tests.drift.met import MET, Reply, drawn, share, shows
from tests.drift.mutations import OPERATORS, Mutant, mutated
from tests.drift.traffic import Traffic
from trunkline.core.sample import Sample
from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.watch import Operation, Watch

LEARNED = 400
"""Calls that a contract is learned from."""
FOLLOWED = 600
"""Calls after a change within which it must be found."""
OPERATIONS = 5
QUIET = 1000
"""Calls to a vendor that has not changed."""
TRIES = 50
"""Of an operator at each contract before it is passed over: operations without a list of words cannot lose a word."""


@dataclass
class Outcome:
    """What became of one mutant. `calls`: after how many it was found, 0 if it was not."""

    mutant: Mutant
    contract: Contract
    calls: int
    said: list[Change]


@dataclass
class Quiet:
    """What was said of a vendor that has not changed."""

    contract: Contract
    calls: int
    alarms: list[Change]


@dataclass
class Tally:
    """Mutants of one operator. `seldom`: found and made of those whose place is met, but whose change hardly any call meets."""

    found: int = 0
    made: int = 0
    seldom: tuple[int, int] = (0, 0)
    calls: list[int] = field(default_factory=list)

    def add(self, outcome: Outcome, *, seldom: bool = False) -> None:
        """Counts one."""
        found = outcome.calls > 0
        if seldom:
            self.seldom = (self.seldom[0] + found, self.seldom[1] + 1)
            return
        self.made, self.found = self.made + 1, self.found + found
        self.calls += [outcome.calls] if found else []

    @property
    def recall(self) -> float:
        return self.found / self.made if self.made else 1.0

    @property
    def with_seldom(self) -> tuple[int, int]:
        """Found and made of all whose place is met."""
        return self.found + self.seldom[0], self.made + self.seldom[1]

    @property
    def median_calls(self) -> int:
        return sorted(self.calls)[len(self.calls) // 2] if self.calls else 0


class Both:
    """The watch on an operation and the one on its vendor's errors, as one integration has them."""

    def __init__(self) -> None:
        self.operation = Watch(Operation())
        self.errors = Watch(Operation(), errors=True)

    def add(self, sample: Sample) -> bool:
        failed = sample.status >= 400 and self.errors.add(sample)
        return self.operation.add(sample) or failed

    def changes(self) -> list[Change]:
        return [*self.operation.operation.changes(), *self.errors.operation.changes()]

    def accept(self) -> None:
        for watch in (self.operation, self.errors):
            watch.close(1 << 60)
            watch.operation.accept(watch.operation.recent, "test")
            watch.refresh()


class Judged:
    """The detector over some contracts. What was learned of each is learned once."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._learned: dict[tuple[str, int], tuple[Both, Traffic]] = {}

    def learned(self, contract: Contract, times: int = 1) -> tuple[Both, Traffic]:
        """A watch that has learned the contract, and the traffic that it was learned from."""
        key = (contract.label, times)
        if key not in self._learned:
            rng = Random(f"{contract.label} {self._seed}")
            traffic, both = Traffic(contract, rng, newcomer=rng.random() < 0.2), Both()
            for sample in traffic.samples(times * LEARNED):
                both.add(sample)
            both.accept()
            self._learned[key] = (both, traffic)
        return copy.deepcopy(self._learned[key])

    def quiet(self, contract: Contract, calls: int = QUIET) -> Quiet:
        """Follows a vendor that does not change; every change that is ever told is an alarm."""
        both, traffic = self.learned(contract)
        traffic.let_in()
        told: dict[str, Change] = {}
        for sample in traffic.samples(calls):
            if both.add(sample):
                told.update((change.key, change) for change in both.changes())
        return Quiet(contract, calls, list(told.values()))

    def followed(self, contract: Contract, mutant: Mutant) -> Outcome:
        """Follows a vendor that changes right after it was learned, until the change is told at the right place.

        Errors are learned over all operations of an integration: where they change, of a few.
        """
        times = OPERATIONS if mutant.part == "error" else 1
        both, traffic = self.learned(contract, times)
        traffic.contract = mutant.contract
        said: list[Change] = []
        for number, sample in enumerate(traffic.samples(times * FOLLOWED), 1):
            if both.add(sample):
                said = both.changes()
                if any(names(change, mutant) for change in said):
                    return Outcome(mutant, contract, number, said)
        return Outcome(mutant, contract, 0, said)


def names(change: Change, mutant: Mutant) -> bool:
    """Whether a change that was told is the one that was made: the part, and the place, its parent or what lies in it."""
    if mutant.part == "request":
        return change.part in ("outcome", "error status", "error")
    if mutant.part == "error":
        return change.part.startswith("error")
    part = mutant.part.replace("event:", "event ").replace("event ", "event ")
    if mutant.part == "event:":
        part = "event data"
    if change.part != part:
        return False
    if mutant.part == "stream":
        return change.place.strip("/") in mutant.places or change.now in mutant.places
    place = plain(change.place)
    return any(_related(place, where) for where in mutant.places) or mutant.places == ("",)


def plain(place: str) -> str:
    """A place without the kinds of objects."""
    out, inside = "", 0
    for letter in place:
        inside += letter == "<"
        out += letter if not inside else ""
        inside -= letter == ">"
    return out


def _related(told: str, made: str) -> bool:
    return told == made or told.startswith(f"{made}/") or (made.rpartition("/")[0] == told and told != "")


def mutants(
    contracts: Sequence[Contract], count: int, seed: int
) -> Iterator[tuple[Contract, Mutant, bool, bool]]:
    """Mutants until there are `count` that callers meet: whether they meet the place, whether they meet the change. Every operator
    equally often, but one that finds no place.
    """
    rng = Random(seed)
    replies: dict[str, list[Reply]] = {}
    names = itertools.cycle(OPERATORS)
    made, name, tries = 0, next(names), 0
    while made < count:
        if tries == TRIES * len(contracts):
            name, tries = next(names), 0
        contract = rng.choice(contracts)
        mutant = mutated(name, contract, rng)
        tries += 1
        if mutant is None:
            continue
        if contract.label not in replies:
            replies[contract.label] = drawn(contract, seed)
        place = share(replies[contract.label], mutant) >= MET
        change = place and shows(mutant, seed) >= MET
        yield contract, mutant, place, change
        if change:
            made, name, tries = made + 1, next(names), 0


@dataclass
class Report:
    """What the detector made of many mutants and of vendors that have not changed. `rare`: mutants that hardly any call meets."""

    seed: int
    classes: dict[str, Tally] = field(default_factory=dict)
    rare: Tally = field(default_factory=Tally)
    missed: list[Outcome] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)

    @property
    def made(self) -> int:
        return sum(tally.made for tally in self.classes.values())

    @property
    def recall(self) -> float:
        return sum(tally.found for tally in self.classes.values()) / self.made

    @property
    def worst(self) -> tuple[str, float]:
        """The class of which the least are found."""
        name = min(self.classes, key=lambda name: self.classes[name].recall)
        return name, self.classes[name].recall

    @property
    def replies(self) -> int:
        """Unmodified ones."""
        return sum(one.calls for one in self.quiet)

    @property
    def alarms(self) -> list[str]:
        return [f"{one.contract.label} {change.title}" for one in self.quiet for change in one.alarms]

    @property
    def alarms_per_thousand(self) -> float:
        return 1000 * len(self.alarms) / self.replies


def judged(contracts: Sequence[Contract], count: int, seed: int, *, quiet: int = QUIET) -> Report:
    """Judges the detector by `count` mutants, and by `quiet` calls to each vendor that has not changed."""
    report, judge = Report(seed), Judged(seed)
    for contract, mutant, place, change in mutants(contracts, count, seed):
        outcome = judge.followed(contract, mutant)
        tally = report.classes.setdefault(mutant.operator, Tally()) if place else report.rare
        tally.add(outcome, seldom=place and not change)
        if change and not outcome.calls:
            report.missed.append(outcome)
    report.quiet = [judge.quiet(contract, quiet) for contract in contracts] if quiet else []
    return report


def together(reports: Sequence[Report]) -> Report:
    """Several reports as one, under the seed of the first."""
    out = Report(reports[0].seed)
    for one in reports:
        for name, tally in one.classes.items():
            into = out.classes.setdefault(name, Tally())
            into.made, into.found = into.made + tally.made, into.found + tally.found
            into.calls += tally.calls
            into.seldom = (into.seldom[0] + tally.seldom[0], into.seldom[1] + tally.seldom[1])
        out.rare.made, out.rare.found = out.rare.made + one.rare.made, out.rare.found + one.rare.found
        out.missed += one.missed
        out.quiet += one.quiet
    return out


def told(report: Report) -> str:
    """A report as a table for people."""
    lines = [f"{'class':26} {'found':>9} {'recall':>7} {'median calls':>13} {'with seldom met':>16}"]
    for name, one in sorted(report.classes.items()):
        more = "{}/{}".format(*one.with_seldom)
        lines.append(
            f"{name:26} {one.found:4}/{one.made:4} {one.recall:7.1%} {one.median_calls:13} {more:>16}"
        )
    lines.append(
        f"{'all':26} {sum(one.found for one in report.classes.values()):4}/{report.made:4} {report.recall:7.1%}"
    )
    lines.append(
        f"{'(hardly ever met)':26} {report.rare.found:4}/{report.rare.made:4} {report.rare.recall:7.1%}"
    )
    lines += [
        f"missed: {one.mutant.operator}, {one.contract.label}: {one.mutant.what}" for one in report.missed
    ]
    if report.quiet:
        lines.append(f"{len(report.alarms)} false alarms in {report.replies} replies")
        lines += [f"alarm: {alarm}" for alarm in report.alarms]
    return "\n".join(lines)
