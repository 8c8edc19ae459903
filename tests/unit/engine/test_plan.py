"""What to do after a failed attempt: never a second time what may have acted without a right to, never longer than the call has."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import KINDS, CallError
from trunkline.core.service import Repeat, Retry
from trunkline.engine.plan import Step, next_step, repeatable

WALL = 1_795_262_400.0


def step(error: CallError, **changes: Any) -> Step:
    given_: dict[str, Any] = {
        "repeat": "always", "has_key": False, "made": 1, "attempts_max": 4, "others_left": False, "retry": Retry(),
        "wall": WALL, "remaining_s": 60.0, "jitter": 0.5,
    }  # fmt: skip
    return next_step(error, **{**given_, **changes})


@st.composite
def errors(draw: st.DrawFn) -> CallError:
    return CallError(
        draw(st.sampled_from(list(KINDS))),
        "x",
        never_acted=draw(st.booleans()),
        again=draw(st.none() | st.booleans()),
        retry_at=draw(st.none() | st.floats(WALL - 100, WALL + 7200)),
    )


SITUATIONS = st.fixed_dictionaries({
    "repeat": st.sampled_from(get_args(Repeat)),
    "has_key": st.booleans(),
    "made": st.integers(1, 6),
    "attempts_max": st.integers(1, 5),
    "others_left": st.booleans(),
    "remaining_s": st.floats(-5, 100),
    "jitter": st.floats(0, 1, exclude_max=True),
})  # fmt: skip


@pytest.mark.row("F1")
@given(errors(), SITUATIONS)
def test_what_may_have_acted_is_never_repeated_without_a_right_to(
    error: CallError, situation: dict[str, Any]
) -> None:
    may_repeat = situation["repeat"] == "always" or (
        situation["repeat"] == "with_key" and situation["has_key"]
    )
    if step(error, **situation).go:
        assert may_repeat or not error.kind.acted or error.never_acted


@pytest.mark.row("F1")
@given(errors(), SITUATIONS)
def test_a_step_keeps_to_attempts_time_and_places(error: CallError, situation: dict[str, Any]) -> None:
    decided = step(error, **situation)
    assert decided.why
    assert decided.delay_s >= 0
    if not decided.go:
        assert (decided.elsewhere, decided.delay_s) == (False, 0.0)
        return
    assert situation["made"] < situation["attempts_max"]
    if decided.elsewhere:
        assert situation["others_left"]
        assert error.kind.elsewhere
    else:
        assert error.again
        assert decided.delay_s < situation["remaining_s"]
        assert error.retry_at is None or WALL + decided.delay_s >= min(error.retry_at, WALL + 10)


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("code", "repeat", "has_key", "go"),
    [
        ("rate_limited", "never", False, True),
        ("server_error", "never", False, False),
        ("server_error", "with_key", False, False),
        ("server_error", "with_key", True, True),
        ("server_error", "always", False, True),
        ("invalid_request", "always", True, False),
        ("auth_invalid", "always", True, False),
        ("timeout_upstream", "never", True, False),
        ("not_ready", "never", False, True),
        ("outcome_unknown", "always", False, False),
    ],
)
def test_repeat_governs_only_what_may_have_acted(code: str, repeat: Repeat, has_key: bool, go: bool) -> None:
    assert step(CallError(code, "x"), repeat=repeat, has_key=has_key).go is go


@pytest.mark.row("F1")
def test_what_provably_did_not_act_may_always_be_tried_again() -> None:
    error = CallError("network", "refused", never_acted=True)
    assert repeatable(error, "never", has_key=False)
    assert step(error, repeat="never").go


@pytest.mark.row("F1")
@pytest.mark.parametrize(("made", "delay"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0)])
def test_delays_double_up_to_their_bound_with_full_jitter(made: int, delay: float) -> None:
    assert step(CallError("overloaded", "x"), made=made, attempts_max=9).delay_s == delay
    assert step(CallError("overloaded", "x"), made=made, attempts_max=9, jitter=0.0).delay_s == 0.0


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("wait_s", "wanted"),
    [
        (3.0, Step(True, False, 3.125, "may pass")),
        (-5.0, Step(True, False, 0.0, "may pass")),
        (11.0, Step(False, False, 0.0, "the vendor asks for a longer wait")),
    ],
)
def test_a_vendors_own_instant_is_obeyed_unless_it_is_far(wait_s: float, wanted: Step) -> None:
    assert step(CallError("rate_limited", "x", retry_at=WALL + wait_s)) == wanted


@pytest.mark.row("R10")
def test_another_member_is_asked_at_once() -> None:
    error = CallError("rate_limited", "x", retry_at=WALL + 3000)
    assert step(error, others_left=True) == Step(True, True, 0.0, "another candidate may serve")


def test_a_rule_that_says_not_again_holds() -> None:
    decided = step(CallError("overloaded", "x", again=False))
    assert (decided.go, decided.why) == (False, "overloaded does not go away by trying again")


def test_there_is_no_wait_beyond_the_calls_time() -> None:
    assert step(CallError("overloaded", "x"), remaining_s=0.4).why == "the call's time would be over"
