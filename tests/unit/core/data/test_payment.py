"""Cards by scheme, length and check digit; accounts by country, length and check digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.data import payment
from trunkline.core.data.digits import mod97

CARDS = {
    "visa": "4242 4242 4242 4242",
    "mastercard": "5555-5555-5555-4444",
    "amex": "3782 822463 10005",
    "discover": "6011111111111117",
    "jcb": "3530 1113 3330 0000",
    "unionpay": "6200000000000005",
    "mir": "2200 0000 0000 0053",
}
IBANS = [
    "DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR14 2004 1010 0505 0001 3M02 606", "NL91ABNA0417164300", "NO9386011117947",
    "MT84 MALT 0110 0001 2345 MTLC AST0 01S", "de89 3704 0044 0532 0130 00",
]  # fmt: skip


def cards(text: str) -> list[tuple[str, str]]:
    return [(found.kind, text[found.start : found.end]) for found in payment.cards(text)]


@pytest.mark.parametrize(("scheme", "number"), CARDS.items())
def test_a_card_is_found_in_groups_and_in_one_piece(scheme: str, number: str) -> None:
    assert cards(f"pay with {number}, please") == [(scheme, number)]
    plain = number.replace(" ", "").replace("-", "")
    assert cards(f"pay with {plain}.") == [(scheme, plain)]


def test_a_wrong_check_digit_or_an_unknown_first_digit_is_no_card() -> None:
    assert cards("4242 4242 4242 4241 and 9999 9999 9999 9995 and 4242-42424242-4242") == []


def test_lengths_that_other_numbers_have_need_a_word() -> None:
    assert cards("order 4222222222222") == []
    assert cards("card 4222222222222") == [("visa", "4222222222222")]
    assert cards("card no. 180016070420458") == [("card", "180016070420458")]


def test_digits_of_a_longer_number_are_no_card() -> None:
    assert (
        cards(
            "42424242424242420 1-4242424242424242 4242424242424242.5 4242 4242 4242 4242 4242 4242 4242 4242"
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("4242424242424242 12/28 123", ["4242424242424242"]),
        ("4242 4242 4242 4242 12/28", ["4242 4242 4242 4242"]),
        ("4242 4242 4242 4242 123", ["4242 4242 4242 4242"]),
        ("4242-4242-4242-4242, 12/28", ["4242-4242-4242-4242"]),
        ("jane,4242424242424242,12,2028", ["4242424242424242"]),
        ("7,4242424242424242,5555555555554444", ["4242424242424242", "5555555555554444"]),
        ("4242424242424242 5555555555554444", ["4242424242424242", "5555555555554444"]),
        ("4242424242424242;12;28", ["4242424242424242"]),
        ("no.4242424242424242", ["4242424242424242"]),
        ("4242.4242.4242.4242", ["4242.4242.4242.4242"]),
        ("4242 4242 4242 4242 5555 5555 5555 4444", []),
        ("order-4242424242424242", []),
        ("12.4242424242424242", []),
    ],
)
def test_a_card_is_found_in_a_table_and_before_its_date_and_code(text: str, numbers: list[str]) -> None:
    assert [number for _, number in cards(text)] == numbers


@pytest.mark.parametrize("number", IBANS)
def test_an_account_is_found_as_it_is_written(number: str) -> None:
    text = f"to {number} BIC COBADEFF"
    (found,) = payment.ibans(text)
    assert (found.kind, text[found.start : found.end]) == (number[:2].upper(), number)


def test_a_wrong_account_is_none() -> None:
    for text in (
        "DE88370400440532013000",
        "DE8937040044053201300",
        "DE893704004405320130001",
        "XX89370400440532013000",
    ):
        assert list(payment.ibans(text)) == []


@given(st.text("0123456789", min_size=18, max_size=18))
def test_each_german_account_has_check_digits_by_which_it_is_found(body: str) -> None:
    check = next(n for n in range(2, 99) if mod97(f"{body}DE{n:02d}"))
    (found,) = payment.ibans(f"DE{check:02d}{body}")
    assert (found.start, found.end) == (0, 22)
