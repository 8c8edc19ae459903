"""Both ends of a gateway without sockets: a clock that moves only when told, a vendor that plays a script, a caller that listens.

Not for: judging what happened (`laws.py`), nor for bytes on the wire (`wire/` has tests of its own).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec

from trunkline.core.record import Record
from trunkline.wire.errors import ReplyCut
from trunkline.wire.response import Response

JSON = (b"content-type", b"application/json")
EVENTS = (b"content-type", b"text/event-stream")

Play = Callable[["Sent"], None]
_records: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


class FakeClock:
    """Monotonic seconds when called, epoch seconds as `wall()`; both move only by `advance`."""

    def __init__(self, now: float = 1000.0, wall: float = 1_795_262_400.0) -> None:
        self._now, self._wall = now, wall

    def __call__(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Lets time pass for whoever asks this clock; nothing waits or wakes by itself."""
        self._now += seconds
        self._wall += seconds


class Sent:
    """One request as the vendor got it, and the vendor's side of the answer."""

    def __init__(self, origin: Any, method: bytes, head: bytes, response: Response, clock: FakeClock) -> None:
        self.origin, self.method, self.head, self.response = origin, method, head, response
        self.body = b""
        self.dropped = False
        """The gateway gave this exchange up."""
        self.held_back = False
        self._clock = clock
        self._sink: Callable[[bytes], None] | None = None
        self._early: list[bytes] = []
        self._over = False
        response._holder = self
        response.activity = clock()
        response.connected = response.sent = True

    @property
    def target(self) -> bytes:
        return self.head.split(b" ", 2)[1]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header lines in their order."""
        lines = self.head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    def field(self, name: bytes) -> bytes | None:
        return next((value for n, value in self.fields if n == name), None)

    # What a script does.

    def reply(self, status: int, body: bytes = b"", *headers: tuple[bytes, bytes]) -> None:
        """Answers at once with a whole body, as JSON unless a content type is given."""
        self._arrive(status, headers or (JSON,))
        self.response.completed(body)
        self._over = True
        self.response.tell()

    def begin(self, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        """Status and fields of an answer whose body follows by `piece`, as an event stream unless a content type is given."""
        self._arrive(status, headers or (EVENTS,))
        self.response.tell()

    def piece(self, data: bytes) -> None:
        """Bytes of the body as they arrive."""
        if self.dropped:
            return
        self.response.activity = self._clock()
        if self._sink is None:
            self._early.append(data)
        else:
            self._sink(data)

    def end(self) -> None:
        """The true end of the body."""
        self._over = True
        if self._sink is not None and not self.dropped:
            self.response.ended()

    def fail(self, error: Exception, *, sent: bool = True) -> None:
        """Ends with a failure of the wire; `sent` tells whether a byte of the request had gone out."""
        self.response.sent = sent
        if not self.dropped:
            self.response.failed(error)

    def cut(self) -> None:
        """The connection breaks in the middle of the answer."""
        self.fail(ReplyCut("the connection was closed in the middle of the reply", sent=True))

    # What the response asks of its holder (wire/response.py).

    def drop(self) -> None:
        self.dropped = True

    def hold_back(self, hold: bool) -> None:
        self.held_back = hold
        self.response.activity = self._clock()

    def stream_to(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        while self._early and not self.dropped:
            sink(self._early.pop(0))
        if self._over and not self.dropped:
            self.response.ended()

    def _arrive(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        fields: dict[bytes, bytes] = {}
        for name, value in headers:
            fields.setdefault(name, value)
        self.response.activity = self._clock()
        self.response.arrived(status, list(headers), fields)


def answers(status: int, body: bytes = b"", *headers: tuple[bytes, bytes]) -> Play:
    """A vendor that answers at once."""
    return lambda sent: sent.reply(status, body, *headers)


def streams(*pieces: bytes, end: bool = True) -> Play:
    """A vendor that streams events and ends well; without `end` it then falls silent."""

    def play(sent: Sent) -> None:
        sent.begin()
        for piece in pieces:
            sent.piece(piece)
        if end:
            sent.end()

    return play


def cuts(*pieces: bytes) -> Play:
    """A vendor that streams events and then breaks off."""

    def play(sent: Sent) -> None:
        streams(*pieces, end=False)(sent)
        asyncio.get_running_loop().call_soon(sent.cut)

    return play


def fails(error: Exception, *, sent: bool = True) -> Play:
    """A vendor that cannot be reached, or breaks off before its answer."""
    return lambda one: one.fail(error, sent=sent)


def is_silent(sent: Sent) -> None:
    """A vendor that never answers."""


class ScriptedWire:
    """Stands for the wire: each request is played by the next of `plays`, once the gateway waits; after the last, silence."""

    def __init__(self, *plays: Play, clock: FakeClock | None = None) -> None:
        self.plays: deque[Play] = deque(plays)
        self.sent: list[Sent] = []
        self._clock = clock or FakeClock()
        self._tasks: set[asyncio.Task[None]] = set()

    def open(
        self, origin: Any, method: bytes, head: bytes, body: Any = None, *, connect_timeout_s: float = 5.0
    ) -> Response:
        loop = asyncio.get_running_loop()
        response = Response(loop, self._clock(), method == b"HEAD")
        sent = Sent(origin, method, head, response, self._clock)
        self.sent.append(sent)
        play = self.plays.popleft() if self.plays else is_silent
        if body is None or isinstance(body, bytes):
            sent.body = body or b""
            loop.call_soon(lambda: None if sent.dropped else play(sent))
        else:
            task = loop.create_task(self._take(sent, body, play))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return response

    @staticmethod
    async def _take(sent: Sent, body: AsyncIterator[bytes], play: Play) -> None:
        async for piece in body:
            sent.body += piece
        if not sent.dropped:
            play(sent)


class Heard:
    """What the caller heard. `whole` is True after a proper end, `cut` after a broken one."""

    def __init__(self) -> None:
        self.closed = self.started = self.whole = self.cut = False
        self.hangup: Callable[[], None] | None = None
        self.flow: Callable[[bool], None] | None = None
        self.status = 0
        self.lines = b""
        self.body = b""
        self.length: int | None = None

    def field(self, name: bytes) -> bytes | None:
        return next((v for n, v in self.fields if n == name), None)

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The header lines in their order."""
        return [(n, v) for n, _, v in (line.partition(b": ") for line in self.lines.split(b"\r\n")[:-1])]

    def send(self, status: int, fields: bytes, body: bytes) -> None:
        if not self.closed:
            self.start(status, fields, len(body))
            self.body = body
            self.end()

    def start(self, status: int, fields: bytes, length: int | None) -> None:
        if not self.closed:
            self.started, self.status, self.lines, self.length = True, status, fields, length

    def write(self, chunk: bytes) -> None:
        if not self.closed:
            self.body += chunk

    def end(self) -> None:
        self.whole = self.whole or not self.closed
        self.closed = True

    def abort(self) -> None:
        self.cut = self.cut or not self.closed
        self.closed = True

    def hang_up(self) -> None:
        """The caller goes away."""
        if not self.closed:
            self.closed = True
            if self.hangup is not None:
                self.hangup()


class MemoryJournal:
    """A journal that is a list; `full` makes it refuse, as a full disk does."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.full = False

    def append(self, payload: bytes) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.payloads.append(bytes(payload))

    append_end = append

    @property
    def records(self) -> list[Record]:
        return [_records.decode(payload) for payload in self.payloads]
