"""Leaves out the oldest messages of a conversation that is too long for its model (spec F13); pure.

A conversation is a list of messages under `messages` (OpenAI Chat, Anthropic), `input` (OpenAI Responses) or `contents` (Gemini).
What was said by the system stays, and the last turn; older turns go whole, so that no tool's result stands without its call. When
only the last turn is left, its older rounds of tool calls go. Messages that stay keep their bytes. Not for: counting tokens.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, from_json, json_decoder, to_json

_LISTS = ("messages", "input", "contents")
_MARGIN = 0.95
_HALF = 0.5
_NUMBER = re.compile(r"(?<![\w.-])\d[\d,_]{0,15}\d{2}(?![\w-])")
_NEAR = 30
_CALLS = ("function_call", "reasoning", "computer_call", "mcp_call", "custom_tool_call")

Members = dict[str, msgspec.Raw]
_members = json_decoder(Members)
_items = json_decoder(list[msgspec.Raw])


def without_oldest(body: bytes, message: str) -> bytes | None:
    """The body with fewer messages, as many fewer as the vendor's error message tells; None when none can go."""
    try:
        members = _members.decode(body)
        name = next(name for name in _LISTS if name in members)
        raws = _items.decode(members[name])
        items = [from_json(bytes(raw)) for raw in raws]
    except (DecodeError, StopIteration, UnicodeDecodeError, RecursionError):
        return None
    sizes = [len(bytes(raw)) for raw in raws]
    gone = to_drop(items, sizes, share_to_keep(message))
    if not gone:
        return None
    members[name] = msgspec.Raw(to_json([raw for n, raw in enumerate(raws) if n not in gone]))
    return to_json(members)


def share_to_keep(message: str) -> float:
    """Which share of the input fits: what fits to what was sent where a vendor tells both, else half."""
    text = message[:2000]
    numbers = sorted(
        int(re.sub(r"\D", "", hit[0]))
        for hit in _NUMBER.finditer(text)
        if "token" in text[max(0, hit.start() - _NEAR) : hit.end() + _NEAR].lower()
    )
    most, sent = numbers[-2:] if len(numbers) >= 2 else (0, 0)
    return _MARGIN * most / sent if most * 20 > sent else _HALF


def to_drop(items: list[Any], sizes: list[int], share: float) -> set[int]:
    """Indexes of the messages to leave out: the oldest units, until the rest is within its share, or none can go."""
    gone: set[int] = set()
    left, most = sum(sizes), share * sum(sizes)
    for unit in units(items):
        if left <= most:
            break
        gone.update(unit)
        left -= sum(sizes[n] for n in unit)
    return gone


def units(items: list[Any]) -> list[list[int]]:
    """What may be left out, oldest first: whole turns before the last, then the last turn's rounds of tool calls before its last."""
    turns: list[list[int]] = []
    for n, item in enumerate(items):
        if _is_system(item):
            continue
        if not turns or _opens_turn(item):
            turns.append([])
        turns[-1].append(n)
    if not turns:
        return []
    rounds: list[list[int]] = []
    for n in turns[-1][1:]:
        if not rounds or (_is_models(items[n]) and not _is_models(items[n - 1])):
            rounds.append([])
        rounds[-1].append(n)
    return turns[:-1] + rounds[:-1]


def _is_system(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") in ("system", "developer")


def _opens_turn(item: Any) -> bool:
    """Whether a person speaks here; results of tools come under the same role with Anthropic and Gemini."""
    if not isinstance(item, dict) or item.get("role") != "user":
        return False
    parts = item.get("content") or item.get("parts")
    return not (isinstance(parts, list) and any(_is_result(part) for part in parts))


def _is_result(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") == "tool_result" or "functionResponse" in part)


def _is_models(item: Any) -> bool:
    """Whether the model speaks here, or calls a tool."""
    return isinstance(item, dict) and (
        item.get("role") in ("assistant", "model") or item.get("type") in _CALLS
    )
