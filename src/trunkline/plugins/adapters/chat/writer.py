"""Writes OpenAI Chat's streams for callers that speak it."""

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
from trunkline.plugins.adapters.chat.details import FORMATS, detail_of
from trunkline.plugins.adapters.chat.write_reply import REASONS, cited, probability, tool_call, usage

_DONE = b"data: [DONE]\n\n"


class ChatWriter:
    """One stream."""

    def __init__(self, asked: Request, changes: list[Change]) -> None:
        self._changes = changes
        self._usage_wanted = bool(asked.stream_usage)
        self._frame: dict[str, Any] = {}
        self._head = b""
        """A chunk up to its choices: the same in all of them."""
        self._usage: Usage | None = None
        self._parts: dict[tuple[int, int], Any] = {}
        self._numbers: dict[tuple[int, int], int] = {}
        """Of calls of tools and of thoughts: their index in the answer."""
        self._counts: dict[tuple[int, str], int] = {}
        self._begun: set[int] = set()
        self._length: dict[tuple[int, int], tuple[int, int]] = {}
        """Of texts: where they begin and how long they are."""
        self._citations: dict[tuple[int, int], list[Citation]] = {}
        """Of texts that still grow: where they end is not known yet."""
        self._argued: set[tuple[int, int]] = set()
        """Calls of tools whose arguments have begun."""
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
            self._frame = {
                "id": event.id,
                "object": "chat.completion.chunk",
                "created": int(event.created),
                "model": event.model,
            }
            self._head = b"data: " + to_json(self._frame)[:-1]
            self._usage = event.usage
            return b""
        if isinstance(event, Stopped):
            return self._start(event.choice) + self._chunk(event.choice, {}, REASONS[event.stop])
        if isinstance(event, Used):
            self._usage = event.usage
            return b""
        if isinstance(event, Cited):
            self._citations.setdefault((event.choice, event.part), []).append(event.citation)
            return b""
        if isinstance(event, Alive):
            return b": ping\n\n"
        assert isinstance(event, Ended)
        return self._end()

    def _end(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        if not self._usage_wanted or self._usage is None:
            return _DONE
        told = to_json(usage(self._usage))
        return self._head + b',"choices":[],"usage":' + told + b"}\n\n" + _DONE

    def _start(self, n: int) -> bytes:
        """The first chunk of a choice names the role."""
        if n in self._begun:
            return b""
        self._begun.add(n)
        return self._chunk(n, {"role": "assistant", "content": ""})

    def _chunk(self, n: int, delta: dict[str, Any], reason: str | None = None, logprobs: Any = None) -> bytes:
        choice = {"index": n, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return b'%b,"choices":[%b]}\n\n' % (self._head, to_json(choice))

    def _number(self, event: Opened, kind: str) -> int:
        at = (event.choice, kind)
        number = self._numbers[event.choice, event.part] = self._counts.get(at, 0)
        self._counts[at] = number + 1
        return number

    def _opened(self, event: Opened) -> bytes:
        n, what = event.choice, event.what
        self._parts[n, event.part] = what
        start = self._start(n)
        if isinstance(what, ToolCall):
            told = tool_call(what)
            inner = told["custom" if what.kind == "custom" else "function"]
            inner["input" if what.kind == "custom" else "arguments"] = what.arguments
            if what.arguments:
                self._argued.add((n, event.part))
            return start + self._chunk(n, {"tool_calls": [{"index": self._number(event, "call"), **told}]})
        if isinstance(what, Text):
            begin = sum(length for at, (_, length) in self._length.items() if at[0] == n)
            self._length[n, event.part] = (begin, len(what.text))
            if what.text:
                return start + self._chunk(n, {"content": what.text})
        elif isinstance(what, Refusal) and what.text:
            return start + self._chunk(n, {"refusal": what.text})
        elif isinstance(what, Reasoning):
            return start + self._thought(event, what)
        elif isinstance(what, Media):
            return start + self._media(n, what)
        elif isinstance(what, Opaque):
            kind = str(what.value.get("type", "opaque")) if isinstance(what.value, dict) else "opaque"
            self._changes.append(Change("dropped", "answer.part", kind))
        return start

    def _thought(self, event: Opened, what: Reasoning) -> bytes:
        number = self._number(event, "thought")
        if not (what.text or what.summary or what.sealed or what.signature):
            return b""
        delta: dict[str, Any] = {"reasoning_details": [detail_of(what, number)]}
        shown = what.text or "\n\n".join(what.summary)
        if shown:
            delta["reasoning_content"] = shown
        return self._chunk(event.choice, delta)

    def _media(self, n: int, what: Media) -> bytes:
        if what.kind == "audio":
            told = {"id": what.file, "data": what.data, "transcript": what.transcript}
            return self._chunk(n, {"audio": {name: value for name, value in told.items() if value}})
        if what.kind == "image" and (what.data or what.url):
            url = f"data:{what.mime or 'image/png'};base64,{what.data}" if what.data else what.url
            return self._chunk(n, {"images": [{"type": "image_url", "image_url": {"url": url}}]})
        return b""

    def _grown(self, event: Grown) -> bytes:
        n, field = event.choice, event.field
        what = self._parts.get((n, event.part))
        if field == "text" and isinstance(what, Text):
            begin, length = self._length[n, event.part]
            self._length[n, event.part] = (begin, length + len(event.value))
            logprobs = (
                {"content": [probability(p) for p in event.logprobs], "refusal": None}
                if event.logprobs
                else None
            )
            return self._chunk(n, {"content": event.value}, None, logprobs)
        if field == "text":
            return self._chunk(n, {"refusal": event.value})
        if field == "arguments":
            name, inner = (
                ("custom", "input")
                if what is not None and what.kind == "custom"
                else ("function", "arguments")
            )
            number = self._numbers[n, event.part]
            self._argued.add((n, event.part))
            return self._chunk(n, {"tool_calls": [{"index": number, name: {inner: event.value}}]})
        if isinstance(what, Reasoning):
            return self._chunk(n, self._thought_grown(event, what))
        if isinstance(what, Media) and what.kind == "audio":
            return self._chunk(n, {"audio": {field: event.value}})
        if field == "signature" and isinstance(what, ToolCall):
            google = {"google": {"thought_signature": event.value}}
            return self._chunk(
                n, {"tool_calls": [{"index": self._numbers[n, event.part], "extra_content": google}]}
            )
        return b""

    def _thought_grown(self, event: Grown, what: Reasoning) -> dict[str, Any]:
        value = "\n\n" + event.value if event.fresh else event.value
        kinds = {"thought": ("reasoning.text", "text"), "summary": ("reasoning.summary", "summary")}
        kind, name = kinds.get(event.field, ("reasoning.text", "signature"))
        if event.field == "sealed":
            kind, name = "reasoning.encrypted", "data"
        detail: dict[str, Any] = {"type": kind, name: value}
        if event.field in ("sealed", "signature") and what.id:
            detail["id"] = what.id
        detail["format"] = FORMATS.get(what.origin, "unknown")
        detail["index"] = self._numbers[event.choice, event.part]
        delta: dict[str, Any] = {"reasoning_details": [detail]}
        if event.field in ("thought", "summary"):
            delta["reasoning_content"] = value
        return delta

    def _closed(self, event: Closed) -> bytes:
        what = self._parts.get((event.choice, event.part))
        if (
            isinstance(what, ToolCall)
            and what.kind != "custom"
            and (event.choice, event.part) not in self._argued
        ):
            # Clients parse the arguments, also those of a tool without any.
            number = self._numbers[event.choice, event.part]
            return self._chunk(
                event.choice, {"tool_calls": [{"index": number, "function": {"arguments": "{}"}}]}
            )
        found = self._citations.pop((event.choice, event.part), None)
        if found is None:
            return b""
        begin, length = self._length.get((event.choice, event.part), (0, 0))
        return self._chunk(event.choice, cited(found, begin, length))
