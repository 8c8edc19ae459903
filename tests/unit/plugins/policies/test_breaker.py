"""A circuit opens on a share of failures, lets one probe through, and closes after proof."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline.core.call import Attempt, Exchange, Live, Member, Target
from trunkline.core.errors import KINDS, CallError
from trunkline.core.service import Breaker as Settings
from trunkline.plugins.policies.breaker import Breaker, Circuit
from trunkline.testing import FakeClock, Heard, Trial, answers, request, service

SETTINGS = Settings(failures=0.5, volume=4, window=10.0, open_for=5.0)


def opened(now: float = 100.0) -> Circuit:
    circuit = Circuit()
    for _ in range(4):
        circuit.note(True, SETTINGS, now)
    assert circuit.state == "open"
    return circuit


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([True] * 3, "closed"),
        ([True] * 4, "open"),
        ([True, True, False, False, True], "open"),
        ([False, False, False, True, True], "closed"),
        ([False, False, True, True], "open"),
        ([None] * 50, "closed"),
        ([None, True, None, True, True], "closed"),
    ],
)
def test_it_opens_on_enough_failures_among_enough_calls(outcomes: list[bool | None], state: str) -> None:
    circuit = Circuit()
    for bad in outcomes:
        circuit.note(bad, SETTINGS, 100.0)
    assert circuit.state == state


def test_failures_of_long_ago_do_not_count() -> None:
    circuit = Circuit()
    for _ in range(3):
        circuit.note(True, SETTINGS, 100.0)
    circuit.note(True, SETTINGS, 111.0)
    assert circuit.state == "closed"
    assert repr(circuit) == "Circuit(closed, good=0, bad=1)"


def test_it_holds_back_then_lets_one_probe_through_at_a_time() -> None:
    circuit = opened(100.0)
    assert [circuit.allows(SETTINGS, now) for now in (100.0, 104.9)] == [False, False]
    assert [circuit.allows(SETTINGS, 105.0) for _ in range(3)] == [True, False, False]
    assert circuit.state == "half_open"


def test_two_good_probes_close_it() -> None:
    circuit = opened(100.0)
    for now in (105.0, 105.1):
        assert circuit.allows(SETTINGS, now)
        circuit.note(False, SETTINGS, now)
    assert (circuit.state, repr(circuit)) == ("closed", "Circuit(closed, good=0, bad=0)")


def test_a_bad_probe_opens_it_anew() -> None:
    circuit = opened(100.0)
    assert circuit.allows(SETTINGS, 105.0)
    circuit.note(True, SETTINGS, 106.0)
    assert (circuit.state, circuit.opened_at) == ("open", 106.0)
    assert not circuit.allows(SETTINGS, 110.9)
    assert circuit.allows(SETTINGS, 111.0)


def test_a_probe_that_tells_nothing_frees_its_place() -> None:
    circuit = opened(100.0)
    assert circuit.allows(SETTINGS, 105.0)
    circuit.note(None, SETTINGS, 105.0)
    assert (circuit.state, circuit.allows(SETTINGS, 105.0)) == ("half_open", True)


class CircuitMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order: at most one probe, never a way around an open circuit, never stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit, self.now, self.probes = Circuit(), 1000.0, 0

    @rule(seconds=st.floats(0, 8))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(outcome=st.sampled_from([True, False, None]))
    def a_call(self, outcome: bool | None) -> None:
        before, opened_at = self.circuit.state, self.circuit.opened_at
        allowed = self.circuit.allows(SETTINGS, self.now)
        if before == "open":
            assert allowed is (self.now - opened_at >= SETTINGS.open_for)
        if allowed:
            self.circuit.note(outcome, SETTINGS, self.now)

    @rule()
    def a_probe_under_way(self) -> None:
        if self.circuit.state == "half_open" and self.circuit.allows(SETTINGS, self.now):
            assert not self.circuit.allows(SETTINGS, self.now)
            self.circuit.note(None, SETTINGS, self.now)

    @invariant()
    def it_is_never_stuck(self) -> None:
        copy = Circuit()
        for name in Circuit.__slots__:
            value = getattr(self.circuit, name)
            setattr(copy, name, list(value) if isinstance(value, list) else value)
        assert copy.allows(SETTINGS, self.now + SETTINGS.open_for + 1e-6)


TestCircuit = CircuitMachine.TestCase


@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60))
def test_the_window_counts_what_is_in_it(steps: list[tuple[float, bool]]) -> None:
    circuit, now, seen = Circuit(), 1000.0, []
    settings = Settings(failures=1.0, volume=10**6, window=10.0)
    for gap, bad in steps:
        now += gap
        circuit.note(bad, settings, now)
        seen.append((now, bad))
    first = int(now) - 9
    assert repr(circuit) == (
        f"Circuit(closed, good={sum(at >= first and not bad for at, bad in seen)}, bad={sum(at >= first and bad for at, bad in seen)})"
    )


def attempt(error: CallError | None, gone: bool = False) -> Attempt:
    live = Live(service(breaker=Settings(volume=1, open_for=5.0)))
    exchange = Exchange(request(), Heard(), "call-1", 1.0, 2.0)
    exchange.gone = gone
    made = Attempt(exchange, Target(live, Member("env:A", 1, None, b"", b"")), 1, 1.0)
    made.error = error
    return made


@pytest.mark.parametrize("code", list(KINDS))
def test_only_what_speaks_of_the_target_opens_it(code: str) -> None:
    clock = FakeClock()
    breaker = Breaker(clock, clock.wall)
    one = attempt(CallError(code, "x", source="acme"))
    breaker.admit(one)
    breaker.settle(one)
    assert breaker.state("acme") == ("open" if KINDS[code].trips else "closed")


@pytest.mark.parametrize(
    "one",
    [
        attempt(CallError("network", "x", source="trunkline")),
        attempt(CallError("network", "x", source="acme"), gone=True),
        attempt(None, gone=True),
    ],
)
def test_our_own_refusals_and_callers_that_left_say_nothing(one: Attempt) -> None:
    clock = FakeClock()
    breaker = Breaker(clock, clock.wall)
    breaker.admit(one)
    breaker.settle(one)
    assert (breaker.state("acme"), repr(breaker)) == ("closed", "Breaker({})")


async def test_an_open_circuit_refuses_with_the_instant_of_the_next_probe() -> None:
    spec = service(breaker=Settings(volume=1, open_for=5.0))
    trial = Trial(answers(500, b"{}"), answers(200, b"{}"), services=[spec])
    await trial.ask("POST", "/api/proxy/acme/x", b"{}")
    held = await trial.ask("POST", "/api/proxy/acme/x", b"{}")
    assert (held.status, held.field(b"retry-after"), len(trial.wire.sent)) == (503, b"5", 1)
    assert trial.ends[1].code == "circuit_open"
    trial.clock.advance(5.0)
    assert (await trial.ask("POST", "/api/proxy/acme/x", b"{}")).status == 200


@pytest.mark.row("R10")
def test_each_credential_has_its_own_circuit_and_the_integration_is_open_only_when_all_are() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, clock.wall)
    states: list[Any] = [("acme", "a"), ("acme", "b"), ("other", "a")]
    for key in states:
        breaker.circuits[key] = Circuit()
    breaker.circuits["acme", "a"].state = "open"
    assert (breaker.state("acme"), breaker.state("other"), breaker.state("unheard of")) == (
        "closed",
        "closed",
        "closed",
    )
    breaker.circuits["acme", "b"].state = "half_open"
    assert breaker.state("acme") == "half_open"
    breaker.circuits["acme", "b"].state = "open"
    assert breaker.state("acme") == "open"
