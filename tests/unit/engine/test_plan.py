"""What to do after a failed attempt: never a second time what may have acted without a right to, never longer than the call has."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Link
from trunkline.core.errors import KINDS, CallError
from trunkline.core.flow import Fallback, Retry
from trunkline.core.service import Repeat
from trunkline.engine.plan import SHORT_WAIT_S, Situation, Step, next_step, repeatable

WALL = 1_795_262_400.0


def link(kind: str, *on: str, target: str = "") -> Link:
    return Link(kind, Fallback(kind=kind, target=target), frozenset(on))  # type: ignore[arg-type]


OTHER = link("target", target="backup/big")
TEMPLATE = link("template")


def failure(code: str, source: str = "acme", **changes: Any) -> CallError:
    return CallError(code, "x", source=source, **changes)


def situation(**changes: Any) -> Situation:
    given_: dict[str, Any] = {
        "repeat": "always", "retry": Retry(), "wall": WALL, "remaining_s": 60.0, "total_s": 60.0, "jitter": 0.5, "attempts_left": 3,
    }  # fmt: skip
    return Situation(**{**given_, **changes})


def step(error: CallError, **changes: Any) -> Step:
    return next_step(error, situation(**changes))


@st.composite
def errors(draw: st.DrawFn) -> CallError:
    return failure(
        draw(st.sampled_from(list(KINDS))),
        draw(st.sampled_from(["acme", "trunkline"])),
        never_acted=draw(st.booleans()),
        again=draw(st.none() | st.booleans()),
        retry_at=draw(st.none() | st.floats(WALL - 100, WALL + 7200)),
    )


LINKS = st.builds(
    lambda kind, on: link(kind, *on),
    st.sampled_from(["target", "stale", "static", "template", "defer"]),
    st.lists(st.sampled_from(list(KINDS)), max_size=2),
)
SITUATIONS = st.builds(
    situation,
    repeat=st.sampled_from(get_args(Repeat)),
    has_key=st.booleans(),
    here=st.integers(1, 6),
    attempts_left=st.integers(0, 5),
    members_left=st.booleans(),
    mendable=st.booleans(),
    malformed_before=st.booleans(),
    budget_left=st.booleans(),
    remaining_s=st.floats(-5, 100),
    took_s=st.floats(0, 100),
    jitter=st.floats(0, 1, exclude_max=True),
    chain=st.lists(LINKS, max_size=3).map(tuple),
)


@pytest.mark.row("F1", "F4")
@given(errors(), SITUATIONS)
def test_what_may_have_acted_is_never_repeated_without_a_right_to(error: CallError, at: Situation) -> None:
    decided = next_step(error, at)
    if decided.move == "stop" or not error.kind.acted or error.never_acted or at.repeat == "always":
        return
    # With a key it may be sent again, but only to the account that knows the key.
    assert decided.move in ("again", "mend")
    assert (at.repeat, at.has_key) == ("with_key", True)


@pytest.mark.row("F1", "F4")
@given(errors(), SITUATIONS)
def test_a_step_keeps_to_attempts_time_and_places(error: CallError, at: Situation) -> None:
    decided = next_step(error, at)
    assert decided.why
    assert 0 <= decided.delay_s < max(at.remaining_s, 1e-9) or decided.delay_s == 0
    if decided.move == "link":
        chosen = at.chain[decided.link]
        assert chosen.holds(error)
        assert chosen.kind != "target" or (at.attempts_left > 0 and at.remaining_s > 0)
        assert not any(
            earlier.holds(error)
            and (earlier.kind != "target" or (at.attempts_left > 0 and at.remaining_s > 0))
            for earlier in at.chain[: decided.link]
        )
    elif decided.move != "stop":
        assert at.attempts_left > 0
        assert at.remaining_s > 0
    if decided.move == "member":
        assert at.members_left
        assert error.kind.elsewhere
    if decided.move == "again":
        assert error.again
        assert error.source != "trunkline"
        assert at.budget_left or not error.kind.trips
        assert at.took_s <= 30.0
        assert error.retry_at is None or WALL + decided.delay_s >= min(error.retry_at, WALL + SHORT_WAIT_S)
        # Each target of the chain that would help keeps an attempt of its own.
        assert at.attempts_left > sum(one.kind == "target" and one.holds(error) for one in at.chain)


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("code", "repeat", "has_key", "move"),
    [
        ("rate_limited", "never", False, "again"),
        ("server_error", "never", False, "stop"),
        ("server_error", "with_key", False, "stop"),
        ("server_error", "with_key", True, "again"),
        ("server_error", "always", False, "again"),
        ("invalid_request", "always", True, "stop"),
        ("auth_invalid", "always", True, "stop"),
        ("timeout_upstream", "never", True, "stop"),
        ("not_ready", "never", False, "again"),
        ("outcome_unknown", "always", False, "stop"),
    ],
)
def test_repeat_governs_only_what_may_have_acted(code: str, repeat: Repeat, has_key: bool, move: str) -> None:
    assert step(failure(code), repeat=repeat, has_key=has_key).move == move


@pytest.mark.row("F1")
def test_what_provably_did_not_act_may_always_be_tried_again() -> None:
    error = failure("network", never_acted=True)
    assert repeatable(error, "never", has_key=False)
    assert step(error, repeat="never").move == "again"


@pytest.mark.row("F1")
@pytest.mark.parametrize(("here", "delay"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0)])
def test_delays_double_up_to_their_bound_with_full_jitter(here: int, delay: float) -> None:
    assert step(failure("overloaded"), here=here).delay_s == delay
    assert step(failure("overloaded"), here=here, jitter=0.0).delay_s == 0.0


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("wait_s", "wanted"),
    [
        (3.0, Step("again", "may pass", 3.125)),
        (-5.0, Step("again", "may pass", 0.0)),
        (11.0, Step("stop", "the vendor asks for a longer wait")),
    ],
)
def test_a_vendors_own_instant_is_obeyed_unless_it_is_far(wait_s: float, wanted: Step) -> None:
    assert step(failure("rate_limited", retry_at=WALL + wait_s)) == wanted


@pytest.mark.row("F1")
def test_own_refusals_are_never_tried_again_at_the_same_target() -> None:
    assert step(failure("rate_limited", "trunkline", retry_at=WALL)).move == "stop"
    assert step(failure("rate_limited", "trunkline", retry_at=WALL), members_left=True).move == "member"


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("changes", "why", "spent"),
    [
        ({"attempts_left": 0}, "no attempts left", True),
        ({"remaining_s": 0.0}, "the call's time is over", True),
        ({"remaining_s": 0.4}, "the call's time would be over", True),
        ({"took_s": 31.0}, "it failed too late to be tried again", True),
        ({"took_s": 5.1, "retry": Retry(slow=5.0)}, "it failed too late to be tried again", True),
        ({"budget_left": False}, "retry budget spent", True),
        ({"repeat": "never"}, "the request may have been carried out", False),
    ],
)
def test_why_a_failure_that_may_pass_is_not_tried_again(changes: Any, why: str, spent: bool) -> None:
    assert step(failure("overloaded"), **changes) == Step("stop", why, spent=spent)


@pytest.mark.row("F1")
def test_an_answer_that_is_malformed_twice_stays_so() -> None:
    assert step(failure("malformed_response")).move == "again"
    decided = step(failure("malformed_response"), malformed_before=True)
    assert decided == Step("stop", "the answer was malformed before", spent=True)


def test_a_rule_that_says_not_again_holds() -> None:
    decided = step(failure("overloaded", again=False))
    assert (decided.move, decided.why) == ("stop", "overloaded does not go away by trying again")


@pytest.mark.row("R10")
def test_another_member_is_asked_at_once() -> None:
    error = failure("rate_limited", retry_at=WALL + 3000)
    assert step(error, members_left=True) == Step("member", "another credential may serve")


@pytest.mark.row("R10", "F1")
def test_the_budget_holds_for_members_where_the_vendor_itself_is_in_trouble() -> None:
    assert step(failure("overloaded"), members_left=True, budget_left=False).why == "retry budget spent"
    assert step(failure("auth_invalid"), members_left=True, budget_left=False).move == "member"
    assert step(failure("rate_limited"), budget_left=False).move == "again"


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    ("error", "attempts_left", "move"),
    [
        (failure("overloaded"), 3, "again"),
        (failure("overloaded"), 2, "again"),
        (failure("overloaded"), 1, "link"),
        (failure("overloaded"), 0, "stop"),
        (failure("auth_invalid"), 3, "link"),
        (failure("circuit_open", "trunkline"), 3, "link"),
        (failure("rate_limited", retry_at=WALL + 1), 3, "again"),
        (failure("rate_limited", retry_at=WALL + 2), 3, "link"),
        (failure("invalid_request"), 3, "stop"),
        (failure("declined"), 3, "stop"),
    ],
)
def test_the_last_attempt_is_kept_for_the_fallback(error: CallError, attempts_left: int, move: str) -> None:
    assert step(error, attempts_left=attempts_left, chain=(OTHER,)).move == move


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    ("patience_s", "move"), [(0.0, "link"), (4.0, "link"), (6.0, "again"), (60.0, "again")]
)
def test_a_vendor_is_waited_for_as_long_as_the_registry_has_patience(patience_s: float, move: str) -> None:
    error = failure("rate_limited", retry_at=WALL + 5)
    assert step(error, chain=(OTHER,), patience_s=patience_s).move == move
    late = failure("rate_limited", retry_at=WALL + SHORT_WAIT_S + 1)
    assert step(late, chain=(OTHER,), patience_s=60.0).move == "link", (
        "nobody waits longer for one than without it"
    )


@pytest.mark.row("F4")
def test_a_fallback_by_class_holds_for_its_codes_alone() -> None:
    chain = (link("target", "context_too_long", target="big/model"), link("template", "invalid_request"))
    assert step(failure("context_too_long"), chain=chain).link == 0
    assert step(failure("invalid_request"), chain=chain).link == 1
    assert step(failure("spend_exhausted"), chain=chain).move == "stop"


@pytest.mark.row("F4")
def test_an_answer_of_ours_needs_neither_attempts_nor_time() -> None:
    chain = (OTHER, TEMPLATE)
    assert step(failure("overloaded"), attempts_left=0, chain=chain).link == 1
    late = failure("deadline_exceeded", "trunkline")
    assert step(late, remaining_s=0.0, chain=chain).link == 1
    assert step(late, remaining_s=0.0, chain=chain, repeat="never").move == "stop"


@pytest.mark.row("F13")
def test_what_can_be_mended_is_mended_first() -> None:
    error = failure("context_too_long")
    assert step(error, mendable=True, members_left=True, chain=(OTHER,)).move == "mend"
    assert step(error, mendable=True, attempts_left=0).move == "stop"
