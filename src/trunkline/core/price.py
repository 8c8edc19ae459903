"""What a model costs, as the snapshot tells it. Not for: multiplying (`pricing.py`), nor where figures come from (`registry/`)."""

from __future__ import annotations

import msgspec


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens of each kind; -1: as the kind that it is a part of, in the same proportion."""

    input: float = -1.0
    output: float = -1.0
    cached: float = -1.0
    """-1: as input."""
    cache_write: float = -1.0
    """-1: as input."""
    cache_write_1h: float = -1.0
    """-1: as `cache_write`."""
    reasoning: float = -1.0
    """-1: as output."""
    audio_input: float = -1.0
    """-1: as input."""
    audio_cached: float = -1.0
    """-1: as `cached`."""
    audio_output: float = -1.0
    """-1: as output."""
    image_input: float = -1.0
    image_cached: float = -1.0
    image_output: float = -1.0


class Step(Figures, frozen=True, kw_only=True):
    """The figures of a whole request whose input is longer than so many tokens; what is -1 changes as input or output does."""

    above: int


class Tier(Figures, frozen=True, kw_only=True):
    """The figures of a service tier; what is -1 is the usual figure, `factor` times."""

    factor: float = 1.0
    long: list[Step] = []
    """Instead of those of the usual tier, if any."""


class Price(Figures, frozen=True, kw_only=True):
    """What a model costs, with where and when the figures were read."""

    input: float = 0.0
    output: float = 0.0
    long: list[Step] = []
    """Steps of long inputs, from the shortest to the longest."""
    service: dict[str, Tier] = {}
    """By the service tier that the answer tells: `batch`, `flex`, `priority`, `fast`, a place such as `us`."""
    fees: dict[str, float] = {}
    """USD for each use of a thing that is billed by itself: `call`, `web_search`, `second`, `character`, `page`."""
    source: str = ""
    date: str = ""
