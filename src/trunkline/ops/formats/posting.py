"""What every web format comes to: an address, header fields and a body."""

from __future__ import annotations

from typing import NamedTuple


class Posting(NamedTuple):
    """One POST."""

    url: str
    fields: dict[str, str]
    body: bytes
    item: str = ""
    """Key of the one thing that it tells, where each has a request of its own."""


class Unusable(ValueError):
    """What stands behind the reference is not what this format needs; says why, without showing it."""


def cut(text: str, most: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
