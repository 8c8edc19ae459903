"""Server-sent events: any way of cutting and of ending lines gives the same events."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.wire.sse import Event, Splitter, TooLong


def split(stream: bytes, cuts: list[int] | None = None) -> list[Event]:
    splitter = Splitter()
    edges = [0, *sorted(cuts or []), len(stream)]
    events = [event for start, stop in pairwise(edges) for event in splitter.feed(stream[start:stop])]
    last = splitter.finish()
    assert b"".join(event.raw for event in [*events, *([last] if last else [])]) + splitter.rest == stream
    return [*events, *([last] if last else [])]


def brief(stream: bytes) -> list[tuple[str, str]]:
    return [(event.event, event.data) for event in split(stream)]


def test_an_openai_stream() -> None:
    stream = b'data: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n'
    assert split(stream) == [
        Event("message", '{"a":1}', "", b'data: {"a":1}\n\n'),
        Event("message", '{"a":2}', "", b'data: {"a":2}\n\n'),
        Event("message", "[DONE]", "", b"data: [DONE]\n\n"),
    ]


def test_an_anthropic_stream_with_a_ping() -> None:
    stream = b"event: message_start\r\ndata: {}\r\n\r\n: ping\r\n\r\nevent: message_stop\r\ndata: {}\r\n\r\n"
    assert split(stream) == [
        Event("message_start", "{}", "", b"event: message_start\r\ndata: {}\r\n\r\n"),
        Event("message_stop", "{}", "", b": ping\r\n\r\nevent: message_stop\r\ndata: {}\r\n\r\n"),
    ]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data:a\n\n", [("message", "a")]),
        (b"data: a\n\n", [("message", "a")]),
        (b"data:  a\n\n", [("message", " a")]),
        (b"data\n\n", [("message", "")]),
        (b"data:\n\n", [("message", "")]),
        (b"data: a\ndata: b\n\n", [("message", "a\nb")]),
        (b"data: a\ndata\ndata: b\n\n", [("message", "a\n\nb")]),
        (b"data: a:b: c\n\n", [("message", "a:b: c")]),
        (b"event: x\n\ndata: a\n\n", [("message", "a")]),
        (b"event: x\nevent: y\ndata: a\n\n", [("y", "a")]),
        (b"event:\ndata: a\n\n", [("message", "a")]),
        (b": comment\n\n", []),
        (b":\n\n:\n\ndata: a\n\n", [("message", "a")]),
        (b"retry: 10\nother: b\ndatax: c\ndata : d\n\n", []),
        (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [("message", "a"), ("message", "b")]),
        (b"data: a\r\rdata: b\r\r", [("message", "a"), ("message", "b")]),
        (b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\r", [("message", each) for each in "abcd"]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a")]),
        ("data: \u2028é\u0085ü\n\n".encode(), [("message", "\u2028é\u0085ü")]),
        (b"data: \x0b\x0c\x1c\n\n", [("message", "\x0b\x0c\x1c")]),
        (b"data: \xff\xfe\n\n", [("message", "\ufffd\ufffd")]),
        (b"data: a", [("message", "a")]),
        (b"data: a\n", [("message", "a")]),
        (b"data: a\r", [("message", "a")]),
        (b"data: a\r\n\r", [("message", "a")]),
        (b"event: x", []),
        (b"", []),
    ],
)
def test_fields_and_ends(stream: bytes, expected: list[tuple[str, str]]) -> None:
    assert brief(stream) == expected


def test_the_id_stays_until_the_next_one() -> None:
    stream = b"id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\nid\ndata: d\n\n"
    assert [(event.data, event.id) for event in split(stream)] == [
        ("a", "7"),
        ("b", "7"),
        ("c", "7"),
        ("d", ""),
    ]


def test_an_event_comes_with_its_last_byte() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: a\n") == []
    assert splitter.feed(b"\ndata: b") == [Event("message", "a", "", b"data: a\n\n")]
    assert splitter.rest == b"data: b"


@pytest.mark.row("P1")
def test_an_event_over_the_limit_is_refused_and_those_before_it_are_not_lost() -> None:
    splitter = Splitter(limit_bytes=20)
    with pytest.raises(TooLong, match="longer than 20 bytes") as caught:
        splitter.feed(b"data: a\n\ndata: " + b"x" * 20)
    assert [event.data for event in caught.value.events] == ["a"]
    with pytest.raises(TooLong):
        Splitter(limit_bytes=20).feed(b"data: " + b"x" * 20 + b"\n\n")
    patient = Splitter(limit_bytes=20)
    assert [patient.feed(b":") for _ in range(20)] == [[]] * 20
    with pytest.raises(TooLong):
        patient.feed(b":")


def test_a_line_of_many_megabytes_is_not_searched_again_and_again() -> None:
    splitter = Splitter(limit_bytes=8 << 20)
    searched = 0
    for _ in range(7 * 64):
        before = splitter._scanned
        assert splitter.feed(b"x" * 16_384) == []
        searched += len(splitter._buffer) - before
    assert searched < 2 * len(splitter._buffer)


line_end = st.sampled_from([b"\n", b"\r\n", b"\r"])
line = st.one_of(
    st.sampled_from([b"", b"data", b"data:", b"event: x", b"id: 1", b": c", b"retry: 5"]),
    st.text("aé€😀: \u2028", max_size=6).map(lambda text: b"data: " + text.encode()),
)
lines = st.lists(st.tuples(line, line_end), max_size=14)


@given(lines, st.booleans(), st.lists(st.integers(0, 200), max_size=12))
def test_any_cut_gives_the_same_events(lines: list[tuple[bytes, bytes]], bom: bool, cuts: list[int]) -> None:
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(text + end for text, end in lines)
    whole = split(stream)
    assert split(stream, [cut for cut in cuts if cut <= len(stream)]) == whole
    assert split(stream, list(range(len(stream)))) == whole


@given(lines)
def test_the_kind_of_line_end_makes_no_difference(lines: list[tuple[bytes, bytes]]) -> None:
    mixed: list[bytes] = []
    for text, end in lines:
        joins = mixed and mixed[-1].endswith(b"\r") and not text and end == b"\n"  # CR + LF would be one end
        mixed.append(text + (b"\r" if joins else end))
    plain = b"".join(text + b"\n" for text, _ in lines)
    assert brief(b"".join(mixed)) == brief(plain)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_no_bytes_break_it(noise: bytes, cuts: list[int]) -> None:
    assert split(noise, [cut for cut in cuts if cut <= len(noise)]) == split(noise)
