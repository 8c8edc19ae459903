"""Messages of Anthropic's requests, written from canonical ones.

Anthropic wants turns by turns, no empty texts, no white space at the end of a last turn of its own, and results of tools right after
their calls.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from trunkline.core.codec import DecodeError, from_json
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
from trunkline.core.ports import Facts
from trunkline.plugins.adapters.carrier import Carried, pack, packed_thought
from trunkline.plugins.adapters.fitting import Names, fitting_id
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.models import traits_of
from trunkline.plugins.adapters.unsaid import left_out, members_of, opaque_kind, unsaid

_ID = re.compile(r"[a-zA-Z0-9_-]+")
FILES_BETA = "files-api-2025-04-14"


class Writing:
    """One request's messages. `own`: the caller spoke Messages, too, and everything is as it was."""

    def __init__(self, names: Names, changes: list[Change], facts: Facts, own: bool) -> None:
        self._names = names
        self._facts = facts
        self._changes = changes
        self._own = own
        self.betas: list[str] = []

    def conversation(self, messages: list[Message]) -> tuple[Any, list[dict[str, Any]]]:
        """`system` (None: there is none) and `messages`."""
        first = 0
        while first < len(messages) and messages[first].role in ("system", "developer"):
            if self._own and messages[first].form not in ("system", "systems"):
                break
            first += 1
        system = self._system(messages[:first])
        out: list[dict[str, Any]] = []
        for n, message in enumerate(messages[first:], first + 1):
            self._add(message, out, messages[n] if n < len(messages) else None)
        if not self._own:
            self._mend(out)
        return system, out

    def _system(self, messages: list[Message]) -> Any:
        if not messages:
            return None
        if len(messages) == 1 and not self._own and (plain := _plain_text(messages[0])):
            return plain
        blocks = [told for message in messages for part in message.parts if (told := self._block(part))]
        form = messages[0].form if self._own else ""
        if form == "systems":
            return blocks
        if form == "system" and not blocks:
            return ""
        if not self._own:
            for message in messages:
                if message.name:
                    self._changes.append(Change("dropped", "messages.name"))
        if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
            return blocks[0]["text"]
        return blocks or None

    def _add(self, message: Message, out: list[dict[str, Any]], following: Message | None) -> None:
        role: str = "user" if message.role == "tool" else message.role
        if not self._own and role in ("user", "assistant") and (not out or out[-1]["role"] != role):
            plain = _plain_text(message)
            if plain:
                out.append({"role": role, "content": plain})
                return
        if role in ("system", "developer") and not self._own:
            role = self._system_turn(message, out, following)
        blocks = [told for part in message.parts if (told := self._block(part)) is not None]
        blocks[:0] = [
            call for part in message.parts if isinstance(part, ToolCall) for call in self._signed(part)
        ]
        if self._own:
            if message.form == "joined":
                out[-1]["content"] += blocks
                return
            content: Any = blocks
            if message.form == "text":
                content = blocks[0]["text"] if blocks else ""
            out.append({"role": role, "content": content, **message.extra})
            return
        names = [*members_of(message.extra), *(["name"] if message.name else [])]
        self._changes += [Change("dropped", f"messages.{name}") for name in names]
        if out and out[-1]["role"] == role:
            out[-1]["content"] = _blocks(out[-1]["content"]) + blocks
        elif blocks:
            out.append({"role": role, "content": blocks[0]["text"] if _only_text(blocks) else blocks})

    def _system_turn(self, message: Message, out: list[dict[str, Any]], following: Message | None) -> str:
        """Instructions after the beginning: newer models take them right after a user's turn, if none of the user's follows."""
        fits = out and out[-1]["role"] == "user" and (following is None or following.role == "assistant")
        if fits and traits_of(self._facts.model).system_turns and self._facts.vendor == "anthropic":
            return "system"
        self._changes.append(Change("emulated", f"messages.{message.role}", "as the user"))
        return "user"

    def _mend(self, out: list[dict[str, Any]]) -> None:
        if not out or out[0]["role"] != "user":
            out.insert(0, {"role": "user", "content": "(The conversation goes on.)"})
            self._changes.append(Change("emulated", "messages", "a first turn of the user"))
        last = out[-1]
        if last["role"] != "assistant":
            return
        if not traits_of(self._facts.model).prefilled:
            out.append({"role": "user", "content": "(Go on.)"})
            self._changes.append(Change("emulated", "messages", "a last turn of the user"))
            return
        blocks = _blocks(last["content"])
        if blocks[-1].get("type") == "text" and blocks[-1]["text"] != blocks[-1]["text"].rstrip():
            blocks[-1]["text"] = blocks[-1]["text"].rstrip()
            last["content"] = blocks
            self._changes.append(
                Change("changed", "messages.content", "white space at the end of the last turn")
            )

    def _signed(self, part: ToolCall) -> list[dict[str, Any]]:
        """Another vendor's signature of a call travels in a thought before it, when the caller speaks this dialect."""
        if not part.signature:
            return []
        if self._own:
            carried = Carried("gemini-generate", part.signature, c=part.id)
            return [{"type": "thinking", "thinking": "", "signature": pack(carried)}]
        self._changes.append(Change("dropped", "messages.signature", "another vendor made it"))
        return []

    def _block(self, part: Any) -> dict[str, Any] | None:
        if isinstance(part, Text):
            return self._text(part)
        if isinstance(part, ToolCall):
            return self._call(part)
        if isinstance(part, ToolResult):
            return self._result(part)
        if isinstance(part, Reasoning):
            return self._thought(part)
        if isinstance(part, Refusal):
            return {"type": "text", "text": part.text} if part.text else None
        if isinstance(part, Media):
            return self._media(part)
        assert isinstance(part, Opaque)
        if part.dialect == OWN:
            return part.value  # type: ignore[no-any-return]
        self._changes.append(Change("dropped", f"messages.{opaque_kind(part)}"))
        return None

    def _finish(self, told: dict[str, Any], cache: CacheMark | None, extra: dict[str, Any]) -> dict[str, Any]:
        if cache is not None:
            told["cache_control"] = mark(cache, self._changes)
        if self._own:
            told.update(extra)
        else:
            self._changes += [Change("dropped", f"messages.{name}") for name in extra]
        return told

    def _text(self, part: Text) -> dict[str, Any] | None:
        if not part.text and not self._own:
            return None
        told: dict[str, Any] = {"type": "text", "text": part.text}
        if self._own and part.form:
            told["citations"] = part.form[0]
        if not self._own:
            self._changes += [Change("dropped", f"messages.{name}") for name in unsaid(part)]
            return self._finish(told, part.cache, {})
        return self._finish(told, part.cache, part.extra)

    def _call(self, part: ToolCall) -> dict[str, Any]:
        given: Any = {"input": part.arguments} if part.kind == "custom" else self._arguments(part.arguments)
        told = {
            "type": "tool_use",
            "id": self._id(part.id),
            "name": self._names.fit(part.name),
            "input": given,
        }
        return self._finish(told, part.cache, part.extra if self._own else {})

    def _arguments(self, text: str) -> Any:
        """An object; Anthropic takes nothing else."""
        try:
            value = from_json(text) if text.strip() else {}
        except DecodeError:
            value = None
        if isinstance(value, dict) or self._own:
            return value
        self._changes.append(Change("changed", "messages.tool_calls", "arguments that are no JSON object"))
        return {"arguments": text}

    def _id(self, given: str) -> str:
        told = given if self._own else fitting_id(given, _ID, "toolu_", 30)
        if told != given:
            self._changes.append(Change("renamed", "messages.tool_call_id", "as the vendor takes them"))
        return told

    def _result(self, part: ToolResult) -> dict[str, Any]:
        told: dict[str, Any] = {"type": "tool_result", "tool_use_id": self._id(part.id)}
        blocks = [block for one in part.parts if (block := self._block(one)) is not None]
        form, failed = part.form if self._own else (None, None)
        if form == "text" or (form is None and _only_text(blocks)):
            told["content"] = blocks[0]["text"] if blocks else ""
        elif form == "blocks" or blocks:
            told["content"] = blocks
        if part.failed or failed is not None:
            told["is_error"] = part.failed
        return self._finish(told, part.cache, part.extra if self._own else {})

    def _thought(self, part: Reasoning) -> dict[str, Any] | None:
        """Back to where it came from only; a caller of this dialect gets any."""
        if not self._own and (part.origin != OWN or not (part.signature or part.sealed)):
            self._changes.append(Change("dropped", "messages.reasoning", "another vendor made it"))
            return None
        return told_thought(part)

    def _media(self, part: Media) -> dict[str, Any] | None:
        form = part.form if self._own and isinstance(part.form, dict) else {}
        if form.get("type") == "search_result":
            return form
        source = form or self._source(part)
        if source is None:
            self._changes.append(Change("dropped", f"messages.{part.kind}"))
            return {"type": "text", "text": part.transcript or left_out(part)}
        told: dict[str, Any] = {"type": part.kind, "source": source}
        if part.kind == "document" and part.title:
            told["title"] = part.title
        if part.cited:
            told["citations"] = {"enabled": True}
        if part.detail:
            self._changes.append(Change("dropped", "messages.image.detail"))
        return self._finish(told, part.cache, part.extra)

    def _source(self, part: Media) -> dict[str, Any] | None:
        if part.kind not in ("image", "document"):
            return None
        if part.file:
            if not self._own:
                self.betas.append(FILES_BETA)
            return {"type": "file", "file_id": part.file}
        if part.url:
            return {"type": "url", "url": part.url}
        if part.text or (not part.data and self._own):
            return {"type": "text", "media_type": "text/plain", "data": part.text}
        if part.kind == "document" and part.mime.startswith("text/") and not self._own:
            return _plain(part)
        mime = part.mime or ("image/png" if part.kind == "image" else "application/pdf")
        return {
            "type": "base64",
            "media_type": {"image/jpg": "image/jpeg"}.get(mime, mime),
            "data": part.data,
        }


