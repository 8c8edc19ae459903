"""Reading counts that a vendor may have spelled wrong: missing, negative, a string (battery F29) are all 'not said'."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

Part = Annotated[int, msgspec.Meta(ge=0)] | None
"""Of a count, in a Struct: one below zero fails the quick reading, and the full one takes it as not said."""


def count(value: Any, absent: int = -1) -> int:
    """A count of tokens, or `absent`."""
    if type(value) is int and 0 <= value < 1_000_000_000_000:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return absent
    return int(value)


def member(value: Any, name: str) -> dict[str, Any]:
    """An inner object, or an empty one."""
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def amount(value: Any, absent: float = -1.0) -> float:
    """An amount of money, or `absent`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        return absent
    return float(value)
