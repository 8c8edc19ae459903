"""The experiments of the battery, one row each: what is done and which figure passes. The table is made from here and from what was
measured; an experiment that nobody measured stands in it as not run.

Not for: doing them (the tests of this folder), nor for figures (`report.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.battery.experiment import Experiment
from tests.battery.report import NOT_RUN, Figure
from tests.battery.security_experiments import SECURITY, USE

PARTS: dict[str, tuple[Experiment, ...]] = {
    "Durability and change": (
        Experiment(
            "K1",
            "kill -9 of the gateway, 100 times at random under mixed load",
            "nothing lost, doubled or done twice; ready again in 2 s",
            also=("I2",),
        ),
        Experiment(
            "K2",
            "SIGTERM with streams in flight",
            "every stream ends inside the drain limit, new callers refused cleanly",
            "20 stops with streams of 3 s in place of 50 with streams of 30 s",
        ),
        Experiment(
            "K3",
            "journal cut or flipped at 1,000 random places",
            "starts every time; loses only what was hit, and reports it",
        ),
        Experiment(
            "K4",
            "the disk is full, then has room again",
            "acts 503 store_unavailable, the rest goes on; back in 5 s; nothing acknowledged lost",
        ),
        Experiment(
            "K5",
            "another process holds the ledger's databases for 30 s",
            "p99 +5 ms at most; drained in 10 s",
            also=("console killed 20 x",),
        ),
        Experiment(
            "K6",
            "the clock jumps by an hour and by a day, forth and back, under load",
            "no negative duration; limits and breakers untouched; budgets neither double nor skip; ids unique",
            "by injection into the process: libfaketime is not there",
        ),
        Experiment(
            "K7",
            "the registry reloaded 200 times in 60 s under load, every tenth file wrong",
            "no failed call; wrong files refused with their line",
        ),
        Experiment(
            "K8",
            "a secret rotated 100 times under load, the vendor refuses the old one soon after",
            "no failed call; new value in use in 1 s; a kill in 1 s",
        ),
        Experiment(
            "K9",
            "a store of one million rows upgraded and downgraded by a version",
            "automatic backup, 30 s; readable or refused before any write",
        ),
        Experiment("K10", "two on one state folder", "the second is refused and told the pid of the first"),
        Experiment(
            "G2",
            "a deletion request over ten million calls of ninety days",
            "every vendor and id of the person found in 1 s",
        ),
    ),
    "Upstream faults": (
        Experiment(
            "all faults",
            "every fault below on every dialect, whole and as a stream",
            "in time (deadline + 250 ms), clear, recorded, nothing repeated that must not be, nothing left over",
        ),
        Experiment(
            "F1",
            "429 with Retry-After in seconds, ms, as a date, and absurd",
            "ends in time and clearly, on every dialect, whole and as a stream",
        ),
        Experiment("F2", "429 bare", "the same"),
        Experiment("F3", "500", "the same"),
        Experiment("F4", "503 and 529: overloaded", "the same"),
        Experiment("F5", "connection refused", "the same"),
        Experiment("F6", "name without address", "the same"),
        Experiment("F7", "TLS expired, for another host, self-signed", "the same"),
        Experiment("F8", "accepts and never answers", "the same"),
        Experiment("F9", "first byte after 30 s", "the same"),
        Experiment("F10", "one byte a second", "the same"),
        Experiment("F11", "reset, or an end, before the head", "the same"),
        Experiment("F12", "reset in the middle of JSON", "the same"),
        Experiment(
            "F13", "reset in the middle of a stream", "an error event or a visible break, never a clean end"
        ),
        Experiment("F14", "end in the middle of a chunk", "the same"),
        Experiment("F15", "clean end without the last event", "an error event; recorded as truncated"),
        Experiment("F16", "error event after a harmless first one", "fallback succeeds unseen in 99 %"),
        Experiment("F17", "error event after content", "an error event; recorded as truncated"),
        Experiment("F18", "200 and JSON that is none", "ends in time and clearly"),
        Experiment("F19", "200 and HTML", "the same"),
        Experiment("F20", "wrong or no content type", "the same"),
        Experiment("F21", "gzip bomb", "memory + 50 MB at most"),
        Experiment("F22", "body of 1 GB", "memory + 50 MB at most"),
        Experiment("F23", "10,000 headers; one of 1 MB", "memory + 50 MB at most"),
        Experiment("F24", "content-length beside chunked, twice, NUL", "refused clearly"),
        Experiment("F25", "floods of 100 and 103", "a flood refused, a few passed over"),
        Experiment("F26", "redirect to another host, to metadata", "never followed"),
        Experiment("F27", "UTF-8 cut between chunks, mixed line ends", "nothing is noticed"),
        Experiment("F28", "an event of 10 MB in one line", "memory + 50 MB at most"),
        Experiment("F29", "usage missing, negative, as text", "estimated or unknown, never negative"),
        Experiment(
            "F30",
            "kept connection closed between requests",
            "0 errors where a repeat is safe; an act only if no byte was written",
        ),
        Experiment("F31", "a client that reads at 1 KB/s", "+ 1 MB per reader at most"),
        Experiment("F32", "a client that leaves", "vendor's call ended in 1 s; partial usage recorded"),
        Experiment(
            "A1",
            "amplification in a full outage, callers with two repeats of their own",
            "at most 1.2 requests per call once the breaker is open",
        ),
        Experiment(
            "A2", "breaker", "opens in 5 s or by 20 failures; one trial a second at most; closes by two"
        ),
        Experiment("A3", "what is left after 60 s of quiet", "no task, no descriptor", "20 s of quiet"),
        Experiment("A4", "one call", "4 attempts and 8 KB of record at most, over repeats and fallbacks"),
    ),
    "Load": (
        Experiment(
            "L1",
            "idle streams, each pinged now and then",
            "40 KB a stream at most; loop p99 20 ms; /health in 50 ms",
            "5,000 streams: the limit of open files does not allow 10,000 on one machine",
        ),
        Experiment(
            "L2",
            "slow heads, slow bodies, slow readers",
            "99.9 % of ordinary calls; their p99 twice at most; stalled ones closed",
            "3,000 slow clients in place of 4,000",
        ),
        Experiment(
            "L3",
            "three times the capacity, two tenants, one greedy",
            "goodput 90 % of peak; refusals in 50 ms; the quiet one's p99 1.5 times at most",
        ),
        Experiment("L4", "soak", "memory flat, descriptors flat", "minutes in place of 2 h", ("bench flat",)),
        Experiment("L5", "1,000 identical cacheable calls at once", "one call at the vendor"),
        Experiment(
            "L6",
            "limit of 10 a second, 500 arrive",
            "order kept, none lost, the wait told, who leaves is out in 100 ms",
        ),
        Experiment(
            "lanes at 3 x",
            "three lanes at three times the capacity",
            "goodput 90 % of peak; order and waits as the lanes say",
        ),
    ),
    "Security": SECURITY,
    "Money": (
        Experiment(
            "M1", "500 calls at once on a key with money for 100, with kill -9", "overspent 0, nothing stuck"
        ),
        Experiment(
            "M2",
            "streams without usage, cut ones, and callers that hang up",
            "estimated and flagged",
            tests=("tests/unit/engine/test_uncounted.py", "tests/flows/test_budgets.py"),
        ),
        Experiment(
            "M3",
            "cost of 390 recorded usages of 19 vendors",
            "what the vendors' own pages make of them, to 1e-9",
            tests=("tests/unit/plugins/adapters/usage/test_recorded.py",),
        ),
        Experiment(
            "M4",
            "a price changes in the middle of the day",
            "what was counted, and what has begun, keeps the old price's id",
            tests=("tests/unit/engine/test_costs.py",),
        ),
    ),
    "Clients": (
        Experiment(
            "U4",
            "unmodified SDKs and coding agents with the models of every vendor",
            "every pair: text, tools and their results, usage; nothing sent anywhere else",
        ),
    ),
    "Contracts": (
        Experiment(
            "D1",
            "1,000 mutants of what vendors publish, by 22 named operators and seeds that nothing was tuned on; vendors that do not change",
            "each class: 93 % found; one false alarm in 1,000 unmodified replies at most",
        ),
    ),
    "Use": USE,
    "Beside others": (
        Experiment(
            "limited vendor",
            "a vendor with a known limit: Trunkline, tenacity's jitter, LiteLLM's cooldown",
            "wastes fewer requests; within 5 % of an oracle",
            "the others are modelled",
        ),
    ),
}


class Row(NamedTuple):
    """One experiment with what was measured."""

    experiment: Experiment
    figures: tuple[Figure, ...]

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or `not run`."""
        real = [figure for figure in self.figures if figure.measured != NOT_RUN]
        if any(figure.passed is False for figure in self.figures):
            return "missed"
        if not real or any(figure.passed is None for figure in real):
            return "not run"
        return "reached"

    @property
    def measured(self) -> str:
        told = (f"{one.what}: {one.measured}" if one.what else one.measured for one in self.figures)
        return "; ".join(told) or NOT_RUN

    @property
    def days(self) -> str:
        """When it was measured."""
        found = sorted({one.day for one in self.figures if one.day and one.measured != NOT_RUN})
        return " to ".join(dict.fromkeys((found[0], found[-1]))) if found else ""

    @property
    def notes(self) -> str:
        noted = dict.fromkeys(one.note for one in self.figures if one.note)
        return "; ".join([*([self.experiment.short] if self.experiment.short else []), *noted])


