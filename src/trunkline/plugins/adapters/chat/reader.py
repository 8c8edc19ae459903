"""Reads OpenAI Chat's streams: chunks with deltas, in which text and calls of tools grow side by side.

A part is closed when the next one of its choice begins; calls of tools that grow by turns (some servers announce all, then send the
arguments in turns) are closed at the end.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Alive, Began, Cited, Closed, Ended, Event, Grown, Opened, Stopped, Used
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.conversation import Media, Reasoning, Refusal, Request, Text, ToolCall, Untranslatable
from trunkline.plugins.adapters.chat.details import read_detail
from trunkline.plugins.adapters.chat.read_reply import (
    STOPS,
    citations_of,
    probabilities,
    thought_of,
)
from trunkline.plugins.adapters.events import data_of
from trunkline.plugins.adapters.fitting import own_name
from trunkline.plugins.adapters.members import an_object
from trunkline.plugins.adapters.usage.chat import usage_of

Key = tuple[str, Any]


class _Growing:
    """One choice of a stream."""

    __slots__ = ("arguments", "count", "late", "open", "parts", "stopped")

    def __init__(self) -> None:
        self.parts: dict[Key, int] = {}
        """What is growing, by what it is; its number."""
        self.open: Key | None = None
        self.late: list[Key] = []
        """Calls of tools that were not whole when the next one began; they grow by turns."""
        self.arguments: dict[Key, list[str]] = {}
        self.count = 0
        self.stopped = False


class ChatReader:
    """One stream."""

    def __init__(self, asked: Request, dialect: str = "openai-chat") -> None:
        self._asked = asked
        self._dialect = dialect
        self._began = False
        self._ended = False
        self._choices: dict[int, _Growing] = {}
        self._refused: set[int] = set()

    def feed(self, block: bytes) -> list[Event]:
        """Raises Untranslatable."""
        events: list[Event] = []
        for _, data in data_of(block):
            if data == b"[DONE]":
                events += self.finish()
            else:
                self._chunk(an_object(from_json(data), "chunk"), events)
        if not events and block.startswith(b":"):
            events.append(Alive())
        return events

    def finish(self) -> list[Event]:
        """The stream has ended."""
        if self._ended:
            return []
        self._ended = True
        return [Ended()]

    def _chunk(self, said: dict[str, Any], events: list[Event]) -> None:
        # Azure's first chunk may tell its filter's verdict on the prompt alone, without id and model.
        if not self._began and (said.get("id") or said.get("choices")):
            self._began = True
            created = said.get("created")
            events.append(
                Began(
                    id=str(said.get("id") or ""),
                    model=str(said.get("model") or ""),
                    created=float(created) if isinstance(created, int | float) else 0.0,
                )
            )
        for choice in said.get("choices") or ():
            self._choice(an_object(choice, "choices"), events)
        used = usage_of(said.get("usage"), said.get("service_tier"))
        if used is not None:
            events.append(Used(used))

    def _choice(self, said: dict[str, Any], events: list[Event]) -> None:
        n = said.get("index")
        index = n if isinstance(n, int) else 0
        growing = self._choices.get(index)
        if growing is None:
            growing = self._choices[index] = _Growing()
        delta = said.get("delta")
        if isinstance(delta, dict):
            self._delta(delta, index, growing, said, events)
        reason = said.get("finish_reason")
        if reason and not growing.stopped:
            growing.stopped = True
            self._close_all(index, growing, events)
            stop = "refusal" if index in self._refused else STOPS.get(str(reason), "end")
            if stop == "end" and growing.arguments:
                stop = "tool"  # OpenAI says `stop` after a call that the caller forced.
            events.append(
                Stopped(stop=stop, said=str(reason), choice=index, safety=said.get("content_filter_results"))
            )

    def _delta(
        self, delta: dict[str, Any], n: int, growing: _Growing, said: dict[str, Any], events: list[Event]
    ) -> None:
        self._thoughts(delta, n, growing, events)
        content = delta.get("content")
        for one in content if isinstance(content, list) else [content]:
            text = self._chunk_of_content(one, n, growing, events) if isinstance(one, dict) else one
            if isinstance(text, str) and text:
                part = self._part(("text", 0), Text(text=""), n, growing, events)
                grown = Grown(part, "text", text, n)
                if said.get("logprobs"):
                    grown.logprobs = probabilities(said["logprobs"])
                events.append(grown)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused.add(n)
            part = self._part(("refusal", 0), Refusal(text=""), n, growing, events)
            events.append(Grown(part, "text", refusal, n))
        for call in delta.get("tool_calls") or ():
            self._call(an_object(call, "tool_calls"), n, growing, events)
        older = delta.get("function_call")
        if isinstance(older, dict):
            self._call({"index": 0, "id": older.get("name"), "function": older}, n, growing, events)
        audio = delta.get("audio")
        if isinstance(audio, dict):
            self._audio(audio, n, growing, events)
        for citation in citations_of(delta):
            part = self._part(("text", 0), Text(text=""), n, growing, events)
            events.append(Cited(part, citation, n))

    def _thoughts(self, delta: dict[str, Any], n: int, growing: _Growing, events: list[Event]) -> None:
        details = delta.get("reasoning_details")
        if isinstance(details, list) and details:
            for one in details:
                self._detail(an_object(one, "reasoning_details"), n, growing, events)
            return
        text = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(text, str) and text:
            part = self._part(("thought", 0), Reasoning(origin="openai-chat"), n, growing, events)
            events.append(Grown(part, "thought", text, n))

    def _chunk_of_content(
        self, said: dict[str, Any], n: int, growing: _Growing, events: list[Event]
    ) -> str | None:
        """Mistral's parts of content: a thought grows here; a text is given back."""
        if said.get("type") != "thinking":
            text = said.get("text")
            return text if isinstance(text, str) else None
        one = thought_of(said, self._dialect)
        part = self._part(("thought", 0), Reasoning(origin=self._dialect), n, growing, events)
        if one.text:
            events.append(Grown(part, "thought", one.text, n))
        if one.signature:
            events.append(Grown(part, "signature", one.signature, n))
        return None

    def _detail(self, said: dict[str, Any], n: int, growing: _Growing, events: list[Event]) -> None:
        one = read_detail(said)
        key = ("thought", said.get("index", 0))
        part = self._part(key, Reasoning(origin=one.origin, id=one.id), n, growing, events)
        if one.text:
            events.append(Grown(part, "thought", one.text, n))
        if one.summary:
            events.append(Grown(part, "summary", one.summary[0], n))
        if one.signature:
            events.append(Grown(part, "signature", one.signature, n))
        if one.sealed:
            events.append(Grown(part, "sealed", one.sealed, n))

    def _call(self, said: dict[str, Any], n: int, growing: _Growing, events: list[Event]) -> None:
        kind = "custom" if said.get("type") == "custom" or "custom" in said else "function"
        inner = said.get(kind)
        inner = inner if isinstance(inner, dict) else {}
        key = ("call", said.get("index", said.get("id")))
        if key not in growing.parts and "name" not in inner:
            raise Untranslatable("a call of a tool begins without its name")
        google = (said.get("extra_content") or {}).get("google") or {}
        what = ToolCall(
            id=str(said.get("id") or ""),
            name=own_name(self._asked, str(inner.get("name") or "")),
            kind="custom" if kind == "custom" else "function",
            signature=str(google.get("thought_signature") or ""),
        )
        part = self._part(key, what, n, growing, events)
        arguments = inner.get("input" if kind == "custom" else "arguments")
        told = growing.arguments.setdefault(key, [])
        if isinstance(arguments, str) and arguments:
            told.append(arguments)
            events.append(Grown(part, "arguments", arguments, n))

    def _audio(self, said: dict[str, Any], n: int, growing: _Growing, events: list[Event]) -> None:
        what = Media(kind="audio", file=str(said.get("id") or ""))
        part = self._part(("audio", 0), what, n, growing, events)
        for name, field in (("data", "data"), ("transcript", "transcript")):
            if said.get(name):
                events.append(Grown(part, field, str(said[name]), n))  # type: ignore[arg-type]

    def _part(self, key: Key, what: Any, n: int, growing: _Growing, events: list[Event]) -> int:
        """The number of a part that grows; it is opened first, if it is new."""
        number = growing.parts.get(key)
        if number is not None and (key == growing.open or key[0] == "call"):
            return number
        before = growing.open
        if before is not None and before[0] == key[0] == "call" and not _is_whole(growing.arguments[before]):
            growing.late.append(before)
        else:
            self._close(n, growing, events)
        number = growing.parts[key] = growing.count
        growing.count += 1
        growing.open = key
        events.append(Opened(part=number, what=what, choice=n))
        return number

    @staticmethod
    def _close(n: int, growing: _Growing, events: list[Event]) -> None:
        if growing.open is not None:
            events.append(Closed(growing.parts[growing.open], n))
            growing.open = None

    def _close_all(self, n: int, growing: _Growing, events: list[Event]) -> None:
        events += [Closed(growing.parts[key], n) for key in growing.late]
        growing.late = []
        self._close(n, growing, events)


def _is_whole(arguments: list[str]) -> bool:
    """Whether a call of a tool has all its arguments, so that it can be told before the next one."""
    try:
        from_json("".join(arguments))
    except DecodeError:
        return False
    return True
