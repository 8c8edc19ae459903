"""Reads Gemini's streams: events that are each a small answer. Neighbouring texts are one part; calls of tools come whole."""

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
from trunkline.core.conversation import Media, Reasoning, Request, Text, ToolCall, ToolResult
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.gemini_codec.parts import read_part
from trunkline.plugins.adapters.gemini_codec.read_reply import (
    STOPS,
    answered,
    cited,
    created,
    probabilities,
)
from trunkline.plugins.adapters.members import an_object
from trunkline.plugins.adapters.usage.gemini import usage_of


class _Growing:
    """One candidate."""

    __slots__ = ("called", "count", "kind", "stopped", "text", "text_part")

    def __init__(self) -> None:
        self.count = 0
        self.kind = ""
        """Of the part that is open."""
        self.called = False
        self.stopped = False
        self.text = ""
        self.text_part = -1


class GeminiReader:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._began = False
        self._ended = False
        self._candidates: dict[int, _Growing] = {}

    def feed(self, block: bytes) -> list[Event]:
        """Raises Untranslatable."""
        events: list[Event] = []
        for _, data in data_of(block):
            self._event(an_object(from_json(data), "event"), events)
        if not events and block.startswith(b":"):
            events.append(Alive())
        return events

    def finish(self) -> list[Event]:
        """The stream has ended: Gemini has no last event of its own."""
        if self._ended:
            return []
        self._ended = True
        return [Ended()]

    def _event(self, said: dict[str, Any], events: list[Event]) -> None:
        if not self._began:
            self._began = True
            began = Began(id=str(said.get("responseId") or ""), model=str(said.get("modelVersion") or ""))
            began.created = created(said.get("createTime"))
            events.append(began)
        for n, one in enumerate(said.get("candidates") or ()):
            candidate = an_object(one, "candidates")
            index = candidate.get("index")
            self._candidate(candidate, index if isinstance(index, int) else n, events)
        blocked = member(said, "promptFeedback")
        if blocked.get("blockReason") and not self._candidates:
            self._candidates[0] = _Growing()
            events.append(Stopped(stop="refusal", said=str(blocked["blockReason"]), safety=blocked))
        used = usage_of(said.get("usageMetadata"), said.get("candidates"))
        if used is not None:
            events.append(Used(used))

    def _candidate(self, said: dict[str, Any], n: int, events: list[Event]) -> None:
        growing = self._candidates.setdefault(n, _Growing())
        logprobs = probabilities(said.get("logprobsResult"))
        for value in member(said, "content").get("parts") or ():
            for part in answered(read_part(value, "content.parts"), growing.count, self._asked):
                self._part(part, n, growing, logprobs, events)
        if growing.text_part >= 0:
            notes = cited(said, [growing.text])
            events += [Cited(growing.text_part, one, n) for _, one in notes]
        reason = str(said.get("finishReason") or "")
        if reason and not growing.stopped:
            growing.stopped = True
            self._close(n, growing, events)
            stop: Stop = STOPS.get(reason, "end")
            if stop == "end" and growing.called:
                stop = "tool"
            events.append(Stopped(stop=stop, said=reason, choice=n, safety=said.get("safetyRatings")))

    def _part(self, part: Any, n: int, growing: _Growing, logprobs: Any, events: list[Event]) -> None:
        if isinstance(part, Text):
            if not part.text:
                return
            number = self._open("text", Text(text=""), n, growing, events)
            growing.text, growing.text_part = growing.text + part.text, number
            events.append(Grown(number, "text", part.text, n, logprobs=logprobs))
        elif isinstance(part, Reasoning):
            self._thought(part, n, growing, events)
        elif isinstance(part, ToolCall | Media) or not isinstance(part, ToolResult):
            self._close(n, growing, events)
            growing.called = growing.called or isinstance(part, ToolCall)
            arguments = ""
            if isinstance(part, ToolCall):
                arguments, part.arguments = part.arguments, ""
            number = self._open("", part, n, growing, events)
            if arguments:
                events.append(Grown(number, "arguments", arguments, n))
            self._close(n, growing, events)

    def _thought(self, part: Reasoning, n: int, growing: _Growing, events: list[Event]) -> None:
        # What travelled in a signature is whole.
        kind = "thought" if part.text or part.signature else ""
        bare = Reasoning(origin=part.origin, id=part.id, sealed=part.sealed, summary=part.summary)
        number = self._open(kind, bare, n, growing, events)
        if part.text:
            events.append(Grown(number, "thought", part.text, n))
        if part.signature:
            events.append(Grown(number, "signature", part.signature, n))
            self._close(n, growing, events)

    def _open(self, kind: str, what: Any, n: int, growing: _Growing, events: list[Event]) -> int:
        """The number of a part that grows; opened first if it is new."""
        if kind and kind == growing.kind:
            return growing.count - 1
        self._close(n, growing, events)
        growing.kind = kind or "other"
        growing.count += 1
        events.append(Opened(part=growing.count - 1, what=what, choice=n))
        return growing.count - 1

    @staticmethod
    def _close(n: int, growing: _Growing, events: list[Event]) -> None:
        if growing.kind:
            events.append(Closed(growing.count - 1, n))
            growing.kind = ""
