"""One connection's life, without a socket and without waiting: bytes in, bytes out, the clock in the tests' hands."""

import asyncio

import pytest
from line import Line

from trunkline.wire.body import BodyCut
from trunkline.wire.server import Reply, Request, ServerLimits

GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
SMALL = ServerLimits(buffer_limit=10, body_bytes=1000, held_bytes=200, linger_bytes=500)


def post(length: int | None, body: bytes = b"") -> bytes:
    framing = b"transfer-encoding: chunked" if length is None else b"content-length: %d" % length
    return b"POST / HTTP/1.1\r\nhost: a\r\n" + framing + b"\r\n\r\n" + body


class App:
    """A handler that only keeps what it got."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.hangups = 0
        self.flows: list[bool] = []

    def __call__(self, request: Request, reply: Reply) -> None:
        reply.hangup = self._hung_up
        reply.flow = self.flows.append
        self.requests.append(request)
        self.replies.append(reply)

    def _hung_up(self) -> None:
        self.hangups += 1


async def test_a_request_tells_where_it_came_from():
    line = Line()
    line.feed(GET)
    assert [(request.peer, request.secure) for request in line.requests] == [("192.0.2.7", False)]


async def test_the_next_pipelined_request_waits_for_the_reply():
    app = App()
    line = Line(app)
    line.feed(GET + b"GET /2 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert [request.target for request in app.requests] == [b"/"]
    app.replies[0].send(200, b"", b"")
    assert [request.target for request in app.requests] == [b"/", b"/2"]


async def test_a_client_that_pipelines_without_end_is_not_read():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(GET + GET)
    assert line.wire.reading
    line.feed(GET * 10)
    assert not line.wire.reading
    for number in range(12):
        app.replies[number].send(200, b"", b"")
    assert line.wire.reading
    assert len(app.replies) == 12


async def test_a_client_that_does_not_read_gets_no_further_requests_served():
    line = Line()
    line.connection.pause_writing()
    line.feed(GET)
    assert line.seen == []
    line.connection.resume_writing()
    assert line.seen == ["GET / "]


async def test_a_long_body_is_handed_on_as_a_stream():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(post(30, b"x" * 10))
    assert app.requests == []
    line.feed(b"y")
    request = app.requests[0]
    assert request.stream is not None
    assert (request.body, request.stream.length) == (b"x" * 10 + b"y", 19)
    line.feed(b"z" * 19 + GET)
    assert [piece async for piece in request.stream] == [b"z" * 19]
    assert len(app.requests) == 1
    app.replies[0].send(200, b"", b"")
    assert len(app.requests) == 2


async def test_a_long_chunked_body_is_handed_on_as_a_stream():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(post(None, b"c\r\n" + b"x" * 12 + b"\r\n"))
    request = app.requests[0]
    assert request.stream is not None
    assert (request.body, request.stream.length) == (b"x" * 12, None)
    line.feed(b"2\r\nhi\r\n0\r\n\r\n")
    assert [piece async for piece in request.stream] == [b"hi"]
    assert line.connection.complete()


async def test_a_reader_that_falls_behind_stops_the_client():
    app = App()
    line = Line(app)
    line.feed(post(3 << 20, b"x" * ((1 << 20) + 1)))
    line.feed(b"x" * 300_000)
    assert not line.wire.reading
    assert app.requests[0].stream is not None
    await anext(app.requests[0].stream)
    assert line.wire.reading


async def test_a_chunked_body_over_the_limit_is_refused_and_the_call_is_told():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(post(None, b"b\r\n" + b"x" * 11 + b"\r\n"))
    line.feed(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    assert line.statuses() == [413]
    assert app.hangups == 1
    assert app.requests[0].stream is not None
    with pytest.raises(BodyCut):
        _ = [piece async for piece in app.requests[0].stream]


async def test_a_reply_before_the_body_is_here_closes_and_listens_on():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(post(800, b"x" * 20))
    app.replies[0].send(401, b"", b"")
    assert (line.statuses(), line.wire.finished, line.wire.closed) == ([401], True, False)
    line.feed(b"x" * 400)
    assert not line.wire.closed
    line.feed(b"x" * 400)
    assert line.wire.aborted


async def test_broken_chunks_in_a_started_reply_cut_it():
    app = App()
    line = Line(app, limits=SMALL)
    line.feed(post(None, b"b\r\n" + b"x" * 11 + b"\r\n"))
    app.replies[0].start(200, b"", None)
    line.feed(b"zz\r\n")
    assert line.wire.closed
    assert line.wire.written.count(b"HTTP/1.1") == 1
    assert app.hangups == 1


async def test_a_hang_up_is_told_at_once_and_silences_the_reply():
    app = App()
    line = Line(app)
    line.feed(GET)
    line.connection.connection_lost(None)
    app.replies[0].send(200, b"", b"")
    assert (app.hangups, app.replies[0].closed, bytes(line.wire.written)) == (1, True, b"")
    assert line.server.connections == 0


async def test_a_slow_client_slows_the_reply_down():
    app = App()
    line = Line(app)
    line.feed(GET)
    line.connection.pause_writing()
    line.connection.resume_writing()
    assert app.flows == [True, False]


async def test_a_half_close_lets_the_call_finish():
    app = App()
    line = Line(app)
    line.feed(GET)
    line.feed_eof()
    assert not line.wire.closed
    app.replies[0].send(200, b"", b"")
    assert (line.statuses(), line.wire.closed, app.hangups) == ([200], True, 0)
    assert b"connection: close" in line.wire.written


async def test_requests_that_came_before_a_half_close_are_all_served():
    app = App()
    line = Line(app)
    line.feed(GET + GET)
    line.feed_eof()
    app.replies[0].send(200, b"", b"")
    assert not line.ended
    app.replies[1].send(200, b"", b"")
    assert (line.statuses(), line.wire.closed) == ([200, 200], True)


async def test_half_a_request_before_a_half_close_is_refused_in_its_turn():
    app = App()
    line = Line(app)
    line.feed(GET + GET[:10])
    line.feed_eof()
    assert line.statuses() == []
    app.replies[0].send(200, b"", b"")
    assert (line.statuses(), line.wire.closed) == ([200, 400], True)


async def test_a_body_that_nobody_read_does_not_leave_the_client_unread():
    app = App()
    line = Line(app)
    line.feed(post(2 << 20, b"x" * ((1 << 20) + 1)))
    line.feed(b"x" * ((1 << 20) - 1))
    assert not line.wire.reading
    app.replies[0].send(200, b"", b"")
    assert line.wire.reading
    line.feed(GET)
    assert len(app.requests) == 2


async def test_a_handler_that_raises_costs_only_its_own_request():
    failures: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["message"]))

    def raising(request: Request, reply: Reply) -> None:
        raise ZeroDivisionError

    line = Line(raising)
    line.feed(GET)
    assert line.statuses() == [500]
    line.feed(GET)
    assert (line.statuses(), failures) == ([500, 500], ["the request handler raised"] * 2)


# Time: `sweep` is given the hour


async def test_an_idle_connection_is_closed_without_a_word():
    line = Line()
    line.server.sweep(75.0)
    assert not line.ended
    line.server.sweep(75.5)
    assert (line.ended, bytes(line.wire.written)) == (True, b"")


async def test_a_stray_line_end_does_not_make_a_connection_busy():
    line = Line()
    line.feed(GET + b"\r\n")
    line.server.sweep(60.0)
    assert (line.ended, line.statuses(), line.server.active) == (False, [200], 0)
    line.server.sweep(76.0)
    assert line.ended
    assert line.statuses() == [200]


async def test_a_stray_line_end_takes_no_time_from_the_next_head():
    line = Line()
    line.feed(GET + b"\r\n")
    line.server.sweep(60.0)
    line.feed(GET[:10])
    line.server.sweep(61.0)
    line.feed(GET[10:])
    assert line.statuses() == [200, 200]


async def test_a_trickled_head_is_told_408():
    line = Line()
    for second in range(12):
        line.server.sweep(float(second))
        line.feed(GET[second : second + 1])
    assert line.statuses() == [408]
    assert line.ended


async def test_a_trickled_body_is_told_408():
    line = Line()
    line.feed(post(100_000))
    line.server.sweep(10.0)
    assert line.statuses() == []
    line.feed(b"x" * 5000)
    line.server.sweep(10.5)
    assert line.statuses() == [408]


async def test_a_body_at_the_least_rate_is_served():
    line = Line()
    line.feed(post(10_000))
    for second in range(20):
        line.server.sweep(float(second))
        line.feed(b"x" * 500)
    assert line.statuses() == [200]


async def test_a_body_that_we_do_not_read_is_not_called_slow():
    app = App()
    line = Line(app)
    line.feed(post(3 << 20, b"x" * ((1 << 20) + 1)))
    line.feed(b"x" * 300_000)
    line.server.sweep(5000.0)
    assert app.requests[0].stream is not None
    await anext(app.requests[0].stream)
    line.server.sweep(5009.0)
    assert (app.hangups, line.ended) == (0, False)
    line.server.sweep(5011.0)
    assert (app.hangups, line.statuses()) == (1, [408])


async def test_a_running_call_is_never_timed_out_here():
    app = App()
    line = Line(app)
    line.feed(GET)
    line.server.sweep(100_000.0)
    assert (app.hangups, line.ended) == (0, False)


async def test_a_client_that_stops_reading_is_dropped_after_a_while():
    app = App()
    line = Line(app)
    line.feed(GET)
    app.replies[0].start(200, b"", None)
    line.connection.pause_writing()
    for now, unread in ((1.0, 90_000), (100.0, 80_000), (219.0, 80_000)):
        line.wire.unread = unread
        line.server.sweep(now)
        assert not line.wire.aborted
    line.server.sweep(221.0)
    assert line.wire.aborted


async def test_a_lingering_connection_is_closed_soon_but_not_before_its_reply_is_out():
    line = Line()
    line.feed(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    line.wire.unread = 10
    line.server.sweep(50.0)
    line.wire.unread = 0
    line.server.sweep(51.0)
    assert not line.wire.aborted
    line.server.sweep(53.0)
    assert line.wire.aborted


# Draining


async def test_an_idle_connection_is_retired_at_once_a_busy_one_after_its_reply():
    app = App()
    idle, busy = Line(), Line(app)
    busy.feed(GET)
    for line in (idle, busy):
        line.connection.retire()
    assert (idle.wire.closed, busy.wire.closed) == (True, False)
    app.replies[0].send(200, b"", b"")
    assert busy.ended
    assert b"connection: close" in busy.wire.written


async def test_a_request_that_was_arriving_when_draining_began_is_served():
    line = Line()
    line.feed(GET[:10])
    line.connection.retire()
    line.feed(GET[10:])
    assert (line.statuses(), line.ended) == ([200], True)
    assert b"connection: close" in line.wire.written


async def test_refusals_are_counted_by_code():
    line = Line()
    line.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert dict(line.server.refused) == {"bad_host": 1}


async def test_a_refusal_of_head_has_no_body():
    line = Line()
    line.feed(b"HEAD / HTTP/1.1\r\n\r\n")
    assert line.wire.written.endswith(b"\r\n\r\n")


async def test_a_method_that_is_not_allowed_is_told_which_are():
    line = Line()
    line.feed(b"TRACE / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert b"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n" in line.wire.written


async def test_too_many_connections_are_told_so():
    line = Line(limits=ServerLimits(max_connections=0))
    assert (line.statuses(), line.ended) == ([503], True)
