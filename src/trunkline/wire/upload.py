"""The body of one request on its way in: counts it, takes its framing off, keeps it until it is handed on.

Not for: the connection's states (`inbound`), nor what the app reads from (`body`).
"""

from __future__ import annotations

from trunkline.wire.body import BodyStream
from trunkline.wire.chunked import ChunkedReader
from trunkline.wire.guard import Refusal
from trunkline.wire.limits import ServerLimits
from trunkline.wire.request import Request


class Upload:
    """One body. `size` counts its bytes so far, `ended` says that it is complete, `rest` is what came after
    it.
    """

    __slots__ = ("_chunks", "_limit", "_pieces", "ended", "request", "rest", "size")

    def __init__(self, request: Request, limits: ServerLimits) -> None:
        self.request = request
        self.size = 0
        self.ended = False
        self.rest = b""
        self._limit = limits.body_bytes
        self._pieces: list[bytes] = []
        self._chunks = ChunkedReader(limits.fields) if request.length is None else None

    def feed(self, data: bytes) -> None:
        """Take in bytes; raises Refusal when they break the framing or pass the limit."""
        pieces = self._sized(data) if self._chunks is None else self._chunked(self._chunks, data)
        stream = self.request.stream
        if stream is None:
            self._pieces += pieces
        else:
            for piece in pieces:
                stream.push(piece)
            if self.ended:
                stream.finish()

    def taken(self) -> bytes:
        """What has been kept so far; it is kept no longer."""
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        return body

    @property
    def missing(self) -> int | None:
        """Bytes still to come; None when only the last chunk will tell."""
        length = self.request.length
        return None if length is None else length - self.size

    def stop(self, error: Exception) -> None:
        """Nothing more will come: whoever reads the rest of the body gets the error."""
        stream: BodyStream | None = self.request.stream
        if stream is not None:
            stream.fail(error)

    def _sized(self, data: bytes) -> list[bytes]:
        missing = (self.request.length or 0) - self.size
        if len(data) > missing:
            data, self.rest = data[:missing], data[missing:]
        self.size += len(data)
        self.ended = len(data) == missing
        return [data]

    def _chunked(self, chunks: ChunkedReader, data: bytes) -> list[bytes]:
        pieces = chunks.feed(data)
        self.size += sum(map(len, pieces))
        if self.size > self._limit:
            raise Refusal(413, "request_too_large", f"The body is longer than {self._limit} bytes.")
        self.ended, self.rest = chunks.ended, chunks.rest
        return pieces
