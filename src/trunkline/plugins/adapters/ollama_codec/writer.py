"""Writes Ollama's streams for callers that speak it: words and thoughts as they come, calls of tools when they are whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.answer import (
    Began,
    Cited,
    Closed,
    Ended,
    Event,
    Grown,
    Opened,
    Stop,
    Stopped,
    Usage,
    Used,
)
from trunkline.core.codec import to_json
from trunkline.core.conversation import (
    Change,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
)
from trunkline.plugins.adapters.ollama_codec.write_reply import ended, frame, probabilities, said_of

_KEPT = ("arguments", "data", "transcript", "signature", "sealed")


class OllamaWriter:
    """One stream, of the first answer alone."""

    def __init__(self, asked: Request, changes: list[Change]) -> None:
        del asked
        self._changes = changes
        self._frame: dict[str, Any] = {}
        self._usage: Usage | None = None
        self._stop: Stop = "end"
        self._parts: dict[int, Any] = {}
        self._ended = False

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        if isinstance(event, Began):
            self._frame, self._usage = frame(event.model, event.created), event.usage
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Ended):
            return self._end()
        elif getattr(event, "choice", 0):
            self._changes.append(Change("dropped", "n", "the first answer alone"))
        elif isinstance(event, Opened):
            return self._opened(event)
        elif isinstance(event, Grown):
            return self._grown(event)
        elif isinstance(event, Closed):
            return self._closed(event)
        elif isinstance(event, Cited):
            self._changes.append(Change("dropped", "message.citations"))
        elif isinstance(event, Stopped):
            self._stop = event.stop
        return b""

    def _line(self, said: dict[str, Any], **more: Any) -> bytes:
        message = {"role": "assistant", "content": "", **said}
        return to_json({**self._frame, "message": message, **more, "done": False}) + b"\n"

    def _opened(self, event: Opened) -> bytes:
        what = self._parts[event.part] = event.what
        if isinstance(what, ToolCall | Media):
            return b""
        said = said_of(what, self._changes if isinstance(what, Opaque) else [])
        return self._line(said) if said else b""

    def _grown(self, event: Grown) -> bytes:
        what = self._parts.get(event.part)
        if event.field in _KEPT and what is not None:
            setattr(what, event.field, getattr(what, event.field) + event.value)
            return b""
        more = {"logprobs": probabilities(event.logprobs)} if event.logprobs else {}
        if isinstance(what, Text | Refusal):
            return self._line({"content": event.value}, **more)
        if isinstance(what, Reasoning):
            return self._line({"thinking": "\n\n" + event.value if event.fresh else event.value})
        return b""

    def _closed(self, event: Closed) -> bytes:
        what = self._parts.pop(event.part, None)
        if isinstance(what, ToolCall | Media):
            said = said_of(what, self._changes)
            return self._line(said) if said else b""
        if isinstance(what, Reasoning | Text):
            said_of(what, self._changes)  # its words are told; what else it had is named
        return b""

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        last = {**self._frame, "message": {"role": "assistant", "content": ""}}
        return to_json({**last, **ended(self._stop, self._usage)}) + b"\n"
