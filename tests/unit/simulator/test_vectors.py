"""Embeddings: unit length, equal for equal texts, closer where words are shared."""

import base64
from array import array

import pytest

from trunkline.simulator.vectors import as_base64, embedding


def near(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def test_texts_that_share_words_are_closer() -> None:
    cat, kitten, tax = (
        embedding(text, 256) for text in ("the grey cat sleeps", "the grey cat plays", "income tax rules")
    )
    assert abs(near(cat, cat) - 1) < 1e-4
    assert near(cat, kitten) > near(cat, tax) + 0.3
    assert embedding("", 8) == embedding("  ", 8)


def test_base64_is_little_endian_float32() -> None:
    vector = embedding("a b", 16)
    back = array("f", base64.b64decode(as_base64(vector)))
    assert list(back) == pytest.approx(vector, abs=1e-6)
