"""Where a vendor's reply begins and ends: httptools, and the checks that it leaves to us.

httptools (llhttp, strict) refuses by itself: content-length beside transfer-encoding, any second content-length, bare
line ends, folded fields, control characters in values, malformed chunks. It lets through, and this module refuses:
transfer codings other than plain `chunked`, versions other than 1.0 and 1.1, NUL in the reason, too many or too long
fields, floods of interim replies, endless chunk extensions and trailers. Pure: bytes in, pieces of body out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httptools

from trunkline.wire.errors import Aborted, BadReply, WireError
from trunkline.wire.plain import PlainReader

Sink = Callable[[bytes], None]
Fields = list[tuple[bytes, bytes]]

HEAD, BODY, WHOLE, SURPLUS = range(4)


@dataclass(frozen=True)
class ClientLimits:
    """Bounds per origin and per reply. `stored_bytes` is what may wait before the caller asks for the body."""

    max_connections: int = 1024
    max_waiting: int = 4096
    idle_expiry_s: float = 30.0
    head_bytes: int = 65536
    fields: int = 200
    max_interim: int = 16
    stored_bytes: int = 262144


class ReplyReader:
    """Reads replies one after the other; `begin` before each.

    `stage` goes from HEAD over BODY to WHOLE, and to SURPLUS when bytes followed the end of the reply. `keep` says,
    at the end, whether the vendor keeps the connection. Each piece of body goes to `sink`.
    """

    __slots__ = (
        "_first",
        "_head_only",
        "_interim",
        "_limits",
        "_parser",
        "_plain",
        "_quiet",
        "fields",
        "headers",
        "keep",
        "sink",
        "stage",
        "status",
    )

    def __init__(self, limits: ClientLimits, plain: PlainReader | None = None) -> None:
        """`plain` is shared by the connections of a client."""
        self._limits = limits
        self._plain = plain or PlainReader(head_bytes=limits.head_bytes, fields=limits.fields)
        self._parser = httptools.HttpResponseParser(self)
        self._first = True
        self.sink: Sink = self._surplus
        self.stage = WHOLE
        self.keep = False
        self.headers: Fields = []
        self.fields: dict[bytes, bytes] = {}
        self.status = self._interim = self._quiet = 0
        self._head_only = False

    def begin(self, head_only: bool, sink: Sink) -> None:
        """Expect the reply to a request; `head_only` if it was a HEAD."""
        self._head_only = head_only
        self.sink = sink
        self.headers = []
        self.stage = HEAD
        self._interim = self._quiet = 0

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire. Raises BadReply, or Aborted if the sink raised; nothing can follow then."""
        if self.stage == HEAD and not self._quiet and not self._head_only:
            whole = self._plain.read(data)
            if whole is not None:
                self.status, self.headers, self.fields, body = whole
                self._quiet = 1
                self.stage = WHOLE
                self.keep = True
                sink, self.sink = self.sink, self._surplus
                try:
                    if body:
                        sink(body)
                except Exception as error:
                    raise Aborted(f"the reply's consumer raised {type(error).__name__}", sent=True) from error
                return
        self._quiet += len(data)
        try:
            self._parser.feed_data(data)
        except Exception as error:  # the parser's, and whatever a sink raises
            if self.stage < WHOLE:
                raise _failure(error) from error
            self.stage = SURPLUS  # what comes after the end is not the reply's fault, but the connection's
        if self._quiet > self._limits.head_bytes and self.stage < WHOLE:
            raise BadReply(
                f"the reply spends over {self._limits.head_bytes} bytes without one of body", sent=True
            )

    def end(self) -> bool:
        """The connection ended properly: whether that completes this reply."""
        framed = b"content-length" in self.fields or b"transfer-encoding" in self.fields
        if self.stage == BODY and not framed:
            self.stage = WHOLE
            self.keep = False
        return self.stage >= WHOLE

    def stop(self) -> None:
        """The exchange is over: no sink gets what is still in the parser's hands."""
        self.stage = SURPLUS
        self.sink = self._surplus

    @property
    def begun(self) -> bool:
        """Whether a byte of the reply, or of an interim one, has come."""
        return self.stage > HEAD or self._quiet > 0

    # --- called by the parser, by these names ---

    def on_message_begin(self) -> None:
        if self.stage >= WHOLE:
            self.stage = SURPLUS

    def on_status(self, reason: bytes) -> None:
        if b"\0" in reason:
            raise BadReply("the reply's status line holds a NUL", sent=True)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage == HEAD:  # later ones are trailers, which are not headers
            self.headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        if self.stage != HEAD:
            return
        headers = self.headers
        limits = self._limits
        if len(headers) > limits.fields:
            raise BadReply(f"the reply has over {limits.fields} header fields", sent=True)
        if (
            self._quiet > limits.head_bytes
            and sum(len(n) + len(v) + 4 for n, v in headers) > limits.head_bytes
        ):
            raise BadReply(f"the reply's head is over {limits.head_bytes} bytes", sent=True)
        if self._first:
            self._check_version()
        status = self._parser.get_status_code()
        if status < 200:
            self._pass_over(status)
            return
        self.status = status
        self.fields = fields = dict(reversed(headers))
        if b"transfer-encoding" in fields:
            self._check_coding(fields[b"transfer-encoding"])
        self._quiet = 0
        self.stage = BODY
        if self._head_only:
            self._end_with_head()

    def on_body(self, data: bytes) -> None:
        self._quiet = 0
        self.sink(data)

    def on_message_complete(self) -> None:
        if self.stage == BODY:
            self.stage = WHOLE
            self.sink = self._surplus
            self.keep = self._parser.should_keep_alive()

    # --- the checks ---

    def _check_version(self) -> None:
        """Once per connection: what follows is the same server."""
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            raise BadReply("the reply is not HTTP/1.0 or HTTP/1.1", sent=True)
        self._first = False

    def _check_coding(self, coding: bytes) -> None:
        """We never offer a transfer coding, so `chunked`, once, on 1.1, is the only one that may come (RFC 9112 6.1)."""
        times = sum(1 for name, _ in self.headers if name == b"transfer-encoding")
        if coding.lower() != b"chunked" or times != 1 or self._parser.get_http_version() != "1.1":
            raise BadReply("the reply's transfer-encoding is not plain chunked", sent=True)

    def _pass_over(self, status: int) -> None:
        """An interim reply says nothing that we wait for. Upgrades will begin at 101; today nobody asks for one."""
        if status < 100:
            raise BadReply(f"the reply's status {status} does not exist", sent=True)
        if status == 101:
            raise BadReply("the vendor switched protocols without being asked", sent=True)
        self._interim += 1
        if self._interim > self._limits.max_interim:
            raise BadReply(f"over {self._limits.max_interim} interim replies before the final one", sent=True)
        if any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers):
            raise BadReply(f"an interim reply ({status}) announces a body", sent=True)
        self.headers = []

    def _end_with_head(self) -> None:
        """The parser does not know of HEAD and would take the next reply for the body: it is replaced."""
        self.stage = WHOLE
        self.sink = self._surplus
        closing = b"close" in self.fields.get(b"connection", b"").lower()
        self.keep = not closing and self._parser.get_http_version() == "1.1"
        self._parser = httptools.HttpResponseParser(self)

    def _surplus(self, data: bytes) -> None:
        self.stage = SURPLUS


def _failure(error: Exception) -> WireError:
    """What the parser found wrong, or what a callback raised."""
    cause = error.__context__ or error.__cause__
    if isinstance(cause, WireError):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError):
        return Aborted(f"the reply's consumer raised {type(cause).__name__}", sent=True)
    return BadReply(f"the reply is not valid HTTP/1.1: {str(error)[:120]}", sent=True)
