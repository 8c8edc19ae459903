"""Model names of the registry's own that stand for several targets: which, and how one of them is chosen. Plain data.

Not for: choosing (`engine/rank.py`, `engine/virtual.py`), nor for names with one target (`core/service.Alias`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trunkline.core.flow import Fallback

Strategy = Literal["weighted", "priority", "round_robin", "latency", "cost", "headroom", "lane", "canary"]
"""`weighted`: by shares. `priority`: in the order written. `round_robin`: one after the other. `latency`: who answered fastest of
late. `cost`: the cheapest for this call. `headroom`: with most left of its limits. `lane`: interactive calls by headroom, others by
cost. `canary`: by shares, always the same for one caller or conversation.
"""
Sticky = Literal["", "conversation", "subject", "key", "feature"]
"""What keeps to one target as long as that is well."""

NAMES: dict[str, str] = {
    "model": "string",
    "dialect": "string",
    "tokens": "int",
    "max_tokens": "int",
    "tools": "list:string",
    "stream": "bool",
    "tags": "map",
    "team": "string",
    "feature": "string",
    "key": "string",
    "lane": "string",
    "hour": "int",
    "weekday": "int",
}
"""What a condition may speak of, with types (core/cel.py). `tokens`: the input, estimated. `max_tokens`: what the caller allows, 0 if it
does not say. `tools`: their names. `tags`: `a=b` is a key with a value, `a` a key with an empty one. `hour`, `weekday` (1 is Monday): UTC.
"""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One target of a virtual model."""

    target: str
    """`integration/model`."""
    weight: float = 1.0
    when: str = ""
    """A condition; only calls for which it holds go there."""


class Virtual(msgspec.Struct, frozen=True, kw_only=True):
    """A model name with several targets."""

    name: str
    strategy: Strategy = "weighted"
    candidates: list[Candidate]
    sticky: Sticky = ""
    fallback: list[Fallback] = []
    """After all candidates."""
