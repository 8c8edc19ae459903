"""JSON and MessagePack for the whole product, through msgspec, so that one library reads and writes everything.

Not for: YAML (`registry/load.py`), nor for rewriting bodies that must keep their bytes (`core/jsonspan.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_json_decoder = msgspec.json.Decoder()

DecodeError = msgspec.DecodeError
ValidationError = msgspec.ValidationError


to_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode
"""Compact JSON. Raises TypeError for what JSON cannot say."""


def from_json(data: bytes | str) -> Any:
    """Plain Python values. Raises DecodeError, also for text that is no UTF-8 and for nesting beyond reason."""
    try:
        return decoded(_json_decoder, data)
    except (UnicodeDecodeError, RecursionError) as problem:
        raise DecodeError(told_shortly(problem)) from None


def decoded(decoder: msgspec.json.Decoder[T], data: bytes | str) -> T:
    """What a decoder makes of JSON that others wrote. Raises as it does."""
    try:
        return decoder.decode(data)
    except DecodeError:
        whole = mended(data if isinstance(data, bytes) else data.encode("utf-8", "replace"))
        if whole is None:
            raise
        return decoder.decode(whole)


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def mended(data: bytes) -> bytes | None:
    """JSON in which escaped halves of characters are U+FFFD; None where there are none.

    JavaScript writes them for a text that was cut within an emoji, and RFC 8259 (8.2) leaves them to the reader; ours takes none.
    """
    if b"\\ud" not in data and b"\\uD" not in data:
        return None
    found = _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], data)
    return found if found != data else None


def told_shortly(problem: Exception) -> str:
    """What of an odd failure of the decoder may be shown: never the text itself."""
    return "JSON is nested too deeply" if isinstance(problem, RecursionError) else "JSON is not in UTF-8"


to_pack: Callable[[Any], bytes] = msgspec.msgpack.Encoder().encode
"""MessagePack, for journal records and snapshots."""


def pack_decoder(shape: type[T]) -> msgspec.msgpack.Decoder[T]:
    """A reusable decoder of one shape; build it once, not per record."""
    return msgspec.msgpack.Decoder(shape)


def json_decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    """A reusable decoder of one shape; build it once, not per body."""
    return msgspec.json.Decoder(shape)
