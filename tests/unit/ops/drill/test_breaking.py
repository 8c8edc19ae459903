from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.flow import Breaker
from trunkline.core.service import Service
from trunkline.ops.drill.breaking import Breaking, judged, shortened

pytestmark = pytest.mark.row("F12", "F3")
SOUND = {
    "opened_s": 1.0,
    "failures": 20,
    "held_s": 3.0,
    "let_through": 1,
    "closed_s": 2.0,
    "proofs": 2,
    "refused": 100,
}


def failed(**change: Any) -> list[str]:
    checks = judged(Breaking(**{**SOUND, **change}), Breaker())
    return [check.name for check in checks if not check.ok]


def test_a_breaker_that_opens_holds_back_and_closes_passes() -> None:
    assert failed() == []


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"opened_s": -1.0}, ["opened"]),
        ({"opened_s": 7.0, "failures": 60}, ["opened"]),
        ({"opened_s": 7.0, "failures": 20}, []),
        ({"opened_s": 4.0, "failures": 60}, []),
        ({"let_through": 5}, ["held back"]),
        ({"let_through": 4}, []),
        ({"refused": 0}, ["held back"]),
        ({"closed_s": -1.0}, ["closed again"]),
        ({"proofs": 3}, ["closed again"]),
    ],
)
def test_each_duty_can_be_missed(change: dict[str, Any], wrong: list[str]) -> None:
    assert failed(**change) == wrong


def test_a_breaker_that_asks_for_more_proof_gets_it() -> None:
    checks = judged(Breaking(**{**SOUND, "proofs": 5}), Breaker(probes=5))
    assert all(check.ok for check in checks)


def test_only_its_times_are_shortened() -> None:
    own = Breaker(failures=0.3, volume=7, window=20, open_for=60, probes=3, ramp=90, slow_after=2)
    made = shortened(Service(name="a", breaker=own))
    assert made == Breaker(failures=0.3, volume=7, window=20, open_for=2, probes=3, ramp=2, slow_after=0)
