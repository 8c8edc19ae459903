"""Usage of Anthropic Messages. Source: platform.claude.com/docs/en/api/messages and /build-with-claude/prompt-caching.

`input_tokens` is only what was neither read from a cache nor written to one; both stand beside it, and all three are input. What is written
costs by how long it is kept (`cache_creation`); where that is not told, five minutes. Thoughts are part of `output_tokens`. Where
the server went on by itself (`iterations`, compaction), the figures on top are those of the last turn alone and every turn is billed. Words
that change the price: `service_tier`, `speed: fast`, `inference_geo: us`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.answer import Usage
from trunkline.plugins.adapters.count import count, member


class _Plain(msgspec.Struct, gc=False):
    """Usage as most answers tell it."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: Any = None
    service_tier: str | None = None
    server_tool_use: Any = None
    output_tokens_details: Any = None
    iterations: Any = None
    speed: str | None = None
    inference_geo: str | None = None


def usage_of(said: Any) -> Usage | None:
    """`usage`; None where there is none."""
    if not isinstance(said, dict):
        return None
    try:
        plain = msgspec.convert(said, _Plain)
    except msgspec.ValidationError:
        return _loosely(said)
    more = (
        plain.cache_creation_input_tokens
        or plain.cache_creation
        or plain.server_tool_use
        or plain.output_tokens_details
        or plain.iterations
        or plain.speed
        or plain.inference_geo
    )
    cached = plain.cache_read_input_tokens or 0
    if more or plain.input_tokens < 0 or plain.output_tokens < 0 or cached < 0:
        return _loosely(said)
    return Usage(
        input=plain.input_tokens + cached,
        output=plain.output_tokens,
        cached=cached,
        tier=plain.service_tier or "",
        said=said,
    )


def _loosely(said: dict[str, Any]) -> Usage:
    """The same of usage that says more, or says it oddly."""
    turns = _turns(said)
    cached = sum(count(turn.get("cache_read_input_tokens"), 0) for turn in turns)
    kinds = [_kept(turn) for turn in turns]
    written = sum(
        max(count(turn.get("cache_creation_input_tokens"), 0), sum(kept))
        for turn, kept in zip(turns, kinds, strict=True)
    )
    plain = [count(turn.get("input_tokens")) for turn in turns]
    out = [count(turn.get("output_tokens")) for turn in turns]
    tools = member(said, "server_tool_use")
    fees = {name.removesuffix("_requests"): n for name, value in tools.items() if (n := count(value, 0))}
    return Usage(
        input=sum(plain) + cached + written if min(plain) >= 0 else -1,
        output=sum(out) if min(out) >= 0 else -1,
        cached=cached,
        cache_write=written,
        cache_write_1h=sum(kept[1] for kept in kinds),
        reasoning=count(member(said, "output_tokens_details").get("thinking_tokens"), 0),
        fees=fees | _advice(said),
        tier=tier_of(said),
        said=said,
    )


def _kept(turn: dict[str, Any]) -> tuple[int, int]:
    """Tokens written to a cache for five minutes, and for an hour."""
    told = member(turn, "cache_creation")
    return count(told.get("ephemeral_5m_input_tokens"), 0), count(told.get("ephemeral_1h_input_tokens"), 0)


def _turns(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns that the model itself was asked for; most answers are one."""
    listed = said.get("iterations")
    turns = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    own = [one for one in turns if one.get("type") in ("message", "compaction")]
    return own if len(own) > 1 else [said]


def _advice(said: dict[str, Any]) -> dict[str, int]:
    """Turns of another model, by whose price they are billed: they are counted, and have no price here."""
    listed = said.get("iterations")
    turns = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    n = sum(one.get("type") == "advisor_message" for one in turns)
    return {"advisor": n} if n else {}


def tier_of(said: dict[str, Any]) -> str:
    """The words that change the price, joined by `+`."""
    words = [said.get("service_tier") or ""]
    if said.get("speed") == "fast":
        words.append("fast")
    if said.get("inference_geo") == "us":
        words.append("us")
    if len(words) > 1 and words[0] == "standard":
        del words[0]
    return "+".join(word for word in words if isinstance(word, str) and word)
