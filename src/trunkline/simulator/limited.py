"""A vendor with a limit that is known exactly, in whatever time it is told: a bucket, answers with `Retry-After`, pauses for all.

A value: `now` comes in, what the vendor answers comes out, and `opens_at` tells what a caller that knew the bucket would know.
For measuring how a client behaves at a limit, in simulated time too. Not for: the shapes in which vendors tell errors
(`corpus.py`), nor faults on demand (`faults.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_ROUNDING_S = 1e-6


class Pause(NamedTuple):
    """From `begin` to before `end` everybody is sent away."""

    begin: float
    end: float


class Verdict(NamedTuple):
    """What one request gets. `retry_after_s` is 0 with a good answer."""

    ok: bool
    retry_after_s: float
    left: int
    """Requests that would be taken now."""
    full_in_s: float
    """Until the bucket is full again."""


class Limited:
    """At most `burst` requests at once, refilled by `rate` a second; none during the pauses."""

    def __init__(self, *, rate: float, burst: int, pauses: Sequence[Pause] = ()) -> None:
        self.rate = rate
        self.burst = burst
        self.pauses = pauses
        self.taken = 0
        self.refused = 0
        self._level = float(burst)
        self._at = 0.0

    def ask(self, now: float) -> Verdict:
        """A request arrives. `now` never goes back."""
        self._refill(now)
        pause = self.pause_at(now)
        ok = pause is None and self._level >= 1.0
        if ok:
            self._level -= 1.0
            self.taken += 1
        else:
            self.refused += 1
        wait_s = 0.0
        if pause is not None:
            wait_s = pause.end - now
        elif not ok:
            wait_s = (1.0 - self._level) / self.rate
        return Verdict(ok, wait_s, math.floor(self._level), (self.burst - self._level) / self.rate)

    def pause_at(self, now: float) -> Pause | None:
        """The pause that holds now."""
        return next((p for p in self.pauses if p.begin <= now < p.end - _ROUNDING_S), None)

    def opens_at(self, now: float) -> float:
        """When a request would next be taken, from `now` on."""
        self._refill(now)
        at = now + max(0.0, 1.0 - self._level) / self.rate
        for pause in sorted(self.pauses):
            if pause.begin - _ROUNDING_S <= at < pause.end:
                at = pause.end
        return at

    def _refill(self, now: float) -> None:
        self._level = min(float(self.burst), self._level + (now - self._at) * self.rate)
        if self._level > math.ceil(self._level) - 1e-9:
            self._level = float(math.ceil(self._level))  # the last bit of a float must not cost a request
        self._at = now

    def fields(
        self, verdict: Verdict, *, tells: bool, milliseconds: bool = False
    ) -> list[tuple[bytes, bytes]]:
        """The header fields of an answer: `retry-after` in whole seconds (and `retry-after-ms`) on a refusal; if it `tells`,
        OpenAI's fields of what is left on every answer.
        """
        found: list[tuple[bytes, bytes]] = [(b"content-type", b"application/json")]
        if not verdict.ok:
            found.append((b"retry-after", b"%d" % math.ceil(verdict.retry_after_s)))
            if milliseconds:
                found.append((b"retry-after-ms", b"%d" % math.ceil(1e3 * verdict.retry_after_s)))
        if tells:
            head = b"x-ratelimit-"
            found += [
                (head + b"limit-requests", b"%d" % self.burst),
                (head + b"remaining-requests", b"%d" % verdict.left),
                (head + b"reset-requests", b"%dms" % round(1e3 * verdict.full_in_s)),
            ]
        return found
