"""Whether the first events of a stream are only its opening: comments, an id, a role, an empty text.

While they are, a failure can still be mended unseen, by another attempt or another vendor. Not for: events after the first content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.plugins.adapters.events import data_of


def opening(block: bytes, harmless: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether each event of a block is harmless; what is no JSON object is not, since nobody knows what it says."""
    for _, data in data_of(block):
        try:
            value = from_json(data)
        except DecodeError:
            return False
        if not isinstance(value, dict) or not harmless(value):
            return False
    return True
