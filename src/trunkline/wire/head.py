"""From the bytes of one whole head to a Request: httptools for the grammar, `guard` for what it lets through.

A fresh parser per head (0.2 us) sees exactly one head and nothing else, so neither a split of the input nor
an earlier message can change a verdict. Not for: bodies (`chunked`, `inbound`).
"""

from __future__ import annotations

import httptools

from trunkline.wire import guard
from trunkline.wire.guard import Refusal, RequestLine
from trunkline.wire.request import Request

# Fields that are looked at only when one of them is there, which is rare: one set operation decides.
_RARE = frozenset(
    (
        b"transfer-encoding",
        b"expect",
        b"content_length",
        b"transfer_encoding",
        b"connection",
    )
)
_CACHED_FIELDS = frozenset(
    b"accept accept-encoding accept-language connection content-length content-type host user-agent".split()
)
_CACHED_LINES = 4096
_CACHED_LINE_BYTES = 256
_CACHED_HOSTS = 1024


class _End:
    """Hears from the parser only that the head came to its end: calls into Python are dear, so fields are
    split off after.
    """

    __slots__ = ("ended",)
    # The parser looks each of these up; a name that is missing costs more than one that is None.
    on_url = on_header = on_body = on_message_begin = on_message_complete = on_chunk_header = (
        on_chunk_complete
    ) = None

    def __init__(self) -> None:
        self.ended = False

    def on_headers_complete(self) -> None:
        self.ended = True


class _FieldLines(dict[bytes, tuple[bytes, bytes]]):
    """Field line -> (lower-cased name, value without surrounding whitespace), for lines that the parser has
    accepted.

    The same clients send the same lines with each request, so lines of harmless fields are remembered; no
    others, since a value may be a secret.
    """

    def __missing__(self, line: bytes) -> tuple[bytes, bytes]:
        name, _, value = line.partition(b":")
        field = (name.lower(), value.strip(b" \t"))
        if field[0] in _CACHED_FIELDS and len(line) <= _CACHED_LINE_BYTES:
            if len(self) >= _CACHED_LINES:
                self.clear()
            self[line] = field
        return field


class HeadReader:
    """Reads heads under given limits; remembers request lines and Host values that it has already accepted."""

    def __init__(self, *, head_bytes: int, target_bytes: int, fields: int, body_bytes: int) -> None:
        self._head_bytes = head_bytes
        self._target_bytes = target_bytes
        self._fields = fields
        self._body_bytes = body_bytes
        self._lines: dict[bytes, RequestLine] = {}
        self._hosts: set[bytes] = set()
        self._field = _FieldLines().__getitem__

    def beginning(self, held: bytes) -> None:
        """Judge a head that is not complete yet; raises Refusal when it cannot become a good one."""
        guard.check_beginning(held, self._target_bytes, self._head_bytes)

    def read(self, head: bytes) -> Request:
        """One head, up to and with its empty line, checked in full; raises Refusal."""
        cut = head.find(b"\r\n")
        if cut == 0:  # one empty line before a request is skipped: RFC 9112 section 2.2
            head = head[2:]
            cut = head.find(b"\r\n")
        line = self._lines.get(head[:cut]) or self._read_line(head[:cut])
        if len(head) > self._head_bytes:
            raise Refusal(431, "head_too_large", f"The head is longer than {self._head_bytes} bytes.")
        end = _End()
        try:
            httptools.HttpRequestParser(end).feed_data(head)
        except httptools.HttpParserUpgrade:
            pass  # an Upgrade that is not taken is ignored: RFC 9110 section 7.8
        except httptools.HttpParserError as error:
            raise Refusal(400, "bad_head", f"{error}.") from None
        if not end.ended:
            raise Refusal(400, "bad_head", "The head does not end where it should.")
        headers = list(map(self._field, head[cut + 2 : -4].split(b"\r\n"))) if len(head) > cut + 4 else []
        fields = dict(headers)
        if len(fields) != len(headers):
            guard.check_unique(headers)
            fields = dict(reversed(headers))
        if len(headers) > self._fields:
            raise Refusal(431, "too_many_fields", f"The head has more than {self._fields} fields.")
        method, target, minor, authority = line
        request = Request(method, target, headers, fields, minor)
        host = fields.get(b"host")
        if host not in self._hosts or authority is not None:
            self._check_host(host, line)
        length = fields.get(b"content-length")
        if length is not None:
            request.length = guard.content_length(length, self._body_bytes)
        if not minor:
            request.persistent = False
        if not _RARE.isdisjoint(fields):
            _apply_rare(request)
        return request

    def _read_line(self, raw: bytes) -> RequestLine:
        line = guard.request_line(raw, self._target_bytes)
        # Absolute targets must meet Host each time; queries are rarely the same twice and may hold what must
        # not stay here.
        if line.authority is None and b"?" not in raw and len(raw) <= _CACHED_LINE_BYTES:
            if len(self._lines) >= _CACHED_LINES:
                self._lines.clear()
            self._lines[raw] = line
        return line

    def _check_host(self, host: bytes | None, line: RequestLine) -> None:
        if host is None:
            if line.minor == 0 and line.authority is None:
                return
            raise Refusal(400, "bad_host", "The Host field is missing.")
        guard.check_host(host)
        if line.authority is not None and line.authority.lower() != host.lower():
            raise Refusal(
                400,
                "bad_host",
                "The authority of the request target differs from the Host field.",
            )
        if len(self._hosts) >= _CACHED_HOSTS:
            self._hosts.clear()
        self._hosts.add(host)


def _apply_rare(request: Request) -> None:
    fields = request.fields
    if not guard.LOOKALIKES.isdisjoint(fields):
        raise Refusal(
            400,
            "bad_framing",
            "A field name has an underscore where framing needs a dash.",
        )
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        guard.check_coding(coding, request.minor)
        if b"content-length" in fields:
            raise Refusal(
                400,
                "bad_framing",
                "Content-Length and Transfer-Encoding stand together.",
            )
        request.length = None
    option = fields.get(b"connection")
    if option is not None and (
        option != b"keep-alive" or request.minor == 0 or len(fields) != len(request.headers)
    ):
        request.persistent = _persists(request)
    expectation = fields.get(b"expect")
    if expectation is not None and request.minor == 1:
        if expectation.lower() != b"100-continue":
            raise Refusal(
                417,
                "unknown_expectation",
                "The only expectation known here is 100-continue.",
            )
        request.expects = request.length != 0


def _persists(request: Request) -> bool:
    """Whether the connection is to be kept after this message (RFC 9112 section 9.3)."""
    options = {
        option.strip(b" \t").lower()
        for name, value in request.headers
        if name == b"connection"
        for option in value.split(b",")
    }
    return b"close" not in options and (request.minor == 1 or b"keep-alive" in options)
