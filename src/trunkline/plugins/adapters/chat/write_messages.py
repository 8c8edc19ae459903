"""Messages of OpenAI Chat's requests, written from canonical ones."""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.conversation import (
    CacheMark,
    Change,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.plugins.adapters.chat.details import detail_of
from trunkline.plugins.adapters.chat.variants import Variant
from trunkline.plugins.adapters.fitting import Names, fitting_id
from trunkline.plugins.adapters.members import json_text
from trunkline.plugins.adapters.unsaid import left_out, members_of, opaque_kind, unsaid

OWN = "openai-chat"
_BREAKPOINTS = re.compile(r"gpt-(?:5\.[6-9]|[6-9]|\d\d)")
"""Models that take `prompt_cache_breakpoint`; older ones refuse it."""


class Writing:
    """One request's messages. `own`: the caller spoke Chat, too, and everything is as it was."""

    def __init__(
        self, variant: Variant, names: Names, changes: list[Change], own: bool, model: str = ""
    ) -> None:
        self._variant = variant
        self._breakpoints = _BREAKPOINTS.match(model) is not None
        self._names = names
        self._changes = changes
        self._own = own
        self._ids = re.compile(variant.tool_id)
        self._pictures: list[dict[str, Any]] = []
        """Of tools' results; they follow after the last of these, since Chat takes only text there."""

    def messages(self, messages: list[Message]) -> list[dict[str, Any]]:
        """In their order."""
        out: list[dict[str, Any]] = []
        for message in messages:
            if self._pictures and message.role != "tool":
                out.append({"role": "user", "content": self._pictures})
                self._pictures = []
            out += self._message(message)
        if self._pictures:
            out.append({"role": "user", "content": self._pictures})
        return out

    def _message(self, message: Message) -> list[dict[str, Any]]:
        if message.role == "tool":
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            return [self._result(result, message) for result in results]
        if message.role == "assistant":
            return [self._assistant(message)]
        role = message.role
        if role == "developer" and not self._variant.developer and not self._own:
            role = "system"
        parts = [told for part in message.parts if (told := self._part(part)) is not None]
        out: dict[str, Any] = {"role": role, "content": _content(parts, self._form(message))}
        self._finish(out, message)
        return [out]

    def _form(self, message: Message) -> Any:
        """How its content was spelled; another dialect's words for that say nothing here."""
        return message.form if self._own else None

    def _finish(self, out: dict[str, Any], message: Message) -> None:
        if self._form(message) == "absent":
            del out["content"]
        if message.name and (self._own or self._variant.names):
            out["name"] = message.name
        elif message.name:
            self._changes.append(Change("dropped", "messages.name"))
        if self._own:
            out.update(message.extra)
        else:
            self._changes += [Change("dropped", f"messages.{name}") for name in members_of(message.extra)]

    def _assistant(self, message: Message) -> dict[str, Any]:
        form = self._form(message)
        apart = [part for part in message.parts if isinstance(part, Refusal) and part.form != "part"]
        refusals = [part.text for part in apart]
        if refusals and not self._own and not self._variant.refusals:
            apart, refusals = [], []
        words = [
            p
            for p in message.parts
            if isinstance(p, Text | Opaque) or (isinstance(p, Refusal) and p not in apart)
        ]
        thoughts = [part for part in message.parts if isinstance(part, Reasoning)]
        parts = [told for part in words if (told := self._part(part)) is not None]
        if self._variant.thoughts == "thinking" and not self._own:
            parts = [*(thinking(one) for one in self._origin_own(thoughts)), *parts]
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        if form is None and not parts and (calls or refusals):
            form = "null"
        out: dict[str, Any] = {"role": "assistant", "content": _content(parts, form)}
        if refusals:
            out["refusal"] = "".join(refusals)
        for part in message.parts:
            if isinstance(part, Media):
                self._media_said(part, out)
        self._thoughts(thoughts, out)
        for call in calls:
            if call.form == "function_call":
                out["function_call"] = {"name": call.name, "arguments": call.arguments}
            else:
                out.setdefault("tool_calls", []).append(self._call(call))
        self._finish(out, message)
        return out

    def _media_said(self, part: Media, out: dict[str, Any]) -> None:
        """The model's own audio is named by its id; images cannot be said again."""
        if part.kind == "audio" and self._own:
            out["audio"] = {"id": part.file}
        elif part.kind == "image" and self._own:
            out.setdefault("images", []).append(self._media(part))
        elif part.transcript:
            self._changes.append(Change("changed", "messages.audio", "its transcript"))
            out["content"] = (out.get("content") or "") + part.transcript
        else:
            self._changes.append(Change("dropped", f"messages.{part.kind}", "of the assistant"))

    def _thoughts(self, thoughts: list[Reasoning], out: dict[str, Any]) -> None:
        """Back to where they came from only."""
        if self._own:
            out.update(thoughts[0].form if thoughts else {})
            return
        own = self._origin_own(thoughts)
        if len(own) < len(thoughts):
            self._changes.append(Change("dropped", "messages.reasoning", "another vendor made it"))
        if own and self._variant.thoughts == "reasoning_details":
            out["reasoning_details"] = [detail_of(part, n) for n, part in enumerate(own)]
        elif own and self._variant.thoughts != "thinking":
            out[self._variant.thoughts] = "".join(part.text for part in own)

    def _origin_own(self, thoughts: list[Reasoning]) -> list[Reasoning]:
        """Those that this vendor made and wants back."""
        return [part for part in thoughts if part.origin == self._variant.origin and self._variant.thoughts]

    def _call(self, call: ToolCall) -> dict[str, Any]:
        given, extra = self._id(call.id), call.extra if self._own else {}
        if call.kind == "custom" and (self._own or self._variant.custom_tools):
            inner = {"name": call.name, "input": call.arguments}
            return {"id": given, "type": "custom", "custom": inner, **extra}
        arguments = json_text({"input": call.arguments}) if call.kind == "custom" else call.arguments
        if not arguments and not self._own:
            arguments = "{}"
        if call.signature and not self._own:
            self._changes.append(Change("dropped", "messages.signature", "another vendor made it"))
        function = {"name": self._names.fit(call.name), "arguments": arguments}
        return {"id": given, "type": "function", "function": function, **extra}

    def _id(self, given: str) -> str:
        if self._own or not self._variant.tool_id:
            return given
        told = fitting_id(given, self._ids, "", self._variant.tool_id_length)
        if told != given:
            self._changes.append(Change("renamed", "messages.tool_call_id", "as the vendor takes them"))
        return told

    def _result(self, result: ToolResult, message: Message) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        for part in result.parts:
            if isinstance(part, Media) and not self._own and not self._variant.images_of_tools:
                self._picture(part, result, parts)
            else:
                told = self._part(part)
                if told is not None:
                    parts.append(told)
        if result.failed and not self._own:
            self._changes.append(Change("emulated", "messages.is_error", "the word Error"))
            said = " ".join(part.get("text", "") for part in parts).strip()
            shown = [part for part in parts if part.get("type") != "text"]
            parts = [{"type": "text", "text": f"Error: {said}" if said else "Error"}, *shown]
        out: dict[str, Any] = {"role": "tool", "tool_call_id": self._id(result.id)}
        if self._own and result.form == "function":
            out = {"role": "function"}
        out["content"] = _content(parts, self._form(message))
        if self._own:
            if message.form == "absent":
                del out["content"]
            if result.cache is not None:
                out.update(self._cache(result.cache))
            if result.name:
                out["name"] = result.name
            out.update(message.extra)
        return out

    def _cache(self, cache: CacheMark) -> dict[str, Any]:
        if isinstance(cache.form, dict) and (self._own or self._variant.cache == "breakpoint"):
            return {"prompt_cache_breakpoint": cache.form}
        if self._own or self._variant.cache == "cache_control":
            return {
                "cache_control": {"type": "ephemeral", "ttl": cache.ttl}
                if cache.ttl
                else {"type": "ephemeral"}
            }
        if self._variant.cache == "breakpoint" and self._breakpoints:
            if cache.ttl == "1h":
                self._changes.append(Change("changed", "messages.cache_control", "30m"))
            return {"prompt_cache_breakpoint": {"mode": "explicit"}}
        self._changes.append(Change("dropped", "messages.cache_control", "the vendor caches by itself"))
        return {}

    def _picture(self, part: Media, result: ToolResult, parts: list[dict[str, Any]]) -> None:
        told = self._part(part)
        if told is None:
            return
        if told["type"] == "text":
            parts.append(told)
            return
        self._changes.append(Change("emulated", f"messages.tool_result.{part.kind}", "as a user message"))
        parts.append({"type": "text", "text": f"[the {part.kind} follows]"})
        self._pictures += [
            {"type": "text", "text": f"The {part.kind} that tool call {result.id} gave:"},
            told,
        ]

    def _part(self, part: Any) -> dict[str, Any] | None:
        if isinstance(part, Text):
            if part.form == "bare" and self._own:
                return part.text  # type: ignore[return-value]
            if not part.text and not self._own:
                return None
            told: dict[str, Any] = {"type": "text", "text": part.text}
            self._extra(part, told)
            return told
        if isinstance(part, Media):
            return self._media(part)
        if isinstance(part, Refusal):
            if not self._own and not self._variant.refusals:
                return {"type": "text", "text": part.text}
            return {"type": "refusal", "refusal": part.text}
        if isinstance(part, Opaque) and part.dialect == OWN and self._variant.origin == OWN:
            return part.value  # type: ignore[no-any-return]
        self._changes.append(Change("dropped", f"messages.{opaque_kind(part)}"))
        return None

    def _extra(self, part: Text | Media, told: dict[str, Any]) -> None:
        if part.cache is not None:
            told.update(self._cache(part.cache))
        if self._own:
            told.update(part.extra)
        else:
            self._changes += [Change("dropped", f"messages.{name}") for name in unsaid(part)]

    def _media(self, part: Media) -> dict[str, Any]:
        told = self._placed(part)
        if told is None:
            self._changes.append(Change("dropped", f"messages.{part.kind}"))
            return {"type": "text", "text": part.transcript or left_out(part)}
        self._extra(part, told)
        if part.cited:
            self._changes.append(Change("dropped", "messages.citations"))
        return told

    def _placed(self, part: Media) -> dict[str, Any] | None:
        url = _url(part)
        if not self._own and self._variant.media == "mistral":
            return _mistral_media(part, url)
        if not self._own and self._variant.media != "openai" and not self._shown(part):
            text = f"{part.title}\n{part.text}" if part.title else part.text
            return {"type": "text", "text": text} if part.text else None
        if part.kind == "image" and url:
            if isinstance(part.form, tuple):
                return {"type": "image_url", "image_url": url}
            return {"type": "image_url", "image_url": {"url": url, **_said("detail", part.detail)}}
        if part.kind == "audio" and part.data:
            kind = part.mime.partition("/")[2]
            kind = kind if self._own else _AUDIO.get(kind, kind)
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}
        if part.kind == "video" and url and (self._own or self._variant.video):
            return {"type": "video_url", "video_url": {"url": url}}
        if part.kind == "document" and part.text:
            return {"type": "text", "text": f"{part.title}\n{part.text}" if part.title else part.text}
        if part.kind in ("document", "image") and (part.file or part.data or (url and self._own)):
            return {"type": "file", "file": self._file(part, url)}
        return None

    def _shown(self, part: Media) -> bool:
        """Whether a vendor that takes nothing but pictures takes this."""
        return part.kind == "image" and bool(part.data or (part.url and self._variant.media == "pictures"))

    def _file(self, part: Media, url: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if part.file:
            out["file_id"] = part.file
        elif part.data or part.url:
            out["file_data"] = url if part.mime or part.url else part.data
        if part.title or (part.data and not self._own):
            out["filename"] = part.title or "document.pdf"
        return out


def thinking(part: Reasoning) -> dict[str, Any]:
    """A thought as a part of the content: Cohere's is a text, Mistral's a list of them."""
    if part.origin == "cohere-chat":
        return {"type": "thinking", "thinking": part.text}
    told: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": part.text}]}
    return {**told, "signature": part.signature} if part.signature else told


def _mistral_media(part: Media, url: str) -> dict[str, Any] | None:
    """docs.mistral.ai/api: chunks of content."""
    if part.kind == "image" and url:
        return {"type": "image_url", "image_url": {"url": url, **_said("detail", part.detail)}}
    if part.kind == "audio" and (part.data or part.url):
        return {"type": "input_audio", "input_audio": part.data or part.url}
    if part.kind == "document" and part.text:
        return {"type": "text", "text": f"{part.title}\n{part.text}" if part.title else part.text}
    if part.kind == "document" and url:
        return {"type": "document_url", "document_url": url, **_said("document_name", part.title)}
    if part.kind == "document" and part.file:
        return {"type": "file", "file_id": part.file}
    return None


_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav"}


def _said(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def _url(part: Media) -> str:
    """Where it is, or itself as a URL."""
    form = part.form[0] if isinstance(part.form, tuple) else part.form
    if not part.data:
        return part.url
    if isinstance(form, str):
        return form if form.startswith("data:") else f"data:{form},{part.data}"
    return f"data:{part.mime or 'application/octet-stream'};base64,{part.data}"


def _content(parts: list[dict[str, Any]], form: Any) -> Any:
    """A string where one text is all there is, which every vendor takes; else the parts. `form`: as it was."""
    if form == "parts":
        return parts
    if not parts:
        return None if form == "null" else ""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts
