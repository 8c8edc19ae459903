"""Writes metrics in Prometheus' text format (version 0.0.4). Pure.

Not for counting (`totals.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NOT_A_NAME = re.compile(r"[^a-zA-Z0-9_]")


class Sample(NamedTuple):
    """One line of a metric."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""
    """`_bucket`, `_sum` or `_count` of a histogram."""


class Metric(NamedTuple):
    """One metric family. `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def render(metrics: Iterable[Metric]) -> str:
    """The page that Prometheus scrapes."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {_help(metric.help)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [
            f"{metric.name}{one.suffix}{_labels(one.labels)} {number(one.value)}" for one in metric.samples
        ]
    return "\n".join(lines) + "\n"


def histogram(
    labels: Mapping[str, str], bounds_s: Sequence[float], counts: Sequence[int], total_s: float
) -> list[Sample]:
    """The samples of one histogram. `counts` has one entry a bound and one for what is beyond; they are not yet cumulated."""
    samples, seen = [], 0
    for bound, count in zip(bounds_s, counts, strict=False):
        seen += count
        samples.append(Sample({**labels, "le": number(bound)}, seen, "_bucket"))
    whole = sum(counts)
    samples.append(Sample({**labels, "le": "+Inf"}, whole, "_bucket"))
    return [*samples, Sample(labels, total_s, "_sum"), Sample(labels, whole, "_count")]


def name_of(text: str) -> str:
    """A text as (the end of) a metric's name."""
    return _NOT_A_NAME.sub("_", text)


def number(value: float) -> str:
    """A number as Prometheus reads it, without a needless fraction."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{name}="{_value(value)}"' for name, value in labels.items())
    return "{" + inside + "}"


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
