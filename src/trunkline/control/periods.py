"""Lengths of time as people write them: `90d`, `12h`, `30m`, `10s`, `2w`; and instants as RFC 3339.

Not for: durations inside the registry (`registry/`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
WORDS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}


def seconds(text: str) -> float:
    """Seconds of `90d`, `1.5h`, `hour`; a bare number is seconds. Raises ValueError with the cure."""
    text = WORDS.get(text.strip().lower(), text.strip().lower())
    match = re.fullmatch(r"(\d+(?:\.\d+)?)?([smhdw]?)", text)
    if not match or not text:
        raise ValueError(f"{text!r} is no length of time; write e.g. 30s, 15m, 12h, 90d or 2w")
    return float(match[1] or 1) * SECONDS[match[2] or "s"]


def instant(text: str, now: float) -> float:
    """Epoch seconds of a length of time from `now` on, of a date or instant, or 0 for `never`."""
    if text.strip().lower() in ("never", "none", "0"):
        return 0.0
    try:
        return now + seconds(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time; write e.g. 90d, 2027-01-31 or never") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def rfc3339(at: float) -> str | None:
    """An instant as text in UTC; None for 0 (never)."""
    return (
        datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
    )


def ago(at: float, now: float) -> str:
    """How long since (or until) an instant, in its largest unit."""
    if not at:
        return "never"
    distance = abs(now - at)
    name, size = next(((n, s) for n, s in reversed(SECONDS.items()) if distance >= s), ("s", 1))
    words = f"{int(distance // size)}{name}"
    return f"{words} ago" if at <= now else f"in {words}"
