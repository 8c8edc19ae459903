"""OpenAI Chat Completions and Embeddings, as OpenAI and the many that follow it speak it.

Source: platform.openai.com/docs/api-reference/chat. `prompt_tokens` includes cached tokens, `completion_tokens` includes
reasoning. A stream ends with `data: [DONE]`; usage comes in a last chunk only when the caller asked for it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, ValidationError, decoded, from_json, json_decoder, told_shortly
from trunkline.core.dialects import WORDLESS
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import Part, member
from trunkline.plugins.adapters.events import data_of, holds_any
from trunkline.plugins.adapters.opening import opening
from trunkline.plugins.adapters.usage import take
from trunkline.plugins.adapters.usage.chat import usage_of


class _Details(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    cached_tokens: Part = 0
    cache_write_tokens: Part = 0
    audio_tokens: Part = 0
    text_tokens: Part = 0
    image_tokens: Part = 0


class _OutDetails(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    reasoning_tokens: Part = 0
    audio_tokens: Part = 0
    text_tokens: Part = 0
    accepted_prediction_tokens: Part = 0
    rejected_prediction_tokens: Part = 0


class _Usage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """As most tell it; whoever says more is read in full (`usage/chat.py`)."""

    prompt_tokens: int
    completion_tokens: int | None = None
    total_tokens: int | None = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _OutDetails | None = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Reply(msgspec.Struct, gc=False):
    model: str | None = ""
    usage: _Usage | None = None
    service_tier: str | None = ""
    choices: list[_Choice] = []
    error: msgspec.Raw | None = None


_reply = json_decoder(_Reply)
_USAGE = (b'"usage":{', b'"usage": {')
"""Some vendors send `"usage":null` in every chunk, which is not worth a parse."""
_TELLING = (b'"error"', b"[DONE]", b"event: error", b"event:error", *_USAGE)
"""One of these stands in a block that holds more than content."""


class OpenaiChat:
    """Stateless; `name` is the dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        try:
            reply = decoded(_reply, body)
        except ValidationError:
            self._read_in_full(body, into)
            return
        except (UnicodeDecodeError, RecursionError) as problem:
            raise DecodeError(told_shortly(problem)) from None
        usage = reply.usage
        silent = self.name not in WORDLESS and usage is not None and usage.completion_tokens is None
        if silent or (usage is not None and not _plainly(usage, reply.service_tier, into)):
            self._read_in_full(body, into)
            return
        into.finished = True
        into.model = reply.model or ""
        into.plain = usage is not None and reply.error is None
        for choice in reply.choices:
            if choice.finish_reason == "content_filter":
                into.plain = False

    @staticmethod
    def _read_in_full(body: bytes, into: Reading) -> None:
        value = from_json(body)
        loosely(value, into)
        choices = value.get("choices", []) if isinstance(value, dict) else None
        into.plain = (
            into.input >= 0
            and value.get("error") is None
            and isinstance(choices, list)
            and all(isinstance(one, dict) and one.get("finish_reason") != "content_filter" for one in choices)
        )

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if into.model and not holds_any(block, _TELLING):
            return None
        for name, data in data_of(block):
            if data == b"[DONE]":
                into.finished = True
                continue
            if (name == b"error" or b'"error"' in data) and is_error(name, data):
                return data
            # The served model stands in every chunk; it is read from the first one that names it.
            if not into.model or holds_any(data, _USAGE):
                _loose(data, into)
        return None

    def opens(self, block: bytes) -> bool:
        return opening(block, _harmless)


def _harmless(chunk: dict[str, Any]) -> bool:
    """A role without a word, or Azure's filter results without a choice; names and numbers of a chunk say nothing yet."""
    choices = chunk.get("choices")
    if chunk.get("error") or chunk.get("usage") or not isinstance(choices, list):
        return False
    return all(
        isinstance(choice, dict)
        and not choice.get("finish_reason")
        and not any(value for name, value in member(choice, "delta").items() if name != "role")
        for choice in choices
    )


def is_error(name: bytes, data: bytes) -> bool:
    """Whether an event is the vendor's error, not content that speaks of one."""
    try:
        value = from_json(data)
    except DecodeError:
        return name == b"error"
    # Mistral tells its failures without a member `error`.
    return name == b"error" or (
        isinstance(value, dict) and (bool(value.get("error")) or value.get("object") == "error")
    )


def _loose(data: bytes, into: Reading) -> None:
    try:
        loosely(from_json(data), into)
    except DecodeError:
        return


def loosely(value: Any, into: Reading) -> None:
    """Reads what is well-formed of a reply whose usage is not as documented."""
    if not isinstance(value, dict):
        return
    model = value.get("model")
    if isinstance(model, str):
        into.model = model
    usage = usage_of(value.get("usage"), value.get("service_tier"))
    if usage is not None:
        take(usage, into)


def _plainly(usage: _Usage, tier: str | None, into: Reading) -> bool:
    """Takes over what most answers tell; False for those that tell more."""
    asked, answered = usage.prompt_tokens, usage.completion_tokens or 0
    inside, outside = usage.prompt_tokens_details, usage.completion_tokens_details
    if asked < 0 or answered < 0 or (usage.total_tokens or 0) > asked + answered:
        return False
    if inside is not None:
        if inside.audio_tokens or inside.image_tokens:
            return False
        into.cached = inside.cached_tokens or 0
        if inside.cache_write_tokens:
            into.cache_write = inside.cache_write_tokens
    if outside is not None:
        if outside.audio_tokens:
            return False
        into.reasoning = outside.reasoning_tokens or 0
    into.input, into.output = asked, answered
    if tier and tier != "default":
        into.tier = tier
    return True
