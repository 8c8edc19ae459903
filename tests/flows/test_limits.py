"""Limits toward vendors and toward callers, and the breaker: what is held back, what is told, and that it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import SILENCE, Site

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
integrations:
  narrow: {{base_url: "{simulator}/narrow", auth: {{kind: none}}, limits: [{{concurrency: 3}}]}}
  one: {{base_url: "{site}", auth: {{kind: none}}, limits: [{{concurrency: 1}}]}}
  paced: {{base_url: "{simulator}/paced", auth: {{kind: none}}, limits: [{{requests: 10, per: 1s}}]}}
  rationed: {{base_url: "{simulator}/rationed", auth: {{kind: none}}, limits: [{{requests: 2, per: 1h}}]}}
  shaky:
    base_url: "{simulator}/shaky"
    auth: {{kind: none}}
    breaker: {{volume: 4, failures: 0.5, window: 30s, open_for: 2s, ramp: 0s}}
  fussy: {{base_url: "{simulator}/fussy", auth: {{kind: none}}, breaker: {{volume: 4, window: 10s, open_for: 400ms}}}}
  tired: {{base_url: "{simulator}/tired", auth: {{kind: none}}}}
  steady: {{base_url: "{simulator}/steady", auth: {{kind: none}}}}
"""


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway with small limits."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("strict"), registry) as running:
        yield running


def at_once(calls: int, one: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))


