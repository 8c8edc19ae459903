"""Embeddings of simulated models: texts that share words lie close together, and equal texts are equal.

Not for: meaning; only words count.
"""

from __future__ import annotations

import base64
from array import array
from functools import lru_cache
from hashlib import shake_128

_WORDS = 48


@lru_cache(maxsize=512)
def _of_word(word: str, dimensions: int) -> bytes:
    return shake_128(word.encode("utf-8", "replace")).digest(dimensions)


def embedding(text: str, dimensions: int) -> list[float]:
    """A unit vector."""
    found = list(dict.fromkeys(text.lower().split()))[:_WORDS] or [""]
    columns = zip(*(_of_word(word, dimensions) for word in found), strict=True)
    middle = 127.5 * len(found)
    values = [sum(column) - middle for column in columns]
    length = sum(value * value for value in values) ** 0.5 or 1.0
    return [round(value / length, 7) for value in values]


def as_base64(vector: list[float]) -> str:
    """Little-endian float32, as `encoding_format: base64` wants it."""
    packed = array("f", vector)
    return base64.b64encode(packed.tobytes()).decode()
