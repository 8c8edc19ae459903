"""Counts that a vendor spelled wrong are not said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.adapters.count import count, member


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        (5, 5),
        (0, 0),
        (7.9, 7),
        (None, -1),
        (-1, -1),
        ("5", -1),
        (True, -1),
        (10**13, -1),
        ([], -1),
        (float("nan"), -1),
        (float("inf"), -1),
    ],
)
def test_a_count_is_a_number_from_nought(value: Any, counted: int) -> None:
    assert count(value) == counted
    assert count(None, 0) == 0


@given(
    st.none()
    | st.integers()
    | st.text()
    | st.lists(st.integers())
    | st.dictionaries(st.text(), st.integers())
)
def test_an_inner_object_is_one_or_empty(value: Any) -> None:
    assert member({"a": value}, "a") == (value if isinstance(value, dict) else {})
    assert isinstance(member(value, "a"), dict)