@pytest.mark.row("F1")
def test_no_more_calls_at_once_than_the_vendor_takes(strict: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("never", "narrow", times=3)

    def at_the_vendor() -> int:
        return len(simulator.ledger(vendor="narrow"))

    with ExitStack() as held:
        lines = [held.enter_context(strict.unanswered("GET", "/api/proxy/narrow/echo")) for _ in range(6)]
        eventually(lambda: at_the_vendor() == 3, "three calls at the vendor")
        assert strict.call("GET", "/health/live", key="").status == 200
        assert at_the_vendor() == 3

        lines[0].close()
        assert [line.answer().status for line in lines[3:]] == [200, 200, 200]


def test_who_waits_for_a_place_and_hangs_up_takes_none(strict: Trunkline, site: Site) -> None:
    site.script.append(SILENCE)
    with strict.unanswered("GET", "/api/proxy/one/first") as first:
        eventually(lambda: len(site.seen) == 1, "the first call at the vendor")
        with strict.unanswered(
            "GET", "/api/proxy/one/second", headers={"x-correlation-id": "left-the-queue"}
        ):
            pass
        assert strict.recorded("left-the-queue").end.state == "cancelled"
        first.close()
    answer = strict.call("GET", "/api/proxy/one/third")

    assert (answer.status, [seen.target for seen in site.seen]) == (200, ["/first", "/third"])


def test_a_wait_for_a_place_ends_with_the_calls_time(strict: Trunkline, site: Site) -> None:
    site.script.append(SILENCE)
    with strict.unanswered("GET", "/api/proxy/one/first"):
        eventually(lambda: len(site.seen) == 1, "the first call at the vendor")
        answer = strict.call("GET", "/api/proxy/one/second", headers={"x-trunkline-timeout": "0.2"})

    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (503, "queue_timeout", True)
    assert (len(site.seen), strict.recorded(answer).end.code) == (1, "queue_timeout")
    eventually(lambda: strict.call("GET", "/api/proxy/one/after").status == 200, "the place to be free")


def test_calls_are_spread_to_fit_the_vendors_rate(strict: Trunkline, simulator: SimulatorProcess) -> None:
    answers = at_once(15, lambda n: strict.call("GET", "/api/proxy/paced/echo"))
    begun = sorted(entry.begun for entry in simulator.ledger(vendor="paced"))

    assert [answer.status for answer in answers] == [200] * 15
    assert begun[-1] - begun[0] >= 0.3


@pytest.mark.row("E1")
def test_a_rate_that_would_mean_a_long_wait_is_refused_with_the_instant(
    strict: Trunkline, simulator: SimulatorProcess
) -> None:
    answers = [strict.call("GET", "/api/proxy/rationed/echo") for _ in range(3)]
    refused = answers[-1]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert (refused.json["code"], refused.json["source"]) == ("rate_limited", "trunkline")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", refused.json["retryAt"])
    assert 1 <= int(refused.field("retry-after") or "0") <= 60
    assert len(simulator.ledger(vendor="rationed")) == 2


def test_a_vendors_pause_is_obeyed_for_all_calls_to_it_and_no_others(
    strict: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("rate_limit", "tired", args={"retry_after": 40}, times=1)
    first, second = [strict.call("GET", "/api/proxy/tired/echo") for _ in range(2)]

    assert [first.status, second.status] == [429, 429]
    assert (first.json["source"], second.json["source"]) == ("tired", "trunkline")
    assert len(simulator.ledger(vendor="tired")) == 1
    assert strict.call("GET", "/api/proxy/steady/echo").status == 200


def test_the_breaker_opens_holds_back_and_closes_again(
    strict: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("server_error", "shaky", times=4)
    failed = [strict.call("GET", "/api/proxy/shaky/echo").status for _ in range(4)]
    held = strict.call("GET", "/api/proxy/shaky/echo")
    health = strict.call("GET", "/health?detail=1").json

    assert failed == [500] * 4
    assert (held.status, held.json["code"], held.json["retryable"]) == (503, "circuit_open", True)
    assert held.json["retryAt"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    assert len(simulator.ledger(vendor="shaky")) == 4
    assert "shaky" in str(health)
    assert strict.recorded(held).end.code == "circuit_open"

    def let_through(calls: int) -> bool:
        return [strict.call("GET", "/api/proxy/shaky/echo").status for _ in range(calls)] == [200] * calls

    def tried_at() -> float:
        before = time.monotonic()
        return before if let_through(1) else 0.0

    tried = eventually(tried_at, "the breaker to let one through")
    assert not let_through(1) or time.monotonic() - tried >= 1.0, "one trial call a second"
    eventually(lambda: let_through(2), "the breaker to close after two good trial calls")
    assert let_through(5)


def test_failures_that_do_not_speak_of_the_vendor_never_open_the_breaker(
    strict: Trunkline, simulator: SimulatorProcess
) -> None:
    statuses = []
    for fault in ("invalid", "not_found", "conflict", "permission", "auth", "too_large") * 3:
        simulator.no_faults()
        simulator.fault(fault, "fussy", times=1)
        statuses.append(strict.call("GET", "/api/proxy/fussy/echo").status)

    assert set(statuses) == {400, 404, 409, 403, 401, 413}
    assert strict.call("GET", "/api/proxy/fussy/echo").status == 200


@pytest.mark.row("W1")
def test_a_key_has_its_rate(strict: Trunkline) -> None:
    key = strict.new_key("rated", "*", rate=3, rate_per=3600.0)
    answers = [strict.call("GET", "/api/proxy/steady/echo", key=key) for _ in range(4)]
    refused = answers[-1]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert (refused.json["code"], refused.json["scope"], refused.json["retryable"]) == (
        "caller_rate_limited",
        "key",
        True,
    )
    assert refused.json["retryAt"] is not None
    assert refused.field("retry-after") == "60"
    assert strict.recorded(refused).end.code == "caller_rate_limited"
    assert strict.call("GET", "/api/proxy/steady/echo").status == 200


@pytest.mark.row("W1")
def test_a_key_has_so_many_calls_at_once(strict: Trunkline, simulator: SimulatorProcess) -> None:
    key = strict.new_key("twofold", "*", concurrency=2)
    simulator.fault("never", "steady", path="/held")
    with (
        strict.unanswered("GET", "/api/proxy/steady/held", key=key),
        strict.unanswered("GET", "/api/proxy/steady/held", key=key),
    ):
        eventually(lambda: len(simulator.ledger(vendor="steady")) == 2, "both calls at the vendor")
        third = strict.call("GET", "/api/proxy/steady/echo", key=key)

    assert (third.status, third.json["code"]) == (429, "caller_rate_limited")
    eventually(
        lambda: strict.call("GET", "/api/proxy/steady/echo", key=key).status == 200, "a place to be free"
    )


@pytest.mark.row("W1")
def test_a_stream_holds_its_place_until_its_last_byte(strict: Trunkline, simulator: SimulatorProcess) -> None:
    key = strict.new_key("single", "*", concurrency=1)
    simulator.latency("steady", per_chunk_ms=20)
    with strict.stream("GET", "/api/proxy/steady/sse?n=3000", key=key) as answer:
        answer.piece()
        second = strict.call("GET", "/api/proxy/steady/echo", key=key)
        answer.hang_up()

    assert (second.status, second.json["code"]) == (429, "caller_rate_limited")
    eventually(
        lambda: strict.call("GET", "/api/proxy/steady/echo", key=key).status == 200, "the place to be free"
    )


def test_hundreds_of_calls_leave_nothing_held(strict: Trunkline, site: Site) -> None:
    key = strict.new_key("many", "*", concurrency=8)

    def run(n: int) -> Answer:
        for _ in range(40):
            answer = strict.call("GET", f"/api/proxy/steady/echo?n={n}", key=key)
        return answer

    assert [answer.status for answer in at_once(8, run)] == [200] * 8
    assert strict.call("GET", "/health/ready", key="").status == 200
