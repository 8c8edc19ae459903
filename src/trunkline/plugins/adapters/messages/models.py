"""What Anthropic's models take and refuse, by the beginning of their names, where the catalog of models does not say.

Sources: docs.claude.com (models overview, adaptive thinking, structured outputs, mid-conversation system messages), read 2026-11-21.
A model that nobody has heard of is taken for a new one.
"""

from __future__ import annotations

import re

from trunkline.core.ports import Facts

_OLD = r"claude-(?:instant|2|3)"
NO_FORMATS = re.compile(rf"{_OLD}|claude-(?:opus|sonnet)-4-(?:0|20)")
"""From before structured outputs."""
ALWAYS_THINKS = re.compile(r"claude-(?:fable|mythos)")
"""They refuse to be told not to think."""
ADAPTIVE = re.compile(rf"(?!{_OLD}|claude-(?:opus|sonnet|haiku)-4-(?:[0-5]\b|20))claude-")
"""They think as much as they like; budgets are deprecated there, or refused."""
NO_SAMPLING = re.compile(rf"(?!{_OLD}|claude-opus-4-(?:[0-6]\b|20)|claude-(?:sonnet|haiku)-4-)claude-")
"""They refuse temperature, top_p and top_k; and a last turn of their own that they are to go on with."""
SYSTEM_TURNS = re.compile(rf"(?!{_OLD}|claude-opus-4-(?:[0-7]\b|20)|claude-(?:sonnet|haiku)-4-)claude-")
"""They take messages of role `system` after a user's."""
NO_PREFILL = re.compile(rf"(?!{_OLD}|claude-opus-4-(?:[0-5]\b|20)|claude-(?:sonnet|haiku)-4-[0-5])claude-")
"""They refuse a last turn of their own."""
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