def _plain(part: Media) -> dict[str, Any] | None:
    try:
        text = base64.b64decode(part.data).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}


def _plain_text(message: Message) -> str:
    """The words of a message that is one text and nothing else, as most are."""
    if len(message.parts) != 1 or message.name or (message.extra and members_of(message.extra)):
        return ""
    part = message.parts[0]
    if not isinstance(part, Text) or part.cache or part.extra or part.citations or part.signature:
        return ""
    return part.text


def told_thought(part: Reasoning) -> dict[str, Any]:
    """A thought as a block."""
    if part.sealed and not part.text and not part.summary:
        data = part.sealed if part.origin == OWN else packed_thought(part, OWN)
        return {"type": "redacted_thinking", "data": data}
    text = part.text or "\n\n".join(part.summary)
    return {"type": "thinking", "thinking": text, "signature": packed_thought(part, OWN)}


def mark(cache: CacheMark, changes: list[Change]) -> dict[str, str]:
    """`cache_control`; lifetimes that Anthropic does not know become its next longer one."""
    if not cache.ttl:
        return {"type": "ephemeral"}
    if cache.ttl not in ("5m", "1h") and isinstance(cache.form, dict):
        changes.append(Change("changed", "messages.prompt_cache_breakpoint", "1h"))
        return {"type": "ephemeral", "ttl": "1h"}
    return {"type": "ephemeral", "ttl": cache.ttl}


def _only_text(blocks: list[dict[str, Any]]) -> bool:
    return len(blocks) == 1 and blocks[0].keys() == {"type", "text"}


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
