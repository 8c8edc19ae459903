"""The canonical form loses nothing: what is read of a dialect and written in the same dialect is what it was; a stream cut anywhere gives
the same events; and what is written from other dialects can be read again.

A codec joins by its requests in `REQUESTS` (tests/laws/requests.py) and by the cases of tests/golden/translation.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.translation.play import CASES, framed
from tests.golden.translation.vendors import VENDORS
from tests.laws.requests import REQUESTS
from trunkline.core.answer import Closed, Ended, Event, Opened, Stopped
from trunkline.core.codec import DecodeError
from trunkline.core.conversation import Change, Request
from trunkline.core.dialects import LINES
from trunkline.core.ports import Codec, Facts
from trunkline.engine.frames import frames_of
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A2")

CHATS = sorted(name for name, codec in CODECS.items() if codec.kind == "chat" and name in REQUESTS)
"""Those that callers speak."""
STREAMS = [
    pytest.param(
        CODECS[vendor.dialect],
        framed(vendor.dialect, case.stream(vendor) or []),
        id=f"{vendor.name}-{case.name}",
    )
    for case in CASES
    for vendor in VENDORS.values()
    if case.stream(vendor) is not None and "error" not in case.name
]
REPLIES = [
    pytest.param(CODECS[vendor.dialect], case.reply(vendor), id=f"{vendor.name}-{case.name}")
    for case in CASES
    for vendor in VENDORS.values()
    if case.reply(vendor) and "error" not in case.name and vendor.dialect in CHATS
]
ASKED = Request(dialect="openai-chat", stream=True, stream_usage=True)


def blocks(dialect: str, pieces: list[bytes]) -> list[bytes]:
    """Whole events, as engine/relay.py hands them on."""
    held, out = b"", []
    for piece in pieces:
        held += piece
        cut = frames_of(dialect).boundary(b"", held)
        if cut > 0:
            out.append(held[:cut])
            held = held[cut:]
    return out


def read(codec: Codec, pieces: list[bytes]) -> list[Event]:
    """What a reader makes of a stream in pieces."""
    reader = codec.reader(ASKED)
    events = [event for block in blocks(codec.dialect, pieces) for event in reader.feed(block)]
    return events + reader.finish()


@pytest.mark.parametrize("dialect", CHATS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_request_read_and_written_in_its_own_dialect_is_what_it_was(dialect: str, data: Any) -> None:
    said = data.draw(REQUESTS[dialect])
    changes: list[Change] = []
    codec = CODECS[dialect]
    request = codec.read_request(json.dumps(said).encode(), changes)
    request.model, request.stream = said.get("model", ""), said.get("stream", False)

    assert json.loads(codec.write_request(request, Facts("claude-x"), changes).body) == said
    assert changes == []


@pytest.mark.parametrize(("codec", "said"), REPLIES)
def test_an_answer_read_and_written_in_its_own_dialect_says_the_same(
    codec: Codec, said: dict[str, Any]
) -> None:
    first = codec.read_reply(json.dumps(said).encode(), ASKED)
    changes: list[Change] = []
    again = codec.read_reply(codec.write_reply(first, ASKED, changes), ASKED)

    assert meant(again) == meant(first)
    assert changes == []


def meant(value: Any) -> Any:
    """What an answer means: without the vendor's own words for it and how it was spelled."""
    value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {name: meant(inner) for name, inner in value.items() if name not in ("said", "form", "safety")}
    return [meant(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("dialect", sorted({codec.values[0].dialect for codec in STREAMS}))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_stream_cut_anywhere_gives_the_same_events(dialect: str, data: Any) -> None:
    codec = CODECS[dialect]
    stream = data.draw(st.sampled_from([one.values[1] for one in STREAMS if one.values[0] is codec]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    assert read(codec, pieces) == read(codec, [stream])


@pytest.mark.parametrize(("codec", "stream"), STREAMS)
def test_a_stream_event_by_event_is_what_it_is_at_once(codec: Codec, stream: bytes) -> None:
    end = b"\r\n\r\n" if b"\r\n\r\n" in stream else frames_of(codec.dialect).end

    assert read(codec, [event + end for event in stream.split(end) if event]) == read(codec, [stream])


@pytest.mark.parametrize(("codec", "stream"), STREAMS)
def test_events_come_in_their_order(codec: Codec, stream: bytes) -> None:
    events = read(codec, [stream])

    assert type(events[0]).__name__ == "Began"
    assert isinstance(events[-1], Ended)
    assert sum(isinstance(event, Ended) for event in events) == 1
    opened = [(e.choice, e.part) for e in events if isinstance(e, Opened)]
    closed = [(e.choice, e.part) for e in events if isinstance(e, Closed)]
    assert sorted(opened) == sorted(closed)
    assert len(set(opened)) == len(opened)
    assert any(isinstance(event, Stopped) for event in events)


@pytest.mark.parametrize("dialect", CHATS)
@pytest.mark.parametrize(("codec", "stream"), STREAMS)
def test_what_is_written_of_a_stream_can_be_read_again(codec: Codec, stream: bytes, dialect: str) -> None:
    told: list[Change] = []
    writer = CODECS[dialect].writer(ASKED, told)
    written = writer.write(read(codec, [stream]))

    again = read(CODECS[dialect], [written])
    stops = [event.stop for event in read(codec, [stream]) if isinstance(event, Stopped)]
    if CODECS[dialect].kind == codec.kind:
        assert [e.stop for e in again if isinstance(e, Stopped)][:1] == [_as_told(stops[0], dialect)]
    assert isinstance(again[-1], Ended)


def _as_told(stop: str, dialect: str) -> str:
    """Chat has fewer reasons, and Ollama none for a refusal."""
    if dialect == "ollama-chat" and stop == "refusal":
        return "end"
    fewer = {"stop_sequence": "end", "pause": "end", "context": "length", "error": "end"}
    return fewer.get(stop, stop) if dialect != "anthropic-messages" else stop


NAMES = ["type", "role", "content", "messages", "choices", "delta", "message", "tool_calls", "function"]
NAMES += ["name", "index", "input", "usage", "text", "id"]
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("dialect", CHATS)
@settings(max_examples=80, deadline=None)
@given(value=JSONISH)
def test_no_body_makes_a_reader_fail_but_by_saying_what_is_wrong(dialect: str, value: Any) -> None:
    codec, body = CODECS[dialect], json.dumps(value).encode()
    for act in (
        lambda: codec.read_request(body, []),
        lambda: codec.read_reply(body, ASKED),
        lambda: codec.reader(ASKED).feed(body if dialect in LINES else b"data: " + body + b"\n\n"),
    ):
        try:
            act()
        except (ValueError, DecodeError, TypeError, KeyError, AttributeError, IndexError):
            continue
