"""How integrations fare: the last minute in slices, and what counts against them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.engine.traffic import SLICE_S, Seen, Traffic


@pytest.mark.row("H1")
@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("overloaded", True),
        ("network", True),
        ("rate_limited", True),
        ("auth_invalid", True),
        ("invalid_request", False),
        ("not_found", False),
        ("declined", False),
        ("content_policy", False),
        ("cancelled", False),
    ],
)
def test_a_callers_mistake_is_not_the_vendors_failure(code: str, counts: bool) -> None:
    seen = Seen()
    seen.note(CallError(code, "x"), 100.0)
    assert (seen.attempts, seen.errors, seen.window(100.0)) == (1, int(counts), (1, int(counts)))
    assert seen.last_error_code == (code if counts else "")
    assert seen.last_error_at == (100.0 if counts else 0.0)


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=40))
def test_the_window_holds_what_happened_in_the_last_minute(steps: list[tuple[float, bool]]) -> None:
    seen, now, all_ = Seen(), 1000.0, []
    for passed, good in steps:
        now += passed
        seen.note(None if good else CallError("network", "x"), now)
        all_.append((now, good))
    calls, failures = seen.window(now)
    first = (int(now / SLICE_S) - 11) * SLICE_S
    assert calls == sum(at >= first for at, _ in all_)
    assert failures == sum(at >= first and not good for at, good in all_)
    assert seen.attempts == len(all_)


def test_a_long_silence_empties_the_window_and_keeps_the_totals() -> None:
    traffic = Traffic()
    traffic.note("acme", None, 5.0)
    traffic.note("acme", CallError("network", "x"), 6.0)
    traffic.note("other", None, 6.0)
    acme = traffic.seen["acme"]
    assert acme.window(66.0) == (0, 0)
    assert (acme.attempts, acme.errors, acme.last_ok_at, acme.last_error_at) == (2, 1, 5.0, 6.0)
    assert set(traffic.seen) == {"acme", "other"}
