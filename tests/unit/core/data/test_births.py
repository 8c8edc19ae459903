"""A date is a date of birth only beside a word that says so."""

from __future__ import annotations

import pytest

from trunkline.core.data.births import births


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("DOB 07/22/1966", "07/22/1966"), ("born on 12 March 1985", "12 March 1985"), ("Geburtsdatum: 03.07.1979", "03.07.1979"),
        ("am 03.07.1979 geboren", "03.07.1979"), ("née le 14 août 1955", "14 août 1955"), ("date of birth 1991-11-30", "1991-11-30"),
        ("fecha de nacimiento: 1 de enero de 1990", "1 de enero de 1990"), ("Birthday: January 5th, 1990", "January 5th, 1990"),
    ],
)  # fmt: skip
def test_a_date_of_birth(text: str, date: str) -> None:
    assert [text[start:end] for start, end in births(text)] == [date]


@pytest.mark.parametrize(
    "text",
    [
        "signed on 12 March 1985",
        "Born to run. Released 25 August 1975",
        "born in a village, no date",
        "DOB unknown, admitted at 10:30",
    ],
)
def test_any_other_date(text: str) -> None:
    assert list(births(text)) == []


def test_only_the_date_next_to_the_word() -> None:
    text = "DOB 07/22/1966, admitted 2026-02-01"
    assert [text[start:end] for start, end in births(text)] == ["07/22/1966"]
