"""Brings a vendor's answer to the caller: whole, or streamed as it comes, with what must be read of it on the way.

Not for: failures before an answer began (`gateway.py` shapes those).
"""

from __future__ import annotations

import asyncio
import zlib
from urllib.parse import urlsplit

from trunkline.core.call import Answer, Attempt, Exchange, Live
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.ports import Reading, Response
from trunkline.engine.classify import classify, looks_ok
from trunkline.engine.fields import OURS, RATE_LIMITS, TO_CALLER, Filter, without_named
from trunkline.engine.paths import checked

READ_MAX = 1 << 20
"""Bodies of failures are read up to here for classification."""
WHOLE_MAX = 16 << 20
"""A model's JSON reply that is longer is no reply that anybody wants; the largest seen are 12.5 MB of images."""
PARSED_MAX = 256 << 10
"""Longer replies are parsed in a thread."""

_LINES_MAX = 2048
_LINE_MAX = 256
REQUEST_IDS = frozenset(
    (b"x-request-id", b"request-id", b"x-amzn-requestid", b"x-github-request-id", b"x-goog-request-id", b"apim-request-id", b"cf-ray",
     b"x-slack-req-id", b"x-notion-request-id", b"dg-request-id", b"twilio-request-id", b"x-shopify-request-id")
)  # fmt: skip


class _Lines(dict[tuple[bytes, bytes], bytes]):
    """A vendor's field -> our header line, or nothing where it does not pass. Vendors send the same fields again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._filter = Filter(TO_CALLER, OURS)

    def __missing__(self, field: tuple[bytes, bytes]) -> bytes:
        name, value = field
        line = b"%b: %b\r\n" % field if self._filter.passes(name) else b""
        if name not in REQUEST_IDS and len(value) <= _LINE_MAX:
            if len(self) >= _LINES_MAX:
                self.clear()
            self[field] = line
        return line


class AnswerFields:
    """Writes the vendor's part of an answer's fields."""

    def __init__(self) -> None:
        self._line = _Lines().__getitem__

    def lines(self, attempt: Attempt, response: Response) -> list[bytes]:
        """The vendor's header lines that pass; notes the vendor's request id on the attempt."""
        if not REQUEST_IDS.isdisjoint(response.fields):
            names = [name for name in response.fields if name in REQUEST_IDS]
            told = next((name for name in reversed(names) if name != b"cf-ray"), names[0])
            attempt.vendor_request_id = response.fields[told][:200].decode("latin-1")
        headers = without_named(response.headers, response.fields.get(b"connection"))
        if attempt.exchange.limits_told:
            headers = [field for field in headers if field[0] not in RATE_LIMITS]
        return list(map(self._line, headers))


def kept(attempt: Attempt, response: Response, fields: bytes) -> Answer | None:
    """The vendor's part of an answer for those who asked for it; of a stream only the head, its body follows at its end."""
    body = response.body if response.complete else b""
    if len(body) > attempt.exchange.keep:
        return None
    member = attempt.target.member
    shown = member.blotted(fields) if member.repeated_in(fields) else fields
    return Answer(response.status, shown, body, b"set-cookie" in response.fields)


