"""Vectors as numbers, and as little-endian 32-bit floats in base64, which OpenAI's SDKs ask for unless told otherwise."""

from __future__ import annotations

import array
import base64
import binascii
import sys

from trunkline.core.conversation import Untranslatable
from trunkline.core.embedding import EmbedRequest, Vector


def numbers(vector: Vector) -> list[int | float]:
    """A vector as numbers. Raises Untranslatable."""
    if not isinstance(vector, str):
        return vector
    try:
        held = base64.b64decode(vector, validate=True)
    except (binascii.Error, ValueError):
        raise Untranslatable("an embedding is no base64") from None
    if len(held) % 4:
        raise Untranslatable("an embedding is no list of 32-bit floats")
    return [*_floats(array.array("f", held))]


def packed(vector: Vector) -> str:
    """A vector in base64. Raises Untranslatable."""
    if isinstance(vector, str):
        return vector
    try:
        values = array.array("f", vector)
    except OverflowError:
        raise Untranslatable("an embedding has a number beyond 32 bits") from None
    return base64.b64encode(_floats(values).tobytes()).decode()


def _floats(values: array.array[float]) -> array.array[float]:
    """Between this machine's order of bytes and the wire's."""
    if sys.byteorder == "big":
        values.byteswap()
    return values


def one_each(vectors: list[Vector], asked: EmbedRequest) -> list[Vector]:
    """Vectors that are as many as the inputs. Raises Untranslatable."""
    if len(vectors) != len(asked.inputs):
        raise Untranslatable(f"{len(asked.inputs)} inputs were sent and {len(vectors)} embeddings came back")
    return vectors
