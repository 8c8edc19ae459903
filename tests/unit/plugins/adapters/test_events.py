"""Whole server-sent events are taken apart as the standard says (WHATWG HTML, 9.2)."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.adapters.events import data_of, holds_any
from trunkline.wire.sse import Splitter

LINES = st.sampled_from(
    [
        "data: a",
        "data:b",
        "data",
        "event: e",
        "event:",
        ": note",
        "id: 1",
        "retry: 5",
        "data:  c",
        "data: ",
        "data:",
        "datum: x",
        "data x",
    ]
)


@pytest.mark.parametrize(
    ("block", "events"),
    [
        (b"data: 1\n\ndata: 2\n\n", [(b"", b"1"), (b"", b"2")]),
        (b"event: e\r\ndata: 1\r\ndata: 2\r\n\r\n", [(b"e", b"1\n2")]),
        (b"data:1\r\r", [(b"", b"1")]),
        (b": note\n\nevent: only\n\n", []),
        (b"data\n\n", [(b"", b"")]),
        (b"", []),
    ],
)
def test_events(block: bytes, events: list[tuple[bytes, bytes]]) -> None:
    assert list(data_of(block)) == events


@given(st.lists(st.lists(LINES, min_size=1, max_size=4), max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
def test_it_reads_as_the_splitter_of_the_wire_does(blocks: list[list[str]], newline: str) -> None:
    stream = "".join(newline.join(lines) + newline * 2 for lines in blocks).encode()
    splitter = Splitter()
    events = [*splitter.feed(stream), splitter.finish()]
    wanted = [(event.event, event.data) for event in events if event is not None]
    assert [(name.decode() or "message", data.decode()) for name, data in data_of(stream)] == wanted


def test_a_long_event_is_copied_once() -> None:
    block = b'data: {"filler":"' + b"a" * 1_000_000 + b'"}\n\ndata: [DONE]\n\n'
    tracemalloc.start()
    try:
        sizes = [len(data) for _, data in data_of(block)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [1_000_013, 6]
    assert peak < 1_100_000


@given(st.binary(max_size=12), st.lists(st.binary(min_size=1, max_size=2), max_size=4))
def test_a_block_holds_any_of_its_marks(block: bytes, marks: list[bytes]) -> None:
    assert holds_any(block, tuple(marks)) == any(mark in block for mark in marks)
