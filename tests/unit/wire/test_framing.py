"""Reply framing: the same replies, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.wire.errors import Aborted, BadReply
from trunkline.wire.framing import BODY, SURPLUS, WHOLE, ClientLimits, ReplyReader

Seen = tuple[int, list[tuple[bytes, bytes]], bytes, str, bool]


def read(
    wire: bytes, *, cuts: list[int] | None = None, head_only: bool = False, limits: ClientLimits | None = None
) -> Seen:
    """Feed `wire` in pieces; status, headers, body, how it stands at the end of the connection, kept?"""
    reader = ReplyReader(limits or ClientLimits())
    body: list[bytes] = []
    reader.begin(head_only, body.append)
    edges = [0, *sorted(cuts or []), len(wire)]
    for start, stop in pairwise(edges):
        if stop > start:
            reader.feed(wire[start:stop])
    surplus = reader.stage == SURPLUS
    ended = reader.stage >= WHOLE or reader.end()
    keep = reader.keep and reader.stage == WHOLE
    return (
        reader.status,
        reader.headers,
        b"".join(body),
        "surplus" if surplus else "whole" if ended else "cut",
        keep,
    )


def every_way(wire: bytes) -> list[list[int]]:
    """Whole, byte by byte, and every cut in two."""
    return [[], list(range(1, len(wire))), *([cut] for cut in range(1, len(wire)))]


GOOD: dict[str, tuple[bytes, Seen]] = {
    "content-length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        (200, [(b"content-length", b"3")], b"abc", "whole", True),
    ),
    "empty body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        (200, [(b"content-length", b"0")], b"", "whole", True),
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        (200, [(b"transfer-encoding", b"chunked")], b"abcde", "whole", True),
    ),
    "chunked with trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\nSet-Cookie: a=b\r\nX-T: 1\r\n\r\n",
        (200, [(b"transfer-encoding", b"Chunked")], b"abc", "whole", True),
    ),
    "until the connection ends": (
        b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nabc",
        (200, [(b"x", b"y")], b"abc", "whole", False),
    ),
    "HTTP/1.0 until the connection ends": (b"HTTP/1.0 200 OK\r\n\r\nabc", (200, [], b"abc", "whole", False)),
    "HTTP/1.0 kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
        (200, [(b"connection", b"keep-alive"), (b"content-length", b"1")], b"a", "whole", True),
    ),
    "HTTP/1.0 not kept": (
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        (200, [(b"content-length", b"1")], b"a", "whole", False),
    ),
    "closing": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
        (200, [(b"connection", b"close"), (b"content-length", b"1")], b"a", "whole", False),
    ),
    "204 with a length": (
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        (204, [(b"content-length", b"5")], b"", "whole", True),
    ),
    "304 with a length": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        (304, [(b"content-length", b"5")], b"", "whole", True),
    ),
    "interim replies": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        (200, [(b"content-length", b"1")], b"a", "whole", True),
    ),
    "repeated and padded fields": (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie:  b \t\r\nContent-Length: 0 \r\n\r\n",
        (200, [(b"set-cookie", b"a"), (b"set-cookie", b"b"), (b"content-length", b"0")], b"", "whole", True),
    ),
    "an offer to upgrade": (
        b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\na",
        (
            200,
            [(b"upgrade", b"h2c"), (b"connection", b"Upgrade"), (b"content-length", b"1")],
            b"a",
            "whole",
            True,
        ),
    ),
    "no reason": (
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        (200, [(b"content-length", b"0")], b"", "whole", True),
    ),
    "a status of their own": (
        b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
        (999, [(b"content-length", b"0")], b"", "whole", True),
    ),
    "cut in the body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        (200, [(b"content-length", b"3")], b"ab", "cut", False),
    ),
    "cut in a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        (200, [(b"transfer-encoding", b"chunked")], b"ab", "cut", False),
    ),
    "cut before the last chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        (200, [(b"transfer-encoding", b"chunked")], b"abc", "cut", False),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_reply_is_read_alike_however_it_is_cut(name: str) -> None:
    wire, expected = GOOD[name]
    for cuts in every_way(wire):
        assert read(wire, cuts=cuts) == expected, cuts


HEADS_OF_NO_BODY = {
    "with a length": b"Content-Length: 5\r\n",
    "chunked": b"Transfer-Encoding: chunked\r\n",
    "neither": b"",
}


@pytest.mark.parametrize("name", HEADS_OF_NO_BODY)
def test_a_reply_to_head_ends_with_its_head(name: str) -> None:
    wire = b"HTTP/1.1 200 OK\r\n" + HEADS_OF_NO_BODY[name] + b"\r\n"
    for cuts in every_way(wire):
        status, _, body, state, keep = read(wire, cuts=cuts, head_only=True)
        assert (status, body, state, keep) == (200, b"", "whole", True), cuts


def test_the_reader_is_ready_for_the_next_reply_after_a_head() -> None:
    reader = ReplyReader(ClientLimits())
    body: list[bytes] = []
    reader.begin(True, body.append)
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
    assert (reader.stage, reader.keep) == (WHOLE, True)
    reader.begin(False, body.append)
    reader.feed(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
    assert (reader.stage, reader.status, body) == (WHOLE, 201, [b"ok"])


LINE = b"HTTP/1.1 200 OK\r\n"
CHUNKED = LINE + b"Transfer-Encoding: chunked\r\n\r\n"
BAD: dict[str, bytes] = {
    "length then chunked": LINE
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunked then length": LINE
    + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a list of lengths": LINE + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": LINE + b"Content-Length: +3\r\n\r\nabc",
    "an empty length": LINE + b"Content-Length:\r\n\r\nabc",
    "an endless length": LINE + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "gzip coding": LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "two codings": LINE + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two codings, chunked first": LINE
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity coding": LINE + b"Transfer-Encoding: identity\r\n\r\nabc",
    "chunked not last": LINE + b"Transfer-Encoding: chunked, gzip\r\n\r\nabc",
    "chunked on 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "NUL in a value": LINE + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "NUL in a name": LINE + b"X\0: a\r\nContent-Length: 0\r\n\r\n",
    "NUL in the reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "a control character in a value": LINE + b"X: \x01\r\nContent-Length: 0\r\n\r\n",
    "a folded field": LINE + b"X: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": LINE + b"Content-Length : 3\r\n\r\nabc",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTML": b"<!doctype html><title>Wi-Fi login</title>",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "status 099": b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
    "status 20": b"HTTP/1.1 20 OK\r\n\r\n",
    "switched protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "interim reply with a body": b"HTTP/1.1 104 Odd\r\nContent-Length: 2\r\n\r\nab"
    + LINE
    + b"Content-Length: 0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a hexadecimal prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than told": CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
    "a length among the trailers": CHUNKED + b"1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n",
}


@pytest.mark.row("P1")
@pytest.mark.parametrize("name", BAD)
def test_a_reply_whose_framing_cannot_be_trusted_is_refused_however_it_is_cut(name: str) -> None:
    wire = BAD[name]
    for cuts in every_way(wire):
        with pytest.raises(BadReply) as caught:
            read(wire, cuts=cuts)
        assert caught.value.sent


FIELD = b"X-Field: 0123456789\r\n"
TOO_MUCH: dict[str, bytes] = {
    "201 fields": LINE + FIELD * 201 + b"\r\n",
    "one field of 70 KB": LINE + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "a head without end": LINE + b"X: " + b"a" * 70_000,
    "a reason without end": b"HTTP/1.1 200 " + b"a" * 70_000,
    "17 interim replies": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + LINE + b"Content-Length: 0\r\n\r\n",
    "a chunk extension without end": CHUNKED + b"3;" + b"a" * 600_000,
    "zeros without end": CHUNKED + b"0" * 600_000,
    "trailers without end": CHUNKED + b"0\r\n" + FIELD * 30_000,
}


@pytest.mark.row("P1")
@pytest.mark.parametrize("piece", [1_000, 65_536, 262_144])
@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_reply_that_spends_without_end_is_refused(name: str, piece: int) -> None:
    wire = TOO_MUCH[name]
    with pytest.raises(BadReply):
        read(wire, cuts=list(range(piece, len(wire), piece)))


def test_as_much_as_is_allowed_is_read() -> None:
    heads = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 16
    wire = heads + LINE + FIELD * 199 + b"Content-Length: 0\r\n\r\n"
    assert read(wire)[3:] == ("whole", True)
    slow = CHUNKED + b"1\r\na\r\n" * 30_000 + b"0\r\n\r\n"  # much framing, but a byte of body each time
    assert read(slow, cuts=list(range(1_000, len(slow), 1_000)))[3:] == ("whole", True)


SURPLUSES = {
    "a second reply": LINE + b"Content-Length: 1\r\n\r\nz",
    "a second reply that streams": LINE + b"\r\nz",
    "a body that was not announced": b"zzz",
    "the beginning of a reply": b"H",
    "an interim reply": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("first", ["content-length", "chunked", "204 with a length", "closing"])
@pytest.mark.parametrize("name", SURPLUSES)
def test_bytes_after_the_end_spoil_the_connection_and_not_the_reply(name: str, first: str) -> None:
    wire, (status, headers, body, _, _) = GOOD[first]
    assert read(wire + SURPLUSES[name]) == (status, headers, body, "surplus", False)


@pytest.mark.parametrize("name", SURPLUSES)
def test_bytes_after_a_reply_to_head_are_surplus(name: str) -> None:
    for head in HEADS_OF_NO_BODY.values():
        wire = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n"
        status, _, body, state, keep = read(wire + SURPLUSES[name], head_only=True)
        assert (status, body, state, keep) == (200, b"", "surplus", False)


def test_a_sink_that_raises_ends_the_exchange_by_our_fault() -> None:
    def sink(data: bytes) -> None:
        raise LookupError("no room")

    reader = ReplyReader(ClientLimits())
    reader.begin(False, sink)
    with pytest.raises(Aborted) as caught:
        reader.feed(LINE + b"Content-Length: 1\r\n\r\na")
    assert str(caught.value) == "the reply's consumer raised LookupError"


def test_nothing_reaches_a_sink_that_was_stopped_in_the_same_feed() -> None:
    got: list[bytes] = []
    reader = ReplyReader(ClientLimits())

    def sink(data: bytes) -> None:
        got.append(data)
        reader.stop()

    reader.begin(False, sink)
    reader.feed(CHUNKED + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
    assert got == [b"a"]


token = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(str.encode)
value = st.text('abc 019;=\t"é', max_size=20).map(lambda text: text.strip().encode())
reserved = {b"content-length", b"transfer-encoding", b"connection", b"proxy-connection", b"upgrade"}


@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    fields=st.lists(st.tuples(token.filter(lambda name: name not in reserved), value), max_size=8),
    pieces=st.lists(st.binary(min_size=1, max_size=30), max_size=8),
    chunked=st.booleans(),
    interim=st.integers(0, 3),
    cuts=st.lists(st.integers(1, 600), max_size=20),
)
def test_any_honest_reply_is_read_back_exactly(
    status: int,
    fields: list[tuple[bytes, bytes]],
    pieces: list[bytes],
    chunked: bool,
    interim: int,
    cuts: list[int],
) -> None:
    body = b"".join(pieces)
    if chunked:
        framing = (b"transfer-encoding", b"chunked")
        tail = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        framing, tail = (b"content-length", b"%d" % len(body)), body
    lines = b"".join(b"%b: %b\r\n" % field for field in [*fields, framing])
    wire = b"HTTP/1.1 100 Continue\r\n\r\n" * interim + b"HTTP/1.1 %d X\r\n%b\r\n%b" % (status, lines, tail)
    cut_here = [cut for cut in cuts if cut < len(wire)]
    assert read(wire, cuts=cut_here) == (status, [*fields, framing], body, "whole", True)


@given(st.binary(max_size=200), st.lists(st.integers(1, 200), max_size=5), st.booleans())
def test_no_bytes_do_more_than_make_a_bad_reply(noise: bytes, cuts: list[int], headed: bool) -> None:
    wire = (LINE + b"X: " if headed else b"HTTP/1.1 ") + noise
    try:
        status, _, _, state, keep = read(wire, cuts=[cut for cut in cuts if cut < len(wire)])
    except BadReply:
        return
    assert state in ("whole", "cut", "surplus")
    assert status == 0 or 200 <= status <= 999
    assert not (keep and state == "cut")
    assert BODY < WHOLE < SURPLUS
