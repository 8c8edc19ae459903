"""JSON so that equal values are equal bytes, whatever white space and order of members; pure.

Whatever readers may read in different ways is refused, never smoothed over: a member that stands twice, a number beyond 64 bits,
-0, a lone surrogate. Fractions stay as they are written. Not for: changing bodies (`core/jsonspan.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

PARSED_MAX = 256 << 10
"""Longer bodies are not parsed on the loop."""

_NEGATIVE_ZERO = re.compile(rb"-0(?![\d.eE])")


def parsed(body: bytes) -> Any:
    """The value of a body, for `packed` only. Raises ValueError for what is no JSON, is doubtful, or is too long to look at."""
    if len(body) > PARSED_MAX or _NEGATIVE_ZERO.search(body):
        raise ValueError("this JSON is not looked into")
    try:
        return _decoder.decode(body.decode())
    except RecursionError:
        raise ValueError("this JSON is nested too deeply") from None


def packed(value: Any) -> bytes:
    """Bytes that are equal for equal values only. Raises ValueError."""
    try:
        return _pack(value)
    except (TypeError, OverflowError, RecursionError) as problem:
        raise ValueError(str(problem)) from None


def canonical(body: bytes, *, is_json: bool) -> bytes:
    """A body so that equal JSON is equal bytes; anything doubtful stays as it is."""
    if is_json:
        try:
            return b"j" + packed(parsed(body))
        except ValueError:
            pass
    return b"r" + body


def digest(parts: Iterable[bytes]) -> bytes:
    """BLAKE2b (RFC 7693) over parts, each behind its length, so that no two lists of parts run together into the same bytes."""
    return blake2b(b"".join(len(part).to_bytes(8) + part for part in parts), digest_size=32).digest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _written(number: str) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(1, number.encode())


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_once, parse_float=_written, parse_constant=_refused)
_pack = msgspec.msgpack.Encoder(order="deterministic").encode
