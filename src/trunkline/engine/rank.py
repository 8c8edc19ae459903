"""In which order the targets of a virtual model are tried: pure, from what is known of each now.

Those that could take the call at once come before those at which it would wait or be refused; within both the strategy decides. So
a breaker or a pause is respected and never bypassed. Not for: what is known (`virtual.py`).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from trunkline.core.virtual import Strategy

EXPLORED_EVERY = 20
"""By latency, one call in so many goes to the target that was heard of least, so that what has become fast is found out."""


class Standing(NamedTuple):
    """One candidate now."""

    n: int
    """Its place in the registry."""
    name: str
    weight: float
    ready: bool
    """It could take the call at once."""
    latency_s: float | None
    """Within which nine of ten answers began of late; None: too few are known."""
    heard: float
    """How many answers that rests on."""
    cost_usd: float | None
    """What the call will cost there, about; None: unpriced."""
    headroom: float
    """Share that is left of the tightest limit, 0 to 1."""


class Ranked(NamedTuple):
    """The order, and why the first is first."""

    order: list[Standing]
    why: str


def rank(
    strategy: Strategy, standings: Sequence[Standing], *, turn: int, stuck: str = "", urgent: bool = True
) -> Ranked:
    """`turn` counts the calls of this model. `stuck`: what keeps to its target, e.g. a conversation; it decides among those that the
    strategy holds equal, and for `weighted`, `round_robin` and `canary` alone. `urgent`: the call is interactive.
    """
    if strategy == "lane":
        strategy = "headroom" if urgent else "cost"
    by, why = _KEYS[strategy](standings, turn, stuck)
    order = sorted(standings, key=lambda one: (not one.ready, by(one), one.n))
    first = order[0]
    if not first.ready:
        return Ranked(order, "none is free")
    passed = [one.name for one in standings if not one.ready and by(one) < by(first)]
    return Ranked(order, f"{why(first)}; busy or shut: {' '.join(passed)}" if passed else why(first))


_Key = Callable[[Standing], float]
_Why = Callable[[Standing], str]
_Keyed = tuple[_Key, _Why]


def _priority(_: Sequence[Standing], _turn: int, _stuck: str) -> _Keyed:
    return (lambda one: one.n), (lambda one: f"place {one.n + 1}")


def _cost(standings: Sequence[Standing], turn: int, stuck: str) -> _Keyed:
    del standings, turn, stuck
    # What nobody knows the price of comes last: it could be anything.
    return (
        lambda one: math.inf if one.cost_usd is None else one.cost_usd,
        lambda one: "unpriced" if one.cost_usd is None else f"about ${one.cost_usd:.6f}",
    )


def _headroom(standings: Sequence[Standing], turn: int, stuck: str) -> _Keyed:
    ties = _shares(standings, turn, stuck)[0]
    # In steps, so that equals share the calls and a conversation keeps its place.
    return (
        lambda one: -round(one.headroom, 1) + ties(one) * 1e-6,
        lambda one: f"{one.headroom:.0%} of its limits left",
    )


def _latency(standings: Sequence[Standing], turn: int, stuck: str) -> _Keyed:
    del stuck
    unknown = [one for one in standings if one.ready and one.latency_s is None]
    if unknown or (turn % EXPLORED_EVERY == EXPLORED_EVERY - 1):
        least = min(unknown or [s for s in standings if s.ready] or standings, key=lambda one: one.heard)
        known = _seconds
        return (
            lambda one: -1.0 if one is least else known(one),
            lambda one: "measured now" if one is least else _fast(one),
        )
    return _seconds, _fast


def _seconds(one: Standing) -> float:
    return math.inf if one.latency_s is None else one.latency_s


def _fast(one: Standing) -> str:
    return "not measured" if one.latency_s is None else f"answers begin in {one.latency_s * 1e3:.0f} ms"


def _round_robin(standings: Sequence[Standing], turn: int, stuck: str) -> _Keyed:
    if stuck:
        return _shares([one._replace(weight=1.0) for one in standings], turn, stuck)
    count = len(standings)
    return (lambda one: (one.n - turn) % count), (lambda _: f"turn {turn % count + 1} of {count}")


def _shares(standings: Sequence[Standing], turn: int, stuck: str) -> _Keyed:
    """Rendezvous hashing with weights: each candidate draws a lot, the highest wins in proportion to the weights; with the same
    `stuck` the lots are the same, and when one candidate leaves only its own calls move.
    """
    seed = stuck or f"turn {turn}"
    lots = {one.n: _lot(f"{seed}|{one.name}") for one in standings}
    total = sum(one.weight for one in standings) or 1.0
    weights = {one.n: one.weight for one in standings}
    keeps = "keeps to it, " if stuck else ""
    return (
        lambda one: math.log(lots[one.n]) / -weights[one.n] if weights[one.n] > 0 else math.inf,
        lambda one: f"{keeps}share {weights[one.n] / total:.0%}",
    )


def _lot(text: str) -> float:
    """Between 0 and 1, neither of them. CRC-32 alone is linear in its text, so it is mixed (the finalizer of MurmurHash3)."""
    x = zlib.crc32(text.encode())
    x ^= x >> 16
    x = x * 0x85EBCA6B & 0xFFFFFFFF
    x ^= x >> 13
    x = x * 0xC2B2AE35 & 0xFFFFFFFF
    x ^= x >> 16
    return (x + 0.5) / 2**32


_KEYS: dict[str, Callable[[Sequence[Standing], int, str], _Keyed]] = {
    "weighted": _shares,
    "canary": _shares,
    "priority": _priority,
    "round_robin": _round_robin,
    "latency": _latency,
    "cost": _cost,
    "headroom": _headroom,
}
