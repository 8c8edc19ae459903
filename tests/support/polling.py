"""Waiting for what another process does: a bounded look again and again, never a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP_S = 0.004
LIMIT_S = 30.0
"""Longer than any of it takes on a busy machine: how long a thing may take is judged by the battery."""


def eventually(look: Callable[[], T], what: str, limit_s: float = LIMIT_S) -> T:
    """The first true value of `look`. Fails, saying what was waited for and the last value seen, after `limit_s`."""
    until = time.monotonic() + limit_s
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < until, f"waited {limit_s:g} s for {what}; last seen: {seen!r}"
        time.sleep(STEP_S)
