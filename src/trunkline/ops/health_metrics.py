"""Breakers, probes and status pages as metrics. Pure. Not for: totals of calls (`totals.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.ops.metrics import Metric, Sample
from trunkline.ops.outside import Outside

STATES = ("closed", "returning", "half_open", "open")


def metrics(outside: Outside, circuits: Mapping[str, Any]) -> list[Metric]:
    """`circuits` as the gateway tells them: by integration, a list of rows."""
    rows = [(name, row) for name, some in sorted(circuits.items()) for row in some if isinstance(row, dict)]
    probes, pages = sorted(outside.probes.items()), sorted(outside.pages.items())
    return [
        Metric(
            "trunkline_breaker_circuit",
            "gauge",
            "State of a circuit: 0 closed, 1 returning, 2 half open, 3 open.",
            [
                Sample(_of(name, row), STATES.index(row["state"]))
                for name, row in rows
                if row.get("state") in STATES
            ],
        ),
        Metric(
            "trunkline_breaker_opened_total",
            "counter",
            "How often a circuit has opened since the gateway started.",
            [Sample(_of(name, row), float(row.get("opened", 0))) for name, row in rows],
        ),
        Metric(
            "trunkline_probe_up",
            "gauge",
            "1 if the last probe of an integration went well.",
            [Sample({"integration": name}, float(one.ok)) for name, one in probes],
        ),
        Metric(
            "trunkline_probe_seconds",
            "gauge",
            "How long the last probe took.",
            [Sample({"integration": name}, one.took_s) for name, one in probes],
        ),
        Metric(
            "trunkline_vendor_incidents",
            "gauge",
            "Incidents and maintenance that a vendor's status page reports as going on.",
            [
                Sample({"integration": name, "indicator": p.indicator}, len(p.incidents))
                for name, p in pages
                if not p.problem
            ],
        ),
    ]


def _of(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "integration": name,
        "credential": str(row.get("credential", "")),
        "model": str(row.get("model") or ""),
    }
