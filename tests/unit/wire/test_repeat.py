"""A head that repeats the one before is recognised by its bytes, and gets no better verdict than the parser would give."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from line import Line

from trunkline.wire.head import HeadReader
from trunkline.wire.repeat import Repeats
from trunkline.wire.request import Request

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nX-Key: k\r\nContent-Length: 5\r\nAccept: */*\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def read(head: bytes) -> Request:
    return HeadReader(head_bytes=32768, target_bytes=8192, fields=100, body_bytes=10000).read(head)


def remembering(head: bytes) -> Repeats:
    repeats = Repeats()
    repeats.remember(head, read(head))
    return repeats


def same(one: Request, other: Request) -> bool:
    """But for Content-Length, which stands in `length`."""
    headers = [field for field in other.headers if field[0] != b"content-length"]
    expected = msgspec.structs.replace(other, headers=headers, fields=dict(reversed(headers)))
    return all(getattr(one, name) == getattr(expected, name) for name in Request.__struct_fields__)


@pytest.mark.parametrize("length", [1, 5, 12, 4321])
def test_a_repeated_head_reads_as_the_parser_reads_it(length):
    head = HEAD.replace(b"Length: 5", b"Length: %d" % length)
    body = b"b" * length
    recalled = remembering(HEAD).recall(head + body, 10000)
    expected = read(head)
    expected.body = body
    assert recalled is not None
    assert same(recalled, expected)


def test_a_head_without_a_body_is_recalled_too():
    recalled = remembering(GET).recall(GET, 10000)
    assert recalled is not None
    assert same(recalled, read(GET))


def test_what_the_app_noted_of_a_head_is_there_when_it_comes_again():
    repeats, request = Repeats(), read(HEAD)
    repeats.remember(HEAD, request)
    request.memo["seen"] = 1
    again = repeats.recall(HEAD + b"hello", 10)
    assert again is not None
    assert again.memo == {"seen": 1}
    assert read(HEAD).memo == {}


@pytest.mark.parametrize(
    "data",
    [
        HEAD,
        HEAD + b"hell",
        HEAD + b"hello!",
        HEAD.replace(b": 5", b": 05") + b"hello",
        HEAD.replace(b": 5", b": +5") + b"hello",
        HEAD.replace(b": 5", b": ") + b"",
        HEAD.replace(b": 5", b": 0"),
        HEAD.replace(b": 5", b": 5 ") + b"hello",
        HEAD.replace(b": 5", b": 5\r\nX: y") + b"hello",
        HEAD.replace(b": 5", b": 5\rX") + b"hello",
        HEAD.replace(b": 5", b": \xc2\xb2") + b"he",
        HEAD.replace(b": 5", b": 123456789") + b"hello",
        HEAD.replace(b"k", b"l") + b"hello",
        HEAD.replace(b": 5", b": 11") + b"hello world",
    ],
)
def test_whatever_else_differs_is_for_the_parser(data):
    assert remembering(HEAD).recall(data, 10) is None


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 9000 + b"\r\n\r\n",
    ],
)
def test_heads_of_other_kinds_are_not_remembered(head):
    assert remembering(head).recall(head, 10000) is None


def test_a_connection_of_many_clients_is_left_alone_after_a_few():
    repeats = Repeats()
    for number in range(9):
        head = GET.replace(b"/x", b"/%d" % number)
        assert repeats.recall(head, 10) is None
        repeats.remember(head, read(head))
    assert repeats.recall(head, 10) is None


async def test_an_idle_connection_forgets_what_its_client_sent():
    line = Line()
    line.feed(GET)
    assert line.connection._repeats.recall(GET, 10) is not None
    line.server.sweep(6.0)
    assert line.connection._repeats.recall(GET, 10) is None


@given(
    edits=st.lists(st.tuples(st.integers(0, len(HEAD) + 4), st.binary(max_size=3)), max_size=2),
    length=st.integers(0, 20),
)
async def test_a_used_connection_judges_like_a_fresh_one(edits, length):
    data = HEAD.replace(b"Length: 5", b"Length: %d" % length) + b"b" * length
    for at, new in edits:
        data = data[:at] + new + data[at + len(new) :]
    fresh, used = Line(), Line()
    fresh.feed(data)
    used.feed(HEAD + b"hello")
    used.feed(data)
    assert (used.statuses(), used.seen, used.ended) == (
        [200, *fresh.statuses()],
        ["POST /x hello", *fresh.seen],
        fresh.ended,
    )


def test_before_any_head_is_remembered_nothing_repeats_whatever_the_bytes():
    for data in (b"", b"\x00", b"\x00" * 40, b"GET / HTTP/1.1\r\n\r\n"):
        assert Repeats().recall(data, 1 << 20) is None
