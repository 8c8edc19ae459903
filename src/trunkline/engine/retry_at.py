"""When may the same request succeed again? Reads the instant out of the many ways in which vendors tell it;
pure.

Instants are epoch seconds UTC. Sources: RFC 9110 10.2.3 (Retry-After), Go's duration strings,
google.rpc.RetryInfo. Not for: how long this process then waits (`plan.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from trunkline.engine.pointer import found, scalar

LONGEST_S = 32 * 86400.0
"""No honest reset lies further away than a month; what a vendor says beyond it is cut to this."""

_DAY_S = 86400.0
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORD_S = {
    "millisecond": 1e-3,
    "second": 1.0,
    "sec": 1.0,
    "minute": 60.0,
    "min": 60.0,
    "hour": 3600.0,
    "hr": 3600.0,
    "day": 86400.0,
}
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{0,18})?")
_PART = re.compile(
    r"(\d{1,12}(?:\.\d{0,12})?)\s?(milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|ns|us|µs|ms|s|m|h|d)(?![a-z])"
)
_SPAN = (
    r"\d[\d.]{0,15} ?(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?"
    r"|(?:ns|us|µs|ms|h|m|s|d)(?:\d[\d.]{0,15}(?:ms|m|s)){0,3})\b"
)
_IN_TEXT = re.compile(
    r"\b(?:try again|retry|retrying|resets?|wait|available again|backoff|back off)\b(?: \w{1,12}){0,3}? ?~?("
    + _SPAN
    + ")",
    re.IGNORECASE,
)
_DATE_IN_TEXT = re.compile(
    r"\b(\d{4}-\d\d-\d\d)(?:(?:T| at | )(\d\d:\d\d(?::\d\d)?(?:\.\d{1,6})?))?\s?(?:Z|UTC|\+00:00)?",
    re.IGNORECASE,
)


def bounded(at: float, now: float) -> float | None:
    """The instant, not before now and not beyond `LONGEST_S`; None for what is no number."""
    if not math.isfinite(at):
        return None
    return min(max(at, now), now + LONGEST_S)


def duration(text: str) -> float | None:
    """Seconds of `6m0s`, `120ms`, `2m59.56s`, `1h2m3s`, `30 seconds`; None for anything else."""
    text = text.strip().lower()
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        if text[end : part.start()].strip():
            return None
        unit = part[2]
        total += float(part[1]) * (_UNIT_S[unit] if unit in _UNIT_S else _WORD_S[unit.rstrip("s")])
        end = part.end()
    return total if end and end == len(text) else None


def instant(text: str, now: float) -> float | None:
    """The instant that a value names: seconds from now, epoch (seconds or milliseconds), duration, ISO 8601
    or HTTP-date.

    Numbers are tried first: date parsers take `5` for a year or a month. Negative numbers say nothing.
    """
    text = text.strip().strip('"')
    if _NUMBER.fullmatch(text):
        value = float(text)
        if value < 0:
            return None
        if value >= 1e11:
            value /= 1000.0
        # A number that would be an instant of long ago is a (mad) delay: 10**9 seconds, not September 2001.
        return bounded(value if value >= max(1e9, now - _DAY_S) else now + value, now)
    span = duration(text)
    if span is not None:
        return bounded(now + span, now)
    moment = date(text)
    return None if moment is None else bounded(moment, now)


def date(text: str) -> float | None:
    """Epoch seconds of an ISO 8601 date-time or an HTTP-date (without a zone: UTC)."""
    if len(text) > 64 or len(text) < 10:
        return None
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after(fields: Mapping[bytes, bytes], now: float) -> float | None:
    """What `retry-after-ms` or `Retry-After` says.

    A date is read against the vendor's own `Date`, so that a wrong clock on either side does not matter.
    """
    exact = fields.get(b"retry-after-ms")
    if exact is not None and _NUMBER.fullmatch(text := exact.decode("latin-1").strip()):
        value = float(text)
        if value >= 0:
            return bounded(now + value / 1000.0, now)
    told = fields.get(b"retry-after")
    if told is None:
        return None
    text = told.decode("latin-1")
    at = instant(text, now)
    named, vendor_now = date(text.strip()), date(fields.get(b"date", b"").decode("latin-1").strip())
    if at is not None and named is not None and vendor_now is not None:
        return bounded(now + named - vendor_now, now)
    return at


def in_text(message: str, now: float) -> float | None:
    """What a sentence says: "Please try again in 6m0s.", "resets in ~30s", "retry after 6 seconds"."""
    hit = _IN_TEXT.search(message[:4000])
    span = duration(hit[1]) if hit is not None else None
    return None if span is None else bounded(now + span, now)


def date_in_text(message: str, now: float) -> float | None:
    """The first date in a sentence: "You will regain access on 2026-12-01 at 00:00 UTC."."""
    hit = _DATE_IN_TEXT.search(message[:4000])
    if hit is None:
        return None
    moment = date(f"{hit[1]}T{hit[2]}" if hit[2] else f"{hit[1]}T00:00")
    return None if moment is None else bounded(moment, now)


def next_month(now: float) -> float:
    """The first of next month, 00:00 UTC."""
    day = datetime.fromtimestamp(now, UTC)
    return datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC).timestamp()


def next_day(now: float, zone: str = "") -> float:
    """The next midnight in a zone (IANA name), UTC without one."""
    there = datetime.fromtimestamp(now, _zone(zone))
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp()


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return timezone(timedelta(hours=-8)) if name == "America/Los_Angeles" else UTC


def by_spec(spec: str, fields: Mapping[bytes, bytes], tree: Any, message: str, now: float) -> float | None:
    """The instant that the `retry_at` of a rule points at; its parts are separated by commas, the first that
    says something wins.

    Parts: `header:NAME`, `body:/pointer`, `text`, `date`, `const:SECONDS`, `month`, `day`, `day:ZONE`, `cost`
    (GraphQL cost of Shopify).
    """
    for part in spec.split(","):
        sort, _, rest = part.strip().partition(":")
        at = _part(sort, rest, fields, tree, message, now)
        if at is not None:
            return at
    return None


def _part(
    sort: str, rest: str, fields: Mapping[bytes, bytes], tree: Any, message: str, now: float
) -> float | None:
    match sort:
        case "header" if rest in ("retry-after", "retry-after-ms"):
            return retry_after(fields, now)
        case "header":
            value = fields.get(rest.encode())
            return None if value is None else instant(value.decode("latin-1"), now)
        case "body":
            return next((at for v in found(tree, rest) if (at := instant(scalar(v), now)) is not None), None)
        case "text":
            return in_text(message, now)
        case "date":
            return date_in_text(message, now)
        case "const":
            return bounded(now + float(rest), now) if _NUMBER.fullmatch(rest) else None
        case "month":
            return next_month(now)
        case "day":
            return next_day(now, rest)
        case "cost":
            return _cost(tree, now)
    return None


def _cost(tree: Any, now: float) -> float | None:
    """When a leaky bucket of points holds enough again: (requested - available) / restore rate."""
    asked = next(found(tree, "/extensions/cost/requestedQueryCost"), None)
    state = next(found(tree, "/extensions/cost/throttleStatus"), None)
    if not isinstance(asked, (int, float)) or not isinstance(state, dict):
        return None
    held, rate = state.get("currentlyAvailable"), state.get("restoreRate")
    if not isinstance(held, (int, float)) or not isinstance(rate, (int, float)) or rate <= 0:
        return None
    return bounded(now + max(0.0, (asked - held) / rate), now)
