"""From the bytes of a head to a Request."""

import pytest

from trunkline.wire.guard import Refusal
from trunkline.wire.head import HeadReader


def reader() -> HeadReader:
    return HeadReader(head_bytes=32768, target_bytes=8192, fields=100, body_bytes=1000)


def test_names_are_lowered_values_stripped_and_order_kept():
    request = reader().read(
        b"POST /x HTTP/1.1\r\nHOST: a\r\nX-B: 2 \r\nX-A:\t1\r\nX-b: 3\r\nContent-Length: 5\r\n\r\n"
    )
    assert request.headers == [
        (b"host", b"a"),
        (b"x-b", b"2"),
        (b"x-a", b"1"),
        (b"x-b", b"3"),
        (b"content-length", b"5"),
    ]
    assert request.fields == {b"host": b"a", b"x-b": b"2", b"x-a": b"1", b"content-length": b"5"}
    assert (request.method, request.target, request.minor, request.length) == ("POST", b"/x", 1, 5)


def test_a_head_without_fields():
    request = reader().read(b"GET / HTTP/1.0\r\n\r\n")
    assert (request.headers, request.fields, request.persistent) == ([], {}, False)


def test_a_chunked_body_has_no_length():
    assert reader().read(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").length is None


def test_an_accepted_absolute_target_is_compared_with_host_each_time():
    heads = reader()
    assert heads.read(b"GET http://a/x HTTP/1.1\r\nhost: a\r\n\r\n").target == b"/x"
    with pytest.raises(Refusal) as refused:
        heads.read(b"GET http://a/x HTTP/1.1\r\nhost: b\r\n\r\n")
    assert refused.value.code == "bad_host"


def test_an_accepted_line_still_needs_a_host():
    heads = reader()
    heads.read(b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n")
    with pytest.raises(Refusal):
        heads.read(b"GET /x HTTP/1.1\r\n\r\n")


def test_secrets_are_not_remembered():
    heads = reader()
    heads.read(
        b"GET /x?key=sk-test-a HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-test-b\r\nx-api-key: sk-test-c\r\n\r\n"
    )
    lines = heads._field.__self__  # type: ignore[attr-defined]
    assert b"host: a" in lines
    assert [line for line in [*lines, *heads._lines] if b"sk-test" in line] == []


def test_what_is_remembered_is_bounded():
    heads = reader()
    for number in range(10000):
        heads.read(b"GET /%d HTTP/1.1\r\nhost: h%d\r\n\r\n" % (number, number))
    lines = heads._field.__self__  # type: ignore[attr-defined]
    assert max(len(heads._lines), len(heads._hosts), len(lines)) <= 4096


def test_a_refusal_names_the_grammar_and_not_the_value():
    with pytest.raises(Refusal) as refused:
        reader().read(b"GET / HTTP/1.1\r\nhost: a\r\nauthorization: sk-test-\x00\r\n\r\n")
    assert (refused.value.status, refused.value.code) == (400, "bad_head")
    assert "sk-test" not in refused.value.reason


def test_an_error_leaves_nothing_behind_for_the_next_head():
    heads = reader()
    with pytest.raises(Refusal):
        heads.read(b"POST / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n")
    assert heads.read(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").headers == [(b"host", b"a")]


@pytest.mark.parametrize(
    ("line", "persistent"),
    [
        (b"HTTP/1.1\r\n", True),
        (b"HTTP/1.1\r\nconnection: keep-alive\r\n", True),
        (b"HTTP/1.1\r\nconnection: a, Close\r\n", False),
        (b"HTTP/1.0\r\n", False),
        (b"HTTP/1.0\r\nconnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0\r\nconnection: keep-alive, close\r\n", False),
    ],
)
def test_whether_the_connection_persists(line, persistent):
    assert reader().read(b"GET / " + line + b"host: a\r\n\r\n").persistent is persistent
