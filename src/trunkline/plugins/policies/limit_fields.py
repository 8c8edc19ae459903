"""What a caller is told of the limits that hold for a call, as header lines; pure.

`RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers-11 has them, for the tightest limit; on model endpoints also
OpenAI's `x-ratelimit-*`, which SDKs and agents read. Not for: limits that vendors tell (`engine/limits_told.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

Unit = Literal["requests", "tokens", "concurrent-requests"]


class Standing(NamedTuple):
    """One limit, as it stands after this call was counted (or refused)."""

    name: str
    unit: Unit
    quota: int
    window_s: float
    """0 for calls at once."""
    remaining: int
    reset_s: float
    """Until all of the quota is there again."""

    @property
    def share(self) -> float:
        """How much of it is left."""
        return self.remaining / self.quota


def lines(standings: Iterable[Standing], *, openai: bool) -> bytes:
    """The header lines for the limits that hold. Of several the one with the smallest share left is told."""
    known = sorted(standings, key=lambda one: one.share)
    if not known:
        return b""
    text = _draft(known[0])
    if openai:
        for unit in ("requests", "tokens"):
            told = next((one for one in known if one.unit == unit), None)
            text += _openai(told) if told is not None else ""
    return text.encode("ascii", "replace")


def _draft(one: Standing) -> str:
    name = quoted(one.name)
    unit = "" if one.unit == "requests" else f';qu="{one.unit}"'
    window = f";w={math.ceil(one.window_s)}" if one.window_s else ""
    reset = f";t={math.ceil(one.reset_s)}" if one.window_s else ""
    return (
        f"ratelimit-policy: {name};q={one.quota}{window}{unit}\r\n"
        f"ratelimit: {name};r={one.remaining}{reset}\r\n"
    )


def _openai(one: Standing) -> str:
    return (
        f"x-ratelimit-limit-{one.unit}: {one.quota}\r\n"
        f"x-ratelimit-remaining-{one.unit}: {one.remaining}\r\n"
        f"x-ratelimit-reset-{one.unit}: {duration(one.reset_s)}\r\n"
    )


def quoted(name: str) -> str:
    """A String of RFC 9651; what such a string cannot hold becomes `?`."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in name)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def duration(seconds: float) -> str:
    """A span as Go writes it, which is how OpenAI tells it: `120ms`, `1s`, `6m0s`, `1h2m3s`."""
    if seconds <= 0.999:
        return f"{max(0, math.ceil(seconds * 1000))}ms"
    whole = math.ceil(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