def own_fields(exchange: Exchange, attempts: int, now: float) -> bytes:
    """Our header lines of an answer."""
    route = exchange.route
    assert route is not None
    overhead_ms = (now - exchange.started - exchange.vendor_wait) * 1e3
    lines = b"%bx-correlation-id: %b\r\nx-trunkline-attempts: %d\r\nx-trunkline-overhead-ms: %.3f\r\n%b" % (
        route.answer_fields,
        exchange.correlation_id.encode(),
        attempts,
        overhead_ms,
        exchange.extra,
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


def readable(response: Response) -> bytes:
    """A model's reply as it can be read; we asked for no compression, but not every vendor listens."""
    if b"content-encoding" in response.fields:
        return plain(response.headers, response.body, WHOLE_MAX)
    return response.body


async def failure(attempt: Attempt, response: Response, wall: float) -> CallError | None:
    """Reads a short answer and says which failure it is; None for a success (its body is then in `response.body`)."""
    live = attempt.target.live
    if response.status >= 400 or live.watch_ok:
        if not response.complete:
            response.completed(await read_some(response))
        body = response.body
        member = attempt.target.member
        decoded = member.blotted(plain(response.headers, body))
        error = classify(
            live.rules,
            response.status,
            blotted_headers(attempt, response),
            decoded,
            now=wall,
            source=live.name,
            method=attempt.exchange.request.method,
        )
        if member.renewal is not None and error is not None and error.code == "auth_invalid":
            member.renewal.refused(attempt, error)
        return error
    if 300 <= response.status < 400 and response.status != 304:
        return _redirect(attempt, response)
    return None


def blotted_headers(attempt: Attempt, response: Response) -> list[tuple[bytes, bytes]]:
    """A failure's headers without the credential, which some vendors repeat."""
    member = attempt.target.member
    return [(name, member.blotted(value)) for name, value in response.headers]


async def read_some(response: Response) -> bytes:
    """Up to READ_MAX of a failure's body; a body that breaks off counts as far as it came."""
    try:
        return await response.read(READ_MAX)
    except CallError:
        raise
    except Exception:
        return b""


def _redirect(attempt: Attempt, response: Response) -> CallError | None:
    """A redirect within the vendor's own address is led through the proxy again; any other is a failure (P1)."""
    location = field(response.headers, b"location")
    if not location:
        return None
    passed = relocated(attempt, location)
    if passed is not None:
        response.headers = [(n, passed if n == b"location" else v) for n, v in response.headers]
        return None
    live = attempt.target.live
    host = urlsplit(location.decode("latin-1")).netloc[:100] or "a path outside its base address"
    text = f"{live.name} answered with a redirect to another host ({host}), which Trunkline neither follows nor passes on"
    return CallError(
        "malformed_response",
        text,
        source=live.name,
        vendor_status=response.status,
        never_acted=True,
        again=False,
    )


def relocated(attempt: Attempt, location: bytes) -> bytes | None:
    """Where a redirect leads for the caller: back through the proxy. None when it leaves the integration's base address,
    for any reading of it: clients differ in what they take for a host.
    """
    live, member = attempt.target.live, attempt.target.member
    base = member.prefix + live.path_prefix
    path = location
    if b"\\" in location:
        return None
    scheme, slashes, rest = location.partition(b"//")
    if slashes and (not scheme or scheme.endswith(b":")):
        host, slash, after = rest.partition(b"/")
        if host.lower() != member.host.lower() or scheme.lower() not in (
            b"",
            member.origin.scheme.encode() + b":",
        ):
            return None
        path = slash + after
    elif not location.startswith(b"/"):
        return None if b":" in location.partition(b"/")[0] or not _stays(location, live) else location
    if path != base and not path.startswith((base + b"/", base + b"?")):
        return None
    left = path[len(base) :] or b"/"
    return b"/api/proxy/" + live.name.encode() + left if _stays(left, live) else None


def _stays(path: bytes, live: Live) -> bool:
    """Whether a path below the base address stays there."""
    try:
        checked(path.partition(b"?")[0].lstrip(b"/"), encoded_slash=live.spec.encoded_slash)
    except CallError:
        return False
    return True


async def read_whole(attempt: Attempt, response: Response) -> bytes:
    """A model's whole reply. Raises CallError `malformed_response` at once for one that is announced beyond all measure."""
    if int(response.fields.get(b"content-length", b"0")) > WHOLE_MAX:
        source = attempt.target.live.name
        text = f"{source} answered with more than {WHOLE_MAX >> 20} MB where a model's reply was expected"
        raise CallError("malformed_response", text, source=source, vendor_status=response.status, again=False)
    return await response.read(WHOLE_MAX)


async def read_reply(attempt: Attempt, body: bytes) -> Reading | None:
    """Usage of a whole model reply. Raises CallError `malformed_response` when it is no JSON at all."""
    adapter = attempt.exchange.adapter
    if adapter is None:
        return None
    reading = Reading()
    try:
        if len(body) > PARSED_MAX:
            await asyncio.to_thread(adapter.read, body, reading)
        else:
            adapter.read(body, reading)
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
    promised = attempt.exchange.adapter is not None
    kind = response.fields.get(b"content-type", b"")
    if looks_ok(live.rules, response.status, kind, response.body, json_promised=promised):
        return None
    body = attempt.target.member.blotted(plain(response.headers, response.body))
    return classify(
        live.rules,
        response.status,
        blotted_headers(attempt, response),
        body,
        now=wall,
        source=live.name,
        method=attempt.exchange.request.method,
        json_promised=promised,
    )
