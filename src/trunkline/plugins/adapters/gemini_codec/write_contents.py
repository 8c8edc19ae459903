"""Gemini's contents, written from canonical messages.

Gemini wants as many answers of tools in a turn as the turn before it has calls, so these stand in a content of their own.
"""

from __future__ import annotations

import mimetypes
from typing import Any

from trunkline.core.codec import DecodeError, from_json
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
from trunkline.plugins.adapters.carrier import packed_thought
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.gemini_codec.parts import OWN
from trunkline.plugins.adapters.members import json_text
from trunkline.plugins.adapters.unsaid import left_out, members_of, opaque_kind, unsaid

STAND_IN = "skip_thought_signature_validator"
"""What Google documents for calls whose signature was lost (ai.google.dev/gemini-api/docs/thought-signatures)."""


class Writing:
    """One request's contents. `own`: the caller spoke Gemini, too, and everything is as it was. `signed`: the model wants signatures."""

    def __init__(self, names: Names, changes: list[Change], own: bool, signed: bool) -> None:
        self._names = names
        self._changes = changes
        self._own = own
        self._signed = signed
        self._called: dict[str, str] = {}
        """Names of tools by the ids of their calls, since Gemini's answers bear the name."""

    def contents(self, messages: list[Message]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """`systemInstruction` (None: there is none) and `contents`."""
        first = 0
        while first < len(messages) and messages[first].role in ("system", "developer"):
            first += 1
        system = [told for m in messages[:first] for part in m.parts for told in self._part(part)]
        if not self._own and any(m.name for m in messages[:first]):
            self._changes.append(Change("dropped", "messages.name"))
        out: list[dict[str, Any]] = []
        for message in messages[first:]:
            self._add(message, out)
        if not out and not self._own:
            out.append({"role": "user", "parts": system or [{"text": "(Go on.)"}]})
            self._changes.append(Change("emulated", "messages", "a first turn of the user"))
            system = []
        return ({"parts": system} if system or first else None), out

    def _add(self, message: Message, out: list[dict[str, Any]]) -> None:
        parts = [told for part in message.parts for told in self._part(part)]
        if self._own:
            if message.form == "joined" or message.form[0] == "joined":
                out[-1]["parts"] += parts
                return
            named = {"role": message.form[1]} if message.form[0] else {}
            out.append({**named, "parts": parts, **message.extra})
            return
        names = [*members_of(message.extra), *(["name"] if message.name else [])]
        self._changes += [Change("dropped", f"messages.{name}") for name in names]
        role = "model" if message.role == "assistant" else "user"
        if message.role in ("system", "developer"):
            self._changes.append(Change("emulated", f"messages.{message.role}", "as the user"))
        if role == "model" and self._signed:
            self._stand_in(parts)
        if not parts:
            return
        answers = "functionResponse" in parts[0]
        if out and out[-1]["role"] == role and answers == ("functionResponse" in out[-1]["parts"][0]):
            out[-1]["parts"] += parts
        else:
            out.append({"role": role, "parts": parts})

    def _stand_in(self, parts: list[dict[str, Any]]) -> None:
        """The first call of a turn must be signed."""
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            first["thoughtSignature"] = STAND_IN
            self._changes.append(Change("emulated", "messages.signature", "the vendor's stand-in"))

    def _part(self, part: Any) -> list[dict[str, Any]]:
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, ToolCall):
            return [self._call(part)]
        if isinstance(part, ToolResult):
            return self._result(part)
        if isinstance(part, Reasoning):
            return self._thought(part)
        if isinstance(part, Refusal):
            return [{"text": part.text}] if part.text else []
        if isinstance(part, Media):
            return [self._media(part)]
        if isinstance(part, Opaque) and part.dialect == OWN:
            return [part.value]
        self._changes.append(Change("dropped", f"messages.{opaque_kind(part)}"))
        return []

    def _extra(self, part: Text | Media | ToolCall | ToolResult, told: dict[str, Any]) -> dict[str, Any]:
        if self._own:
            told.update(part.extra)
        elif not isinstance(part, ToolCall | ToolResult):
            self._changes += [Change("dropped", f"messages.{name}") for name in unsaid(part)]
        if part.cache is not None:
            self._changes.append(Change("dropped", "messages.cache_control", "the vendor caches by itself"))
        return told

    def _text(self, part: Text) -> list[dict[str, Any]]:
        if not part.text and not self._own:
            return []
        told = {"text": part.text}
        if part.signature:
            told["thoughtSignature"] = part.signature
        return [self._extra(part, told)]

    def _thought(self, part: Reasoning) -> list[dict[str, Any]]:
        """Back to where it came from only; a caller of this dialect gets any."""
        if self._own and part.form:
            return list(part.form)
        if not self._own and part.origin != OWN:
            self._changes.append(Change("dropped", "messages.reasoning", "another vendor made it"))
            return []
        return [told_thought(part)]

    def _call(self, part: ToolCall) -> dict[str, Any]:
        self._called[part.id] = part.name
        form = part.form if self._own else None
        inner: dict[str, Any] = {"id": part.id, "name": self._names.fit(part.name), "args": self._args(part)}
        if isinstance(form, tuple):
            del inner["id"]
            form = form[0]
        if form == "without args":
            del inner["args"]
        told: dict[str, Any] = {"functionCall": inner}
        if part.signature:
            told["thoughtSignature"] = part.signature
        return self._extra(part, told)

    def _args(self, part: ToolCall) -> Any:
        if part.kind == "custom":
            return {"input": part.arguments}
        try:
            value = from_json(part.arguments) if part.arguments.strip() else {}
        except DecodeError:
            value = None
        if isinstance(value, dict):
            return value
        self._changes.append(Change("changed", "messages.tool_calls", "arguments that are no JSON object"))
        return {"arguments": part.arguments}

    def _result(self, part: ToolResult) -> list[dict[str, Any]]:
        name = part.name or self._called.get(part.id, part.id)
        inner: dict[str, Any] = {"id": part.id, "name": self._names.fit(name)}
        if self._own:
            form = dict(part.form)
            if form.pop("", None):
                del inner["id"]
            if not part.name:
                del inner["name"]
            return [{"functionResponse": {**inner, **form}, **part.extra}]
        texts = [
            one.text if isinstance(one, Text) else self._media(one)["text"]
            for one in part.parts
            if isinstance(one, Text | Media) and one.text
        ]
        inner["response"] = _answer("\n".join(texts), part.failed)
        told: list[dict[str, Any]] = [self._extra(part, {"functionResponse": inner})]
        for one in part.parts:
            if isinstance(one, Media) and not one.text:
                self._changes.append(
                    Change("emulated", f"messages.tool_result.{one.kind}", "beside the answer")
                )
                told.append(self._media(one))
            elif isinstance(one, Opaque):
                self._changes.append(Change("dropped", f"messages.{opaque_kind(one)}"))
        return told

    def _media(self, part: Media) -> dict[str, Any]:
        told = self._placed(part)
        if told is None:
            self._changes.append(Change("dropped", f"messages.{part.kind}"))
            return {"text": part.transcript or left_out(part)}
        if part.cited:
            self._changes.append(Change("dropped", "messages.citations"))
        if part.detail:
            self._changes.append(Change("dropped", "messages.image.detail"))
        if part.title and not part.text and not self._own:
            self._changes.append(Change("dropped", "messages.title"))
        return self._extra(part, told)

    def _placed(self, part: Media) -> dict[str, Any] | None:
        if part.text:
            return {"text": f"{part.title}\n{part.text}" if part.title else part.text}
        named = {"displayName": part.title} if part.title and self._own else {}
        rest = part.form if self._own and isinstance(part.form, dict) else {}
        if part.data or (self._own and not part.url and not part.file):
            mime = {"mimeType": part.mime or _guessed(part)} if part.mime or not self._own else {}
            return {"inlineData": {**mime, "data": part.data, **named, **rest}}
        uri = part.url or (part.file if self._own or _of_google(part.file) else "")
        if not uri:
            return None
        mime = {"mimeType": part.mime or _guessed(part)} if part.mime or not self._own else {}
        return {"fileData": {**mime, "fileUri": uri, **named, **rest}}


