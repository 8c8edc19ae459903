"""One person, one hash, however they are spelled; and nobody without the key can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.persons import mark_of, named_by, normal, person_hash


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (" Jane@Example.COM ", "jane@example.com"),
        ("Jane Doe <Jane@example.com>", "jane@example.com"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("whatsapp:+14155552671", "+14155552671"),
        ("cus_9AbC", "cus_9AbC"),
        ("12-34-56789", "12-34-56789"),
        (" 42 ", "42"),
    ],
)
def test_what_is_the_same_has_one_spelling(given_: str, wanted: str) -> None:
    assert normal(given_) == wanted


def test_a_hash_is_keyed_and_short() -> None:
    one, other = person_hash(b"a" * 32, "jane@example.com"), person_hash(b"b" * 32, "jane@example.com")
    assert len(one) == 32
    assert one != other
    assert mark_of(one) == f"prs_{one[:12]}"


@given(st.text(max_size=300))
def test_any_text_has_a_hash_and_one_spelling(text: str) -> None:
    assert normal(normal(text)) == normal(text) or "@" in text or ":" in text
    assert person_hash(b"k" * 32, text) == person_hash(b"k" * 32, text)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ((None, None, None), ()),
        (("u1", None, None), ("u1",)),
        (("u1", "s1", {"user_id": "u1"}), ("u1", "s1")),
        ((None, None, {"user_id": "u2", "email": "x"}), ("u2",)),
        ((7, ["x"], "text"), ()),
        (("x" * 257, "", {"user_id": None}), ()),
    ],
)
def test_the_end_user_of_a_model_call(asked: tuple[object, object, object], wanted: tuple[str, ...]) -> None:
    assert named_by(*asked) == wanted
