"""A request made up in the process, and a reply that is gathered."""

from __future__ import annotations

from trunkline.engine.inside import Asked, Gathered, Room
from trunkline.testing import request


class Ends:
    """Counts how often an end was told."""

    def __init__(self) -> None:
        self.told = 0

    def __call__(self) -> None:
        self.told += 1


def gathered(limit: int = 100, room: Room | None = None) -> tuple[Gathered, Ends, Ends]:
    ended, hung_up = Ends(), Ends()
    reply = Gathered(ended, limit, room)
    reply.hangup = hung_up
    return reply, ended, hung_up


def test_a_request_comes_from_where_its_cause_came_and_is_framed_anew() -> None:
    cause = request("GET", "/x", b"", ("accept", "a"))
    headers = [
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"content-length", b"99"),
        (b"transfer-encoding", b"chunked"),
        (b"accept-encoding", b"gzip"),
    ]
    asked = Asked("POST", b"/y?key=1", headers, b"body", cause)
    assert asked.headers == [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"4")]
    assert (asked.fields[b"x-a"], asked.peer, asked.secure, asked.stream) == (b"1", "192.0.2.1", False, None)
    assert repr(asked) == "<Asked POST /y>"
    assert Asked("GET", b"/y", [], b"", cause).headers == []


def test_a_whole_reply() -> None:
    reply, ended, hung_up = gathered()
    reply.send(200, b"Content-Type: text/plain\r\nx-a: 1: 2\r\n", b"body")
    assert (reply.status, reply.body, reply.fields) == (
        200,
        b"body",
        [(b"content-type", b"text/plain"), (b"x-a", b"1: 2")],
    )
    assert (reply.whole, reply.closed, ended.told, hung_up.told) == (True, True, 1, 0)
    reply.send(500, b"", b"no")
    reply.end()
    reply.abort()
    reply.give_up()
    assert (reply.status, reply.body, ended.told, hung_up.told) == (200, b"body", 1, 0)


def test_a_stream_and_one_that_is_cut() -> None:
    reply, ended, _ = gathered()
    reply.start(200, b"", None)
    reply.write(b"a")
    reply.write(b"b")
    assert (reply.started, reply.closed, ended.told) == (True, False, 0)
    reply.abort()
    reply.write(b"c")
    assert (reply.body, reply.whole, ended.told) == (b"ab", False, 1)


def test_giving_up_is_hanging_up() -> None:
    reply, ended, hung_up = gathered()
    reply.give_up()
    assert (reply.closed, reply.whole, ended.told, hung_up.told) == (True, False, 1, 1)
    early, ended, _ = gathered()
    early.hangup = None
    early.give_up()
    assert ended.told == 1


def test_what_is_too_long_is_given_up() -> None:
    reply, ended, hung_up = gathered(limit=3)
    reply.start(200, b"", None)
    reply.write(b"abc")
    assert not reply.outgrown
    reply.write(b"d")
    assert (reply.outgrown, reply.body, ended.told, hung_up.told) == (True, b"", 1, 1)


def test_several_share_a_room_and_who_is_given_up_gives_its_part_back() -> None:
    room = Room(5)
    first, second, third = (gathered(room=room)[0] for _ in range(3))
    first.write(b"abc")
    second.write(b"de")
    second.write(b"f")
    assert (first.outgrown, second.outgrown, room.left) == (False, True, 2)
    third.write(b"gh")
    assert (third.outgrown, room.left) == (False, 0)
