"""Writes Gemini's streams for callers that speak it: words as they come, calls of tools when they are whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.answer import Began, Cited, Closed, Ended, Event, Grown, Opened, Stopped, Usage, Used
from trunkline.core.codec import to_json
from trunkline.core.conversation import (
    Change,
    Citation,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
)
from trunkline.plugins.adapters.gemini_codec.write_contents import told_thought
from trunkline.plugins.adapters.gemini_codec.write_reply import (
    answer_part,
    finish,
    frame,
    grounding,
    probabilities,
    usage,
)


class GeminiWriter:
    """One stream."""

    def __init__(self, asked: Request, changes: list[Change]) -> None:
        del asked
        self._changes = changes
        self._frame: dict[str, Any] = {}
        self._usage: Usage | None = None
        self._parts: dict[tuple[int, int], Any] = {}
        self._texts: dict[int, dict[int, str]] = {}
        """By choice, then part: the words so far, for places of citations."""
        self._notes: dict[int, list[tuple[int, Citation]]] = {}
        self._stopped: dict[int, Stopped] = {}
        self._ended = False

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        if isinstance(event, Grown):
            return self._grown(event)
        if isinstance(event, Opened):
            return self._opened(event)
        if isinstance(event, Closed):
            return self._closed(event)
        if isinstance(event, Began):
            self._frame = frame(event.id, event.model, event.created)
            self._usage = event.usage
        elif isinstance(event, Stopped):
            self._stopped[event.choice] = event
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Cited):
            self._notes.setdefault(event.choice, []).append((event.part, event.citation))
        elif isinstance(event, Ended):
            return self._end()
        return b""

    def _chunk(self, n: int, parts: list[dict[str, Any]], **more: Any) -> bytes:
        candidate = {"content": {"parts": parts, "role": "model"}, "index": n, **more}
        return _event({"candidates": [candidate], **self._frame})

    def _opened(self, event: Opened) -> bytes:
        what, at = event.what, (event.choice, event.part)
        self._parts[at] = what
        if isinstance(what, Text | Refusal):
            words = self._texts.setdefault(event.choice, {})
            words[event.part] = what.text
            return self._chunk(event.choice, [{"text": what.text}]) if what.text else b""
        if isinstance(what, Reasoning):
            shown = what.text or "\n\n".join(what.summary)
            return self._chunk(event.choice, [{"text": shown, "thought": True}]) if shown else b""
        if isinstance(what, Opaque):
            parts = answer_part(what, self._changes)
            return self._chunk(event.choice, parts) if parts else b""
        return b""

    def _grown(self, event: Grown) -> bytes:
        what, n = self._parts.get((event.choice, event.part)), event.choice
        if isinstance(what, Text | Refusal):
            self._texts[n][event.part] += event.value
            more = {"logprobsResult": probabilities(event.logprobs)} if event.logprobs else {}
            return self._chunk(n, [{"text": event.value}], **more)
        if isinstance(what, Reasoning):
            return self._thought_grown(event, what)
        if isinstance(what, ToolCall | Media) and event.field in (
            "arguments",
            "data",
            "transcript",
            "signature",
        ):
            setattr(what, event.field, getattr(what, event.field) + event.value)
        return b""

    def _thought_grown(self, event: Grown, what: Reasoning) -> bytes:
        if event.field in ("signature", "sealed"):
            setattr(what, event.field, getattr(what, event.field) + event.value)
            return b""
        text = "\n\n" + event.value if event.fresh else event.value
        if event.field == "summary":
            what.summary = ["".join([*what.summary, text])]
        return self._chunk(event.choice, [{"text": text, "thought": True}])

    def _closed(self, event: Closed) -> bytes:
        what = self._parts.get((event.choice, event.part))
        if isinstance(what, ToolCall | Media):
            parts = answer_part(what, self._changes)
            return self._chunk(event.choice, parts) if parts else b""
        if isinstance(what, Reasoning):
            told = told_thought(what)
            if told.get("text"):
                del told["text"]  # It was told as it grew.
            return self._chunk(event.choice, [told]) if told.get("thoughtSignature") else b""
        return b""

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        candidates = []
        for n, stopped in self._stopped.items():
            one: dict[str, Any] = {
                "content": {"parts": [{"text": ""}], "role": "model"},
                "finishReason": finish(stopped.stop, stopped.said),
                "index": n,
            }
            if n in self._notes:
                one["groundingMetadata"] = grounding(self._cited(n))
            candidates.append(one)
        last: dict[str, Any] = {"candidates": candidates}
        if self._usage is not None:
            last["usageMetadata"] = usage(self._usage)
        return _event({**last, **self._frame})

    def _cited(self, n: int) -> list[tuple[Citation, str, int]]:
        words = self._texts.get(n, {})
        before = {part: sum(len(t.encode()) for p, t in words.items() if p < part) for part in words}
        return [(one, words.get(part, ""), before.get(part, 0)) for part, one in self._notes[n]]


def _event(value: dict[str, Any]) -> bytes:
    return b"data: %b\r\n\r\n" % to_json(value)
