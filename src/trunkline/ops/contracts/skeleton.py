"""A body with nothing of anybody in it: every value is replaced by its type or format; only words of known sets stay. Pure.

For findings and reports. Not for: cassettes, which need values (`disguise.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from trunkline.ops.contracts.formats import text_format
from trunkline.ops.contracts.observe import MAP, NODES_MAX, looks_like_map

DEPTH_MAX = 8
FIELDS_MAX = 40


def skeleton(tree: Any, words: Collection[str] = ()) -> Any:
    """The shape of one body; of arrays and maps one item."""
    return _Cut(words).value("", tree, 0)


class _Cut:
    def __init__(self, words: Collection[str]) -> None:
        self._words = words
        self._left = min(400, NODES_MAX)

    def value(self, name: str, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > DEPTH_MAX or self._left < 0:
            return "..."
        if isinstance(value, dict):
            if looks_like_map(name, value):
                return {MAP: self.value("", item, depth + 1) for item in list(value.values())[:1]}  # noqa: B035
            fields = list(value.items())[:FIELDS_MAX]
            return {key[:80]: self.value(key, item, depth + 1) for key, item in fields}
        if isinstance(value, list):
            return [self.value("", item, depth + 1) for item in value[:1]]
        if isinstance(value, str):
            return value if value in self._words else f"<{text_format(value)}>"
        if value is None or isinstance(value, bool):
            return value
        return "<integer>" if isinstance(value, int) else "<number>"
