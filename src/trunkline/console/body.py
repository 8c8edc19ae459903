"""Bodies of requests to the admin API: JSON or a form, small, read into the declared shape.

Not for: parameters in the address (`app.py`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.errors import CallError

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""
MOST_BYTES = 256 << 10
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, Any]:
    """The fields of a body; empty if there is none. Raises CallError."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise CallError("request_too_large", f"a body of the admin API has at most {MOST_BYTES >> 10} KB")
    if not body:
        return {}
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == _FORM:
        return _pairs(bytes(body))
    if media != _JSON:
        raise CallError(
            "invalid_request", f"a body must be {_JSON} or {_FORM}, not {media[:80] or 'unnamed'}"
        )
    try:
        found = from_json(bytes(body))
    except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise CallError("invalid_request", f"the body is no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise CallError("invalid_request", "the body must be a JSON object")
    return found


def shaped(form: dict[str, Any], shape: type[msgspec.Struct], path: str) -> Any:
    """The fields as the declared shape. Raises CallError naming what is wrong."""
    try:
        return msgspec.convert(form, shape, strict=False)
    except msgspec.ValidationError as fault:
        known = ", ".join(shape.__struct_encode_fields__) or "none"
        raise CallError("invalid_request", f"{fault}; the fields of {path} are: {known}") from None


def _pairs(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError as problem:
        raise CallError("invalid_request", f"the form cannot be read: {problem}") from None
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise CallError("invalid_request", f"the field {name!r} is given twice")
        found[name] = value
    return found
