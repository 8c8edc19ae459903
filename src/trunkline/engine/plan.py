"""What to do after an attempt failed: mend and send again, again here, at another credential, something else instead, or stop.

The only place where that is decided; pure. Not for: waiting, sending, choosing among candidates of equal standing (`pool.py`), nor
making another target or an answer of a fallback (`fallback.py`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from trunkline.core.call import Link
from trunkline.core.errors import CallError
from trunkline.core.flow import Retry
from trunkline.core.service import Repeat

SHORT_WAIT_S = 10.0
"""A vendor that names a later instant than this is not waited for within a call; the caller is told instead."""


class Step(NamedTuple):
    """`move`: `mend` the request; make another attempt `again` here after `delay_s`; at another `member` of the pool; go on with
    the `link` of this index; or `stop`. `spent`: whoever tried again now, an SDK too, would only add to the trouble.
    """

    move: Literal["mend", "again", "member", "link", "stop"]
    why: str
    delay_s: float = 0.0
    link: int = -1
    spent: bool = False


class Situation(NamedTuple):
    """Where a call stands when an attempt has failed."""

    repeat: Repeat
    retry: Retry
    wall: float
    """Epoch seconds now."""
    remaining_s: float
    """What is left of the call's time."""
    total_s: float
    jitter: float
    """A number in [0, 1) drawn by the caller (full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter")."""
    attempts_left: int
    here: int = 1
    """Attempts made at this target."""
    took_s: float = 0.0
    has_key: bool = False
    """An idempotency key goes with it that this vendor honours."""
    acted_before: bool = False
    """An earlier attempt may have acted; it was repeated only because of the key."""
    malformed_before: bool = False
    mendable: bool = False
    members_left: bool = False
    budget_left: bool = True
    """The integration's retry budget allows a repeat. It holds for failures that speak of a vendor in trouble; one that only
    refuses what is too much is spared by limits and pauses."""
    patience_s: float = 1.0
    """The same as SHORT_WAIT_S where there is a fallback (`queue.patience`): it is better than a longer wait."""
    homeless: bool = False
    """It goes on with what an account has stored, and this one does not know it: another of the pool may."""
    affordable: bool = True
    """Its caller's budgets have room for one more attempt at this price, after what earlier ones have cost."""
    chain: tuple[Link, ...] = ()
    """What is left of the fallbacks."""


def repeatable(error: CallError, repeat: Repeat, has_key: bool) -> bool:
    """Whether another attempt cannot do something twice (ruling 1)."""
    return not error.may_have_acted or repeat == "always" or (repeat == "with_key" and has_key)


def next_step(error: CallError, at: Situation) -> Step:
    """Decides the step after an attempt ended with `error`."""
    attempts_left = at.attempts_left if at.remaining_s > 0 else 0
    if at.mendable and attempts_left > 0 and repeatable(error, at.repeat, at.has_key):
        return Step("mend", "the request can be mended")
    # A key is known to the account that it was sent to; anywhere else it makes nothing safe.
    free = repeatable(error, at.repeat, has_key=False) and (at.repeat == "always" or not at.acted_before)
    if (
        attempts_left > 0
        and free
        and (error.kind.elsewhere or at.homeless)
        and at.members_left
        and at.affordable
        and (at.budget_left or not error.kind.trips)
    ):
        return Step("member", "another credential may serve")
    links = [n for n, link in enumerate(at.chain) if link.holds(error)] if free else []
    again = _again(error, at, attempts_left, [at.chain[n] for n in links])
    if again.move == "again":
        return again
    for n in links:
        if attempts_left > 0 or at.chain[n].kind != "target":
            return Step("link", f"{at.chain[n].name} is declared for it", link=n)
    return again


def _again(error: CallError, at: Situation, attempts_left: int, links: list[Link]) -> Step:
    """Another attempt at the same target, or why there is none."""
    if attempts_left <= 0:
        why = "no attempts left" if at.remaining_s > 0 else "the call's time is over"
        return Step("stop", why, spent=True)
    if not repeatable(error, at.repeat, at.has_key):
        return Step("stop", "the request may have been carried out")
    if error.source == "trunkline" or not error.again:
        return Step("stop", f"{error.code} does not go away by trying again")
    if error.code == "malformed_response" and at.malformed_before:
        return Step("stop", "the answer was malformed before", spent=True)
    if at.took_s > (at.retry.slow or at.total_s / 2):
        return Step("stop", "it failed too late to be tried again", spent=True)
    if attempts_left <= sum(link.kind == "target" for link in links):
        return Step("stop", "the attempts left are those of the fallbacks", spent=True)
    if error.retry_at is not None:
        told_s = max(0.0, error.retry_at - at.wall)
        if told_s > (min(at.patience_s, SHORT_WAIT_S) if links else SHORT_WAIT_S):
            return Step("stop", "the vendor asks for a longer wait")
        delay_s = told_s + at.jitter * min(0.25, 0.1 * told_s)
    else:
        delay_s = at.jitter * min(at.retry.backoff_max, at.retry.backoff * 2.0 ** (at.here - 1))
    if delay_s >= at.remaining_s:
        return Step("stop", "the call's time would be over", spent=True)
    if not at.budget_left and error.kind.trips:
        return Step("stop", "retry budget spent", spent=True)
    if not at.affordable:
        return Step("stop", "no budget has room for another attempt", spent=True)
    return Step("again", "may pass", delay_s)
