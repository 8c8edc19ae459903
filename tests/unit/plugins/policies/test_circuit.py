"""A circuit opens on failures or slowness, lets trial calls through, closes after proof, and lets traffic return bit by bit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline.core.flow import Breaker as Settings
from trunkline.plugins.policies.circuit import PROBE_EVERY_S, Circuit, Counts, Outcome

pytestmark = pytest.mark.row("F3")
SETTINGS = Settings(failures=0.5, volume=4, window=10.0, open_for=5.0, ramp=20.0)
AT_ONCE = Settings(failures=0.5, volume=4, window=10.0, open_for=5.0, ramp=0.0)
SLUGGISH = Settings(failures=0.5, volume=4, window=10.0, slow_after=2.0, slow=0.75)


def noted(circuit: Circuit, outcome: Outcome, now: float = 100.0, **more: Any) -> None:
    """An attempt that began just now ended."""
    circuit.note(outcome, now, started=more.pop("started", now), **more)


def opened(now: float = 100.0, settings: Settings = SETTINGS) -> Circuit:
    circuit = Circuit(settings)
    for _ in range(4):
        noted(circuit, "bad", now)
    assert (circuit.state, circuit.held) == ("open", True)
    return circuit


def returning(now: float = 106.0) -> Circuit:
    """Opened at 100, proved well at `now`."""
    circuit = opened(100.0)
    for at in (now - 1.0, now):
        assert circuit.allows(at)
        noted(circuit, "good", at, probe=True)
    assert circuit.state == "returning"
    return circuit


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("bbb", "closed"),
        ("bbbb", "open"),
        ("bbggb", "open"),
        ("gggbb", "closed"),
        ("ggbb", "open"),
        ("gggb", "closed"),
        ("vvvvvvvvvv", "closed"),
        ("vbvbb", "closed"),
        ("aaaaaaaa", "closed"),
        ("oooooooo", "closed"),
        ("oabb", "open"),
    ],
)
def test_it_opens_on_enough_failures_among_enough_calls(outcomes: str, state: str) -> None:
    words: dict[str, Outcome] = {"b": "bad", "g": "good", "v": "void", "a": "ailing", "o": "other"}
    circuit = Circuit(SETTINGS)
    for letter in outcomes:
        noted(circuit, words[letter])
    assert (circuit.state, circuit.opened) == (state, int(state == "open"))


def test_it_says_why_it_opened() -> None:
    circuit = Circuit(SETTINGS)
    for outcome in ("good", "bad", "good", "bad"):
        noted(circuit, outcome)  # type: ignore[arg-type]
    assert circuit.why == "2 of 4 attempts within 10 s failed"


def test_failures_of_long_ago_do_not_count() -> None:
    circuit = Circuit(SETTINGS)
    for _ in range(3):
        noted(circuit, "bad", 100.0)
    noted(circuit, "good", 100.0)
    noted(circuit, "bad", 111.0)
    assert (circuit.state, repr(circuit)) == ("closed", "Circuit(closed, good=0, bad=1)")


def test_a_rare_caller_opens_it_too_once_nothing_succeeds_any_more() -> None:
    circuit = Circuit(SETTINGS)
    for minute in range(4):
        assert circuit.state == "closed"
        noted(circuit, "bad", 60.0 * minute)
    assert (circuit.state, circuit.why) == ("open", "4 attempts in a row failed")


def test_a_full_outage_opens_a_busy_target_long_before_its_good_past_is_forgotten() -> None:
    circuit = Circuit(Settings())
    now = 1000.0
    for n in range(2000):
        now = 1000.0 + n / 256
        noted(circuit, "good", now)
    failed = 0
    began = now
    while circuit.state == "closed":
        now += 1 / 256
        noted(circuit, "bad", now)
        failed += 1
    assert now - began == 1.0 + 1 / 256
    assert (failed, circuit.why) == (257, "257 attempts in a row failed")


def test_a_burst_of_cut_connections_is_no_outage() -> None:
    circuit = Circuit(SETTINGS)
    for _ in range(100):
        noted(circuit, "good", 100.0)
    for _ in range(50):
        noted(circuit, "bad", 100.1)
    noted(circuit, "good", 100.2)
    for _ in range(40):
        noted(circuit, "bad", 101.3)
    assert circuit.state == "closed"


def test_slow_calls_open_it_too() -> None:
    circuit = Circuit(SLUGGISH)
    assert not circuit.plain
    for slow in (False, True, True):
        noted(circuit, "good", slow=slow)
    assert circuit.state == "closed"
    noted(circuit, "good", slow=True)
    assert (circuit.state, circuit.why) == ("open", "3 of 4 attempts within 10 s took longer than 2 s")
    assert circuit.allows(105.0)
    noted(circuit, "good", 105.0, slow=True, probe=True)
    assert (circuit.state, circuit.why) == ("open", "a trial call was too slow")


def test_it_holds_back_then_lets_one_trial_call_a_second_through() -> None:
    circuit = opened(100.0)
    assert [circuit.allows(now) for now in (100.0, 104.9)] == [False, False]
    assert [circuit.allows(105.0) for _ in range(3)] == [True, False, False]
    assert circuit.state == "half_open"
    noted(circuit, "good", 105.1, probe=True)
    assert [circuit.allows(now) for now in (105.2, 105.9, 106.0, 106.0)] == [False, False, True, False]


def test_a_trial_call_that_hangs_keeps_the_next_away_only_for_a_while() -> None:
    circuit = opened(100.0)
    assert [circuit.allows(now) for now in (105.0, 107.0, 109.9, 110.0)] == [True, False, False, True]


def test_good_trial_calls_close_it() -> None:
    circuit = opened(100.0, AT_ONCE)
    for now in (105.0, 106.0):
        assert circuit.allows(now)
        noted(circuit, "good", now, probe=True)
    assert (circuit.state, circuit.held, circuit.plain) == ("closed", False, True)
    assert circuit.window() == Counts()


def test_a_bad_trial_call_opens_it_anew() -> None:
    circuit = opened(100.0)
    assert circuit.allows(105.0)
    noted(circuit, "bad", 106.0, probe=True, started=105.0)
    assert (circuit.state, circuit.since, circuit.why, circuit.opened) == (
        "open",
        106.0,
        "a trial call failed",
        2,
    )
    assert not circuit.allows(110.9)
    assert circuit.allows(111.0)


def test_a_trial_call_that_tells_nothing_frees_its_place() -> None:
    circuit = opened(100.0)
    assert circuit.allows(105.0)
    noted(circuit, "void", 105.0, probe=True)
    assert [circuit.state, circuit.allows(105.5), circuit.allows(106.0)] == ["half_open", False, True]


def test_the_callers_mistake_proves_that_the_target_answers() -> None:
    circuit = opened(100.0, AT_ONCE)
    for now in (105.0, 106.0):
        assert circuit.allows(now)
        noted(circuit, "other", now, probe=True)
    assert circuit.state == "closed"


def test_calls_of_the_outage_that_end_late_say_nothing_about_now() -> None:
    circuit = opened(100.0)
    assert circuit.allows(105.0)
    noted(circuit, "bad", 105.1, started=99.0)
    assert circuit.state == "half_open"
    circuit = returning(106.0)
    for _ in range(40):
        noted(circuit, "bad", 110.0, started=99.0)
    assert (circuit.state, circuit.bad, circuit.ailing) == ("returning", 4, 40)


@pytest.mark.parametrize(
    ("after", "share"), [(0.0, 0.1), (5.0, 0.325), (10.0, 0.55), (19.0, 0.955), (20.0, 1.0)]
)
def test_traffic_returns_bit_by_bit(after: float, share: float) -> None:
    circuit = returning(106.0)
    assert circuit.share(106.0 + after) == pytest.approx(share)


def test_the_share_that_passes_is_the_share_that_is_said_and_always_the_same() -> None:
    def passed() -> list[int]:
        circuit = returning(106.0)
        seconds = []
        for second in range(22):
            let = [circuit.allows(106.0 + second + n / 1000) for n in range(1000)]
            seconds.append(sum(let))
        assert circuit.state == "closed"
        return seconds

    first = passed()
    wanted = [min(1000, 100 + 45 * second + 22) for second in range(22)]
    assert all(abs(got - want) <= 3 for got, want in zip(first, wanted, strict=True)), first
    assert passed() == first


def test_who_has_only_a_call_a_second_is_not_held_back_while_traffic_returns() -> None:
    circuit = returning(106.0)
    assert [circuit.allows(107.0 + second) for second in range(20)] == [True] * 20


def test_while_traffic_returns_a_quarter_of_the_volume_is_proof() -> None:
    circuit = Circuit(Settings())
    for _ in range(20):
        noted(circuit, "bad", 100.0)
    for at in (105.0, 106.0):
        assert circuit.allows(at)
        noted(circuit, "good", at, probe=True)
    for _ in range(5):
        noted(circuit, "bad", 106.5)
    assert (circuit.state, circuit.why) == ("open", "5 of 5 attempts within 10 s failed")


def test_new_settings_hold_at_once() -> None:
    circuit = Circuit(SETTINGS)
    noted(circuit, "bad", 100.0)
    circuit.adopt(Settings(volume=2, window=40.0))
    noted(circuit, "bad", 100.0)
    noted(circuit, "bad", 110.0)
    assert circuit.state == "open"
    circuit = Circuit(SETTINGS)
    circuit.adopt(SLUGGISH)
    assert not circuit.plain


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from(["good", "bad", "ailing", "other", "void"])), max_size=60
    )
)
def test_windows_hold_what_happened_in_them(steps: list[tuple[float, Outcome]]) -> None:
    circuit, now, seen = Circuit(Settings(failures=1.0, volume=10**6, window=10.0)), 1000.0, []
    for gap, outcome in steps:
        now += gap
        noted(circuit, outcome, now)
        seen.append((now, outcome))

    def since(first: float) -> Counts:
        names = [outcome for at, outcome in seen if at >= first]
        return Counts(*(names.count(name) for name in ("good", "bad", "ailing", "other", "void")), 0)

    assert circuit.minute(now) == since((int(now / 5) - 11) * 5)
    assert circuit.window() == since(int(now) - 9)
    assert circuit.counts == since(0.0)


class CircuitMachine(RuleBasedStateMachine):
    """Whatever comes in whatever order: trial calls a second apart, never a way around an open circuit, never stuck."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit, self.now = Circuit(SETTINGS), 1000.0
        self.running: list[tuple[float, bool]] = []
        self.probes: list[float] = []

    @rule(seconds=st.floats(0, 8))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_call_begins(self) -> None:
        before, since, share = self.circuit.state, self.circuit.since, self.circuit.share(self.now)
        allowed = self.circuit.allows(self.now)
        probe = self.circuit.state == "half_open"
        if before == "closed":
            assert allowed
        if before == "open" and self.now - since < SETTINGS.open_for:
            assert not allowed
        if before == "returning" and share >= 1.0:
            assert allowed
        if allowed:
            self.running.append((self.now, probe))
            if probe:
                self.probes.append(self.now)

    @rule(
        outcome=st.sampled_from(["good", "bad", "bad", "bad", "ailing", "other", "void"]),
        n=st.integers(0, 50),
    )
    def a_call_ends(self, outcome: Outcome, n: int) -> None:
        if self.running:
            started, probe = self.running.pop(n % len(self.running))
            self.circuit.note(outcome, self.now, started=started, probe=probe)

    @invariant()
    def trial_calls_are_a_second_apart(self) -> None:
        gaps = [b - a for a, b in zip(self.probes, self.probes[1:], strict=False)]
        assert all(gap >= PROBE_EVERY_S for gap in gaps)

    @invariant()
    def what_is_held_is_what_is_not_closed(self) -> None:
        assert self.circuit.held is (self.circuit.state != "closed")

    @invariant()
    def it_is_never_stuck(self) -> None:
        assert copy.deepcopy(self.circuit).allows(self.now + SETTINGS.open_for + 1e-6)


TestCircuit = CircuitMachine.TestCase


@given(st.integers(20, 400), st.integers(5, 60))
def test_in_a_full_outage_the_vendor_hears_little_after_it_opened(rate: int, seconds: int) -> None:
    """At most 1.2 x the offered calls (battery): here far less, for hardly any gets through."""
    circuit, sent = Circuit(Settings()), 0
    for n in range(rate * seconds):
        now = 1000.0 + n / rate
        if circuit.allows(now):
            sent += 1
            circuit.note("bad", now, started=now, probe=circuit.state == "half_open")
    assert sent <= 20 + seconds
