"""Writes OpenAI Responses' streams for callers that speak it, in OpenAI's order: an item is added, grows, is done; then the response."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trunkline.core.answer import Began, Cited, Closed, Ended, Event, Grown, Opened, Stopped, Usage, Used
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
from trunkline.plugins.adapters.responses_codec.items import group_of
from trunkline.plugins.adapters.responses_codec.write_reply import (
    annotation,
    answer_id,
    call,
    content,
    ended,
    final,
    item_id,
    kind_of,
    message,
    probability,
    reasoning,
    response,
    signature,
)

_ARGUMENTS = {
    "function": ("response.function_call_arguments", "arguments"),
    "custom": ("response.custom_tool_call_input", "input"),
}


class ResponsesWriter:
    """One stream. Only the first choice can be told; each part is an item of its own."""

    def __init__(self, asked: Request, changes: list[Change]) -> None:
        self._asked = asked
        self._changes = changes
        self._frame: dict[str, Any] = {}
        self._id = ""
        self._number = 0
        self._size = 0
        """Bytes written so far."""
        self._items: list[dict[str, Any]] = []
        self._parts: dict[int, Any] = {}
        self._places: dict[int, tuple[int, str]] = {}
        """Of parts: their item's place and id."""
        self._notes: dict[int, list[dict[str, Any]]] = {}
        self._logprobs: dict[int, list[dict[str, Any]]] = {}
        self._stopped: Stopped | None = None
        self._usage: Usage | None = None
        self._ended = False

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([self._one(event) for event in events])

    def _one(self, event: Event) -> bytes:
        if isinstance(event, Opened | Grown | Closed | Cited | Stopped) and event.choice != 0:
            if isinstance(event, Opened):
                self._changes.append(Change("dropped", "answer.choices", "all but the first"))
            return b""
        if isinstance(event, Grown):
            return self._grown(event)
        if isinstance(event, Opened):
            return self._opened(event)
        if isinstance(event, Closed):
            return self._closed(event.part)
        if isinstance(event, Began):
            return self._began(event)
        if isinstance(event, Stopped):
            self._stopped = event
        elif isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Cited):
            return self._cited(event)
        elif isinstance(event, Ended):
            return self._end()
        return b""

    def _event(self, kind: str, **told: Any) -> bytes:
        value = {"type": kind, "sequence_number": self._number, **told}
        self._number += 1
        out = _framed(kind, value)
        self._size += len(out)
        return out

    def _began(self, event: Began) -> bytes:
        self._id, self._usage = answer_id(event.id, self._asked), event.usage
        self._frame = response(self._id, event.model, event.created, self._asked)
        return self._event("response.created", response=self._frame) + self._event(
            "response.in_progress", response=self._frame
        )

    def _place(self, prefix: str) -> tuple[int, str]:
        n = len(self._items)
        return n, item_id(prefix, self._id, n)

    def _added(self, part: int, item: dict[str, Any], place: tuple[int, str]) -> bytes:
        self._places[part] = place
        self._items.append(item)
        return self._event("response.output_item.added", output_index=place[0], item=item)

    def _opened(self, event: Opened) -> bytes:
        what, part = event.what, event.part
        self._parts[part] = what
        if isinstance(what, Text | Refusal):
            place = self._place("msg")
            out = self._added(part, message(place[1], [], "in_progress"), place)
            bare: Any = Text(text="") if isinstance(what, Text) else Refusal(text="")
            told = content(bare, self._changes)
            out += self._event("response.content_part.added", **self._at(part, 0), part=told)
            text, what.text = what.text, ""
            notes = what.citations if isinstance(what, Text) else []
            out += self._grown(Grown(part, "text", text)) if text else b""
            return out + b"".join([self._cited(Cited(part, one)) for one in notes])
        if isinstance(what, ToolCall):
            return self._call(part, what)
        if isinstance(what, Reasoning):
            place = self._place("rs")
            item = {"id": place[1], "type": "reasoning", "summary": []}
            out = self._added(part, item, place)
            words, what.summary = what.summary, []
            for n, text in enumerate(words):
                out += self._grown(Grown(part, "summary", text, fresh=n > 0))
            text, what.text = what.text, ""
            return out + (self._grown(Grown(part, "thought", text)) if text else b"")
        if isinstance(what, Opaque) or not (isinstance(what, Media) and what.kind == "audio"):
            self._changes.append(Change("dropped", "answer.part", kind_of(what)))
        return b""

    def _call(self, part: int, what: ToolCall) -> bytes:
        before = b""
        if what.signature:
            place = self._place("rs")
            item = signature(what, place[1])
            before = self._added(part, item, place)
            before += self._event("response.output_item.done", output_index=place[0], item=item)
        place = self._place("ctc" if what.kind == "custom" else "fc")
        text, what.arguments = what.arguments, ""
        out = before + self._added(part, call(what, place[1], "in_progress"), place)
        return out + (self._grown(Grown(part, "arguments", text)) if text else b"")

    def _at(self, part: int, content_index: int | None = None) -> dict[str, Any]:
        n, id_ = self._places[part]
        at: dict[str, Any] = {"item_id": id_, "output_index": n}
        return at if content_index is None else {**at, "content_index": content_index}

    def _grown(self, event: Grown) -> bytes:
        what, part, value = self._parts.get(event.part), event.part, event.value
        if isinstance(what, Text):
            what.text += value
            probs = [probability(one) for one in event.logprobs]
            self._logprobs.setdefault(part, []).extend(probs)
            return self._event("response.output_text.delta", **self._at(part, 0), delta=value, logprobs=probs)
        if isinstance(what, Refusal):
            what.text += value
            return self._event("response.refusal.delta", **self._at(part, 0), delta=value)
        if isinstance(what, ToolCall) and event.field == "arguments":
            what.arguments += value
            return self._event(_ARGUMENTS[_kind(what)][0] + ".delta", **self._at(part), delta=value)
        if isinstance(what, Reasoning):
            return self._thought(event, what)
        return b""

    def _thought(self, event: Grown, what: Reasoning) -> bytes:
        if event.field in ("signature", "sealed"):
            setattr(what, event.field, getattr(what, event.field) + event.value)
            return b""
        out, before = b"", _words(what)
        if event.field == "summary":
            if event.fresh or not what.summary:
                out = self._summary_done(event.part, what) if what.summary else b""
                what.summary.append("")
            what.summary[-1] += event.value
        else:
            what.text += event.value
        words = _words(what)
        at = {**self._at(event.part), "summary_index": len(words) - 1}
        if len(words) > len(before):
            empty = {"type": "summary_text", "text": ""}
            out += self._event("response.reasoning_summary_part.added", **at, part=empty)
        return out + self._event("response.reasoning_summary_text.delta", **at, delta=event.value)

    def _summary_done(self, part: int, what: Reasoning) -> bytes:
        words = _words(what)
        at = {**self._at(part), "summary_index": len(words) - 1}
        told = {"type": "summary_text", "text": words[-1]}
        return self._event("response.reasoning_summary_text.done", **at, text=words[-1]) + self._event(
            "response.reasoning_summary_part.done", **at, part=told
        )

    def _cited(self, event: Cited) -> bytes:
        what = self._parts.get(event.part)
        if not isinstance(what, Text):
            return b""
        notes = self._notes.setdefault(event.part, [])
        notes.append(annotation(event.citation, len(what.text)))
        at = {**self._at(event.part, 0), "annotation_index": len(notes) - 1, "annotation": notes[-1]}
        return self._event("response.output_text.annotation.added", **at)

    def _closed(self, part: int) -> bytes:
        what = self._parts.get(part)
        if part not in self._places:
            return b""
        n, id_ = self._places[part]
        out = b""
        if isinstance(what, Text | Refusal):
            out, item = self._words_done(part, what, id_)
        elif isinstance(what, ToolCall):
            if _kind(what) == "function" and not what.arguments:
                out = self._grown(Grown(part, "arguments", "{}"))
            item = call(what, id_)
            kind, name = _ARGUMENTS[_kind(what)]
            named = {"name": group_of(what.name)[1]} if name == "arguments" else {}
            out += self._event(f"{kind}.done", **self._at(part), **named, **{name: what.arguments})
        else:
            assert isinstance(what, Reasoning)
            out = self._summary_done(part, what) if _words(what) else b""
            item = {**reasoning(what, id_), "id": id_}
        self._items[n] = item
        return out + self._event("response.output_item.done", output_index=n, item=item)

    def _words_done(self, part: int, what: Text | Refusal, id_: str) -> tuple[bytes, dict[str, Any]]:
        at = self._at(part, 0)
        told: dict[str, Any]
        if isinstance(what, Text):
            probs = self._logprobs.get(part, [])
            notes = self._notes.get(part, [])
            told = {"type": "output_text", "text": what.text, "annotations": notes, "logprobs": probs}
            out = self._event("response.output_text.done", **at, text=what.text, logprobs=probs)
        else:
            told = {"type": "refusal", "refusal": what.text}
            out = self._event("response.refusal.done", **at, refusal=what.text)
        return out + self._event("response.content_part.done", **at, part=told), message(id_, [told])

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        stop = self._stopped.stop if self._stopped is not None else "error"
        refused = any(isinstance(what, Refusal) for what in self._parts.values())
        whole = ended(self._frame, stop, self._items, self._usage, refused)
        kind = f"response.{whole['status']}"
        event = {"type": kind, "sequence_number": self._number}
        return final(whole, self._asked, lambda told: _framed(kind, {**event, "response": told}), self._size)


def _framed(kind: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), to_json(value))


def _kind(what: ToolCall) -> str:
    return "custom" if what.kind == "custom" else "function"


def _words(what: Reasoning) -> list[str]:
    return what.summary or ([what.text] if what.text else [])
