"""Usage of Gemini and Vertex AI. Source: ai.google.dev/api/generate-content#UsageMetadata.

Cached tokens are part of `promptTokenCount`; what the model's own tools put in (`toolUsePromptTokenCount`) stands beside it and is input.
Thoughts stand beside `candidatesTokenCount` and are output, except where the total shows that they were counted in. Sounds and
pictures are parts, listed by modality.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Usage
from trunkline.plugins.adapters.count import count, member


def usage_of(said: Any, candidates: Any = None) -> Usage | None:
    """`usageMetadata`; None where there is none."""
    if not isinstance(said, dict):
        return None
    thoughts = count(said.get("thoughtsTokenCount"), 0)
    into = count(said.get("promptTokenCount"))
    tools, total = count(said.get("toolUsePromptTokenCount"), 0), count(said.get("totalTokenCount"))
    told = count(said.get("candidatesTokenCount"), 0) or count(said.get("responseTokenCount"), 0)
    if not told and into >= 0:
        told = max(total - into - tools - thoughts, 0)
    elif told and total > tools + told + thoughts:
        into = total - tools - told - thoughts
    inside = 0 < thoughts <= told and total == max(into, 0) + tools + told
    return Usage(
        input=into + tools if into >= 0 else -1,
        output=-1 if total < 0 and not told + thoughts else told if inside else told + thoughts,
        cached=count(said.get("cachedContentTokenCount"), 0),
        reasoning=thoughts,
        audio_input=_of(said, "promptTokensDetails", "AUDIO")
        + _of(said, "toolUsePromptTokensDetails", "AUDIO"),
        audio_cached=_of(said, "cacheTokensDetails", "AUDIO"),
        audio_output=_of(said, "candidatesTokensDetails", "AUDIO")
        or _of(said, "responseTokensDetails", "AUDIO"),
        image_input=_of(said, "promptTokensDetails", "IMAGE")
        + _of(said, "toolUsePromptTokensDetails", "IMAGE"),
        image_cached=_of(said, "cacheTokensDetails", "IMAGE"),
        image_output=_of(said, "candidatesTokensDetails", "IMAGE"),
        fees=_searches(candidates),
        tier=_tier(said),
        said=said,
    )


def _of(said: dict[str, Any], name: str, kind: str) -> int:
    listed = said.get(name)
    told = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return sum(count(one.get("tokenCount"), 0) for one in told if one.get("modality") == kind)


def _tier(said: dict[str, Any]) -> str:
    """`serviceTier` of Gemini, `trafficType` of Vertex AI (ON_DEMAND_PRIORITY)."""
    word = str(said.get("serviceTier") or said.get("trafficType") or "").lower()
    word = word.removeprefix("service_tier_").removeprefix("on_demand_")
    return "" if word in ("on_demand", "unspecified", "traffic_type_unspecified") else word


def _searches(candidates: Any) -> dict[str, int]:
    """Searches on the web, and answers that rest on them: newer models are billed by the first, older ones by the second."""
    queries = grounded = 0
    for one in candidates if isinstance(candidates, list) else ():
        found = member(one, "groundingMetadata")
        asked = found.get("webSearchQueries")
        if isinstance(asked, list) and asked:
            queries += len({str(query) for query in asked if query})
            grounded = 1
    return {"web_search": queries, "grounded": grounded} if queries else {}
