"""Messages of OpenAI Chat, of requests and of replies, read into canonical parts."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import (
    CacheMark,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Untranslatable,
)
from trunkline.plugins.adapters.chat.details import read_detail
from trunkline.plugins.adapters.members import an_object, take_list, take_object, take_text

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
Part = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | Opaque


def message(value: Any, n: int) -> Message:
    """One message of a request. Raises Untranslatable."""
    said = an_object(value, f"messages[{n}]")
    role = take_text(said, "role")
    if role == "function":
        said["tool_call_id"] = said.get("name", "")
        role = "tool"
    if role not in _ROLES:
        raise Untranslatable(f"`messages[{n}].role` is {role[:40]!r}")
    form = "parts" if isinstance(said.get("content"), list) else None
    if role == "tool":
        name = take_text(said, "name")
        result = ToolResult(id=take_text(said, "tool_call_id"), name=name, cache=cache_mark(said))
        result.parts = [p for p in content(said, n) if isinstance(p, Text | Media | Opaque)]
        return Message(role="tool", parts=[result], extra=said, form=form)
    name = take_text(said, "name")
    if role != "assistant":
        return Message(role=role, parts=content(said, n), name=name, extra=said, form=form)  # type: ignore[arg-type]
    if "content" not in said:
        form = "absent"
    elif said["content"] is None:
        form = "null"
    elif said["content"] == "":
        form = "empty"
    return Message(role="assistant", parts=spoken(said, n), name=name, extra=said, form=form)


def spoken(said: dict[str, Any], n: int) -> list[Part]:
    """What an assistant's message holds: thoughts, words, calls of tools. Takes what it reads out of `said`."""
    parts: list[Part] = [*thoughts(said)]
    parts += content(said, n)
    refusal = said.pop("refusal", None)
    if isinstance(refusal, str):
        parts.append(Refusal(text=refusal))
    audio = take_object(said, "audio")
    if audio is not None:
        parts.append(_audio_answer(audio))
    for call in take_list(said, "tool_calls"):
        parts.append(tool_call(an_object(call, f"messages[{n}].tool_calls")))
    older = take_object(said, "function_call")
    if older is not None:
        name = take_text(older, "name")
        parts.append(ToolCall(id=name, name=name, arguments=take_text(older, "arguments")))
    return parts


def _audio_answer(audio: dict[str, Any]) -> Media:
    return Media(
        kind="audio",
        file=str(audio.get("id") or ""),
        data=str(audio.get("data") or ""),
        transcript=str(audio.get("transcript") or ""),
        extra={"expires_at": audio["expires_at"]} if "expires_at" in audio else {},
    )


def thoughts(said: dict[str, Any]) -> list[Reasoning]:
    """`reasoning_details` where they are given, else the plain text that vendors call `reasoning_content` or `reasoning`."""
    plain = said.pop("reasoning_content", None)
    other = said.pop("reasoning", None)
    details = said.pop("reasoning_details", None)
    if isinstance(details, list) and details:
        return [read_detail(an_object(one, "reasoning_details")) for one in details]
    text = plain if isinstance(plain, str) and plain else other
    said_as = {"reasoning_content": plain, "reasoning": other}
    form = {name: value for name, value in said_as.items() if isinstance(value, str)}
    return (
        [Reasoning(text=text, origin="openai-chat", extra={"plain": form})]
        if isinstance(text, str) and text
        else []
    )


def tool_call(said: dict[str, Any]) -> ToolCall:
    """One of `tool_calls`."""
    kind = "custom" if said.get("type") == "custom" else "function"
    inner = an_object(said.pop(kind, None), f"tool_calls.{kind}")
    google = (said.get("extra_content") or {}).get("google") or {}
    said.pop("type", None)
    said.pop("index", None)
    return ToolCall(
        id=take_text(said, "id"),
        name=take_text(inner, "name"),
        arguments=take_text(inner, "input" if kind == "custom" else "arguments"),
        kind=kind,  # type: ignore[arg-type]
        signature=str(google.get("thought_signature") or ""),
        extra=said,
    )


def content(said: dict[str, Any], n: int) -> list[Any]:
    """`content`: text, a list of parts, or nothing."""
    value = said.pop("content", None)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        mark = cache_mark(said)
        return [Text(text=value, cache=mark)]
    if not isinstance(value, list):
        raise Untranslatable(f"`messages[{n}].content` is neither text nor a list of parts")
    return [_part({"type": "text", "text": one} if isinstance(one, str) else one, n) for one in value]


def _part(value: Any, n: int) -> Part:
    said = an_object(value, f"messages[{n}].content")
    kind = said.pop("type", "")
    cache = cache_mark(said)
    if kind == "text":
        return Text(text=take_text(said, "text"), cache=cache, extra=said)
    if kind == "refusal":
        return Refusal(text=take_text(said, "refusal"))
    if kind == "image_url":
        inner = said.pop("image_url", None)
        inner = (
            {"url": inner} if isinstance(inner, str) else an_object(inner, f"messages[{n}].content.image_url")
        )
        found = _located("image", take_text(inner, "url"))
        found.detail = take_text(inner, "detail")
        found.cache, found.extra = cache, said
        return found
    if kind == "input_audio":
        inner = an_object(said.pop("input_audio", None), f"messages[{n}].content.input_audio")
        mime = "audio/" + take_text(inner, "format")
        return Media(kind="audio", mime=mime, data=take_text(inner, "data"), cache=cache, extra=said)
    if kind == "video_url":
        inner = an_object(said.pop("video_url", None), f"messages[{n}].content.video_url")
        found = _located("video", take_text(inner, "url"))
        found.cache, found.extra = cache, said
        return found
    if kind == "file":
        return _file(an_object(said.pop("file", None), f"messages[{n}].content.file"), cache)
    return Opaque(dialect="openai-chat", value=value)


def _file(inner: dict[str, Any], cache: CacheMark | None) -> Media:
    data = take_text(inner, "file_data")
    found = (
        _located("document", data)
        if data.startswith(("data:", "https:"))
        else Media(kind="document", data=data)
    )
    found.file, found.title, found.cache = take_text(inner, "file_id"), take_text(inner, "filename"), cache
    return found


def _located(kind: str, url: str) -> Media:
    """What a URL points at, or holds (RFC 2397)."""
    if url.startswith("data:"):
        head, _, data = url[5:].partition(",")
        return Media(kind=kind, mime=head.partition(";")[0], data=data)  # type: ignore[arg-type]
    return Media(kind=kind, url=url)  # type: ignore[arg-type]


def cache_mark(said: dict[str, Any]) -> CacheMark | None:
    """`cache_control`, as OpenRouter and others take it in parts, messages and tools."""
    mark = said.pop("cache_control", None)
    return CacheMark(ttl=str(mark.get("ttl") or "")) if isinstance(mark, dict) else None
