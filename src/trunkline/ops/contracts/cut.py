"""JSON that was cut off at a bound, read as far as it goes. Pure.

The objects and arrays that the cut fell into are known to be incomplete: what they lack was cut, not missing. Not for: broken JSON.
"""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.codec import DecodeError, from_json

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_CLOSES = {b"{": b"}", b"[": b"]"}


def read(body: bytes) -> tuple[Any, set[int]]:
    """What the begin of a JSON text holds, and the `id`s of what is incomplete in it. Raises DecodeError where nothing can be read."""
    stack: list[bytes] = []
    safe, depth = 0, 0
    for token in _TOKEN.finditer(body):
        mark = token.group()
        if mark in _CLOSES:
            stack.append(_CLOSES[mark])
        elif mark == b"," and stack:
            safe, depth = token.start(), len(stack)
        elif mark in (b"}", b"]"):
            if not stack or stack.pop() != mark:
                raise DecodeError("this is no JSON")
            safe, depth = token.end(), len(stack)
    tree = from_json(body[:safe] + b"".join(reversed(stack[:depth])))
    return tree, _open(tree, depth)


def _open(tree: Any, depth: int) -> set[int]:
    """The last container of each level that was not closed."""
    found = set()
    node = tree
    for _ in range(depth):
        if not isinstance(node, dict | list) or not node:
            break
        found.add(id(node))
        node = node[-1] if isinstance(node, list) else next(reversed(node.values()))
    return found
