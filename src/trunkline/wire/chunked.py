"""Takes the chunks off a request body and finds the exact byte where the message ends. Not for: replies, or
bodies of known length.

httptools does the decoding; what it does not tell is where a message ends within the bytes it was fed, and
one feed would run on into the next pipelined request. But a chunked message can only end right after CR LF CR
LF, so it is fed up to each of those in turn.
"""

from __future__ import annotations

import httptools

from trunkline.wire import guard
from trunkline.wire.guard import Refusal

_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
_END = b"\r\n\r\n"

# Wire bytes that are not body: sizes, extensions, trailers. A few per chunk are normal, many are an attack
# (chunk extensions and leading zeros can go on for ever: RFC 9112 section 7.1.1).
_OVERHEAD_BYTES = 16 * 1024
_OVERHEAD_PER_CHUNK = 20


class _Sink:
    """Collects what the parser calls out for one message."""

    __slots__ = ("chunks", "ended", "on_body", "pieces", "trailers")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append
        self.trailers: list[bytes] = []
        self.chunks = 0
        self.ended = False

    def on_chunk_header(self) -> None:
        self.chunks += 1

    def on_header(self, name: bytes, _: bytes) -> None:
        self.trailers.append(name.lower())

    def on_message_complete(self) -> None:
        self.ended = True


class ChunkedReader:
    """Decodes one chunked body. `feed` returns the body's next pieces; `ended` and `rest` say when and what
    came after it.
    """

    __slots__ = (
        "_fields",
        "_overhead",
        "_parser",
        "_sink",
        "_tail",
        "ended",
        "rest",
    )

    def __init__(self, fields: int = 100) -> None:
        self.ended = False
        self.rest = b""
        self._fields = fields
        self._tail = b""
        self._overhead = 0
        self._sink = _Sink()
        self._parser = httptools.HttpRequestParser(self._sink)
        self._parser.feed_data(_HEAD)
        self._sink.trailers.clear()

    def feed(self, data: bytes) -> list[bytes]:
        """Decode `data`; raises Refusal on broken chunks, forbidden trailers and on sizes or extensions
        without end.
        """
        sink = self._sink
        used = self._run(data)
        pieces = sink.pieces[:]
        sink.pieces.clear()
        self._overhead += used - sum(map(len, pieces))
        if self._overhead > _OVERHEAD_BYTES + _OVERHEAD_PER_CHUNK * sink.chunks:
            raise Refusal(
                400,
                "bad_chunk",
                "The chunk sizes, chunk extensions or trailers are too long.",
            )
        if len(sink.trailers) > self._fields:
            raise Refusal(
                431,
                "too_many_fields",
                f"The body has more than {self._fields} trailers.",
            )
        if sink.ended:
            guard.check_trailers(sink.trailers)
            self.ended = True
            self.rest = data[used:]
        return pieces

    def _run(self, data: bytes) -> int:
        """Feed the parser up to the message's end; the number of bytes of `data` that belong to the message."""
        tail = len(self._tail)
        joined = self._tail + data if tail else data
        self._tail = joined[-3:]
        at = tail
        try:
            while at < len(joined):
                found = joined.find(_END, max(at - 3, 0))
                end = found + 4 if found >= 0 else len(joined)
                self._parser.feed_data(joined[at:end])
                at = end
                if self._sink.ended:
                    break
        except httptools.HttpParserError as error:
            raise Refusal(400, "bad_chunk", f"The chunked body is broken: {error}.") from None
        return at - tail
