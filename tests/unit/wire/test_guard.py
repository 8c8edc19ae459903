"""What the guard lets through and what it refuses, as pure decisions on bytes."""

import pytest

from trunkline.wire import guard
from trunkline.wire.guard import Refusal, RequestLine


def verdict(decision, *arguments):
    """The status and code of a refusal, or what was decided."""
    try:
        return decision(*arguments)
    except Refusal as refusal:
        return refusal.status, refusal.code


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET /x?y=1 HTTP/1.1", RequestLine("GET", b"/x?y=1", 1, None)),
        (b"POST / HTTP/1.0", RequestLine("POST", b"/", 0, None)),
        (b"OPTIONS * HTTP/1.1", RequestLine("OPTIONS", b"*", 1, None)),
        (b"GET http://a:80/x HTTP/1.1", RequestLine("GET", b"/x", 1, b"a:80")),
        (b"OPTIONS http://a HTTP/1.1", RequestLine("OPTIONS", b"*", 1, b"a")),
        (b"GET  / HTTP/1.1", (400, "bad_request_line")),
        (b"GET / HTTP/2.0", (505, "unknown_version")),
        (b"BREW / HTTP/1.1", (501, "unknown_method")),
        (b"CONNECT a:443 HTTP/1.1", (405, "method_not_allowed")),
        (b"GET /a/../b HTTP/1.1", (400, "bad_target")),
        (b"GET /%00 HTTP/1.1", (400, "bad_target")),
        (b"GET /" + b"x" * 64 + b" HTTP/1.1", (414, "target_too_long")),
    ],
)
def test_request_line(line, expected):
    assert verdict(guard.request_line, line, 64) == expected


def test_version_is_judged_before_method_and_target():
    assert verdict(guard.request_line, b"PRI * HTTP/2.0", 64) == (505, "unknown_version")


@pytest.mark.parametrize(
    "value", [b"a", b"a.example:8080", b"[::1]", b"[2001:db8::1]:443", b"127.0.0.1", b"a:"]
)
def test_sound_hosts(value):
    assert verdict(guard.check_host, value) is None


@pytest.mark.parametrize(
    "value", [b"", b"a,b", b"u@a", b"a/b", b"a b", b"a:65536", b"a:b", b"[::1", b"[1::2::3]", b"\xff"]
)
def test_hosts_that_could_mislead(value):
    assert verdict(guard.check_host, value) == (400, "bad_host")


@pytest.mark.parametrize(
    ("value", "minor", "expected"),
    [
        (b"chunked", 1, None),
        (b"Chunked", 1, None),
        (b"gzip, chunked", 1, (501, "unknown_coding")),
        (b"chunked, gzip", 1, (400, "bad_framing")),
        (b"chunked", 0, (400, "bad_framing")),
    ],
)
def test_transfer_coding(value, minor, expected):
    assert verdict(guard.check_coding, value, minor) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"0", 0),
        (b"10", 10),
        (b"11", (413, "request_too_large")),
        (b"010", (400, "bad_framing")),
        (b"+1", (400, "bad_framing")),
    ],
)
def test_content_length(value, expected):
    assert verdict(guard.content_length, value, 10) == expected


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (b"", None),
        (b"\r", None),
        (b"\r\n", None),
        (b"GE", None),
        (b"GET / HTTP/1.1\r\nHost: a\r", None),
        (b"\r\n\r", (400, "bad_request_line")),
        (b"\x16\x03", (400, "bad_request_line")),
        (b"GET / HTTP/3.0\r\n", (505, "unknown_version")),
        (b"GET / HTTP/1.1\r\nHost: a\nX: b", (400, "bad_line_end")),
        (b"GET / HTTP/1.1\r\nHost: a\rX: b", (400, "bad_line_end")),
        (b"GET /" + b"x" * 200, (414, "target_too_long")),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 300, (431, "head_too_large")),
    ],
)
def test_an_unfinished_head_is_refused_as_soon_as_it_is_lost(held, expected):
    assert verdict(guard.check_beginning, held, 100, 256) == expected


def test_fields_that_must_stand_once():
    assert verdict(guard.check_unique, [(b"x", b"1"), (b"x", b"2")]) is None
    assert verdict(guard.check_unique, [(b"origin", b"1"), (b"origin", b"1")]) == (400, "repeated_field")


def test_trailers_that_would_have_had_to_be_headers():
    assert verdict(guard.check_trailers, [b"x-checksum"]) is None
    assert verdict(guard.check_trailers, [b"x-checksum", b"authorization"]) == (400, "bad_trailer")
