"""JSON pointers (RFC 6901) with one addition: `*` stands for every element of a list or every member of an
object.

Not for: changing values.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from trunkline.core.codec import to_json

_LONGEST = 4096


def found(tree: Any, pointer: str) -> Iterator[Any]:
    """The values that lie there; null counts as nothing."""
    return _walk(tree, _steps(pointer), 0)


@lru_cache(maxsize=4096)
def _steps(pointer: str) -> tuple[str, ...]:
    return tuple(t.replace("~1", "/").replace("~0", "~") for t in pointer.split("/")[1:])


def _walk(node: Any, steps: tuple[str, ...], at: int) -> Iterator[Any]:
    if at == len(steps):
        if node is not None:
            yield node
        return
    step = steps[at]
    if isinstance(node, dict):
        if step == "*":
            for value in node.values():
                yield from _walk(value, steps, at + 1)
        elif step in node:
            yield from _walk(node[step], steps, at + 1)
    elif isinstance(node, list):
        if step == "*":
            for value in node:
                yield from _walk(value, steps, at + 1)
        elif step.isdecimal() and len(step) < 7 and int(step) < len(node):
            yield from _walk(node[int(step)], steps, at + 1)


def scalar(value: Any) -> str:
    """A value as the text that rules are matched against: JSON without quotes around strings, cut at 4096
    characters.
    """
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value) if isinstance(value, float) or value.bit_length() < 256 else ""
    try:
        return to_json(value)[:_LONGEST].decode("utf-8", "replace")
    except RecursionError:
        return ""
