"""Check digits find every slip of one digit, which is what they are for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.data import digits

RIGHT: list[tuple[Callable[[str], bool], str]] = [
    (digits.luhn, "4242424242424242"),
    (digits.luhn, "378282246310005"),
    (digits.verhoeff, "2363"),
    (digits.verhoeff, "296309499506"),
    (digits.iso7064_mod11_10, "69435151530"),
    (digits.iso7064_mod11_2, "11010519491231002X"),
    (digits.mod97, "370400440532013000DE89"),
]


@pytest.mark.parametrize(("holds", "number"), RIGHT)
def test_a_right_number_holds(holds: Callable[[str], bool], number: str) -> None:
    assert holds(number)


@pytest.mark.parametrize(("holds", "number"), RIGHT)
def test_every_slip_of_one_digit_is_found(holds: Callable[[str], bool], number: str) -> None:
    wrong = [
        number[:at] + other + number[at + 1 :]
        for at, digit in enumerate(number)
        if digit.isdigit()
        for other in "0123456789"
        if other != digit
    ]
    assert not any(map(holds, wrong))


@given(st.text("0123456789", min_size=1, max_size=30))
def test_each_number_has_exactly_one_check_digit(body: str) -> None:
    for holds in (digits.luhn, digits.verhoeff, digits.iso7064_mod11_10):
        assert sum(holds(body + check) for check in "0123456789") == 1


def test_weights_stop_with_the_shorter() -> None:
    assert digits.weighted("123", (3, 2)) == 7
    assert digits.weighted("12", (3, 2, 1)) == 7
