"""Lists of words as they are written here: in one text, parted by spaces."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
