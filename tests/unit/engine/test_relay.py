"""Streams pass in whole events, whatever their line ends and however they are cut, and are held back for slow callers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Live, Member, Target
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.ports import Adapter, Reading
from trunkline.engine.classify import Rules
from trunkline.engine.frames import EVENTS, boundary
from trunkline.engine.relay import HELD_BYTES, Relay
from trunkline.testing import FakeClock, Heard, request, service

BLANK = re.compile(rb"\n\n|\n\r\n|\r\r")
SOUP = st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"data: x"]), max_size=12).map(b"".join)


@given(SOUP, SOUP)
def test_a_boundary_lies_just_after_the_last_blank_line(before: bytes, piece: bytes) -> None:
    tail = before[-3:]
    ends = [
        hit.end() - len(tail)
        for hit in re.finditer(rb"(?=(\n\n|\n\r\n|\r\r))", tail + piece)
        for hit in [_Hit(hit)]
    ]
    assert boundary(tail, piece) == max([end for end in ends if end > 0], default=0)


class _Hit:
    """An overlapping match: where its text ends."""

    def __init__(self, hit: re.Match[bytes]) -> None:
        self._end = hit.start() + len(hit[1])

    def end(self) -> int:
        return self._end


@pytest.mark.parametrize(
    ("before", "piece", "cut"),
    [
        (b"", b"data: 1\n\ndata: 2\n\nda", 18),
        (b"", b"data: 1\r\n\r\nda", 11),
        (b"", b"data: 1\r\rda", 9),
        (b"1\n", b"\nda", 1),
        (b"1\r\n", b"\r\nda", 2),
        (b"\r\n\r", b"\nda", 1),
        (b"", b"data: 1\nmore", 0),
        (b"1\r", b"\ndata", 0),
        (b"", b"", 0),
    ],
)
def test_boundaries(before: bytes, piece: bytes, cut: int) -> None:
    assert boundary(before, piece) == cut


class Counting:
    """A dialect that keeps the blocks it was shown; the data `bad` is an error, `end` the end."""

    name = "counting"

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def read(self, body: bytes, into: Reading) -> None:
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        self.blocks.append(block)
        into.finished = into.finished or b"end" in block
        return b'{"error":"bad"}' if b'{"error":"bad"}' in block else None

    def opens(self, block: bytes) -> bool:
        return b"hello" in block and block.count(b"data:") == block.count(b"hello")


class Upstream:
    """What the relay asks of the vendor's response."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.activity = 1000.0

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def abort(self, error: Exception | None = None) -> None:
        self.calls.append("abort")


class Story:
    def __init__(self, adapter: Adapter | None) -> None:
        clock = FakeClock()
        live = Live(service())
        live.rules = Rules()
        self.heard, self.upstream, self.starts = Heard(), Upstream(), 0
        self.exchange = Exchange(request(), self.heard, "call-1", clock(), clock.wall())
        self.attempt = Attempt(self.exchange, Target(live, Member("m", 1, None, b"", b"")), 1, clock())
        self.may_start = True

        def start() -> bool:
            self.starts += 1
            if self.may_start:
                self.heard.start(200, b"", None)
            return self.may_start

        self.relay = Relay(self.attempt, self.upstream, adapter, start, clock.wall)  # type: ignore[arg-type]


def test_a_plain_stream_passes_byte_by_byte() -> None:
    story = Story(None)
    for piece in (b"a", b"", b"bc"):
        story.relay.raw(piece)
    assert (story.heard.body, story.starts, story.exchange.bytes_out) == (b"abc", 1, 3)
    assert not story.relay.unfinished


def test_nothing_is_told_before_the_first_whole_event() -> None:
    adapter = Counting()
    story = Story(adapter)
    story.relay.events(b"data: 1")
    story.relay.events(b"\n")
    assert (story.starts, story.heard.body) == (0, b"")
    story.relay.events(b"\ndata: 2\n\ndata: 3")
    assert (story.starts, story.heard.body) == (1, b"data: 1\n\ndata: 2\n\n")
    assert adapter.blocks == [b"data: 1\n\ndata: 2\n\n"]
    assert story.relay.unfinished
    story.relay.events(b": end\n\n")
    assert (story.heard.body, story.relay.unfinished) == (b"data: 1\n\ndata: 2\n\ndata: 3: end\n\n", False)