def rows(figures: Sequence[Figure]) -> Iterator[tuple[str, Row]]:
    """Every experiment, by part."""
    for part, experiments in PARTS.items():
        for one in experiments:
            yield part, Row(one, tuple(figure for figure in figures if belongs(figure.experiment, one)))


def belongs(label: str, one: Experiment) -> bool:
    """Whether figures told under a label are of an experiment: `F1-F30`, `F21-F23, F28`, `K4 (injected, 5 x)`, `L2, 3,000 slow`."""
    return label in one.also or one.id in named(label) or label.startswith(f"{one.id},")


def named(label: str) -> set[str]:
    """The ids in a label."""
    found = set()
    for hit in re.finditer(r"([A-Z])(\d+)(?:-\1(\d+))?", label):
        first, last = int(hit[2]), int(hit[3] or hit[2])
        found |= {f"{hit[1]}{number}" for number in range(first, last + 1)}
    return found or {label}


def same_row(label: str, other: str) -> bool:
    """Whether figures told under two labels stand in a row together."""
    known = [one for experiments in PARTS.values() for one in experiments]
    return label == other or any(belongs(label, one) and belongs(other, one) for one in known)


def strays(figures: Sequence[Figure]) -> list[str]:
    """Labels of figures that belong to no experiment here: other measures, such as those of the bench."""
    known = [one for experiments in PARTS.values() for one in experiments]
    return list(
        dict.fromkeys(f.experiment for f in figures if not any(belongs(f.experiment, one) for one in known))
    )


def table(figures: Sequence[Figure]) -> str:
    """All experiments as text for a terminal: id, what passes, what was measured, verdict."""
    lines = []
    for part, row in rows(figures):
        one = row.experiment
        lines.append(f"{row.verdict:<8} {one.id:<5} {one.what}  [{part}]")
        lines.append(f"{'':14} to pass:  {one.passes}")
        lines.append(f"{'':14} measured: {row.measured}")
        if row.days:
            lines.append(f"{'':14} on:       {row.days}")
        if row.notes:
            lines.append(f"{'':14} note:     {row.notes}")
    return "\n".join(lines)
