"""What Anthropic's models take and refuse, by the beginning of their names, where the catalog of models does not say.

Sources: docs.claude.com (models overview, adaptive thinking, structured outputs, mid-conversation system messages).
A model that nobody has heard of is taken for a new one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from trunkline.core.ports import Facts

_OLD = r"claude-(?:instant|2|3)"
_NO_FORMATS = re.compile(rf"{_OLD}|claude-(?:opus|sonnet)-4-(?:0|20)")
_ALWAYS_THINKS = re.compile(r"claude-(?:fable|mythos)")
_BUDGETS = re.compile(rf"{_OLD}|claude-(?:opus|sonnet|haiku)-4-(?:[0-5]\b|20)")
_SAMPLED = re.compile(rf"{_OLD}|claude-opus-4-(?:[0-6]\b|20)|claude-(?:sonnet|haiku)-4-")
_TOP_ALONE = re.compile(rf"{_OLD}|claude-opus-4-(?:[0-7]\b|20)|claude-(?:sonnet|haiku)-4-")
_PREFILLED = re.compile(rf"{_OLD}|claude-opus-4-(?:[0-5]\b|20)|claude-(?:sonnet|haiku)-4-[0-5]")


class Traits(NamedTuple):
    """What one model takes. Models of other vendors that speak this dialect are taken for Anthropic's older ones."""

    formats: bool
    """Structured outputs."""
    always_thinks: bool
    """It refuses to be told not to think."""
    adaptive: bool
    """It thinks as much as it likes; budgets are deprecated there, or refused."""
    sampled: bool
    """It takes temperature, top_p and top_k."""
    system_turns: bool
    """It takes messages of role `system` after a user's."""
    prefilled: bool
    """It goes on with a last turn of its own."""


@lru_cache(maxsize=1024)
def traits_of(model: str) -> Traits:
    """What a model takes."""
    claude = model.startswith("claude-")

    def among(pattern: re.Pattern[str]) -> bool:
        return not claude or pattern.match(model) is not None

    return Traits(
        formats=_NO_FORMATS.match(model) is None,
        always_thinks=_ALWAYS_THINKS.match(model) is not None,
        adaptive=not among(_BUDGETS),
        sampled=among(_SAMPLED),
        system_turns=not among(_TOP_ALONE),
        prefilled=among(_PREFILLED),
    )


HOSTED = {
    "web_search": ("web_search_20250305", "web_search"),
    "url_context": ("web_fetch_20250910", "web_fetch"),
    "code_interpreter": ("code_execution_20250825", "code_execution"),
}
"""Canonical names of tools that Anthropic runs -> `type` and `name`, in the version that most models take."""
_OUTPUT_MAX = (
    ("claude-3-7", 64000),
    ("claude-3-5", 8192),
    ("claude-3", 4096),
    ("claude-2", 4096),
    ("claude-opus-4-0", 32000),
    ("claude-opus-4-1", 32000),
    ("claude-opus-4-2", 32000),
)


def output_max(facts: Facts) -> int:
    """Most tokens of an answer, which Anthropic wants to be told: the model's own bound, so that nothing is cut short."""
    return facts.max_output or next((n for start, n in _OUTPUT_MAX if facts.model.startswith(start)), 64000)


def effort_word(level: str, budget: int) -> str:
    """`output_config.effort`."""
    if level in ("low", "medium", "high", "xhigh", "max"):
        return level
    return "low" if level == "minimal" or budget <= 4096 else "medium" if budget <= 16384 else "high"