@pytest.mark.row("F7")
@given(st.lists(st.integers(0, 80), max_size=10), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_cut_passes_the_same_bytes_in_whole_events(cuts: list[int], newline: str) -> None:
    stream = "".join(f"event: e{newline}data: {n}{newline}{newline}" for n in range(4)).encode()
    ends = [*sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    adapter = Counting()
    story = Story(adapter)
    for piece in [stream[a:b] for a, b in zip([0, *ends], ends, strict=False)]:
        story.relay.events(piece)
    assert story.heard.body == stream
    assert all(BLANK.search(block[-3:]) for block in adapter.blocks)
    assert story.exchange.bytes_out == len(stream)


@pytest.mark.row("F7")
def test_an_error_before_any_content_starts_nothing() -> None:
    story = Story(Counting())
    story.relay.events(b'data: {"error":"bad"}\n\n')
    assert (story.starts, story.heard.body, story.upstream.calls) == (0, b"", ["abort"])
    assert story.relay.error is not None


@pytest.mark.row("F7")
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_good_events_before_an_error_pass_and_nothing_after_it(newline: str) -> None:
    story = Story(Counting())
    good = f"data: 1{newline}{newline}event: x{newline}data: 2{newline}{newline}".encode()
    bad = f'event: error{newline}data: {{"error":"bad"}}{newline}{newline}'.encode()
    story.relay.events(good + bad + f"data: 3{newline}{newline}".encode())
    story.relay.events(b"data: 4\n\n")
    assert (story.heard.body, story.upstream.calls) == (good, ["abort"])


@pytest.mark.parametrize(
    ("block", "data", "kept"),
    [
        (b"data: 1\n\ndata: E\n\n", b"E", b"data: 1\n\n"),
        (b"data: 1\r\n\r\nevent: error\r\ndata: E\r\n\r\n", b"E", b"data: 1\r\n\r\n"),
        (b"data: 1\r\rdata: E\r\r", b"E", b"data: 1\r\r"),
        (b"data: 1\n\ndata: E\ndata: F\n\n", b"E\nF", b"data: 1\n\n"),
        (b"data: E\n\n", b"E", b""),
        (b"data: 1\n\n", b"not there", b""),
    ],
)
def test_events_before_the_error(block: bytes, data: bytes, kept: bytes) -> None:
    assert EVENTS.before_error(block, data) == kept


def test_an_event_without_end_is_given_up() -> None:
    story = Story(Counting())
    for _ in range(17):
        story.relay.events(b"x" * (1 << 20))
    assert story.relay.error is not None
    assert story.relay.error.code == "malformed_response"
    assert "abort" in story.upstream.calls


@pytest.mark.row("F7")
@pytest.mark.parametrize(
    ("last", "passed", "code"),
    [
        (b"data: end", b"data: 1\n\ndata: end\n\n", ""),
        (b"data: en", b"data: 1\n\n", ""),
        (b'data: {"error":"bad"}\n', b"data: 1\n\n", "server_error"),
        (b"", b"data: 1\n\n", ""),
    ],
)
def test_a_forgotten_blank_line_at_the_end_is_made_good(last: bytes, passed: bytes, code: str) -> None:
    story = Story(Counting())
    story.relay.events(b"data: 1\n\n" + last)
    story.relay.finish()
    assert story.heard.body == passed
    assert (story.relay.error.code if story.relay.error is not None else "") == code
    assert story.relay.unfinished is (b"end" not in passed)


def test_a_slow_caller_makes_the_vendor_wait_and_is_not_idle() -> None:
    story = Story(None)
    story.relay.flow(True)
    assert (story.exchange.held_back, story.upstream.calls) == (True, ["pause"])
    story.relay.flow(False)
    assert (story.exchange.held_back, story.upstream.calls) == (False, ["pause", "resume"])


HELLO = b'data: "hello"\n\n'
BAD = b'data: {"error":"bad"}\n\n'


@pytest.mark.row("F7")
def test_an_opening_waits_for_content_and_goes_before_it() -> None:
    story = Story(Counting())
    for piece in (HELLO, b": ping\n\n" + HELLO):
        story.relay.events(piece)
    assert (story.starts, story.heard.body, story.attempt.opening, story.relay.held_since) == (
        0, b"", story.relay, 1000.0,
    )  # fmt: skip
    story.relay.events(b"data: 1\n\n")
    assert (story.starts, story.attempt.opening) == (1, None)
    assert story.heard.body == HELLO + b": ping\n\n" + HELLO + b"data: 1\n\n"
    assert story.exchange.bytes_out == len(story.heard.body)


@pytest.mark.row("F7")
@pytest.mark.parametrize("pieces", [(HELLO, BAD), (HELLO + BAD,), (HELLO, HELLO + BAD)])
def test_an_error_after_the_opening_alone_starts_nothing(pieces: tuple[bytes, ...]) -> None:
    story = Story(Counting())
    for piece in pieces:
        story.relay.events(piece)
    assert (story.starts, story.heard.body, story.upstream.calls) == (0, b"", ["abort"])
    assert story.relay.error is not None
    story.relay.release()
    assert story.starts == 0


@pytest.mark.row("F7")
def test_an_opening_is_let_go_when_it_was_held_for_long_enough_or_is_too_long() -> None:
    story = Story(Counting())
    story.relay.events(HELLO)
    story.relay.release()
    story.relay.release()
    story.relay.events(HELLO)
    # The first content is still to come: who judges how late it is may go on asking.
    assert (story.starts, story.heard.body, story.attempt.opening) == (1, HELLO + HELLO, story.relay)
    story.relay.events(BAD)
    assert (story.heard.body, story.relay.error is not None) == (HELLO + HELLO, True)

    long = Story(Counting())
    event = b'data: "hello%b"\n\n' % (b"." * (HELD_BYTES // 2))
    long.relay.events(event)
    assert long.starts == 0
    long.relay.events(event)
    assert (long.starts, long.heard.body) == (1, event + event)


@pytest.mark.row("F7")
def test_a_stream_that_ends_well_without_content_is_passed_on_with_its_opening() -> None:
    story = Story(Counting())
    story.relay.events(HELLO)
    story.relay.events(b": end\n\n")
    assert (story.starts, story.heard.body, story.relay.unfinished) == (1, HELLO + b": end\n\n", False)


@pytest.mark.row("F5")
def test_a_stream_that_may_not_begin_any_more_is_given_up() -> None:
    story = Story(Counting())
    story.may_start = False
    story.relay.events(b"data: 1\n\n")
    story.relay.events(b"data: 2\n\n")
    assert (story.starts, story.heard.body, story.upstream.calls) == (1, b"", ["abort"])
    assert story.relay.error is not None
    assert (story.relay.error.code, story.relay.started) == ("cancelled", False)
