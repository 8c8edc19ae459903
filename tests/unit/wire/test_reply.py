"""What a reply writes, for each kind of request and body."""

from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.wire.outbox import Direct
from trunkline.wire.reply import Reply

DATE = b"date: Sat, 21 Nov 2026 00:00:00 GMT\r\n"


class Line:
    """Stands in for a connection: keeps writes and how the reply ended."""

    def __init__(self, complete: bool = True) -> None:
        self.writes: list[bytes] = []
        self.transport: Any = SimpleNamespace(write=self.writes.append)
        self.outbox = Direct()
        self.date = DATE
        self.end: tuple[str, bool] | None = None
        self._complete = complete

    def complete(self) -> bool:
        return self._complete

    def ended(self, keep: bool) -> None:
        self.end = ("ended", keep)

    def cut(self, reset: bool) -> None:
        self.end = ("cut", reset)


def reply(line: Line, method: str = "GET", minor: int = 1, keep: bool = True) -> Reply:
    return Reply(line, method == "HEAD", minor, keep)


def test_a_whole_reply_is_one_write():
    line = Line()
    one = reply(line)
    one.send(200, b"x: y\r\n", b"hello")
    assert line.writes == [b"HTTP/1.1 200 OK\r\nx: y\r\n" + DATE + b"content-length: 5\r\n\r\nhello"]
    assert (line.end, one.started, one.closed) == (("ended", True), True, True)


def test_a_date_of_the_app_is_kept():
    line = Line()
    reply(line).send(200, b"date: x\r\n", b"")
    assert line.writes == [b"HTTP/1.1 200 OK\r\ndate: x\r\ncontent-length: 0\r\n\r\n"]


@pytest.mark.parametrize(
    ("method", "minor", "keep", "status", "expected"),
    [
        ("HEAD", 1, True, 200, b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\n\r\n"),
        ("GET", 1, True, 204, b"HTTP/1.1 204 No Content\r\n" + DATE + b"\r\n"),
        ("GET", 1, True, 304, b"HTTP/1.1 304 Not Modified\r\n" + DATE + b"\r\n"),
        ("GET", 1, True, 529, b"HTTP/1.1 529 \r\n" + DATE + b"content-length: 5\r\n\r\nhello"),
        (
            "GET",
            1,
            False,
            200,
            b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\nconnection: close\r\n\r\nhello",
        ),
        (
            "GET",
            0,
            True,
            200,
            b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\nconnection: keep-alive\r\n\r\nhello",
        ),
        (
            "GET",
            0,
            False,
            200,
            b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\nconnection: close\r\n\r\nhello",
        ),
    ],
)
def test_whole_replies_of_every_kind(method, minor, keep, status, expected):
    line = Line()
    reply(line, method, minor, keep).send(status, b"", b"hello")
    assert (line.writes, line.end) == ([expected], ("ended", keep))


def test_a_reply_before_the_request_is_complete_closes():
    line = Line(complete=False)
    reply(line).send(401, b"", b"")
    assert line.end == ("ended", False)
    assert b"connection: close\r\n" in line.writes[0]


def test_a_chunked_stream():
    line = Line()
    one = reply(line)
    one.start(200, b"", None)
    one.write(b"hello")
    one.write(b"")
    one.write(b"x" * 17)
    one.end()
    assert line.writes == [
        b"HTTP/1.1 200 OK\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n",
        b"5\r\nhello\r\n",
        b"11\r\n" + b"x" * 17 + b"\r\n",
        b"0\r\n\r\n",
    ]
    assert line.end == ("ended", True)


def test_a_stream_to_http_1_0_ends_with_the_connection():
    line = Line()
    one = reply(line, minor=0)
    one.start(200, b"", None)
    one.write(b"hello")
    one.end()
    assert line.writes == [b"HTTP/1.1 200 OK\r\n" + DATE + b"connection: close\r\n\r\n", b"hello"]
    assert line.end == ("ended", False)


def test_a_stream_of_known_length():
    line = Line()
    one = reply(line)
    one.start(200, b"", 5)
    one.write(b"hel")
    one.write(b"lo")
    one.end()
    assert line.writes[0].endswith(b"content-length: 5\r\n\r\n")
    assert (line.writes[1:], line.end) == ([b"hel", b"lo"], ("ended", True))


@pytest.mark.parametrize("pieces", [[b"hel"], [b"hello!"], [b"hel", b"lo!"]])
def test_more_or_fewer_bytes_than_promised_cut_the_connection(pieces):
    line = Line()
    one = reply(line)
    one.start(200, b"", 5)
    for piece in pieces:
        one.write(piece)
    one.end()
    assert line.end == ("cut", False)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("length", [None, 5])
def test_streams_without_a_body_write_none(method, status, length):
    line = Line()
    one = reply(line, method)
    one.start(status, b"", length)
    one.write(b"hello")
    one.end()
    assert (len(line.writes), line.end) == (1, ("ended", True))


@pytest.mark.parametrize(
    ("minor", "length", "reset"), [(1, None, False), (1, 5, False), (0, None, True), (0, 5, False)]
)
def test_an_abort_shows_as_a_broken_transfer(minor, length, reset):
    line = Line()
    one = reply(line, minor=minor)
    one.start(200, b"", length)
    one.write(b"hel")
    written = len(line.writes)
    one.abort()
    one.end()
    assert (len(line.writes), line.end) == (written, ("cut", reset))


def test_an_end_without_a_beginning_is_a_cut():
    line = Line()
    reply(line).end()
    assert (line.writes, line.end) == ([], ("cut", False))


def test_nothing_is_written_once_closed():
    line = Line()
    one = reply(line)
    one.send(200, b"", b"")
    for call in (
        lambda: one.send(200, b"", b""),
        lambda: one.start(200, b"", 1),
        lambda: one.write(b"x"),
        one.end,
        one.abort,
        one.probe,
    ):
        call()
    one.interim(103)
    assert len(line.writes) == 1


def test_interim_replies_come_before_the_final_one_and_never_to_http_1_0():
    line = Line()
    one = reply(line)
    one.interim(103)
    one.send(200, b"", b"")
    old = Line()
    reply(old, minor=0).interim(103)
    assert (line.writes[0], len(line.writes), old.writes) == (b"HTTP/1.1 103 Early Hints\r\n\r\n", 2, [])


def test_a_hang_up_is_told_once():
    told: list[str] = []
    one = reply(Line())
    one.hangup = lambda: told.append("gone")
    one.lost()
    one.lost()
    assert (told, one.closed) == (["gone"], True)


def test_probes_are_harmless_bytes():
    waiting, chunked, sized = Line(), Line(), Line()
    reply(waiting).probe()
    one = reply(chunked)
    one.start(200, b"", None)
    one.probe()
    one.write(b"hello")
    two = reply(sized)
    two.start(200, b"", 5)
    two.probe()
    assert waiting.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert chunked.writes[1:] == [b"0", b"5\r\nhello\r\n"]
    assert len(sized.writes) == 1
