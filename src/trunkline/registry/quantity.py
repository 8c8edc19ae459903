"""Durations and sizes as people write them: `500ms`, `10s`, `90d`, `1MB`.

A number without a unit is refused, because nobody can tell seconds from milliseconds by looking at it.
"""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

_END = r"(?![\s\S])"
"""The very end, in Python and in JSON Schema alike; `$` would let a line break pass."""
DURATION = r"^[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)" + _END
PERIOD = r"^([0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d)|second|minute|hour|day|month)" + _END
SIZE = r"^[0-9]{1,9}(\.[0-9]{1,6})?(B|KB|MB|GB)" + _END
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _END

Duration = Annotated[str, Meta(pattern=DURATION, title="duration", examples=["500ms", "10s", "1m", "90d"])]
Period = Annotated[str, Meta(pattern=PERIOD, title="period", examples=["1s", "1m", "1d", "month"])]
Size = Annotated[str, Meta(pattern=SIZE, title="size", examples=["512KB", "1MB"])]
Day = Annotated[str, Meta(pattern=DAY, title="date", examples=["2026-10-01"])]

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 2592000.0}
_BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}


def _split(text: str, pattern: str, what: str) -> tuple[float, str]:
    if not re.match(pattern, text):
        raise ValueError(f"{text!r} is no {what}")
    number = text.rstrip("BKMGmshd")
    return float(number), text[len(number) :]


def seconds(text: str) -> float:
    """Seconds of a duration. Raises ValueError."""
    number, unit = _split(text, DURATION, "duration")
    return round(number * _SECONDS[unit], 6)


def period_seconds(text: str) -> float:
    """Seconds of a period: a duration or a word; a month has 30 days here. Raises ValueError."""
    return _WORDS[text] if text in _WORDS else seconds(text)


def size_bytes(text: str) -> int:
    """Bytes of a size; 1 KB is 1,024 bytes. Raises ValueError."""
    number, unit = _split(text, SIZE, "size")
    return int(number * _BYTES[unit])
