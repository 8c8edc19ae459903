"""Messages of OpenAI Chat's requests, written from canonical ones."""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.conversation import (
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

OWN = "openai-chat"


class Writing:
    """One request's messages. `own`: the caller spoke Chat, too, and everything is as it was."""

    def __init__(self, variant: Variant, names: Names, changes: list[Change], own: bool) -> None:
        self._variant = variant
        self._names = names
        self._changes = changes
        self._own = own
        self._ids = re.compile(variant.tool_id or ".*", re.DOTALL)
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
        out: dict[str, Any] = {"role": role, "content": _content(parts, message.form == "parts")}
        self._finish(out, message)
        return [out]

    def _finish(self, out: dict[str, Any], message: Message) -> None:
        if message.name:
            out["name"] = message.name
        if self._own:
            out.update(message.extra)
        else:
            self._changes += [Change("dropped", f"messages.{name}") for name in message.extra]

    def _assistant(self, message: Message) -> dict[str, Any]:
        out: dict[str, Any] = {"role": "assistant"}
        words = [part for part in message.parts if isinstance(part, Text | Opaque)]
        parts = [told for part in words if (told := self._part(part)) is not None]
        refusals = [part.text for part in message.parts if isinstance(part, Refusal)]
        calls = [self._call(part) for part in message.parts if isinstance(part, ToolCall)]
        if message.form == "parts":
            parts += [{"type": "refusal", "refusal": text} for text in refusals]
            refusals = []
        if parts:
            out["content"] = _content(parts, message.form == "parts")
        elif message.form == "empty" or message.form == "parts":
            out["content"] = "" if message.form == "empty" else []
        elif message.form != "absent" or not (calls or refusals):
            out["content"] = None if calls or refusals or message.form == "null" else ""
        if message.form == "absent" and not parts:
            out.pop("content", None)
        if refusals:
            out["refusal"] = "".join(refusals)
        for part in message.parts:
            if isinstance(part, Media):
                self._media_said(part, out)
        self._thoughts([part for part in message.parts if isinstance(part, Reasoning)], out)
        if calls:
            out["tool_calls"] = calls
        self._finish(out, message)
        return out

    def _media_said(self, part: Media, out: dict[str, Any]) -> None:
        """The model's own audio is named by its id; images cannot be said again."""
        if part.kind == "audio" and part.file and self._own:
            out["audio"] = {"id": part.file}
        elif part.transcript:
            self._changes.append(Change("changed", "messages.audio", "its transcript"))
            out["content"] = (out.get("content") or "") + part.transcript
        else:
            self._changes.append(Change("dropped", f"messages.{part.kind}", "of the assistant"))

    def _thoughts(self, thoughts: list[Reasoning], out: dict[str, Any]) -> None:
        """Back to where they came from only."""
        if self._own:
            for part in thoughts:
                if "detail" in part.extra:
                    out.setdefault("reasoning_details", []).append(part.extra["detail"])
                out.update(part.extra.get("plain", {}))
            return
        foreign = [part for part in thoughts if part.origin != OWN]
        if foreign or (thoughts and not self._variant.thoughts):
            self._changes.append(Change("dropped", "messages.reasoning", "another vendor made it"))
        own = [part for part in thoughts if part.origin == OWN]
        if own and self._variant.thoughts == "reasoning_details":
            out["reasoning_details"] = [detail_of(part, n) for n, part in enumerate(own)]
        elif own and self._variant.thoughts:
            out[self._variant.thoughts] = "".join(part.text for part in own)

    def _call(self, call: ToolCall) -> dict[str, Any]:
        given = self._id(call.id)
        if call.kind == "custom" and self._own:
            inner = {"name": call.name, "input": call.arguments}
            return {"id": given, "type": "custom", "custom": inner, **call.extra}
        arguments = json_text({"input": call.arguments}) if call.kind == "custom" else call.arguments
        function = {"name": self._names.fit(call.name), "arguments": arguments}
        if call.signature and not self._own:
            self._changes.append(Change("dropped", "messages.signature", "another vendor made it"))
        return {"id": given, "type": "function", "function": function, **(call.extra if self._own else {})}

    def _id(self, given: str) -> str:
        return (
            given
            if self._own
            else fitting_id(given, self._ids, "call_" if not self._variant.tool_id else "", 9)
        )

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
            parts.insert(0, {"type": "text", "text": "Error:"})
            parts = [{"type": "text", "text": " ".join(part.get("text", "") for part in parts).strip()}]
        out: dict[str, Any] = {
            "role": "tool",
            "tool_call_id": self._id(result.id),
            "content": _content(parts, message.form == "parts"),
        }
        if self._own:
            if result.name:
                out["name"] = result.name
            out.update(message.extra)
        return out

    def _picture(self, part: Media, result: ToolResult, parts: list[dict[str, Any]]) -> None:
        told = self._part(part)
        if told is None:
            return
        self._changes.append(Change("emulated", f"messages.tool_result.{part.kind}", "as a user message"))
        parts.append({"type": "text", "text": f"[the {part.kind} follows]"})
        self._pictures += [
            {"type": "text", "text": f"The {part.kind} that tool call {result.id} gave:"},
            told,
        ]

    def _part(self, part: Any) -> dict[str, Any] | None:
        if isinstance(part, Text):
            told: dict[str, Any] = {"type": "text", "text": part.text}
            self._extra(part, told)
        elif isinstance(part, Media):
            return self._media(part)
        elif isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        elif isinstance(part, Opaque) and part.dialect == OWN:
            return part.value  # type: ignore[no-any-return]
        else:
            kind = (
                str(part.value.get("type", "part"))
                if isinstance(part, Opaque) and isinstance(part.value, dict)
                else "part"
            )
            self._changes.append(Change("dropped", f"messages.{kind}"))
            return None
        return told

    def _extra(self, part: Text | Media, told: dict[str, Any]) -> None:
        if part.cache is not None:
            if self._own or self._variant.cache_control:
                told["cache_control"] = (
                    {"type": "ephemeral", "ttl": part.cache.ttl} if part.cache.ttl else {"type": "ephemeral"}
                )
            else:
                self._changes.append(
                    Change("dropped", "messages.cache_control", "the vendor caches by itself")
                )
        if self._own:
            told.update(part.extra)
        else:
            self._changes += [Change("dropped", f"messages.{name}") for name in part.extra]

    def _media(self, part: Media) -> dict[str, Any] | None:
        told = self._placed(part)
        if told is None:
            self._changes.append(Change("dropped", f"messages.{part.kind}"))
            return {
                "type": "text",
                "text": f"[{part.kind} left out: this model's interface does not take it]",
            }
        self._extra(part, told)
        if part.cited:
            self._changes.append(Change("dropped", "messages.citations"))
        return told

    def _placed(self, part: Media) -> dict[str, Any] | None:
        url = f"data:{part.mime or 'application/octet-stream'};base64,{part.data}" if part.data else part.url
        if part.kind == "image" and url:
            return {
                "type": "image_url",
                "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})},
            }
        if part.kind == "audio" and part.data:
            kind = part.mime.partition("/")[2]
            return {
                "type": "input_audio",
                "input_audio": {"data": part.data, "format": {"mpeg": "mp3", "x-wav": "wav"}.get(kind, kind)},
            }
        if part.kind == "video" and url and self._own:
            return {"type": "video_url", "video_url": {"url": url}}
        if part.kind == "document" and part.text:
            title = f"{part.title}\n" if part.title else ""
            return {"type": "text", "text": title + part.text}
        if part.kind in ("document", "image") and (part.file or part.data):
            inner: dict[str, Any] = (
                {"file_id": part.file} if part.file else {"file_data": url if part.mime else part.data}
            )
            if part.title or not part.file:
                inner["filename"] = part.title or "document"
            if self._own and not part.title:
                inner.pop("filename", None)
            return {"type": "file", "file": inner}
        return None


def _content(parts: list[dict[str, Any]], as_parts: bool) -> Any:
    """A string where one text is all there is, which every vendor takes; else the parts."""
    if as_parts:
        return parts
    if not parts:
        return ""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts
