"""Input items of OpenAI Responses, written from canonical messages of other dialects."""

from __future__ import annotations

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
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.responses_codec.items import OWN
from trunkline.plugins.adapters.unsaid import left_out, members_of, opaque_kind, unsaid


class Writing:
    """One request's items."""

    def __init__(self, names: Names, changes: list[Change]) -> None:
        self._names = names
        self._changes = changes

    def items(self, messages: list[Message]) -> list[dict[str, Any]]:
        """In their order."""
        return [item for message in messages for item in self._message(message)]

    def _message(self, message: Message) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        content: list[dict[str, Any]] = []
        names = [*members_of(message.extra), *(["name"] if message.name else [])]
        self._changes += [Change("dropped", f"messages.{name}") for name in names]
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult | Reasoning):
                self._close(message, content, out)
                content = []
                out += self._item(part)
            else:
                content += self._part(part, message.role == "assistant")
        self._close(message, content, out)
        return out

    @staticmethod
    def _close(message: Message, content: list[dict[str, Any]], out: list[dict[str, Any]]) -> None:
        if not content:
            return
        plain = len(content) == 1 and content[0].keys() == {"type", "text"}
        role = "user" if message.role == "tool" else message.role
        out.append({"role": role, "content": content[0]["text"] if plain else content})

    def _item(self, part: ToolCall | ToolResult | Reasoning) -> list[dict[str, Any]]:
        if isinstance(part, ToolResult):
            return [self._result(part)]
        if isinstance(part, Reasoning):
            if part.origin != OWN or not part.sealed:
                self._changes.append(Change("dropped", "messages.reasoning", "another vendor made it"))
                return []
            summary = [{"type": "summary_text", "text": text} for text in part.summary]
            return [
                {"type": "reasoning", "id": part.id, "summary": summary, "encrypted_content": part.sealed}
            ]
        if part.signature:
            self._changes.append(Change("dropped", "messages.signature", "another vendor made it"))
        name = self._names.fit(part.name)
        if part.kind == "custom":
            return [{"type": "custom_tool_call", "call_id": part.id, "name": name, "input": part.arguments}]
        told = part.arguments or "{}"
        return [{"type": "function_call", "call_id": part.id, "name": name, "arguments": told}]

    def _result(self, part: ToolResult) -> dict[str, Any]:
        kind = "custom_tool_call_output" if part.kind == "custom" else "function_call_output"
        content = [told for one in part.parts for told in self._part(one, False)]
        if part.failed:
            self._changes.append(Change("emulated", "messages.is_error", "the word Error"))
            content.insert(0, {"type": "input_text", "text": "Error:"})
        words = all(one["type"] == "input_text" for one in content)
        output: Any = " ".join(one["text"] for one in content) if words else content
        return {"type": kind, "call_id": part.id, "output": output}

    def _part(self, part: Any, said: bool) -> list[dict[str, Any]]:
        if isinstance(part, Text):
            if part.cache is not None:
                self._changes.append(
                    Change("dropped", "messages.cache_control", "the vendor caches by itself")
                )
            self._changes += [Change("dropped", f"messages.{name}") for name in unsaid(part)]
            return [{"type": "output_text" if said else "input_text", "text": part.text}] if part.text else []
        if isinstance(part, Refusal):
            return [{"type": "refusal", "refusal": part.text}]
        if isinstance(part, Media):
            return [self._media(part, said)]
        assert isinstance(part, Opaque)
        self._changes.append(Change("dropped", f"messages.{opaque_kind(part)}"))
        return []

    def _media(self, part: Media, said: bool) -> dict[str, Any]:
        self._changes += [Change("dropped", f"messages.{name}") for name in part.extra]
        if part.cited:
            self._changes.append(Change("dropped", "messages.citations"))
        if part.cache is not None:
            self._changes.append(Change("dropped", "messages.cache_control", "the vendor caches by itself"))
        url = f"data:{part.mime or 'application/octet-stream'};base64,{part.data}" if part.data else part.url
        if part.text:
            return {"type": "input_text", "text": f"{part.title}\n{part.text}" if part.title else part.text}
        if not said and part.kind == "image" and (url or part.file):
            place = {"file_id": part.file} if part.file else {"image_url": url}
            return {"type": "input_image", "detail": part.detail or "auto", **place}
        if not said and part.kind == "document" and (url or part.file):
            if part.file:
                return {"type": "input_file", "file_id": part.file}
            if part.url:
                return {"type": "input_file", "file_url": part.url}
            return {"type": "input_file", "filename": part.title or "document.pdf", "file_data": url}
        self._changes.append(Change("dropped", f"messages.{part.kind}"))
        kind = "output_text" if said else "input_text"
        return {"type": kind, "text": part.transcript or left_out(part)}
