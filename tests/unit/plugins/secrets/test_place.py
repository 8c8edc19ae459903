"""The parts of a reference to an outside store, and one value out of what a store gave."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.secrets import SecretUnavailable
from trunkline.plugins.secrets.place import field, member, place


def test_path_options_and_key() -> None:
    at = place("vault", "/secret/a?version=3#b.c")
    assert (at.ref, at.path, at.options, at.key) == (
        "vault:/secret/a?version=3#b.c",
        "secret/a",
        {"version": "3"},
        "b.c",
    )


@pytest.mark.parametrize(
    ("rest", "text", "value"),
    [
        ("a", " plain \n", "plain"),
        ("a#k", '{"k": "v"}', "v"),
        ("a#k.l", '{"k": {"l": 7}}', "7"),
        ("a#k.l", '{"k.l": "dotted"}', "dotted"),
    ],
)
def test_a_value_or_one_member_of_it(rest: str, text: str, value: str) -> None:
    assert member(place("x", rest), text) == value


@pytest.mark.parametrize(
    ("rest", "tree"),
    [
        ("a", {}),
        ("a", {"a": "1", "b": "2"}),
        ("a#c", {"a": "1"}),
        ("a#a", {"a": True}),
        ("a#a", {"a": ""}),
        ("a#a.b", {"a": "1"}),
    ],
)
def test_what_is_no_value_is_said_without_showing_one(rest: str, tree: dict[str, object]) -> None:
    with pytest.raises(SecretUnavailable) as refused:
        field(place("x", rest), tree)
    assert refused.value.cure


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(SecretUnavailable):
        assert member(place("x", text), text).strip()
