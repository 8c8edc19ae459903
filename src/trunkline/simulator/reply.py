"""What a simulated vendor answers, and how that looks as HTTP/1.1.

Not for: when its bytes are sent (`playback.py`), nor for replies that break the rules (`wire_faults.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from trunkline.core import codec

REASONS = {
    200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found", 304: "Not Modified",
    307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
    413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content", 429: "Too Many Requests",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 529: "Overloaded",
}  # fmt: skip

EVENT_STREAM = "text/event-stream; charset=utf-8"
LABEL = b"x-trunkline-simulated: true\r\nserver: trunkline-simulator\r\n"


class Reply(msgspec.Struct):
    """One answer. Either `body`, or `pieces` (a streamed body; `length` is declared when known, else it is chunked).

    `tail`: how many of the last pieces only end the stream (`[DONE]`, the finish chunk, usage): a truncation leaves them out.
    `first_ms`, `gap_ms`: delay before the head and between pieces. `acted`: False where nothing was carried out although method
    and status would say so. `replayed`: it repeats the stored answer of an earlier request. `error_form`: how this vendor tells
    a failure inside a stream, see `failures.in_stream`. `request_line`: the field with the vendor's id of this request.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    fields: tuple[tuple[str, str], ...] = ()
    pieces: Iterable[bytes] | None = None
    length: int | None = None
    tail: int = 0
    first_ms: float = 0.0
    gap_ms: float = 0.0
    acted: bool = True
    replayed: bool = False
    request_line: bytes = b""
    error_form: str = "data"

    def field_lines(self) -> bytes:
        """The fields without the framing ones, as lines."""
        many = len(self.fields) > 50
        return (_lines.__wrapped__ if many else _lines)(self.content_type, self.fields) + self.request_line


@lru_cache(maxsize=256)
def _lines(content_type: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    kind = f"content-type: {content_type}\r\n" if content_type else ""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return LABEL + kind.encode("latin-1") + lines.encode("latin-1", "replace")


def json_reply(value: Any, status: int = 200, fields: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A JSON answer."""
    return Reply(status, codec.to_json(value), fields=fields)


def stream_reply(
    pieces: Iterable[bytes], tail: int, error_form: str = "data", content_type: str = EVENT_STREAM
) -> Reply:
    """A streamed answer, chunked on the wire."""
    return Reply(200, content_type=content_type, pieces=pieces, tail=tail, error_form=error_form)


def data_event(value: Any) -> bytes:
    """One server-sent event without a name, as OpenAI and Gemini send them."""
    return b"data: " + codec.to_json(value) + b"\n\n"


def named_event(name: str, value: Any) -> bytes:
    """One server-sent event with a name, as Anthropic and the Responses API send them."""
    return f"event: {name}\n".encode() + data_event(value)


@lru_cache(maxsize=64)
def status_line(status: int) -> bytes:
    """`HTTP/1.1 200 OK` and its end of line."""
    return f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}\r\n".encode()


def head(reply: Reply, framing: bytes, close: bool = False) -> bytes:
    """A whole response head; `framing` is the line about length, or empty."""
    return (
        status_line(reply.status)
        + reply.field_lines()
        + framing
        + (b"connection: close\r\n\r\n" if close else b"\r\n")
    )


def bodiless(status: int, method: str) -> bool:
    """Whether HTTP forbids a body here."""
    return method == "HEAD" or status in (204, 304) or status < 200


def whole(reply: Reply, method: str, close: bool = False) -> bytes:
    """Head and body of an answer that is not streamed."""
    length = b"" if reply.status == 204 else b"content-length: %d\r\n" % len(reply.body)
    return head(reply, length, close) + (b"" if bodiless(reply.status, method) else reply.body)


def chunk(piece: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"
