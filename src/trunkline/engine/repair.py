"""Mends a request that a vendor refused for a reason that can be mended, as its integration declares (spec F13); pure.

Always told: a header, a note in the record. Not for: failures that pass by themselves (`plan.py`), nor other vendors and models
(`fallback.py`), save the one named for longer contexts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from trunkline.core.codec import DecodeError, from_json, json_decoder, to_json
from trunkline.core.errors import CallError
from trunkline.core.flow import Repair
from trunkline.engine.pointer import found
from trunkline.engine.trim import without_oldest

NEEDED = frozenset(("model", "messages", "input", "contents", "prompt", "stream"))
"""Never left out: without them it would be another request."""
_RENAMED = {"max_tokens": "max_completion_tokens"}
_UNSUPPORTED_CODES = frozenset(
    (
        "unsupported_parameter",
        "unsupported_value",
        "unknown_parameter",
        "parameter_unknown",
        "extra_forbidden",
    )
)
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|not support\b|does not support|unrecognized|unknown (?:parameter|name|field)|extra inputs|not permitted",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:parameter|value|argument supplied|unknown name|unknown field)s?:? [\"'`]?([a-z][A-Za-z0-9_]{1,60})\b|"
    r"^([a-z][a-z0-9_]{1,60}): (?=extra inputs)",
    re.IGNORECASE,
)
_TEXTS = (
    "/choices/*/message/content",
    "/candidates/0/content/parts/*/text",
    "/output/*/content/*/text",
)
_FORMATS = ("/response_format/type", "/text/format/type", "/generationConfig/responseMimeType")

_members = json_decoder(dict[str, msgspec.Raw])


class Mend(NamedTuple):
    """How a request was mended: `name` as header and record tell it, and the new body or the model to go on with."""

    name: str
    body: bytes = b""
    model: str = ""


def mended(repair: Repair, error: CallError, body: bytes, done: Iterable[str]) -> Mend | None:
    """The mended request, or None. `done` are the names of what was mended already."""
    if error.code == "context_too_long":
        if repair.bigger_context and (name := f"bigger_context:{repair.bigger_context}") not in done:
            return Mend(name, model=repair.bigger_context)
        if repair.trim and (shorter := without_oldest(body, error.message)) is not None:
            return Mend(f"trim:{repair.trim}", shorter)
    elif error.code == "invalid_request" and repair.drop_unsupported:
        return _dropped(body, unsupported(error), error.message)
    elif error.code == "malformed_response" and repair.malformed_again and "malformed_again" not in done:
        return Mend("malformed_again", body)
    return None


def unsupported(error: CallError) -> str:
    """The parameter that a vendor says it does not support; empty when it says no such thing."""
    if error.vendor_code not in _UNSUPPORTED_CODES and not _UNSUPPORTED.search(error.message):
        return ""
    if error.param:
        return error.param
    hit = _NAMED.search(error.message)
    return (hit[1] or hit[2]) if hit is not None else ""


def _dropped(body: bytes, param: str, message: str) -> Mend | None:
    """The body without a parameter, or with it under the name that the vendor wants; all other values keep their bytes."""
    if not param or param in NEEDED:
        return None
    try:
        members = _members.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if param not in members:
        return None
    value = members.pop(param)
    other = _RENAMED.get(param, "")
    if other and other in message and other not in members:
        members[other] = value
        return Mend(f"rename:{param}", to_json(members))
    return Mend(f"drop:{param}", to_json(members))


def breaks_format(request: bytes, reply: bytes) -> bool:
    """Whether a reply whose text was to be JSON, as its request demands, holds text that is none."""
    if b"json" not in request:
        return False
    try:
        asked, said = from_json(request), from_json(reply)
    except DecodeError:
        return False
    if not any("json" in str(kind) for pointer in _FORMATS for kind in found(asked, pointer)):
        return False
    if any(reason in ("length", "MAX_TOKENS") for reason in _reasons(said)):
        return False
    texts = [text for pointer in _TEXTS for text in found(said, pointer) if isinstance(text, str)]
    return bool(texts) and not _is_json("".join(texts) if "candidates" in said else texts[-1])


def _reasons(said: Any) -> Iterable[Any]:
    yield from found(said, "/choices/*/finish_reason")
    yield from found(said, "/candidates/*/finishReason")


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except DecodeError:
        return False
    return True
