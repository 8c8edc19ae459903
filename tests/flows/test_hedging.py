"""A vendor that is late for some calls makes few callers late: a second request goes out, on a leash, and the loser is cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import HELD, SILENCE, Site, reply

pytestmark = pytest.mark.row("F5")

REGISTRY = """
version: 1
defaults:
  retry: {{backoff: 10ms, backoff_max: 20ms}}
integrations:
  openai:
    base_url: "{sim}/openai"
    secret: env:OPENAI_API_KEY
    hedge: {{after: 150ms, usd_per_day: 5, share: 1}}
  patient:
    vendor: openai
    base_url: "{sim}/openai"
    secret: env:OPENAI_API_KEY
    hedge: {{after: 30s, usd_per_day: 5, share: 1}}
  site:
    base_url: "{site}"
    auth: {{kind: none}}
    hedge: {{after: 150ms, share: 1}}
"""
CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Tell me a story"}]}


@pytest.fixture(scope="module")
def hedging(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway that sends a second request after 150 ms."""
    registry = REGISTRY.format(sim=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("hedging"), registry) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_answers_when_the_first_never_does(
    hedging: Trunkline, simulator: SimulatorProcess, stream: bool
) -> None:
    simulator.fault("never", "openai", times=1)
    body: dict[str, Any] = {**CHAT, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    answer = hedging.call("POST", "/v1/chat/completions", body)
    call = hedging.recorded(answer)

    assert (answer.status, call.end.notes, call.end.state) == (200, "hedge=won", "ok")
    assert [(t.n, t.code) for t in call.end.tried] == [(1, "cancelled"), (2, "")]
    assert (call.end.cost_usd > 0, 0 < call.end.wasted_usd <= call.end.cost_usd) == (True, True)
    assert [again.n for again in call.agains] == [2]
    eventually(lambda: simulator.ledger()[0].client_gone_at, "the loser to be cut at the vendor")


def test_the_first_answers_though_late_and_the_second_is_cut(hedging: Trunkline, site: Site) -> None:
    site.script.extend([(HELD, reply(b'{"n":1}')), SILENCE])
    with hedging.unanswered("GET", "/api/proxy/site/items") as line:
        eventually(lambda: len(site.seen) == 2, "the second request")
        site.go_on()
        answer = line.answer()
    call = hedging.recorded(answer)

    assert (answer.status, answer.json, call.end.notes) == (200, {"n": 1}, "hedge=lost")
    assert [(t.n, t.code) for t in call.end.tried] == [(1, ""), (2, "cancelled")]


def test_an_act_is_never_hedged(hedging: Trunkline, site: Site) -> None:
    site.paced(0.4, b"", reply(b"{}"))
    answer = hedging.call("POST", "/api/proxy/site/orders", {"n": 1})

    assert (answer.status, len(site.seen)) == (200, 1)


def test_calls_in_time_stay_alone(hedging: Trunkline, simulator: SimulatorProcess) -> None:
    for _ in range(10):
        in_time = {**CHAT, "model": "patient/gpt-4o-mini"}
        assert hedging.call("POST", "/v1/chat/completions", in_time).status == 200
    assert len(simulator.ledger()) == 10


@pytest.mark.row("F6")
def test_a_caller_that_leaves_cancels_both(hedging: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("never", "openai")
    with hedging.unanswered("POST", "/v1/chat/completions", CHAT, {"x-correlation-id": "leaves"}):
        eventually(lambda: len(simulator.ledger()) == 2, "the second request")
    end = hedging.recorded("leaves").end

    assert (end.state, [(t.n, t.code) for t in end.tried]) == (
        "cancelled",
        [(1, "cancelled"), (2, "cancelled")],
    )
    eventually(
        lambda: all(entry.client_gone_at for entry in simulator.ledger()), "both to be cut at the vendor"
    )
