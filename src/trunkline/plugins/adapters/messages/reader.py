"""Reads Anthropic Messages' streams: blocks one after the other, each begun, grown by deltas and stopped."""

from __future__ import annotations

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
    Stop,
    Stopped,
    Used,
)
from trunkline.core.codec import from_json
from trunkline.core.conversation import Reasoning, Refusal, Request, Text, ToolCall
from trunkline.plugins.adapters.carrier import unpack
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.fitting import Names, free_text, own_name
from trunkline.plugins.adapters.members import an_object
from trunkline.plugins.adapters.messages.blocks import citation, read_block
from trunkline.plugins.adapters.messages.read_reply import STOPS
from trunkline.plugins.adapters.usage.messages import usage_of

_GROWS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thought"),
    "input_json_delta": ("partial_json", "arguments"),
    "signature_delta": ("signature", "signature"),
}


class MessagesReader:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._usage: dict[str, Any] = {}
        self._parts: dict[int, Any] = {}
        self._custom: dict[int, str] = {}
        """Arguments so far of calls of tools of free text, which cannot be told before they are whole."""
        self._answers: set[int] = set()
        """Calls that are the answer in an emulated format."""
        self._ended = False

    def feed(self, block: bytes) -> list[Event]:
        events: list[Event] = []
        for _, data in data_of(block):
            said = an_object(from_json(data), "event")
            read = _READ.get(str(said.get("type")))
            if read is not None:
                read(self, said, events)
        return events

    def finish(self) -> list[Event]:
        """The stream has ended."""
        if self._ended:
            return []
        self._ended = True
        return [Ended()]

    def _start(self, said: dict[str, Any], events: list[Event]) -> None:
        message = member(said, "message")
        self._usage = dict(member(message, "usage"))
        began = Began(id=str(message.get("id") or ""), model=str(message.get("model") or ""))
        began.usage = usage_of(self._usage)
        events.append(began)

    def _opened(self, said: dict[str, Any], events: list[Event]) -> None:
        number = int(said["index"])
        what = read_block(an_object(said.get("content_block"), "content_block"), "content_block")
        if isinstance(what, ToolCall):
            what = self._tool(number, what)
        self._parts[number] = what
        events.append(Opened(part=number, what=what))

    def _tool(self, number: int, what: ToolCall) -> ToolCall | Text:
        names = self._asked.sent
        what.arguments = "" if what.arguments == "{}" else what.arguments
        if isinstance(names, Names) and what.name == names.answer:
            self._answers.add(number)
            return Text(text=what.arguments)
        what.name = own_name(self._asked, what.name)
        if isinstance(names, Names) and what.name in names.custom:
            what.kind = "custom"
            self._custom[number] = ""
        return what

    def _grown(self, said: dict[str, Any], events: list[Event]) -> None:
        number, delta = int(said["index"]), member(said, "delta")
        kind = str(delta.get("type"))
        if kind == "citations_delta":
            events.append(Cited(number, citation(member(delta, "citation"))))
            return
        if kind not in _GROWS:
            return
        name, field = _GROWS[kind]
        value = str(delta.get(name) or "")
        if number in self._custom:
            self._custom[number] += value
            return
        if number in self._answers:
            field = "text"
        if field == "signature" and self._carried(number, value, events):
            return
        if value:
            events.append(Grown(number, field, value))  # type: ignore[arg-type]

    def _carried(self, number: int, value: str, events: list[Event]) -> bool:
        """Whether a signature is one that another vendor's thoughts travelled in."""
        del events
        return isinstance(self._parts.get(number), Reasoning) and unpack(value) is not None

    def _closed(self, said: dict[str, Any], events: list[Event]) -> None:
        number = int(said["index"])
        if number in self._custom:
            events.append(Grown(number, "arguments", free_text(self._custom.pop(number))))
        events.append(Closed(number))

    def _delta(self, said: dict[str, Any], events: list[Event]) -> None:
        self._usage.update(
            {name: value for name, value in member(said, "usage").items() if value is not None}
        )
        used = usage_of(self._usage)
        delta = member(said, "delta")
        reason = str(delta.get("stop_reason") or "")
        why = member(delta, "stop_details")
        if why.get("explanation"):
            number = max(self._parts, default=-1) + 1
            words = Refusal(text=str(why["explanation"]))
            events += (Opened(part=number, what=words), Closed(number))
        if reason:
            stop: Stop = STOPS.get(reason, "end")
            if stop == "tool" and self._answers:
                stop = "end"
            events.append(
                Stopped(
                    stop=stop, said=reason, sequence=str(delta.get("stop_sequence") or ""), safety=why or None
                )
            )
        if used is not None:
            events.append(Used(used))

    def _stop(self, said: dict[str, Any], events: list[Event]) -> None:
        del said
        events += self.finish()

    def _ping(self, said: dict[str, Any], events: list[Event]) -> None:
        del self, said
        events.append(Alive())


_READ = {
    "message_start": MessagesReader._start,
    "content_block_start": MessagesReader._opened,
    "content_block_delta": MessagesReader._grown,
    "content_block_stop": MessagesReader._closed,
    "message_delta": MessagesReader._delta,
    "message_stop": MessagesReader._stop,
    "ping": MessagesReader._ping,
}
