"""What a request must look like beyond what the parser checks: pure decisions on bytes, each with the RFC
section it rests on.

llhttp (inside httptools) refuses much by itself, but accepts what would let two servers read one request
differently; that is refused here. Not for: running the parser (`head`), nor sending the refusal (`inbound`).
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
ALLOW = b"allow: " + b", ".join(METHODS) + b"\r\n"

# A request line is at most the longest target, a method, a version and two spaces; what is longer is told
# 414.
LINE_SLACK = 64

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ ]+) HTTP/([0-9])\.([0-9])")
_METHOD_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: |$)")
# RFC 3986 section 3.3 and 3.4; `[` and `]` stand in queries of the Stripe kind (`expand[]=x`), where they can
# mislead nobody.
_ORIGIN = re.compile(rb"/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]%-]*)?")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL_ESCAPE = re.compile(rb"%(?:[01][0-9A-Fa-f]|7[Ff])")
_POISON_ESCAPE = re.compile(rb"%00|%0[Dd]%0[Aa]")
_DOTS = re.compile(rb"(?:/|%2f)(?:\.|%2e){1,2}(?:[/;]|%2f|%5c|$)|%5c", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")

# Fields of which a second one could be read by one server and ignored by the next (RFC 9110 section 5.3).
SINGLE = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-type",
        b"authorization",
        b"origin",
        b"proxy-authorization",
    )
)
# Names that some servers read as the field with dashes, and so frame the message by.
LOOKALIKES = frozenset((b"content_length", b"transfer_encoding"))
# Fields that mean something only before a body: framing, routing, credentials, request modifiers (RFC 9110
# section 6.5.1).
NEVER_TRAILERS = frozenset(
    b"host content-length transfer-encoding connection trailer te upgrade keep-alive proxy-connection".split()
    + b"authorization proxy-authorization cookie content-type content-encoding content-range expect".split()
    + b"max-forwards range cache-control if-match if-none-match if-modified-since if-range".split()
    + b"if-unmodified-since origin x-forwarded-for forwarded".split()
)


class Refusal(Exception):
    """A request that is not served. `status` and `code` go to the client, `reason` names what is wrong,
    without its secrets.
    """

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason


class RequestLine(NamedTuple):
    """An accepted request line. `authority` is None in origin-form; else it must equal Host (RFC 9112 section
    3.2.2).
    """

    method: str
    target: bytes
    minor: int
    authority: bytes | None


def request_line(line: bytes, target_bytes: int) -> RequestLine:
    """Read `method SP target SP HTTP/1.x`, exactly so (RFC 9112 section 3); raises Refusal."""
    if len(line) > target_bytes + LINE_SLACK:
        raise Refusal(
            414,
            "target_too_long",
            f"The request target is longer than {target_bytes} bytes.",
        )
    match = _LINE.fullmatch(line)
    if match is None:
        raise Refusal(
            400,
            "bad_request_line",
            "The request line must be: method, one space, target, one space, HTTP/1.1.",
        )
    method, target, major, minor = match.groups()
    if major != b"1" or minor not in b"01":
        raise Refusal(505, "unknown_version", "Only HTTP/1.1 and HTTP/1.0 are served here.")
    name = METHODS.get(method)
    if name is None:
        if method in (b"CONNECT", b"TRACE"):
            raise Refusal(405, "method_not_allowed", f"{method.decode()} is not allowed.")
        raise Refusal(
            501,
            "unknown_method",
            "This method is not known here; methods are upper-case.",
        )
    if len(target) > target_bytes:
        raise Refusal(
            414,
            "target_too_long",
            f"The request target is longer than {target_bytes} bytes.",
        )
    form, authority = _reduced(name, target)
    return RequestLine(name, form, minor[0] - 48, authority)


def _reduced(method: str, target: bytes) -> tuple[bytes, bytes | None]:
    """The target in origin-form (or `*`) and the authority of an absolute-form (RFC 9112 section 3.2)."""
    if target == b"*" and method == "OPTIONS":
        return target, None
    authority: bytes | None = None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:
        authority, target = absolute.groups()
        if not target.startswith(b"/"):
            if method == "OPTIONS" and not target:
                return b"*", authority  # RFC 9112 section 3.2.4
            target = b"/" + target
    if _ORIGIN.fullmatch(target) is None:
        raise Refusal(
            400,
            "bad_target",
            "The request target has a form or a character that RFC 3986 does not allow.",
        )
    if b"%" in target or b"/." in target:
        _check_escapes(target)
    return target, authority


def _check_escapes(target: bytes) -> None:
    path = target.partition(b"?")[0]
    if _BAD_ESCAPE.search(target):
        raise Refusal(
            400,
            "bad_target",
            "A % in the request target is not followed by two hexadecimal digits.",
        )
    if _CONTROL_ESCAPE.search(path) or _POISON_ESCAPE.search(target):
        raise Refusal(400, "bad_target", "The request target holds an encoded control character.")
    if _DOTS.search(path):
        raise Refusal(
            400,
            "bad_target",
            "The path holds a dot segment or an encoded backslash; send it already resolved.",
        )


def check_host(value: bytes) -> None:
    """Host is a name or an IP literal and maybe a port (RFC 9110 section 7.2, RFC 9112 section 3.2); raises
    Refusal.
    """
    match = _HOST.fullmatch(value)
    if match is None or (match[2] and int(match[2]) > 65535) or (match[1] and not _is_ipv6(match[1])):
        raise Refusal(
            400,
            "bad_host",
            "The Host field must be a host name or IP address, and maybe a port.",
        )


def _is_ipv6(literal: bytes) -> bool:
    try:
        IPv6Address(literal.decode("ascii"))
    except (AddressValueError, UnicodeDecodeError):
        return False
    return True


def check_unique(headers: list[tuple[bytes, bytes]]) -> None:
    """No field that must stand once stands twice (RFC 9110 section 5.3); raises Refusal."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in SINGLE:
            raise Refusal(
                400,
                "repeated_field",
                f"The field {name.decode('ascii')} stands more than once.",
            )
        seen.add(name)


