"""What a request with several calls and its answer look like: reading the one, writing the other. Pure but for long JSON.

Not for: making the calls (`parallel.py`).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.errors import CallError
from trunkline.engine.endpoints import PROXY, dialect_of
from trunkline.engine.gateway import METHODS
from trunkline.engine.inside import Field, Gathered

CALLS_MAX = 64
PARSED_MAX = 256 << 10
"""Longer JSON is looked through in a thread."""

_CREDENTIALS = frozenset((b"x-trunkline-key", b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key"))
OF_THE_WHOLE = frozenset((b"x-trunkline-timeout", b"x-correlation-id"))
_HANDED_ON = _CREDENTIALS | {b"origin", b"x-forwarded-for"}


class Call(msgspec.Struct, forbid_unknown_fields=True):
    """One call as it is asked for."""

    path: str
    id: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw()
    body_base64: str | None = None


class AskedFor(msgspec.Struct, forbid_unknown_fields=True):
    """The whole request."""

    calls: list[Call]
    concurrency: int = 8


_asked = json_decoder(AskedFor)
_any_json = json_decoder(msgspec.Raw)
_text = json_decoder(str)


def read(body: bytes) -> AskedFor:
    """What is asked for. Raises CallError `invalid_request`."""
    try:
        asked = _asked.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise CallError("invalid_request", f"the body of POST /v1/parallel does not fit: {problem}") from None
    if not 1 <= len(asked.calls) <= CALLS_MAX:
        text = f"`calls` takes 1 to {CALLS_MAX} calls, not {len(asked.calls)}"
        raise CallError("invalid_request", text, param="calls")
    if not 1 <= asked.concurrency <= CALLS_MAX:
        text = f"`concurrency` takes 1 to {CALLS_MAX}, not {asked.concurrency}"
        raise CallError("invalid_request", text, param="concurrency")
    ids = [call.id for call in asked.calls if call.id]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise CallError("invalid_request", f"two calls have the id {twice[:100]!r}", param="calls")
    return asked


def target_of(call: Call) -> bytes:
    """The path of a call that may be made here: a model's, or one through the proxy. Raises CallError."""
    if call.method not in METHODS:
        raise CallError("invalid_request", f"{call.method[:40]!r} is no method", param="method")
    target = call.path.encode("ascii", "replace")
    if (
        not call.path.isascii()
        or not call.path.isprintable()
        or not 1 <= len(target) <= 8192
        or b" " in target
    ):
        raise CallError(
            "invalid_request", "the path holds what no path holds; encode it (`%20`)", param="path"
        )
    path = target.partition(b"?")[0]
    if not path.startswith(PROXY) and dialect_of(path) is None:
        text = f"{call.path[:200]!r} is no call: give a model's endpoint, e.g. /v1/chat/completions, or /api/proxy/..."
        raise CallError("unknown_route", text, param="path")
    return target


def labels(headers: list[Field], own: list[Field]) -> Iterator[Field]:
    """What of the request holds for each of its calls: who asks, and our own header fields unless the call has them itself."""
    named = OF_THE_WHOLE | {name for name, _ in own}
    return (
        (n, v) for n, v in headers if n in _HANDED_ON or (n.startswith(b"x-trunkline-") and n not in named)
    )


def own_fields(call: Call) -> Iterator[Field]:
    """The header fields of one call. Raises CallError."""
    for name, value in call.headers.items():
        lowered = name.lower()
        if (
            not lowered.isascii()
            or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in lowered)
            or not lowered
        ):
            raise CallError("invalid_request", f"{name[:100]!r} is no name of a header", param="headers")
        if any(ord(c) < 32 or ord(c) > 255 or ord(c) == 127 for c in value):
            raise CallError(
                "invalid_request", f"the value of {name[:100]!r} holds what no header holds", param="headers"
            )
        if lowered.encode() in _HANDED_ON:
            text = f"{name[:100]!r} stands at the request, not at a call: all calls are its caller's"
            raise CallError("invalid_request", text, param="headers")
        yield lowered.encode(), value.strip().encode("latin-1")


def body_of(call: Call, headers: list[Field]) -> bytes:
    """The body of a call, as it stands; adds the content type of JSON. Raises CallError."""
    if call.body_base64 is not None:
        try:
            return base64.b64decode(call.body_base64, validate=True)
        except ValueError:
            raise CallError("invalid_request", "`body_base64` is no base64", param="body_base64") from None
    body = bytes(call.body)
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    if not body or (body == b"null" and not kind):
        return b""
    if not kind:
        headers.append((b"content-type", b"application/json"))
    elif body[:1] == b'"' and b"json" not in kind:
        return _plain(body)
    return body


def _plain(body: bytes) -> bytes:
    try:
        return _text.decode(body).encode()
    except (DecodeError, UnicodeError):
        raise CallError("invalid_request", "`body` holds what no text holds", param="body") from None


async def result(call: Call, n: int, reply: Gathered) -> dict[str, Any]:
    """What is told of one call. The body is JSON where it is JSON, else text, else base64."""
    headers: dict[str, str] = {}
    for name, value in reply.fields:
        text = value.decode("latin-1")
        known = headers.get(name.decode())
        headers[name.decode()] = text if known is None else f"{known}, {text}"
    told: dict[str, Any] = {"id": call.id or str(n), "status": reply.status, "headers": headers}
    if not reply.whole:
        told["cut"] = True
    body, kind = reply.body, headers.get("content-type", "")
    if not body:
        return told
    if "json" in kind and await _is_json(body):
        return {**told, "body": msgspec.Raw(body)}
    if "json" in kind or kind.startswith("text/") or "charset=utf-8" in kind.lower():
        try:
            return {**told, "body": body.decode()}
        except UnicodeDecodeError:
            pass
    return {**told, "body_base64": base64.b64encode(body).decode()}


async def _is_json(body: bytes) -> bool:
    return await asyncio.to_thread(_valid, body) if len(body) > PARSED_MAX else _valid(body)


def _valid(body: bytes) -> bool:
    try:
        _any_json.decode(body)
        body.decode()
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
