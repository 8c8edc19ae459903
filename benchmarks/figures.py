"""Pure arithmetic of the measurements: medians, percentiles, pairs, and reading what tools and the kernel print.

Not for: running anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple


class Load(NamedTuple):
    """What wrk counted."""

    calls: int
    per_second: float
    refused: int
    """Answers that were not 2xx or 3xx, and socket errors."""


class Pair(NamedTuple):
    """One measured value beside nginx's in the same run."""

    ours: float
    nginx: float

    @property
    def ratio(self) -> float:
        return self.ours / self.nginx

    @property
    def difference(self) -> float:
        return self.ours - self.nginx


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, e.g. `share=0.99`. Raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = min(len(ordered) - 1, max(0, -(-len(ordered) * round(share * 10_000) // 10_000) - 1))
    return ordered[rank]


def ratios(pairs: Iterable[Pair]) -> list[float]:
    return [pair.ratio for pair in pairs]


def quiet(pairs: Iterable[Pair], bound: float) -> list[Pair]:
    """The pairs in which nginx itself kept the bound; the others say nothing about us."""
    return [pair for pair in pairs if pair.nginx < bound]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Smallest and largest, for a note."""
    return f"{min(values):.{digits}f}–{max(values):.{digits}f}"


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def wrk_load(text: str) -> Load:
    """Reads wrk's report. Raises ValueError when it is none."""
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if not total or not rate:
        raise ValueError(f"not a report of wrk: {text[:200]!r}")
    refused = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if errors:
        refused += sum(int(n) for n in errors.groups())
    return Load(int(total[1]), float(rate[1]), refused)


def schedstat_s(text: str) -> float:
    """Seconds that a thread ran, from /proc/PID/task/TID/schedstat (its first figure is in nanoseconds)."""
    return int(text.split(maxsplit=1)[0]) / 1e9


def stat_s(text: str, ticks_per_s: int) -> float:
    """User plus system seconds of a process with all its threads, from /proc/PID/stat."""
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / ticks_per_s


def rollup_kb(text: str) -> dict[str, int]:
    """`Rss`, `Pss` and the rest of /proc/PID/smaps_rollup, in KiB."""
    return {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
