"""What is read without the parser is read as the parser reads it, and what is unusual is left to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.wire.errors import WireError
from trunkline.wire.framing import WHOLE, ClientLimits, ReplyReader
from trunkline.wire.plain import PlainReader

USUAL = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: keep-alive\r\nX-Request-Id:  r-1 \r\n\r\n{}"
)


def reader() -> PlainReader:
    return PlainReader(head_bytes=4096, fields=20)


def parsed(wire: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes, bool] | None:
    """As the parser reads it, which gets it in two pieces; None where that is no whole reply."""
    replies = ReplyReader(ClientLimits(head_bytes=4096, fields=20))
    pieces: list[bytes] = []
    replies.begin(False, pieces.append)
    try:
        replies.feed(wire[:9])
        replies.feed(wire[9:])
    except WireError:
        return None
    if replies.stage != WHOLE:
        return None
    return replies.status, replies.headers, b"".join(pieces), replies.keep


def test_a_usual_reply_is_read_and_its_lines_are_remembered() -> None:
    plain = reader()
    for _ in range(2):
        found = plain.read(USUAL)
        assert found is not None
        status, headers, fields, body = found
        assert (status, headers, body, True) == parsed(USUAL)
        assert fields[b"x-request-id"] == b"r-1"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(USUAL[:-1], id="cut"),
        pytest.param(USUAL + b"x", id="surplus"),
        pytest.param(USUAL.replace(b"200 OK", b"404 Not Found"), id="failure"),
        pytest.param(USUAL.replace(b"200 OK", b"204 No Content"), id="no content"),
        pytest.param(USUAL.replace(b"200 OK", b"200 O\0K"), id="NUL in the reason"),
        pytest.param(USUAL.replace(b"HTTP/1.1", b"HTTP/1.0"), id="another version"),
        pytest.param(USUAL.replace(b"keep-alive", b"close"), id="closes"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Transfer-Encoding: chunked"), id="chunked"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Content-Length: 2"), id="two lengths"),
        pytest.param(USUAL.replace(b"Length: 2", b"Length: +2"), id="signed length"),
        pytest.param(USUAL.replace(b"Length: 2", b"Length: \xb2"), id="a length that is no ASCII digit"),
        pytest.param(USUAL.replace(b"Content-Length: 2\r\n", b""), id="no length"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Server : nginx"), id="space before the colon"),
        pytest.param(USUAL.replace(b"Server: nginx", b" folded"), id="folded"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Server: n\rginx"), id="bare CR"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Server: n\nginx"), id="bare LF"),
        pytest.param(USUAL.replace(b"Server: nginx", b"Server: n\x00x"), id="NUL"),
        pytest.param(USUAL.replace(b"Server: nginx", b"nothing"), id="no colon"),
        pytest.param(USUAL.replace(b"nginx", b"n" * 5000), id="a head too long"),
        pytest.param(USUAL.replace(b"Server", b"A: b\r\n" * 20 + b"Server"), id="too many fields"),
    ],
)
def test_the_unusual_is_the_parsers(wire: bytes) -> None:
    assert reader().read(wire) is None


LINE = st.one_of(
    st.sampled_from(
        [
            b"Server: nginx",
            b"Content-Type: a/b",
            b"X-A:",
            b"X-A:\t b \t",
            b"Connection: keep-alive",
            b"Connection: close",
            b"X\x80: a",
        ]
    ),
    st.sampled_from(
        [
            b"Content-Length: 2",
            b"content-length:2",
            b"Content-Length: 02",
            b"Transfer-Encoding: chunked",
            b"Upgrade: h2c",
        ]
    ),
    st.binary(min_size=1, max_size=12),
)


@given(
    st.sampled_from([b"200 OK", b"200 ", b"200", b"201 \xff", b"299 x"]),
    st.lists(LINE, max_size=4),
    st.sampled_from([b"{}", b"", b"abc"]),
)
def test_whatever_is_read_is_what_the_parser_reads(status: bytes, lines: list[bytes], body: bytes) -> None:
    wire = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *lines, b"", body])
    found = reader().read(wire)
    if found is not None:
        assert (found[0], found[1], found[3], True) == parsed(wire)