def check_coding(value: bytes, minor: int) -> None:
    """Transfer-Encoding is exactly `chunked`, and never on HTTP/1.0 (RFC 9112 sections 6.1 and 7); raises
    Refusal.
    """
    if minor == 0:
        raise Refusal(400, "bad_framing", "Transfer-Encoding is not part of HTTP/1.0.")
    if value.lower() != b"chunked":
        if value.lower().replace(b" ", b"").replace(b"\t", b"").endswith(b",chunked"):
            raise Refusal(501, "unknown_coding", "Only the transfer coding chunked is served.")
        raise Refusal(400, "bad_framing", "Transfer-Encoding must be chunked.")


def content_length(value: bytes, body_bytes: int) -> int:
    """A plain decimal number without leading zeros (RFC 9110 section 8.6), within the limit; raises Refusal."""
    if not value.isdigit() or (value[:1] == b"0" and value != b"0"):
        raise Refusal(400, "bad_framing", "Content-Length must be a plain decimal number.")
    length = int(value)
    if length > body_bytes:
        raise Refusal(413, "request_too_large", f"The body is longer than {body_bytes} bytes.")
    return length


def check_trailers(names: list[bytes]) -> None:
    """No trailer is one that would have to stand before the body (RFC 9110 section 6.5.1); raises Refusal."""
    for name in names:
        if name in NEVER_TRAILERS:
            raise Refusal(
                400,
                "bad_trailer",
                f"The field {name.decode('ascii')} must not be a trailer.",
            )


def check_beginning(held: bytes, target_bytes: int, head_bytes: int) -> None:
    """Refuse an unfinished head as soon as nothing that may follow could make it good; raises Refusal.

    Without this a client with bare LF line ends, or one that speaks TLS to a plain port, would be left
    waiting for 408.
    """
    start = (
        2 if held[:2] == b"\r\n" else 0
    )  # one empty line before a request is skipped: RFC 9112 section 2.2
    if held == b"\r" or len(held) == start:
        return
    end = held.find(b"\r\n", start)
    if end >= 0:
        request_line(held[start:end], target_bytes)
    elif len(held) - start > target_bytes + LINE_SLACK:
        raise Refusal(
            414,
            "target_too_long",
            f"The request target is longer than {target_bytes} bytes.",
        )
    elif _METHOD_START.match(held, start) is None:
        raise Refusal(400, "bad_request_line", "A request must begin with a method.")
    if len(held) - start > head_bytes:
        raise Refusal(431, "head_too_large", f"The head is longer than {head_bytes} bytes.")
    line_ends = held.count(b"\r\n")
    if held.count(b"\n") != line_ends or held.count(b"\r") != line_ends + held.endswith(b"\r"):
        raise Refusal(
            400,
            "bad_line_end",
            "Lines must end with CR LF, and neither may stand alone.",
        )
