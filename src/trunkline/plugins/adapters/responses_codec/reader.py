"""Reads OpenAI Responses' streams: items that open, grow and are done; the last event holds the whole response."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Alive, Began, Cited, Closed, Ended, Event, Grown, Opened, Stopped, Used
from trunkline.core.codec import from_json
from trunkline.core.conversation import Reasoning, Refusal, Request, Text, ToolCall
from trunkline.plugins.adapters.chat.read_reply import probabilities
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object
from trunkline.plugins.adapters.responses_codec.items import citation, read_item
from trunkline.plugins.adapters.responses_codec.read_reply import stop_of
from trunkline.plugins.adapters.usage.responses import usage_of

_GROWS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "text",
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "arguments",
    "response.reasoning_text.delta": "thought",
    "response.reasoning_summary_text.delta": "summary",
}


class ResponsesReader:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._parts: dict[tuple[Any, Any], int] = {}
        """By item and, within messages, content: the part's number."""
        self._open: dict[int, Any] = {}
        self._all: list[Any] = []
        self._summaries: dict[int, Any] = {}
        self._ended = False

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
        kind = str(said.get("type"))
        at = (said.get("output_index"), said.get("content_index"))
        if kind in _GROWS:
            self._grown(kind, said, at, events)
        elif kind == "response.created":
            whole = member(said, "response")
            began = Began(id=str(whole.get("id") or ""), model=str(whole.get("model") or ""))
            made = whole.get("created_at")
            began.created = float(made) if isinstance(made, int | float) else 0.0
            events.append(began)
        elif kind == "response.output_item.added":
            self._item(member(said, "item"), at, events)
        elif kind == "response.content_part.added":
            what = member(said, "part").get("type")
            if what != "reasoning_text":
                self._begin(at, Refusal(text="") if what == "refusal" else Text(text=""), events)
        elif kind == "response.output_text.annotation.added" and at in self._parts:
            events.append(Cited(self._parts[at], citation(member(said, "annotation"))))
        elif kind == "response.content_part.done":
            self._close(self._parts.get(at), events)
        elif kind == "response.output_item.done":
            self._done(member(said, "item"), at, events)
        elif kind in ("response.completed", "response.incomplete"):
            self._end(member(said, "response"), events)

    def _item(self, item: dict[str, Any], at: tuple[Any, Any], events: list[Event]) -> None:
        kind = item.get("type")
        if kind == "reasoning":
            self._begin(
                (at[0], None), Reasoning(id=str(item.get("id") or ""), origin="openai-responses"), events
            )
        elif kind in ("function_call", "custom_tool_call"):
            call = read_item(item, "item")[1][0]
            call.name, call.arguments = own_name(self._asked, call.name), ""
            self._begin((at[0], None), call, events)
        elif kind != "message":
            self._begin((at[0], None), read_item(item, "item")[1][0], events)

    def _begin(self, at: tuple[Any, Any], what: Any, events: list[Event]) -> int:
        number = self._parts[at] = len(self._all)
        self._all.append(what)
        self._open[number] = what
        events.append(Opened(part=number, what=what))
        return number

    def _grown(self, kind: str, said: dict[str, Any], at: tuple[Any, Any], events: list[Event]) -> None:
        number = self._parts.get(at, self._parts.get((at[0], None)))
        value = said.get("delta")
        if number is None or number not in self._open or not isinstance(value, str) or not value:
            return
        grown = Grown(number, _GROWS[kind], value)  # type: ignore[arg-type]
        if kind == "response.reasoning_summary_text.delta":
            index = said.get("summary_index")
            grown.fresh = number in self._summaries and self._summaries[number] != index
            self._summaries[number] = index
        grown.logprobs = probabilities({"content": said.get("logprobs")})
        events.append(grown)

    def _done(self, item: dict[str, Any], at: tuple[Any, Any], events: list[Event]) -> None:
        number = self._parts.get((at[0], None))
        if number is not None and isinstance(self._open.get(number), Reasoning):
            thought = read_item(item, "item")[1][0]
            if thought.signature:
                events.append(Grown(number, "signature", thought.signature))
            if thought.sealed:
                events.append(Grown(number, "sealed", thought.sealed))
        self._close(number, events)

    def _close(self, number: int | None, events: list[Event]) -> None:
        if number is not None and self._open.pop(number, None) is not None:
            events.append(Closed(number))

    def _end(self, whole: dict[str, Any], events: list[Event]) -> None:
        for number in list(self._open):
            self._close(number, events)
        refused = [part for part in self._all if isinstance(part, Refusal | ToolCall)]
        events.append(Stopped(stop=stop_of(whole, refused), said=str(whole.get("status") or "")))
        used = usage_of(whole.get("usage"), whole.get("service_tier"), whole.get("output"))
        if used is not None:
            events.append(Used(used))
        events += self.finish()
