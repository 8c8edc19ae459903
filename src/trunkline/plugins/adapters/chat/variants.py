"""Where vendors that speak OpenAI Chat differ from OpenAI: what a request for them must leave out or say otherwise.

A variant is data; a vendor without one is taken for one of the many that follow OpenAI's older form. Not for: callers that speak
Chat to a vendor that speaks Chat; their bytes pass unchanged.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from trunkline.core.ports import Facts


class Variant(NamedTuple):
    """How one vendor's Chat differs."""

    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer: bool = False
    """It knows the role `developer`; else such messages are sent as `system`."""
    thoughts: Literal["", "reasoning_content", "reasoning_details"] = "reasoning_content"
    """Where it wants back the thoughts that it gave; empty: nowhere."""
    cache: Literal["", "cache_control", "breakpoint"] = ""
    """How it takes marks of what is to be cached: Anthropic's way, OpenAI's (newer models), or not at all."""
    images_of_tools: bool = False
    """A tool's result may hold more than text."""
    custom_tools: bool = False
    """Tools of free text; else they are told as functions of one text."""
    video: bool = False
    tool_name_max: int = 64
    tool_id: str = ""
    """Regular expression (full match) of the ids that it takes; empty: any."""
    tool_id_length: int = 9
    """Of ids made in the place of others."""
    without: frozenset[str] = frozenset()
    """Members that it refuses."""


OPENAI = Variant("max_completion_tokens", developer=True, thoughts="", cache="breakpoint", custom_tools=True)
PLAIN = Variant()
VARIANTS: dict[str, Variant] = {
    "openai": OPENAI,
    "azure-openai": OPENAI,
    "openrouter": Variant(thoughts="reasoning_details", cache="cache_control", video=True),
}
"""By catalog entry."""


def variant_of(facts: Facts) -> Variant:
    """The variant of a target's vendor."""
    return VARIANTS.get(facts.vendor, PLAIN)
