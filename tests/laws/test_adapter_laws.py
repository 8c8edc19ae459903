"""However a stream's bytes are cut into pieces, the same is read of it and the caller gets the same; no bytes make a dialect fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.core.codec import DecodeError
from trunkline.core.dialects import LINES
from trunkline.core.ports import Reading
from trunkline.plugins.adapters import ADAPTERS
from trunkline.testing import check_adapter, reading_of


def sse(*events: Any, newline: str = "\n") -> bytes:
    """Events of a stream: a dict is data, a tuple names its event, a string stands as it is."""
    out = ""
    for event in events:
        name, data = event if isinstance(event, tuple) else ("", event)
        text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
        out += (f"event: {name}{newline}" if name else "") + f"data: {text}{newline}{newline}"
    return out.encode()


def chat(content: str, **more: Any) -> dict[str, Any]:
    return {"id": "c", "model": "tiny-1", "choices": [{"index": 0, "delta": {"content": content}}], **more}


USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 2}}
RESPONSE = {
    "model": "tiny-1",
    "usage": {"input_tokens": 9, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}},
}
START = {
    "type": "message_start",
    "message": {
        "model": "tiny-1",
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 1},
    },
}
TEXT = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hä"}}
DELTA = {"type": "message_delta", "usage": {"output_tokens": 4}}
STOP = {"type": "message_stop"}
ANTHROPIC_ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
CREATED = ("response.created", {"type": "response.created"})
COMPLETED = ("response.completed", {"type": "response.completed", "response": RESPONSE})
FAILED = (
    "response.failed",
    {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "x"}}},
)
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "a"}]}}],
    "modelVersion": "tiny-1",
    "usageMetadata": {"promptTokenCount": 9},
}
GEMINI_LAST = {
    "candidates": [{"finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "cachedContentTokenCount": 2},
}
GEMINI_ERROR = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
OLLAMA = {"model": "tiny-1", "message": {"role": "assistant", "content": "hä"}, "done": False}
OLLAMA_LAST = {
    "model": "tiny-1",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 9,
    "eval_count": 4,
}
OLLAMA_ERROR = {"error": "server busy, please try again.  maximum pending requests exceeded"}
LAST_CHAT = {"model": "tiny-1", "choices": [], "usage": USAGE}
CHAT_ERROR = {"error": {"message": "overloaded", "type": "server_error"}}

NOTHING = (-1, -1, 0)
ALL = (9, 4, 2)
Said = tuple[tuple[int, int, int], str, bool, str]
STREAMS: dict[str, tuple[str, list[Any], Said]] = {
    "chat": ("openai-chat", [chat("a"), chat("b"), "[DONE]"], (NOTHING, "tiny-1", True, "")),
    "chat with usage": (
        "openai-chat",
        [chat("a", usage=None), chat("b"), LAST_CHAT, "[DONE]"],
        (ALL, "tiny-1", True, ""),
    ),
    "chat whose usage says that there is no error": (
        "openai-chat",
        [chat("a"), {**LAST_CHAT, "error": None}, "[DONE]"],
        (ALL, "tiny-1", True, ""),
    ),
    "chat that speaks of errors": (
        "openai-chat",
        [chat('{"error": 1}'), chat("[DONE]"), "[DONE]"],
        (NOTHING, "tiny-1", True, ""),
    ),
    "chat cut": ("openai-chat", [chat("a"), chat("b")], (NOTHING, "tiny-1", False, "")),
    "chat error": ("openai-chat", [chat("a"), CHAT_ERROR], (NOTHING, "tiny-1", False, "overloaded")),
    "chat error by name": (
        "openai-chat",
        [chat("a"), ("error", {"message": "overloaded"})],
        (NOTHING, "tiny-1", False, "overloaded"),
    ),
    "responses": ("openai-responses", [CREATED, COMPLETED], (ALL, "tiny-1", True, "")),
    "responses failed": ("openai-responses", [CREATED, FAILED], (NOTHING, "", False, "server_error")),
    "messages": (
        "anthropic-messages",
        [
            ("message_start", START),
            ("content_block_delta", TEXT),
            ("message_delta", DELTA),
            ("message_stop", STOP),
        ],
        (ALL, "tiny-1", True, ""),
    ),
    "messages error": (
        "anthropic-messages",
        [("message_start", START), ("error", ANTHROPIC_ERROR)],
        ((9, 1, 2), "tiny-1", False, "overloaded"),
    ),
    "ollama": ("ollama-chat", [OLLAMA, OLLAMA_LAST], ((9, 4, 0), "tiny-1", True, "")),
    "ollama in one line": ("ollama-chat", [{**OLLAMA, **OLLAMA_LAST}], ((9, 4, 0), "tiny-1", True, "")),
    "ollama cut": ("ollama-chat", [OLLAMA, OLLAMA], (NOTHING, "tiny-1", False, "")),
    "ollama that speaks of its end": (
        "ollama-chat",
        [{**OLLAMA, "message": {"content": '\n{"done":true,"error":"x"}\n'}}],
        (NOTHING, "tiny-1", False, ""),
    ),
    "ollama error": ("ollama-chat", [OLLAMA, OLLAMA_ERROR], (NOTHING, "tiny-1", False, "overloaded")),
    "gemini": ("gemini-generate", [GEMINI, GEMINI_LAST], (ALL, "tiny-1", True, "")),
    "gemini error": ("gemini-generate", [GEMINI, GEMINI_ERROR], ((9, -1, 0), "tiny-1", False, "overloaded")),
}
NEWLINES = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


def framed(name: str, newline: str, events: list[Any] | None = None) -> bytes:
    """A stream as its dialect frames it; lines of JSON never end in CR alone."""
    dialect, whole, _ = STREAMS[name]
    given = whole if events is None else events
    if dialect not in LINES:
        return sse(*given, newline=newline)
    end = "\n" if newline == "\r" else newline
    return "".join(json.dumps(one, ensure_ascii=False) + end for one in given).encode()


@pytest.mark.row("F7")
@pytest.mark.parametrize("newline", list(NEWLINES))
@pytest.mark.parametrize("name", list(STREAMS))
def test_any_cut_of_a_stream_reads_the_same(name: str, newline: str) -> None:
    check_adapter(ADAPTERS[STREAMS[name][0]], framed(name, NEWLINES[newline]))


@pytest.mark.row("O1", "F7")
@pytest.mark.parametrize("newline", list(NEWLINES))
@pytest.mark.parametrize("name", list(STREAMS))
def test_what_is_read_of_a_stream_is_what_it_says(name: str, newline: str) -> None:
    dialect, events, said = STREAMS[name]
    stream = framed(name, NEWLINES[newline])
    facts, passed, code = reading_of(ADAPTERS[dialect], [stream])
    reading = Reading(**facts)
    tokens = (reading.input, reading.output, reading.cached)
    assert (tokens, reading.model, reading.finished, code) == said
    # A failure after the opening alone is one before anything was told.
    good = [] if name in ("responses failed", "messages error") else events[:-1] if code else events
    assert passed == framed(name, NEWLINES[newline], good)


@settings(max_examples=60)
@given(st.sampled_from(list(STREAMS)), st.sampled_from(list(NEWLINES.values())), st.data())
def test_any_splits_of_a_stream_read_the_same(name: str, newline: str, data: st.DataObject) -> None:
    dialect, stream = STREAMS[name][0], framed(name, newline)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert reading_of(ADAPTERS[dialect], pieces) == reading_of(ADAPTERS[dialect], [stream])


JSONISH = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["usage", "error", "model", "choices", "prompt_tokens", "message", "type", "candidates",
                         "input_tokens", "usageMetadata", "promptTokenCount", "finish_reason", "delta"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(list(ADAPTERS)), JSONISH)
def test_no_json_makes_a_dialect_fail(dialect: str, value: Any) -> None:
    body, reading = json.dumps(value).encode(), Reading()
    try:
        ADAPTERS[dialect].read(body, reading)
    except DecodeError:
        assert b"NaN" in body or b"Infinity" in body
    ADAPTERS[dialect].watch(b"data: " + body + b"\n\n", reading)
    assert ADAPTERS[dialect].opens(b"data: " + body + b"\n\n") in (True, False)
    assert reading.input >= -1
    assert reading.output >= -1
    assert isinstance(reading.model, str)


@given(st.sampled_from(list(ADAPTERS)), st.binary())
def test_no_bytes_make_a_dialect_fail(dialect: str, body: bytes) -> None:
    reading = Reading()
    ADAPTERS[dialect].watch(body, reading)
    ADAPTERS[dialect].opens(body)
    try:
        ADAPTERS[dialect].read(body, reading)
    except DecodeError:
        return


class Forgetful:
    """A dialect that sees a failure only when it comes in a piece of its own."""

    name = "forgetful"

    def read(self, body: bytes, into: Reading) -> None:
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        into.output = len(block)
        return None

    def opens(self, block: bytes) -> bool:
        return False


def test_the_law_bites() -> None:
    with pytest.raises(AssertionError, match="another way"):
        check_adapter(Forgetful(), sse("one", "two"))
