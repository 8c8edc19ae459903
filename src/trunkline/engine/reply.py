"""Reads a vendor's answer as far as must be: which failure it is, whether it is one in disguise, what it says of itself.

Not for: passing it on (`deliver.py`), nor what a failure looks like to the caller (`refusal.py`).
"""

from __future__ import annotations

import asyncio
import re
import zlib
from urllib.parse import urlsplit

from trunkline.core.call import Live
from trunkline.core.codec import DecodeError
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.ports import Reading, Response
from trunkline.engine.answer_head import REQUEST_IDS
from trunkline.engine.classify import classify, looks_ok
from trunkline.engine.frames import LINES
from trunkline.engine.paths import checked

READ_MAX = 1 << 20
"""Bodies of failures are read up to here for classification."""
WHOLE_MAX = 16 << 20
"""A model's JSON reply that is longer is no reply that anybody wants; the largest seen are 12.5 MB of images."""
UNPACKED_MAX = 4 << 20
"""What a model's reply that comes compressed unasked may unpack to, and be packed."""
PARSED_MAX = 256 << 10
"""Longer replies are parsed in a thread."""
_SLICE = 64 << 10
_PACKED = frozenset((b"gzip", b"x-gzip", b"deflate"))


def field(headers: list[tuple[bytes, bytes]], name: bytes) -> bytes:
    """First value of a header, or empty."""
    return next((value for n, value in headers if n == name), b"")


def plain(headers: list[tuple[bytes, bytes]], body: bytes, limit: int = READ_MAX) -> bytes:
    """The body without gzip or deflate, at most `limit` bytes of it, so that a bomb stays small."""
    if field(headers, b"content-encoding").lower() not in _PACKED:
        return body
    return inflated(body, limit)[0]


def inflated(body: bytes, limit: int) -> tuple[bytes, bool]:
    """What a body unpacks to, at most `limit` bytes of it, and whether that is all. A body that is not packed stays as it is."""
    engine = zlib.decompressobj(wbits=47)
    pieces: list[bytes] = []
    left = limit
    try:
        # In slices: zlib keeps a copy of what it was given and did not come to.
        for at in range(0, len(body), _SLICE):
            piece = engine.decompress(body[at : at + _SLICE], left)
            pieces.append(piece)
            left -= len(piece)
            if left <= 0 or engine.eof:
                break
    except zlib.error:
        return body, True
    return b"".join(pieces), engine.eof


def readable(attempt: Attempt, response: Response) -> bytes:
    """A model's reply as it can be read; we asked for no compression, but not every vendor listens.

    Raises CallError `malformed_response` for one that unpacks to more than anybody compresses in good faith.
    """
    if b"content-encoding" not in response.fields:
        return response.body
    if response.fields[b"content-encoding"].lower() not in _PACKED:
        return response.body
    body, complete = inflated(response.body, UNPACKED_MAX)
    if not complete:
        source = attempt.target.live.name
        text = f"{source} sent a compressed reply, though none was asked for, that does not unpack within {UNPACKED_MAX >> 20} MB"
        raise CallError("malformed_response", text, source=source, vendor_status=response.status, again=False)
    return body


def request_id(response: Response) -> str:
    """The vendor's own id of the request, from the head of its answer; an id of its edge only where there is no other."""
    fields = response.fields
    found = [name for name in REQUEST_IDS if name in fields and name != b"cf-ray"] or [b"cf-ray"]
    return fields.get(found[0], b"")[:200].decode("latin-1")


async def failure(attempt: Attempt, response: Response, wall: float) -> CallError | None:
    """Reads a short answer and says which failure it is; None for a success (its body is then in `response.body`)."""
    live = attempt.target.live
    if response.status >= 400 or (live.watch_ok and may_disguise(response)):
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


def may_disguise(response: Response) -> bool:
    """Whether the body of a good answer must be read to know whether it is a success: not of streams, files and long answers."""
    kind = response.fields.get(b"content-type", b"").lower()
    if kind.startswith(LINES.media) or (kind and b"json" not in kind and b"xml" not in kind):
        return False
    return response.complete or int(response.fields.get(b"content-length", b"0")) <= READ_MAX


def blotted_headers(attempt: Attempt, response: Response) -> list[tuple[bytes, bytes]]:
    """A failure's headers without the credential, which some vendors repeat."""
    member = attempt.target.member
    return [(name, member.blotted(value)) for name, value in response.headers]


async def read_some(response: Response) -> bytes:
    """Up to READ_MAX of a failure's body, nothing where it breaks off; of a good answer all of it, or the failure to read it."""
    if response.status < 400:
        return await response.read(WHOLE_MAX)
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


def lead_back(attempt: Attempt, response: Response) -> None:
    """Where something new lies is told as the caller can reach it: by the proxy, if it lies under the base address."""
    location = response.fields.get(b"location")
    passed = relocated(attempt, location) if location is not None else None
    if passed is not None:
        response.headers = [(n, passed if n == b"location" else v) for n, v in response.headers]


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
    most = UNPACKED_MAX if b"content-encoding" in response.fields else WHOLE_MAX
    if int(response.fields.get(b"content-length", b"0")) > most:
        source = attempt.target.live.name
        text = f"{source} answered with more than {most >> 20} MB where a model's reply was expected"
        raise CallError("malformed_response", text, source=source, vendor_status=response.status, again=False)
    return await response.read(most)


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


def in_pieces(attempt: Attempt, response: Response) -> bool:
    """Whether a model's answer that is no event stream may yet be one: Gemini streams arrays, and not all name the type of theirs."""
    exchange = attempt.exchange
    kind = response.fields.get(b"content-type", b"").lower()
    if not exchange.stream or b"html" in kind:
        return False
    return _streams_arrays(attempt) or not kind.startswith(b"application/json")


def _streams_arrays(attempt: Attempt) -> bool:
    exchange = attempt.exchange
    return exchange.stream and exchange.adapter is not None and exchange.adapter.name == "gemini-generate"


_OBJECT = re.compile(rb"\s*\{\s*[^\s}]")
"""What an object that holds something begins with; vendors put blank lines before it to keep a connection alive."""
_OBJECTS = re.compile(rb"\s*\[\s*\{")


def _is_reply(attempt: Attempt, body: bytes) -> bool:
    """Whether valid JSON may be a model's reply."""
    return bool(_OBJECT.match(body) or (_streams_arrays(attempt) and _OBJECTS.match(body)))


def malformed(attempt: Attempt, body: bytes) -> CallError:
    """A model's reply that is no JSON, or JSON that is no reply."""
    start = body[:20].lstrip()
    if b"<" in start:
        kind = "HTML"
    elif start in (b"null", b"[]", b"{}", b'""', b"true", b"false"):
        kind = f"only {start.decode()}"
    else:
        kind = "no JSON object" if start[:1] in (b"[", b'"') else "no valid JSON"
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
    if promised and response.status < 300 and not _is_reply(attempt, found := readable(attempt, response)):
        return malformed(attempt, found)
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
