"""Streets with a number in many languages, and streets, halls and distances that are no address."""

from __future__ import annotations

import re

import pytest

from trunkline.core.data import addresses


def found(text: str) -> set[str]:
    words = frozenset(re.findall(r"[^\W\d_]+", text))
    return {text[start:end] for start, end in addresses.postal(text, words)}


@pytest.mark.parametrize(
    "address",
    [
        "221B Baker Street, London NW1 6XE",
        "350 Fifth Avenue, New York, NY 10118",
        "12 N. Main St., Apt 4",
        "Lindenstraße 27b, 04109 Leipzig",
        "Rosa-Luxemburg-Straße 14",
        "8 bis rue des Lilas, 69003 Lyon",
        "Calle de Alcalá 45, 28014 Madrid",
        "Via Garibaldi 12",
        "Rua das Flores, 123",
        "Keizersgracht 241",
        "Storgatan 12",
        "ul. Długa 14/3",
        "P.O. Box 1142",
        "EH1 1YZ",
        "Postfach 4711",
        "D-10115 Berlin",
    ],
)
def test_an_address_is_found(address: str) -> None:
    assert address in found(f"sent to {address} today")


@pytest.mark.parametrize(
    "text",
    [
        "on Main Stage, hall 4",
        "after 300 m turn left",
        "24 Hour Drive Thru",
        "Karl Marx Allee is long",
        "room 12 way out",
        "Version 12 Square",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert found(text) == set()
