"""Breakers, probes and status pages on the metrics page."""

from __future__ import annotations

import pytest

from trunkline.ops.health_metrics import metrics
from trunkline.ops.metrics import render
from trunkline.ops.outside import NOTHING, Incident, Outside, Page, Probed


@pytest.mark.row("O3", "H1")
def test_what_is_known_of_integrations_is_scraped() -> None:
    told = Outside(
        probes={"crm": Probed(at=1.0, every=60.0, ok=False, reason="no", took_s=0.25)},
        pages={
            "openai": Page(indicator="major", incidents=[Incident(name="x")]),
            "lost": Page(problem="it is not there"),
        },
    )
    circuits = {
        "openai": [
            {"credential": "env:A", "model": None, "state": "open", "opened": 3},
            {"credential": "env:A", "model": "big", "state": "returning", "opened": 1},
        ]
    }
    lines = [line for line in render(metrics(told, circuits)).splitlines() if not line.startswith("#")]
    assert lines == [
        'trunkline_breaker_circuit{integration="openai",credential="env:A",model=""} 3',
        'trunkline_breaker_circuit{integration="openai",credential="env:A",model="big"} 1',
        'trunkline_breaker_opened_total{integration="openai",credential="env:A",model=""} 3',
        'trunkline_breaker_opened_total{integration="openai",credential="env:A",model="big"} 1',
        'trunkline_probe_up{integration="crm"} 0',
        'trunkline_probe_seconds{integration="crm"} 0.25',
        'trunkline_vendor_incidents{integration="openai",indicator="major"} 1',
    ]


def test_without_anything_known_the_page_is_empty_but_well_formed() -> None:
    assert [
        line for line in render(metrics(NOTHING, {"a": "odd"})).splitlines() if not line.startswith("#")
    ] == []
