"""However a call ends, the breaker counts each attempt once and gives back the place of a trial call."""

from __future__ import annotations

import pytest

from trunkline.core.flow import Breaker, Retry
from trunkline.plugins.policies.circuit import Circuit
from trunkline.testing import ENDINGS, Trial, answers, service
from trunkline.testing.laws import CHAT

pytestmark = pytest.mark.row("F3")


def circuit_of(trial: Trial) -> Circuit:
    (circuit,) = trial.breaker.circuits["acme"].values()
    return circuit


@pytest.mark.parametrize("slow_after", [0.0, 1000.0], ids=["plain", "watching for slowness"])
@pytest.mark.parametrize("name", list(ENDINGS))
async def test_each_attempt_that_was_sent_is_counted_once(name: str, slow_after: float) -> None:
    trial = Trial(services=[service(retry=Retry(backoff=0.0), breaker=Breaker(slow_after=slow_after))])
    await ENDINGS[name](trial)
    if not trial.wire.sent:
        assert name == "a journal that is full"
        return
    assert trial.breaker.seen("acme").attempts == len(trial.wire.sent)
    assert circuit_of(trial).state == "closed"


@pytest.mark.parametrize("name", list(ENDINGS))
async def test_a_trial_call_gives_its_place_back_however_it_ends(name: str) -> None:
    spec = service(retry=Retry(backoff=0.0), breaker=Breaker(volume=1, open_for=5.0, ramp=0.0))
    trial = Trial(answers(500, b'{"error":{"message":"no"}}'), services=[spec])
    await trial.ask("POST", "/api/proxy/acme/charges", b"{}")
    circuit = circuit_of(trial)
    assert circuit.state == "open"
    trial.clock.advance(6.0)
    await ENDINGS[name](trial)
    assert (circuit.probing, circuit.probe) == (False, None)
    trial.clock.advance(6.0)
    trial.wire.plays.clear()
    trial.wire.plays.extend([answers(200, b'{"model":"tiny-1","choices":[]}')] * 3)
    for _ in range(3):
        heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
        trial.clock.advance(1.0)
    assert (heard.status, circuit.state) == (200, "closed")
