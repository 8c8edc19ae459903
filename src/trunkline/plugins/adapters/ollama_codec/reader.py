"""Reads the streams of Ollama's `/api/chat`: lines that are each a small answer, the last with `done`. Calls of tools come whole."""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Began, Closed, Ended, Event, Field, Grown, Opened, Stopped, TokenProb, Used
from trunkline.core.codec import from_json
from trunkline.core.conversation import Reasoning, Request, Text, ToolCall
from trunkline.plugins.adapters.chat.read_reply import probabilities
from trunkline.plugins.adapters.count import member
from trunkline.plugins.adapters.gemini_codec.read_reply import created
from trunkline.plugins.adapters.members import an_object
from trunkline.plugins.adapters.ollama_codec.read_reply import id_of, parts_of, stop_of
from trunkline.plugins.adapters.usage.ollama import usage_of


class OllamaReader:
    """One stream."""

    def __init__(self, asked: Request) -> None:
        self._asked = asked
        self._began = self._ended = False
        self._at = ""
        """When the first line was made."""
        self._count = self._calls = 0
        self._open: Field | None = None
        """What grows."""

    def feed(self, block: bytes) -> list[Event]:
        """Raises Untranslatable."""
        events: list[Event] = []
        for line in block.split(b"\n"):
            if line.strip():
                self._line(an_object(from_json(line), "line"), events)
        return events

    def finish(self) -> list[Event]:
        """The stream has ended."""
        if self._ended:
            return []
        self._ended = True
        return [Ended()]

    def _line(self, said: dict[str, Any], events: list[Event]) -> None:
        if not self._began:
            self._began = True
            self._at = str(said.get("created_at") or "")
            began = Began(id=id_of(self._at), model=str(said.get("model") or self._asked.model))
            began.created = created(self._at)
            events.append(began)
        logprobs = probabilities({"content": said.get("logprobs")})
        for part in parts_of(member(said, "message"), self._asked, self._at, self._calls):
            self._part(part, logprobs, events)
        if said.get("done") is True and not self._ended:
            self._end(said, events)

    def _part(self, part: Any, logprobs: list[TokenProb], events: list[Event]) -> None:
        if isinstance(part, Reasoning):
            number = self._grow("thought", Reasoning(origin=part.origin), events)
            events.append(Grown(number, "thought", part.text))
        elif isinstance(part, Text):
            number = self._grow("text", Text(text=""), events)
            events.append(Grown(number, "text", part.text, logprobs=logprobs))
        else:
            self._whole(part, events)

    def _grow(self, field: Field, what: Text | Reasoning, events: list[Event]) -> int:
        """The number of the part that grows so; opened first if another did."""
        if self._open != field:
            self._close(events)
            self._open = field
            events.append(Opened(part=self._count, what=what))
            self._count += 1
        return self._count - 1

    def _whole(self, part: Any, events: list[Event]) -> None:
        self._close(events)
        arguments = ""
        if isinstance(part, ToolCall):
            self._calls += 1
            arguments, part.arguments = part.arguments, ""
        events.append(Opened(part=self._count, what=part))
        if arguments:
            events.append(Grown(self._count, "arguments", arguments))
        events.append(Closed(self._count))
        self._count += 1

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            self._open = None
            events.append(Closed(self._count - 1))

    def _end(self, said: dict[str, Any], events: list[Event]) -> None:
        self._close(events)
        reason = str(said.get("done_reason") or "")
        events.append(Stopped(stop=stop_of(reason, self._calls > 0), said=reason))
        used = usage_of(said)
        if used is not None:
            events.append(Used(used))
        events += self.finish()
