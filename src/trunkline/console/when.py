"""Reads instants as people write them: RFC 3339, or a span back from now. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def instant_us(text: str, now: float) -> int:
    """Epoch microseconds. A time without zone is UTC. Raises ValueError naming the value and what would be right."""
    span = _SPAN.fullmatch(text.strip())
    if span:
        return int((now - int(span[1]) * _SECONDS[span[2]]) * 1e6)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            f"{text!r} is no instant: write e.g. 2026-11-21T09:30:00Z, 2026-11-21, or 15m, 24h, 7d"
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e6)
