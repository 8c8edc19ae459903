"""The request of a client of the CONNECT listener (RFC 9110 section 9.3.6, RFC 9112 section 3.2.3), read strictly, and its answer. Pure.

Not for: what may be reached (`hosts.py`).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from trunkline.core.codec import to_json

HEAD_BYTES = 16 << 10
FIELDS = 64
_LINE = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]{1,4096}) HTTP/1\.[01]")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*")
_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
REASONS = {
    200: "Connection established",
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refused(Exception):
    """A request is not served. `code` counts it and stands in the answer."""

    def __init__(self, status: int, code: str, message: str, *, action: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.action = action


class Asked(NamedTuple):
    """What a client asks for."""

    host: str
    port: int
    key: bytes
    """The Trunkline key that it shows; empty if none."""
    plain: bool
    """No tunnel, but a plain HTTP request with an absolute address, which is never served."""


def read(head: bytes) -> Asked:
    """Reads a head (all before the empty line). Raises Refused."""
    first, _, rest = head.partition(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        raise Refused(400, "invalid_request", "The request line is not one of HTTP/1.")
    fields = _fields(rest)
    key = _key(fields.get(b"proxy-authorization", b""))
    method, target = line[1].decode(), line[2].decode("ascii")
    if method == "CONNECT":
        host, port = authority(target)
        return Asked(host, port, key, False)
    parts = _absolute(target)
    if parts is None:
        said = "This is the CONNECT listener of Trunkline: it opens tunnels (CONNECT host:443) and serves nothing else."
        raise Refused(
            405, "invalid_request", said, action="Set it as HTTPS_PROXY; calls go to the gateway's port."
        )
    return Asked(*parts, key, True)


def _fields(rest: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    lines = rest.split(b"\r\n") if rest else []
    if len(lines) > FIELDS:
        raise Refused(431, "invalid_request", f"The request has more than {FIELDS} fields.")
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise Refused(400, "invalid_request", "A field of the request is not well formed.")
        found.setdefault(field[1].lower(), field[2])
    return found


def _key(value: bytes) -> bytes:
    """The key in `Proxy-Authorization`: `Bearer KEY`, or `Basic` with it as user name or password."""
    scheme, _, rest = value.partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip()
    if scheme.lower() != b"basic":
        return b""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        raise Refused(400, "invalid_request", "Proxy-Authorization is no valid Basic credential.") from None
    return next(
        (one for one in (password, user) if one.startswith((b"tl_", b"tlb_", b"eyJ"))), password or user
    )


def authority(text: str) -> tuple[str, int]:
    """Host and port of `host:port`. Raises Refused."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536 or len(port) > 5:
        raise Refused(400, "invalid_request", "CONNECT takes host:port, e.g. api.example.com:443.")
    return host_name(host), int(port)


def host_name(host: str) -> str:
    """A host as it is compared: lower case, without a final dot, addresses in their usual form. Raises Refused."""
    plain = host.lower()
    if plain.startswith("[") and plain.endswith("]"):
        plain = plain[1:-1]
        if "%" in plain or ":" not in plain:
            raise Refused(400, "invalid_request", "The address in brackets is none.")
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        plain = plain.removesuffix(".")
    last = plain.rsplit(".", 1)[-1]
    if not _NAME.fullmatch(plain) or last.isdigit() or last.startswith("0x"):
        raise Refused(400, "invalid_request", "The host is neither a name nor an address in its usual form.")
    return plain


def _absolute(target: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(target)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host:
        return None
    return host_name(host), port or (80 if parts.scheme == "http" else 443)


def answer(status: int, refused: Refused | None = None, *, reason: str = "") -> bytes:
    """The bytes of an answer; with a refusal its body says why, in Trunkline's shape of errors."""
    said = reason or REASONS.get(status, "Error")
    if refused is None:
        return f"HTTP/1.1 {status} {said}\r\n\r\n".encode()
    body = to_json(
        {
            "source": "trunkline",
            "code": refused.code,
            "message": refused.message,
            "retryable": status in (408, 502, 503, 504),
            "action": refused.action or None,
        }
    )
    realm = 'proxy-authenticate: Basic realm="trunkline"\r\n' if status == 407 else ""
    head = f"HTTP/1.1 {status} {said}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{realm}connection: close\r\n\r\n"
    return head.encode() + body
