"""Names by what stands before them and by common names; words that only look like one."""

from __future__ import annotations

import re

import pytest

from trunkline.core.data import names


def found(text: str) -> set[str]:
    words = frozenset(re.findall(r"[^\W\d_]+", text))
    return {text[start:end] for start, end in names.names(text, words)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is Xanthippe Quux and", "Xanthippe Quux"),
        ("thank you, Mr. Zzyzx", "Zzyzx"),
        ("Frau Dr. Krause kommt", "Krause"),
        ("Dear Kofi, your order", "Kofi"),
        ("Best regards,\nQuentin Zork\n", "Quentin Zork"),
        ("Patient: Zed Zork", "Zed Zork"),
        ("John von Neumann said", "John von Neumann"),
        ("María José García-López", "María José"),
        ("Faina D. Yefremova sang", "Faina D. Yefremova"),
        ("Amadeo Vitorović came", "Amadeo Vitorović"),
        ("Müller, Hans", "Müller, Hans"),
        ("ask Annika about it", "Annika"),
    ],
)
def test_a_name_is_found(text: str, name: str) -> None:
    assert name in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Dear Customer, dear all",
        "Hello World!",
        "in April or June",
        "May I ask",
        "San Francisco and St. Lucia",
        "Victoria Station",
        "Paris Hilton Hotel",
        "Will Mark it",
        "the model name is Sonnet",
        "Claude and Gemini",
        "brand name: Blue Bottle",
        "New York",
        "Thanks, Cheers",
        "Grand Canyon",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert found(text) == set()
