"""Reads the streams of Cohere's Chat v2: events with a `type`, contents and calls by their index, and plans between them.

A content stays open until the next part begins or the message ends, since citations may follow its end. Source:
docs.cohere.com/v2/docs/streaming.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import (
    Alive,
    Began,
    Cited,
    Closed,
    Ended,
    Event,
    Field,
    Grown,
    Opened,
    Stopped,
    Used,
)
from trunkline.core.codec import from_json
from trunkline.core.conversation import Reasoning, Request, Text, ToolCall
from trunkline.plugins.adapters.cohere_codec.read_reply import (
    OWN,
    STOPS,
    citation,
    probabilities,
    tool_call,
    usage_of,
)
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.members import an_object


class CohereReader:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._began = self._ended = False
        self._count = 0
        self._open: int | None = None
        self._contents: dict[int, int] = {}
        """Parts by the index of their content."""
        self._planning = False
        self._fields: dict[int, Field] = {}

    def feed(self, block: bytes) -> list[Event]:
        """Raises Untranslatable."""
        events: list[Event] = []
        for _, data in data_of(block):
            if data != b"[DONE]":
                self._event(an_object(from_json(data), "event"), events)
        if not events and block.startswith(b":"):
            events.append(Alive())
        return events

    def finish(self) -> list[Event]:
        """The stream has ended."""
        if self._ended:
            return []
        self._ended = True
        return [Ended()]

    def _event(self, said: dict[str, Any], events: list[Event]) -> None:
        kind, delta = said.get("type"), member(said, "delta")
        if not self._began:
            self._began = True
            events.append(Began(id=str(said.get("id") or ""), model=self._asked.model))
        message = member(delta, "message")
        if kind == "content-start":
            self._content(said, member(message, "content"), events)
        elif kind == "content-delta":
            self._grow(said, member(message, "content"), events)
        elif kind == "tool-plan-delta":
            self._plan(message.get("tool_plan"), events)
        elif kind in ("tool-call-start", "tool-call-delta"):
            self._call(kind, member(message, "tool_calls"), events)
        elif kind == "citation-start":
            self._cite(member(message, "citations"), events)
        elif kind == "message-end":
            self._end(delta, events)

    def _begin(self, what: Text | Reasoning | ToolCall, field: Field, events: list[Event]) -> int:
        """A part begins; the one before it ends."""
        self._close(events)
        number = self._open = self._count
        self._count += 1
        self._fields[number] = field
        events.append(Opened(part=number, what=what))
        return number

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(Closed(self._open))
            self._open = None

    def _content(self, said: dict[str, Any], content: dict[str, Any], events: list[Event]) -> None:
        self._planning = False
        thinks = content.get("type") == "thinking" or "thinking" in content
        what = Reasoning(origin=OWN) if thinks else Text(text="")
        number = self._begin(what, "thought" if thinks else "text", events)
        self._contents[count(said.get("index"), 0)] = number
        self._grow(said, content, events)

    def _grow(self, said: dict[str, Any], content: dict[str, Any], events: list[Event]) -> None:
        at = count(said.get("index"), 0)
        text = content.get("thinking") or content.get("text")
        if at not in self._contents:
            self._content(said, {"type": "thinking" if content.get("thinking") else "text"}, events)
        if isinstance(text, str) and text:
            number = self._contents[at]
            grown = Grown(number, self._fields[number], text)
            grown.logprobs = probabilities(said.get("logprobs"))
            events.append(grown)

    def _plan(self, text: Any, events: list[Event]) -> None:
        if not isinstance(text, str) or not text:
            return
        if not self._planning:
            self._planning = True
            self._begin(Text(text=""), "text", events)
        events.append(Grown(self._count - 1, "text", text))

    def _call(self, kind: str, said: dict[str, Any], events: list[Event]) -> None:
        self._planning = False
        call = tool_call(said, self._asked)
        if kind == "tool-call-start":
            self._begin(ToolCall(id=call.id, name=call.name), "arguments", events)
        if call.arguments:
            events.append(Grown(self._count - 1, "arguments", call.arguments))

    def _cite(self, said: dict[str, Any], events: list[Event]) -> None:
        at, found = citation(said)
        number = self._contents.get(at)
        if number is not None and self._fields[number] == "text":
            events += [Cited(number, one) for one in found]

    def _end(self, delta: dict[str, Any], events: list[Event]) -> None:
        self._close(events)
        reason = str(delta.get("finish_reason") or "")
        events.append(Stopped(stop=STOPS.get(reason, "end"), said=reason))
        used = usage_of(delta.get("usage"))
        if used is not None:
            events.append(Used(used))
        events += self.finish()