def _of_google(file: str) -> bool:
    return file.startswith(("files/", "gs://")) or "generativelanguage.googleapis.com" in file


def _guessed(part: Media) -> str:
    by_name = mimetypes.guess_type((part.url or part.title).partition("?")[0])[0]
    plain = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "document": "application/pdf"}
    return by_name or plain[part.kind]


def _answer(text: str, failed: bool) -> dict[str, Any]:
    """A tool's answer as an object: the one that it is, else one of Google's two words."""
    if failed:
        return {"error": text or "Error"}
    if text.startswith("{"):
        try:
            value = from_json(text)
        except DecodeError:
            value = None
        if isinstance(value, dict):
            return value
    return {"output": text}


def told_thought(part: Reasoning) -> dict[str, Any]:
    """A thought as a part. Signatures of text stand with an empty text, as Google streams them."""
    text = part.text or "\n\n".join(part.summary)
    if part.origin == OWN and not text:
        return {"text": "", "thoughtSignature": part.signature}
    signature = packed_thought(part, OWN)
    told: dict[str, Any] = {"text": text} if text else {}
    told["thought"] = True
    if signature:
        told["thoughtSignature"] = signature
    return told


def arguments_object(part: ToolCall) -> Any:
    """Arguments of a call in an answer, as the object that Google's SDKs expect."""
    if part.kind == "custom":
        return {"input": part.arguments}
    try:
        value = from_json(part.arguments) if part.arguments.strip() else {}
    except DecodeError:
        value = None
    return value if isinstance(value, dict) else {"arguments": json_text(part.arguments)}
