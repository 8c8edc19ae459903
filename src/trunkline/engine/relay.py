"""Passes a streamed answer on piece by piece, straight from the vendor's socket to the caller's, with back-pressure.

A model stream is passed on in whole events, so that it can always be ended well, and a vendor that breaks off is followed by an
error event in the caller's dialect. Its opening (a role, an id, a sign of life) is held back until content follows: a failure before
content is still an ordinary one, that another attempt or another vendor can make good unseen. Held is at most HELD_BYTES, and for
HELD_S. Not for: answers that are whole (`deliver.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Attempt
from trunkline.core.ports import Adapter, Reading, Response
from trunkline.engine.classify import classify_event
from trunkline.engine.frames import frames_of
from trunkline.engine.uncounted import MARKS, note

_EVENT_MAX = 16 << 20
HELD_BYTES = 128 << 10
"""OpenAI's Responses repeat instructions and tools in their opening, twice."""
HELD_S = 5.0
"""Longer than vendors take to find out that they are overloaded, shorter than callers and proxies wait for a status line."""


class Relay:
    """The sink of one streamed answer. `start` is called once, when the caller's status line may go out; it says whether it did."""

    __slots__ = (
        "_adapter",
        "_array",
        "_attempt",
        "_boundary",
        "_frames",
        "_held",
        "_kept",
        "_mark",
        "_opening",
        "_pieces",
        "_reply",
        "_response",
        "_room",
        "_size",
        "_start",
        "_stream",
        "_tail",
        "_wall",
        "content",
        "error",
        "exchange",
        "head",
        "held_since",
        "reading",
        "started",
    )

    def __init__(
        self,
        attempt: Attempt,
        response: Response,
        adapter: Adapter | None,
        start: Callable[[], bool],
        wall: Callable[[], float],
    ) -> None:
        self._attempt = attempt
        self._response = response
        self._adapter = adapter
        self._start = start
        self._wall = wall
        self._pieces: list[bytes] = []
        self._size = 0
        self._tail = b""
        """The last bytes held: a blank line may come in three pieces."""
        self.exchange = attempt.exchange
        self._reply = self.exchange.reply
        self.reading = Reading()
        self._frames = frames_of(adapter.name if adapter is not None else "")
        self._boundary = self._frames.boundary
        self._mark = MARKS.get(adapter.name if adapter is not None else "", b"")
        translation = attempt.exchange.translation
        self._stream = None if translation is None else translation.stream()
        self._array = self.exchange.array
        self.started = False
        self.error: CallError | None = None
        self._opening: list[bytes] = []
        self._held = 0
        self.held_since = 0.0
        """Monotonic seconds at which the first event of the opening came; 0: none has."""
        self.content = adapter is None
        """Something came that a caller would miss."""
        if adapter is not None:
            attempt.opening = self
        self.head: Answer | None = None
        """Set at the start where somebody wants the whole answer."""
        self._room = self.exchange.keep
        self._kept: list[bytes] | None = [] if self._room else None

    def flow(self, stop: bool) -> None:
        """The caller's side asks to stop or to go on."""
        self.exchange.held_back = stop
        if stop:
            self._response.pause()
        else:
            self._response.resume()

    def raw(self, piece: bytes) -> None:
        """Sink for what is no model stream: bytes as they come."""
        if not self.started and not self._begin():
            return
        if self._adapter is not None:
            note(self.reading, piece, self._mark, self._frames.mark)
        if self._stream is not None:
            piece = self._translated(piece)
        if self._array is not None:
            piece = self._array.feed(piece)
        if piece:
            self._write(piece)

    def _write(self, piece: bytes) -> None:
        self.exchange.bytes_out += len(piece)
        self._reply.write(piece)
        if self._kept is not None:
            self._keep(piece)

    def _translated(self, block: bytes) -> bytes:
        assert self._stream is not None
        try:
            told: bytes = self._stream.feed(block)
            return told
        except ValueError as problem:
            source = self._attempt.target.live.name
            text = f"{source} sent an event that is none of its dialect: {problem}"
            self._give_up(CallError("malformed_response", text, source=source))
            return b""

    def events(self, piece: bytes) -> None:
        """Sink for a model stream: whole events only."""
        cut = self._boundary(self._tail, piece)
        if cut <= 0:
            self._hold(piece)
            return
        if self._pieces:
            self._pieces.append(piece[:cut])
            block = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            self._tail = b""
        else:
            block = piece if cut == len(piece) else piece[:cut]
        if cut < len(piece):
            self._hold(piece[cut:])
        self._pass(block)

    def finish(self) -> None:
        """The vendor's side has ended. An event whose end it forgot counts if it ends the stream or is a failure."""
        if self._adapter is None or self.error is not None:
            return
        if self._pieces:
            block = b"".join(self._pieces) + self._frames.end
            self._pieces.clear()
            if self._adapter.watch(block, self.reading) is not None or self.reading.finished:
                self._pass(block)
        if not self.started or not self.reading.finished or self.error is not None:
            return
        rest = b"" if self._stream is None else self._stream.finish()
        if self._array is not None:
            rest = self._array.feed(rest) + self._array.end()
        if rest:
            self._write(rest)

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._tail = (self._tail + piece[-3:])[-3:]
        self._size += len(piece)
        if self._size > _EVENT_MAX:
            source = self._attempt.target.live.name
            text = f"{source} sent one event of more than 16 MB"
            self._give_up(CallError("malformed_response", text, source=source))

    def _pass(self, block: bytes) -> None:
        assert self._adapter is not None
        if self.error is not None:
            return
        data = self._adapter.watch(block, self.reading)
        if data is not None or not self.content or not self.started:
            self._judge(block, data)
            return
        if self._stream is not None or self._array is not None:
            self.raw(block)
            return
        self.exchange.bytes_out += len(block)
        note(self.reading, block, self._mark, self._frames.mark)
        self._reply.write(block)
        if self._kept is not None:
            self._keep(block)

    def _judge(self, block: bytes, data: bytes | None) -> None:
        """Events at the begin of a stream, or some of which `data` may be an error."""
        error = None
        if data is not None:
            live = self._attempt.target.live
            error = classify_event(live.rules, "error", data, now=self._wall(), source=live.name)
            if error is not None:
                block = self._frames.before_error(block, data)
        if block and not self.content and not self._is_opening(block):
            self.content = True
            self._attempt.opening = None
        if block and (self.content or self.started):
            self.raw(self._opened() + block)
        elif error is None:
            self._hold_opening(block)
        if error is not None:
            self._give_up(error)

    def _is_opening(self, block: bytes) -> bool:
        return self._adapter is not None and not self.reading.finished and self._adapter.opens(block)

    def _hold_opening(self, block: bytes) -> None:
        self._opening.append(block)
        self._held += len(block)
        self.held_since = self.held_since or self._response.activity
        if self._held > HELD_BYTES:
            self.release()

    def release(self) -> None:
        """The opening was held back for long enough."""
        if self._opening and self.error is None:
            self.raw(self._opened())

    def _opened(self) -> bytes:
        if not self._opening:
            return b""
        opening = b"".join(self._opening)
        self._opening.clear()
        return opening

    def _begin(self) -> bool:
        """The caller's answer begins; False if it may not any more."""
        self.started = self._start()
        if not self.started:
            self._give_up(CallError("cancelled", "another attempt answered first"))
        return self.started

    def _give_up(self, error: CallError) -> None:
        if self.error is None:
            self.error = error
            self._response.abort(error)

    def _keep(self, piece: bytes) -> None:
        self._room -= len(piece)
        if self._kept is not None and self._room >= 0:
            self._kept.append(piece)
        else:
            self._kept = None

    def whole(self) -> Answer | None:
        """The answer as it went to the caller; None where nobody wants it, or it was longer than asked for."""
        return (
            None if self.head is None or self._kept is None else self.head._replace(body=b"".join(self._kept))
        )

    @property
    def unfinished(self) -> bool:
        """Whether a model stream ended without its proper last event."""
        return self._adapter is not None and not self.reading.finished
