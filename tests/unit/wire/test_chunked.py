"""Chunked bodies come off the wire with the exact end of their message."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.wire.chunked import ChunkedReader
from trunkline.wire.guard import Refusal


def encoded(chunks: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]


pieces = st.lists(
    st.one_of(st.binary(min_size=1, max_size=30), st.sampled_from([b"\r\n\r\n", b"0\r\n\r\n", b"\r\n"]))
)


@given(
    chunks=pieces,
    after=st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"\r\n", b"\x00"]),
    places=st.lists(st.integers(0, 999)),
)
def test_any_split_gives_the_same_body_and_the_same_end(chunks, after, places):
    reader, body, rest = ChunkedReader(), b"", b""
    for part in cut(encoded(chunks) + after, places):
        if reader.ended:
            rest += part
        else:
            body += b"".join(reader.feed(part))
            rest += reader.rest
    assert (body, reader.ended, rest) == (b"".join(chunks), True, after)


def test_trailers_are_dropped():
    reader = ChunkedReader()
    assert reader.feed(b"2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\nnext") == [b"hi"]
    assert (reader.ended, reader.rest) == (True, b"next")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"5\nhello\r\n0\r\n\r\n", (400, "bad_chunk")),
        (b"5;" + b"x" * 17000, (400, "bad_chunk")),
        (b"0" * 17000, (400, "bad_chunk")),
        (b"0\r\nhost: a\r\n\r\n", (400, "bad_trailer")),
        (b"0\r\n" + b"x: y\r\n" * 101 + b"\r\n", (431, "too_many_fields")),
    ],
)
def test_broken_bodies_are_refused(data, expected):
    with pytest.raises(Refusal) as refused:
        ChunkedReader(100).feed(data)
    assert (refused.value.status, refused.value.code) == expected


def test_many_small_chunks_are_no_attack():
    reader = ChunkedReader()
    assert b"".join(reader.feed(encoded([b"x"] * 20000))) == b"x" * 20000
