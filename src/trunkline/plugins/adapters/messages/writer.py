"""Writes Anthropic Messages' streams for callers that speak it: every event under its name, or their SDKs hear nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.answer import (
    Alive,
    Began,
    Cited,
    Closed,
    Ended,
    Event,
    Grown,
    Opened,
    Stopped,
    Usage,
    Used,
)
from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Media, Opaque, Reasoning, Refusal, Request, Text, ToolCall
from trunkline.plugins.adapters.carrier import packed_thought
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.write_reply import (
    REASONS,
    citation,
    kind_of,
    message_id,
    signature_block,
    stop_details,
    usage,
)


class MessagesWriter:
    """One stream. Only the first choice can be told."""

    def __init__(self, asked: Request, changes: list[Change]) -> None:
        self._asked = asked
        self._changes = changes
        self._usage = Usage(input=0, output=0)
        self._refusal = ""
        self._numbers: dict[int, int] = {}
        """Of parts: their blocks' indexes."""
        self._parts: dict[int, Any] = {}
        self._next = 0
        self._stopped: Stopped | None = None
        self._begun = False
        self._ended = False

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        if isinstance(event, Grown):
            return self._grown(event) if event.choice == 0 else b""
        if isinstance(event, Opened):
            return self._opened(event) if event.choice == 0 else self._beyond()
        if isinstance(event, Closed):
            return self._closed(event) if event.choice == 0 else b""
        if isinstance(event, Began):
            return self._began(event)
        if isinstance(event, Stopped):
            self._stopped = event if event.choice == 0 else self._stopped
            return b""
        if isinstance(event, Used):
            self._usage = event.usage
            return b""
        if isinstance(event, Cited):
            return self._delta(
                event.part, {"type": "citations_delta", "citation": citation(event.citation, self._asked)}
            )
        if isinstance(event, Alive):
            return _event("ping", {"type": "ping"}) if self._begun else b""
        assert isinstance(event, Ended)
        return self._end()

    def _beyond(self) -> bytes:
        self._changes.append(Change("dropped", "answer.choices", "all but the first"))
        return b""

    def _began(self, event: Began) -> bytes:
        self._begun = True
        if event.usage is not None:
            self._usage = event.usage
        message: dict[str, Any] = {
            "id": message_id(event.id),
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(self._usage),
        }
        return _event("message_start", {"type": "message_start", "message": message})

    def _opened(self, event: Opened) -> bytes:
        what = event.what
        self._parts[event.part] = what
        before = b""
        if isinstance(what, Refusal):
            self._refusal += what.text
        if isinstance(what, Text | Refusal):
            block: dict[str, Any] = {"type": "text", "text": ""}
            grown = [{"type": "text_delta", "text": what.text}] if what.text else []
        elif isinstance(what, Reasoning):
            return self._thought(event, what)
        elif isinstance(what, ToolCall):
            if what.signature:
                before = self._signature(what)
            block = {"type": "tool_use", "id": what.id, "name": what.name, "input": {}}
            grown = [{"type": "input_json_delta", "partial_json": what.arguments}] if what.arguments else []
        elif isinstance(what, Opaque) and what.dialect == OWN:
            block, grown = what.value, []
        else:
            if not isinstance(what, Media):
                self._changes.append(Change("dropped", "answer.part", kind_of(what)))
            return b""
        return before + self._block(event.part, block, grown)

    def _block(self, part: int, block: dict[str, Any], grown: list[dict[str, Any]]) -> bytes:
        index = self._numbers[part] = self._next
        self._next += 1
        start = {"type": "content_block_start", "index": index, "content_block": block}
        return _event("content_block_start", start) + b"".join([self._delta(part, one) for one in grown])

    def _signature(self, what: ToolCall) -> bytes:
        """Another vendor's signature of a call, as a thought without words before it."""
        block = signature_block(what)
        told = {**block, "signature": ""}
        index, self._next = self._next, self._next + 1
        delta = {"type": "signature_delta", "signature": block["signature"]}
        return (
            _event(
                "content_block_start", {"type": "content_block_start", "index": index, "content_block": told}
            )
            + _event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
            + _event("content_block_stop", {"type": "content_block_stop", "index": index})
        )

    def _thought(self, event: Opened, what: Reasoning) -> bytes:
        """Sealed thoughts are told when they are complete: whether words came with them decides what they are."""
        text = what.text or "\n\n".join(what.summary)
        if not text:
            return b""
        return self._thinking(event.part) + self._delta(
            event.part, {"type": "thinking_delta", "thinking": text}
        )

    def _thinking(self, part: int) -> bytes:
        return self._block(part, {"type": "thinking", "thinking": "", "signature": ""}, [])

    def _grown(self, event: Grown) -> bytes:
        what, value = self._parts.get(event.part), event.value
        if isinstance(what, Reasoning):
            return self._thought_grown(event, what)
        if event.field == "text":
            if isinstance(what, Refusal):
                self._refusal += value
            return self._delta(event.part, {"type": "text_delta", "text": value})
        if event.field == "arguments":
            return self._delta(event.part, {"type": "input_json_delta", "partial_json": value})
        if event.field == "transcript":
            start = (
                b""
                if event.part in self._numbers
                else self._block(event.part, {"type": "text", "text": ""}, [])
            )
            self._changes.append(Change("changed", "answer.audio", "its transcript"))
            return start + self._delta(event.part, {"type": "text_delta", "text": value})
        return b""

    def _thought_grown(self, event: Grown, what: Reasoning) -> bytes:
        if event.field == "signature":
            what.signature += event.value
            return b""
        if event.field == "sealed":
            what.sealed += event.value
            return b""
        text = "\n\n" + event.value if event.fresh else event.value
        if event.field == "summary":
            what.summary = what.summary or [" "]
        start = b"" if event.part in self._numbers else self._thinking(event.part)
        return start + self._delta(event.part, {"type": "thinking_delta", "thinking": text})

    def _delta(self, part: int, delta: dict[str, Any]) -> bytes:
        index = self._numbers.get(part)
        if index is None:
            return b""
        return _event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})

    def _closed(self, event: Closed) -> bytes:
        what = self._parts.get(event.part)
        before = b""
        if isinstance(what, Reasoning):
            before = self._thought_closed(event.part, what)
        index = self._numbers.get(event.part)
        if index is None:
            return before
        return before + _event("content_block_stop", {"type": "content_block_stop", "index": index})

    def _thought_closed(self, part: int, what: Reasoning) -> bytes:
        if part in self._numbers:
            signature = packed_thought(what, OWN)
            return (
                self._delta(part, {"type": "signature_delta", "signature": signature}) if signature else b""
            )
        if not (what.sealed or what.signature):
            return b""
        data = what.sealed if what.origin == OWN and what.sealed else packed_thought(what, OWN)
        if what.origin == OWN and not what.sealed:
            start = self._thinking(part)
            return start + self._delta(part, {"type": "signature_delta", "signature": data})
        return self._block(part, {"type": "redacted_thinking", "data": data}, [])

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        stopped = self._stopped
        delta: dict[str, Any] = {
            "stop_reason": REASONS[stopped.stop] if stopped is not None else None,
            "stop_sequence": (stopped.sequence or None) if stopped is not None else None,
        }
        details = stop_details(stopped.stop, self._refusal) if stopped is not None else None
        if details is not None:
            delta["stop_details"] = details
        used = {name: value for name, value in usage(self._usage).items() if name != "service_tier"}
        told = {"type": "message_delta", "delta": delta, "usage": used}
        return _event("message_delta", told) + _event("message_stop", {"type": "message_stop"})


def _event(name: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), to_json(value))
