"""JSON and MessagePack for the whole product, through msgspec, so that one library reads and writes everything.

Not for: YAML (`registry/load.py`), nor for rewriting bodies that must keep their bytes (`core/jsonspan.py`).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_json_encoder = msgspec.json.Encoder()
_json_decoder = msgspec.json.Decoder()
_pack_encoder = msgspec.msgpack.Encoder()

DecodeError = msgspec.DecodeError
ValidationError = msgspec.ValidationError


def to_json(value: Any) -> bytes:
    """Compact JSON. Raises TypeError for what JSON cannot say."""
    return _json_encoder.encode(value)


def from_json(data: bytes | str) -> Any:
    """Plain Python values. Raises DecodeError, also for text that is no UTF-8 and for nesting beyond reason."""
    try:
        return _json_decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as problem:
        raise DecodeError(told_shortly(problem)) from None


def told_shortly(problem: Exception) -> str:
    """What of an odd failure of the decoder may be shown: never the text itself."""
    return "JSON is nested too deeply" if isinstance(problem, RecursionError) else "JSON is not in UTF-8"


def to_pack(value: Any) -> bytes:
    """MessagePack, for journal records and snapshots."""
    return _pack_encoder.encode(value)


def pack_decoder(shape: type[T]) -> msgspec.msgpack.Decoder[T]:
    """A reusable decoder of one shape; build it once, not per record."""
    return msgspec.msgpack.Decoder(shape)


def json_decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    """A reusable decoder of one shape; build it once, not per body."""
    return msgspec.json.Decoder(shape)
