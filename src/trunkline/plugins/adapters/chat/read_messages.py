"""Messages of OpenAI Chat, of requests and of replies, read into canonical parts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

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
from trunkline.plugins.adapters.chat.details import read_details
from trunkline.plugins.adapters.members import an_object, take_list, take_object, take_text

OWN = "openai-chat"
_ROLES = frozenset(("system", "developer", "user", "assistant", "tool"))
_PLAIN_ROLES = ("user", "assistant", "system", "developer")
Part = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | Opaque


def message(value: Any, n: int) -> Message:
    """One message of a request. `form` says how its content was spelled. Raises Untranslatable."""
    if isinstance(value, dict) and len(value) == 2:
        role, text = value.get("role"), value.get("content")
        if role in _PLAIN_ROLES and isinstance(text, str) and text:
            return Message(role=role, parts=[Text(text=text)])
    said = an_object(value, f"messages[{n}]")
    role = take_text(said, "role")
    form = _form(said)
    name = take_text(said, "name")
    if role in ("tool", "function"):
        given = take_text(said, "tool_call_id") if role == "tool" else name
        cache = cache_mark(said)
        result = ToolResult(id=given, name=name, cache=cache, form=role)
        result.parts = [part for part in content(said, n) if isinstance(part, Text | Media | Opaque)]
        return Message(role="tool", parts=[result], extra=said, form=form)
    if role not in _ROLES:
        raise Untranslatable(f"`messages[{n}].role` is {role[:40]!r}")
    parts = spoken(said, n) if role == "assistant" else content(said, n)
    return Message(role=role, parts=parts, name=name, extra=said, form=form)  # type: ignore[arg-type]


def _form(said: dict[str, Any]) -> str | None:
    if "content" not in said:
        return "absent"
    given = said["content"]
    if given is None:
        return "null"
    return "parts" if isinstance(given, list) else "empty" if given == "" else None


def spoken(said: dict[str, Any], n: int) -> list[Part]:
    """What an assistant's message holds: thoughts, words, calls of tools. Takes what it reads out of `said`."""
    parts: list[Part] = [*thoughts(said)]
    parts += content(said, n)
    refusal = said.get("refusal")
    if isinstance(refusal, str):
        del said["refusal"]
        parts.append(Refusal(text=refusal))
    audio = take_object(said, "audio")
    if audio is not None:
        parts.append(_audio_answer(audio))
    for call in take_list(said, "tool_calls"):
        parts.append(tool_call(an_object(call, f"messages[{n}].tool_calls")))
    older = take_object(said, "function_call")
    if older is not None:
        name = take_text(older, "name")
        arguments = take_text(older, "arguments")
        parts.append(ToolCall(id=name, name=name, arguments=arguments, form="function_call"))
    for image in take_list(said, "images"):
        parts.append(_part(image, n))
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
    """`reasoning_details` where they are given, else the plain text that vendors call `reasoning_content` or `reasoning`.

    The first one's `form` is all of it as it was.
    """
    names = [name for name in ("reasoning_content", "reasoning") if isinstance(said.get(name), str)]
    plain = {name: said.pop(name) for name in names}
    details = said.pop("reasoning_details", None)
    if isinstance(details, list) and details:
        found = read_details([an_object(one, "reasoning_details") for one in details])
        found[0].form = {**plain, "reasoning_details": details}
        return found
    text = next((text for text in plain.values() if text), "")
    return [Reasoning(text=text, origin=OWN, form=plain)] if plain else []


def tool_call(said: dict[str, Any]) -> ToolCall:
    """One of `tool_calls`."""
    kind = "custom" if said.get("type") == "custom" else "function"
    inner = an_object(said.pop(kind, None), f"tool_calls.{kind}")
    said.pop("type", None)
    google = (said.get("extra_content") or {}).get("google") or {}
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
        return [Text(text=value, cache=cache_mark(said))]
    if not isinstance(value, list):
        raise Untranslatable(f"`messages[{n}].content` is neither text nor a list of parts")
    return [_part(one, n) for one in value]


def _part(value: Any, n: int) -> Part:
    if isinstance(value, str):
        return Text(text=value, form="bare")
    said = an_object(value, f"messages[{n}].content")
    kind = said.pop("type", "")
    read = _PARTS.get(kind)
    if read is None:
        return Opaque(dialect=OWN, value=value)
    cache = cache_mark(said)
    part = read(said, f"messages[{n}].content.{kind}")
    if not isinstance(part, Refusal):
        part.cache, part.extra = cache, said
    return part


def _text(said: dict[str, Any], where: str) -> Text:
    del where
    return Text(text=take_text(said, "text"))


def _refusal(said: dict[str, Any], where: str) -> Refusal:
    del where
    return Refusal(text=take_text(said, "refusal"), form="part")


def _image(said: dict[str, Any], where: str) -> Media:
    inner = said.pop("image_url", None)
    if isinstance(inner, str):
        found = located("image", inner)
        found.form = (found.form, "bare")
        return found
    inner = an_object(inner, where)
    found = located("image", take_text(inner, "url"))
    found.detail = take_text(inner, "detail")
    return found


def _audio(said: dict[str, Any], where: str) -> Media:
    inner = an_object(said.pop("input_audio", None), where)
    return Media(kind="audio", mime="audio/" + take_text(inner, "format"), data=take_text(inner, "data"))


def _video(said: dict[str, Any], where: str) -> Media:
    inner = an_object(said.pop("video_url", None), where)
    return located("video", take_text(inner, "url"))


def _file(said: dict[str, Any], where: str) -> Media:
    inner = an_object(said.pop("file", None), where)
    data = take_text(inner, "file_data")
    linked = data.startswith(("data:", "https:", "http:"))
    found = located("document", data) if linked else Media(kind="document", data=data)
    found.file, found.title = take_text(inner, "file_id"), take_text(inner, "filename")
    return found


_PARTS: dict[str, Callable[[dict[str, Any], str], Text | Refusal | Media]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_audio": _audio,
    "video_url": _video,
    "file": _file,
}


def located(kind: str, url: str) -> Media:
    """What a URL points at, or holds (RFC 2397); `form` is its head where that says more than the media type."""
    if not url.startswith("data:"):
        return Media(kind=kind, url=url)  # type: ignore[arg-type]
    head, _, data = url[5:].partition(",")
    mime = head.partition(";")[0]
    if not head.endswith(";base64"):
        packed = base64.b64encode(unquote_to_bytes(data)).decode()
        return Media(kind=kind, mime=mime or "text/plain", data=packed, form=url)  # type: ignore[arg-type]
    form = None if head == f"{mime};base64" else head
    return Media(kind=kind, mime=mime, data=data, form=form)  # type: ignore[arg-type]


def cache_mark(said: dict[str, Any]) -> CacheMark | None:
    """OpenAI's `prompt_cache_breakpoint`, or `cache_control` as OpenRouter and others take it."""
    breakpoint_ = said.pop("prompt_cache_breakpoint", None)
    if isinstance(breakpoint_, dict):
        return CacheMark(ttl=str(breakpoint_.get("ttl") or ""), form=breakpoint_)
    mark = said.pop("cache_control", None)
    return CacheMark(ttl=str(mark.get("ttl") or "")) if isinstance(mark, dict) else None
