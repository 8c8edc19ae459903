"""What must hold for any bytes that reach the server; shared by the Hypothesis tests and the coverage-guided fuzzer."""

from __future__ import annotations

import re

import h11
from line import Line

from trunkline.wire import guard
from trunkline.wire.guard import Refusal

FRAMING = (b"host", b"content-length", b"transfer-encoding")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def outcome(parts: list[bytes]) -> tuple[list[str], list[int], bool]:
    """What reached the handler, the statuses (all refusals alike), and whether the connection was closed."""
    line = Line()
    for part in parts:
        line.feed(part)
    # Cut elsewhere, a request that is wrong in two ways may be refused for the other one; and 100 is optional.
    kinds = [min(status, 400) for status in line.statuses() if status >= 200]
    return line.seen, kinds, line.ended


def check_split(data: bytes, parts: list[bytes]) -> None:
    """The verdict does not depend on how the bytes arrive."""
    assert outcome(parts) == outcome([data]), parts


def check_requests(data: bytes) -> None:
    """Whatever is handed on is unambiguous, and a second, independent parser reads the same messages."""
    line = Line()
    line.feed(data)
    for request in line.requests:
        names = [name for name, _ in request.headers]
        assert all(names.count(name) <= 1 for name in FRAMING)
        assert request.minor == 0 or b"host" in request.fields
        assert not (b"content-length" in request.fields and b"transfer-encoding" in request.fields)
        assert request.target == b"*" or request.target.startswith(b"/")
        assert not CONTROL.search(request.target)
        assert b" " not in request.target
        assert not any(CONTROL.search(value) or value != value.strip(b" \t") for _, value in request.headers)
        assert names == [name.lower() for name in names]
    check_against_h11(data, line)


def check_against_h11(data: bytes, line: Line) -> None:
    """h11 is more lenient in places, but what we accept it must accept too, and see the same method and body."""
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    peer.receive_data(data)
    for request in line.requests:
        try:
            event = peer.next_event()
        except h11.RemoteProtocolError as error:
            if "no request line received" in str(error):
                return  # h11 does not skip the empty line that RFC 9112 section 2.2 says to skip
            raise
        assert isinstance(event, h11.Request), (event, data)
        assert event.method == request.method.encode()
        body = b""
        while isinstance(piece := peer.next_event(), h11.Data):
            body += piece.data
        assert isinstance(piece, h11.EndOfMessage), (piece, data)
        assert body == request.body
        peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        peer.send(h11.EndOfMessage())
        if peer.our_state is not h11.DONE or peer.their_state is not h11.DONE:
            return
        peer.start_next_cycle()


def check_guard(line: bytes) -> None:
    """A request line is refused, or reads as exactly the three parts that it is made of."""
    try:
        read = guard.request_line(line, 8192)
    except Refusal as error:
        refused = error.status, error.reason
    else:
        check_line(line, read)
        return
    assert refused[0] in (400, 405, 414, 501, 505)
    assert refused[1]


def check_line(line: bytes, read: guard.RequestLine) -> None:
    """An accepted line is what it looks like, and its path stays where it is when it is resolved."""
    method, target, version = line.split(b" ")
    assert (read.method.encode(), b"HTTP/1.%d" % read.minor) == (method, version)
    assert read.target == target or read.authority is not None
    path = (
        read.target.partition(b"?")[0]
        .lower()
        .replace(b"%2e", b".")
        .replace(b"%2f", b"/")
        .replace(b"%5c", b"\\")
    )
    assert not {b".", b".."} & {segment.partition(b";")[0] for segment in path.split(b"/")}
    assert b"\\" not in path


def check_host(value: bytes) -> None:
    """An accepted Host has no sign by which a URL built from it would change its path or authority (CVE-2026-48710)."""
    try:
        guard.check_host(value)
    except Refusal:
        return
    assert not set(value) & set(b"/?#@\\, \t%\r\n")
    assert value
