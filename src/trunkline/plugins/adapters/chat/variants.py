"""Where vendors that speak OpenAI Chat differ from OpenAI: what a request for them must leave out or say otherwise.

A variant is data; a vendor without one is taken for one of the many that follow OpenAI's older form. Most are chosen by the catalog's
entry; a vendor that refuses what OpenAI's clients send has a dialect of its own (`mistral-chat`), so that even they are translated.
Not for: callers that speak Chat to a vendor that speaks Chat; their bytes pass unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from trunkline.core.ports import Facts

KNOWN = frozenset(
    ("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
     "metadata", "modalities", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
     "prompt_cache_options", "prompt_cache_retention",
     "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
     "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options")
)  # fmt: skip
"""OpenAI's own."""


class Variant(NamedTuple):
    """How one vendor's Chat differs."""

    max_tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer: bool = False
    """It knows the role `developer`; else such messages are sent as `system`."""
    thoughts: Literal["", "reasoning_content", "reasoning", "reasoning_details", "thinking"] = (
        "reasoning_content"
    )
    """Where it wants back the thoughts that it gave; empty: nowhere; `thinking`: as parts of the content."""
    origin: str = "openai-chat"
    """The dialect that thoughts are of which it gave."""
    cache: Literal["", "cache_control", "breakpoint"] = ""
    """How it takes marks of what is to be cached: Anthropic's way, OpenAI's (newer models), or not at all."""
    images_of_tools: bool = False
    """A tool's result may hold more than text."""
    custom_tools: bool = False
    """Tools of free text; else they are told as functions of one text."""
    video: bool = False
    media: Literal["openai", "mistral", "pictures", "inline"] = "openai"
    """How pictures, sounds and documents are told; `pictures`: those alone; `inline`: and none by their address."""
    names: bool = True
    """Messages may bear the name of who speaks."""
    refusals: bool = True
    """An assistant's message may bear a refusal; else it is told as text."""
    tool_choice: Literal["all", "no_allowed", "none"] = "all"
    """Which choices of tools it takes. Others are emulated by sending it only the tools that may be taken."""
    schema_needed: bool = False
    """A tool without parameters is told with an empty object of them."""
    stream_options: bool = True
    """It tells the usage of a stream only if asked to."""
    stops_max: int = 0
    """Most stop sequences; 0: not known."""
    told_as: Mapping[str, str] = MappingProxyType({})
    """Members that it has another word for."""
    known: frozenset[str] = KNOWN
    """Members that the canonical form has not and it takes."""
    tool_name_max: int = 64
    tool_id: str = ""
    """Regular expression (full match) of the ids that it takes; empty: any."""
    tool_id_length: int = 9
    """Of ids made in the place of others."""
    without: frozenset[str] = frozenset()
    """Members that it refuses."""


OPENAI = Variant(
    "max_completion_tokens", developer=True, thoughts="", cache="breakpoint", custom_tools=True, stops_max=4
)
PLAIN = Variant()
MISTRAL = Variant(
    thoughts="thinking",
    origin="mistral-chat",
    media="mistral",
    names=False,
    refusals=False,
    images_of_tools=True,
    tool_choice="no_allowed",
    schema_needed=True,
    stream_options=False,
    told_as=MappingProxyType({"seed": "random_seed"}),
    known=frozenset(("guardrails", "prediction", "prompt_mode", "random_seed", "safe_prompt")),
    tool_id="[a-zA-Z0-9]{9}",
    without=frozenset(
        ("audio", "logit_bias", "logprobs", "modalities", "prompt_cache_retention", "service_tier", "store", "top_logprobs", "user",
         "verbosity", "web_search_options")
    ),
)  # fmt: skip
"""docs.mistral.ai/api and the models of github.com/mistralai/client-python: what is not declared there is refused (422)."""
COHERE = Variant(
    thoughts="thinking",
    origin="cohere-chat",
    media="pictures",
    names=False,
    refusals=False,
)
"""Messages of Cohere's v2 (docs.cohere.com/reference/chat) are OpenAI's but for plans, thoughts and documents (`cohere_codec`)."""
OLLAMA = Variant(
    thoughts="reasoning",
    media="inline",
    tool_choice="none",
    without=frozenset(
        ("audio", "logit_bias", "metadata", "modalities", "n", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention",
         "service_tier", "store", "tool_choice", "user", "verbosity", "web_search_options")
    ),
)  # fmt: skip
"""docs.ollama.com/api/openai-compatibility: members that are not listed there are passed over in silence, so they are told here."""
OLLAMA_CHAT = OLLAMA._replace(origin="ollama-chat", names=False, refusals=False)
"""Messages of Ollama's own API are put together from these (`ollama_codec`)."""
VARIANTS: dict[str, Variant] = {
    "openai": OPENAI,
    "azure-openai": OPENAI,
    "ollama": OLLAMA,
    "openrouter": Variant(thoughts="reasoning_details", cache="cache_control", video=True),
}
"""By catalog entry."""


def variant_of(facts: Facts) -> Variant:
    """The variant of a target's vendor."""
    return VARIANTS.get(facts.vendor, PLAIN)
