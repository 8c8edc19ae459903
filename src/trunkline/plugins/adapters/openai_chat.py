"""OpenAI Chat Completions and Embeddings, as OpenAI and the many that follow it speak it.

Source: platform.openai.com/docs/api-reference/chat. `prompt_tokens` includes cached tokens, `completion_tokens` includes
reasoning. A stream ends with `data: [DONE]`; usage comes in a last chunk only when the caller asked for it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, ValidationError, from_json, json_decoder, told_shortly
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.opening import opening


class _Details(msgspec.Struct, gc=False):
    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0


class _OutDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = 0


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int | None = 0
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _OutDetails | None = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Reply(msgspec.Struct, gc=False):
    model: str | None = ""
    usage: _Usage | None = None
    choices: list[_Choice] = []
    error: msgspec.Raw | None = None


_reply = json_decoder(_Reply)


class OpenaiChat:
    """Stateless; `name` is the dialect."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, body: bytes, into: Reading) -> None:
        try:
            reply = _reply.decode(body)
        except ValidationError:
            loosely(from_json(body), into)
            return
        except (UnicodeDecodeError, RecursionError) as problem:
            raise DecodeError(told_shortly(problem)) from None
        into.finished = True
        into.model = reply.model or ""
        usage = reply.usage
        if usage is None or usage.prompt_tokens < 0 or (usage.completion_tokens or 0) < 0:
            return
        into.input = usage.prompt_tokens
        into.output = usage.completion_tokens or 0
        into.plain = reply.error is None and all(
            choice.finish_reason != "content_filter" for choice in reply.choices
        )
        if usage.prompt_tokens_details is not None:
            into.cached = usage.prompt_tokens_details.cached_tokens or 0
            into.cache_write = usage.prompt_tokens_details.cache_write_tokens or 0
        if usage.completion_tokens_details is not None:
            into.reasoning = usage.completion_tokens_details.reasoning_tokens or 0

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if into.model and not _telling(block):
            return None
        for name, data in data_of(block):
            if data == b"[DONE]":
                into.finished = True
                continue
            if (name == b"error" or b'"error"' in data) and is_error(name, data):
                return data
            # The served model stands in every chunk; it is read from the first one that names it.
            if not into.model or _tells_usage(data):
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


def _telling(block: bytes) -> bool:
    """Whether a block may hold more than content."""
    return (
        b'"error"' in block
        or b"[DONE]" in block
        or b"event: error" in block
        or b"event:error" in block
        or _tells_usage(block)
    )


def _tells_usage(data: bytes) -> bool:
    """Some vendors send `"usage":null` in every chunk, which is not worth a parse."""
    return b'"usage":{' in data or b'"usage": {' in data


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
    usage = member(value, "usage")
    if count(usage.get("prompt_tokens")) >= 0:
        into.input = count(usage.get("prompt_tokens"))
        into.output = count(usage.get("completion_tokens"), 0)
        inside = member(usage, "prompt_tokens_details")
        into.cached = count(inside.get("cached_tokens"), 0)
        into.cache_write = count(inside.get("cache_write_tokens"), 0)
        into.reasoning = count(member(usage, "completion_tokens_details").get("reasoning_tokens"), 0)
