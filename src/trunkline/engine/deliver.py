"""Brings a vendor's answer to the caller: whole, or streamed as it comes, with what must be read of it on the way.

Not for: failures before an answer began (`gateway.py` shapes those).
"""

from __future__ import annotations

import asyncio
import zlib
from urllib.parse import urlsplit

from trunkline.core.call import Attempt, Exchange
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.ports import Reading, Response
from trunkline.core.text import HOP_BY_HOP
from trunkline.engine.classify import classify, looks_ok

READ_MAX = 1 << 20
"""Bodies of failures are read up to here for classification."""
WHOLE_MAX = 64 << 20
"""A model's JSON reply longer than this is passed on unread."""
PARSED_MAX = 256 << 10
"""Longer replies are parsed in a thread."""

DROPPED = HOP_BY_HOP | frozenset(
    (b"content-length", b"set-cookie", b"set-cookie2", b"alt-svc", b"strict-transport-security", b"x-correlation-id", b"expect-ct", b"nel",
     b"report-to", b"access-control-allow-origin", b"access-control-allow-credentials", b"access-control-expose-headers")
)  # fmt: skip
"""Never passed to the caller: hop-by-hop fields, cookies, and what speaks for the vendor's own site."""

REQUEST_IDS = frozenset(
    (b"x-request-id", b"request-id", b"x-amzn-requestid", b"x-github-request-id", b"x-goog-request-id", b"apim-request-id", b"cf-ray",
     b"x-slack-req-id", b"x-notion-request-id", b"dg-request-id", b"twilio-request-id", b"x-shopify-request-id")
)  # fmt: skip
_SPECIAL = DROPPED | REQUEST_IDS


def answer_fields(attempt: Attempt, headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    """The vendor's header lines that pass, in pieces; notes the vendor's request id on the attempt."""
    parts: list[bytes] = []
    for name, value in headers:
        if name in _SPECIAL:
            if name in DROPPED:
                continue
            if not attempt.vendor_request_id or name != b"cf-ray":
                attempt.vendor_request_id = value[:200].decode("latin-1")
        parts += (name, b": ", value, b"\r\n")
    return parts


def own_fields(exchange: Exchange, attempt: Attempt, now: float) -> bytes:
    """Our header lines of an answer."""
    route = exchange.route
    assert route is not None
    overhead_ms = (now - exchange.started - exchange.vendor_wait) * 1e3
    lines = b"%bx-correlation-id: %b\r\nx-trunkline-attempts: %d\r\nx-trunkline-overhead-ms: %.3f\r\n%b" % (
        route.answer_fields,
        exchange.correlation_id.encode(),
        attempt.n,
        overhead_ms,
        exchange.cors_fields,
    )
    if exchange.cost_usd >= 0:
        return lines + b"x-trunkline-cost-usd: %.9g\r\n" % exchange.cost_usd
    return lines


def field(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    """First value of a header, or empty."""
    return next((value for n, value in headers if n == name), b"")


def plain(headers: list[tuple[bytes, bytes]], body: bytes, limit: int = READ_MAX) -> bytes:
    """The body without gzip or deflate, at most `limit` bytes of it, so that a bomb stays small."""
    encoding = field(headers, b"content-encoding").lower()
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=47).decompress(body, limit)
    except zlib.error:
        return body


async def failure(attempt: Attempt, response: Response, wall: float) -> CallError | None:
    """Reads a short answer and says which failure it is; None for a success (its body is then in `response.body`)."""
    live = attempt.target.live
    if response.status >= 400 or live.watch_ok:
        if not response.complete:
            response.completed(await read_some(response))
        body = response.body
        decoded = plain(response.headers, body)
        return classify(
            live.rules,
            response.status,
            response.headers,
            decoded,
            now=wall,
            source=live.name,
            method=attempt.exchange.request.method,
        )
    if 300 <= response.status < 400 and response.status != 304:
        return _redirect(attempt, response)
    return None


async def read_some(response: Response) -> bytes:
    """Up to READ_MAX of a failure's body; a body that breaks off counts as far as it came."""
    try:
        return await response.read(READ_MAX)
    except CallError:
        raise
    except Exception:
        return b""


def _redirect(attempt: Attempt, response: Response) -> CallError | None:
    location = field(response.headers, b"location").decode("latin-1")
    host = urlsplit(location).netloc
    live = attempt.target.live
    if not host or host.encode().lower() == attempt.target.member.host.lower():
        return None
    text = f"{live.name} answered with a redirect to another host ({host[:100]}), which Trunkline neither follows nor passes on"
    return CallError(
        "malformed_response", text, source=live.name, vendor_status=response.status, never_acted=True
    )


async def read_reply(attempt: Attempt, body: bytes) -> Reading | None:
    """Usage of a whole model reply. Raises CallError `malformed_response` when it is no JSON at all."""
    route = attempt.exchange.route
    assert route is not None
    if route.adapter is None:
        return None
    reading = Reading()
    try:
        if len(body) > PARSED_MAX:
            await asyncio.to_thread(route.adapter.read, body, reading)
        else:
            route.adapter.read(body, reading)
    except DecodeError:
        raise malformed(attempt, body) from None
    return reading


def malformed(attempt: Attempt, body: bytes) -> CallError:
    """A model's reply that is no JSON."""
    kind = "HTML" if b"<" in body[:20] else "no valid JSON"
    source = attempt.target.live.name
    return CallError(
        "malformed_response",
        f"{source} answered 200 with a body that is {kind}",
        source=source,
        vendor_status=200,
    )


def disguised(attempt: Attempt, response: Response, wall: float) -> CallError | None:
    """The failure that a 2xx answer really is, if it is one; one look for signs of it comes before any parse."""
    live = attempt.target.live
    if looks_ok(live.rules, response.status, field(response.headers, b"content-type"), response.body):
        return None
    body = plain(response.headers, response.body)
    return classify(
        live.rules,
        response.status,
        response.headers,
        body,
        now=wall,
        source=live.name,
        method=attempt.exchange.request.method,
    )
