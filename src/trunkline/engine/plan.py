"""What to do after an attempt failed: again here, elsewhere, or stop. The only place where that is decided; pure.

Not for: waiting, sending or choosing among candidates of equal standing (`pool.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from trunkline.core.errors import CallError
from trunkline.core.service import Repeat, Retry


class Step(NamedTuple):
    """`go`: make another attempt. `elsewhere`: at another candidate, leaving this one for good. `delay_s`: wait before it."""

    go: bool
    elsewhere: bool
    delay_s: float
    why: str


_SHORT_WAIT_S = 10.0
"""A vendor that names a later instant than this is not waited for within a call; the caller is told instead."""


def repeatable(error: CallError, repeat: Repeat, has_key: bool) -> bool:
    """Whether another attempt cannot do something twice (ruling 1)."""
    return not error.may_have_acted or repeat == "always" or (repeat == "with_key" and has_key)


def next_step(
    error: CallError,
    *,
    repeat: Repeat,
    has_key: bool,
    made: int,
    attempts_max: int,
    others_left: bool,
    retry: Retry,
    wall: float,
    remaining_s: float,
    jitter: float,
) -> Step:
    """Decides the step after attempt number `made` ended with `error`.

    `wall` is epoch seconds now, `remaining_s` what is left of the call's total time, `jitter` a number in [0, 1) drawn by the
    caller (full jitter: the delay is that share of the exponential step, AWS Architecture Blog, "Exponential Backoff And Jitter").
    """
    kind = error.kind
    if made >= attempts_max:
        return Step(False, False, 0.0, "no attempts left")
    if not repeatable(error, repeat, has_key):
        return Step(False, False, 0.0, "the request may have been carried out")
    if kind.elsewhere and others_left:
        return Step(True, True, 0.0, "another candidate may serve")
    if not error.again:
        return Step(False, False, 0.0, f"{kind.code} does not go away by trying again")
    if error.retry_at is not None:
        delay = max(0.0, error.retry_at - wall)
        if delay > _SHORT_WAIT_S:
            return Step(False, False, 0.0, "the vendor asks for a longer wait")
        delay += jitter * min(0.25, 0.1 * delay)
    else:
        delay = jitter * min(retry.backoff_max, retry.backoff * 2.0 ** (made - 1))
    if delay >= remaining_s:
        return Step(False, False, 0.0, "the call's time would be over")
    return Step(True, False, delay, "may pass")
