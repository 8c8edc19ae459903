"""All categories in one text: better proof wins, nothing overlaps, no text is too odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.data.text import OVERLAP, PIECE, find

ODD = st.text(alphabet=st.sampled_from(list("aA1 .,-@:/+()'\n\"#_éÉß中RueStr0127")), max_size=300)


def said(text: str, **given_: object) -> list[tuple[str, str]]:
    return [(hit.category, text[hit.start : hit.end]) for hit in find(text, **given_)]  # type: ignore[arg-type]


def test_a_text_with_everything() -> None:
    text = (
        "Dear Anna, please write to jane@example.com or call +49 30 901820. Born 12 March 1985, she lives at 14 Elm Grove, Leeds LS6 2AB. "
        "Card 4242 4242 4242 4242, account DE89370400440532013000, SSN 219-09-9999, from 81.2.69.142."
    )
    assert said(text) == [
        ("pii.name", "Anna"),
        ("pii.email", "jane@example.com"),
        ("pii.phone", "+49 30 901820"),
        ("pii.birth_date", "12 March 1985"),
        ("pii.address", "14 Elm Grove, Leeds LS6 2AB"),
        ("payment.card", "4242 4242 4242 4242"),
        ("payment.iban", "DE89370400440532013000"),
        ("pii.national_id", "219-09-9999"),
        ("pii.ip", "81.2.69.142"),
    ]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("4242\u00a04242\u00a04242\u00a04242", "payment.card"),
        ("4242\u20114242\u20114242\u20114242", "payment.card"),
        ("\uff14\uff12\uff14\uff12" * 4, "payment.card"),
        ("DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00", "payment.iban"),
        ("+33\u202f6\u202f12\u202f34\u202f56\u202f78", "pii.phone"),
        ("jane\uff20example.com", "pii.email"),
    ],
)
def test_spaces_dashes_and_full_width_characters_hide_nothing(text: str, category: str) -> None:
    assert said(f"\u201c {text} \u201d") == [(category, text)]


def test_only_what_is_wanted_is_searched() -> None:
    assert said("jane@example.com 4242424242424242", wanted={"payment.card"}) == [
        ("payment.card", "4242424242424242")
    ]


def test_a_key_that_says_so_makes_the_whole_value_a_hit() -> None:
    assert said("Zed", key="first_name") == [("pii.name", "Zed")]
    assert said("Zed", key="first_name", wanted={"pii.email"}) == []
    assert said("Zed") == []


def test_numbers_of_machines_are_nobodys() -> None:
    assert said("4111111111111111", key="id") == []
    assert said("4111111111111111", key="note") == [("payment.card", "4111111111111111")]


def test_a_long_text_is_looked_at_in_pieces_that_overlap() -> None:
    for at in (PIECE - OVERLAP - 8, PIECE - 8, PIECE + 5):
        text = "." * at + " jane@example.com " + "." * PIECE
        assert said(text) == [("pii.email", "jane@example.com")]


@given(ODD)
def test_hits_are_in_order_and_apart_whatever_the_text(text: str) -> None:
    hits = find(text)
    edges = [edge for hit in hits for edge in (hit.start, hit.end)]
    assert edges == sorted(edges)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)


@given(st.text(max_size=400))
def test_any_text_can_be_looked_at(text: str) -> None:
    find(text)
    find(text, key=text[:20], above=[text[20:40]])
