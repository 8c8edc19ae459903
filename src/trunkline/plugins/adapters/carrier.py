"""How thoughts that one vendor sealed or signed travel through a dialect that has no place for another vendor's: in the dialect's own
opaque field, marked, so that the next turn brings them back and only the vendor that made them gets them.

The text is base64 in any alphabet's plain part, since Gemini's signatures must be. Not for: OpenAI Chat, whose `reasoning_details` say
whose they are (`chat/details.py`).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from trunkline.core.codec import DecodeError
from trunkline.core.conversation import Reasoning

_MARK = b"trunkline"
"""Nine bytes: in base64 twelve characters, whatever follows."""
PREFIX = base64.b64encode(_MARK).decode()


class Carried(msgspec.Struct, omit_defaults=True):
    """What a dialect's own field cannot hold."""

    o: str = ""
    """Origin."""
    g: str = ""
    """Signature."""
    s: str = ""
    """Sealed."""
    i: str = ""
    """Id."""
    m: bool = False
    """The text beside it is a summary."""
    c: str = ""
    """Of the call of a tool with this id, not of a thought."""


_decoder = msgspec.json.Decoder(Carried)


def pack(carried: Carried) -> str:
    """One opaque text."""
    return base64.b64encode(_MARK + msgspec.json.encode(carried)).decode()


def unpack(text: str) -> Carried | None:
    """What was packed; None for a text that is a vendor's own."""
    if not text.startswith(PREFIX):
        return None
    try:
        return _decoder.decode(base64.b64decode(text)[len(_MARK) :])
    except (binascii.Error, DecodeError, ValueError):
        return None


def packed_thought(part: Reasoning, dialect: str) -> str:
    """What stands in the signature's place for a thought: the signature itself where this dialect's vendor made it."""
    if part.origin == dialect:
        return part.signature
    return pack(Carried(part.origin, part.signature, part.sealed, part.id, bool(part.summary)))


def read_thought(text: str, signature: str, dialect: str) -> Reasoning:
    """The thought that bears such a signature."""
    carried = unpack(signature)
    if carried is None:
        return Reasoning(text=text, signature=signature, origin=dialect)
    return Reasoning(
        text="" if carried.m else text,
        summary=[text] if carried.m and text else [],
        signature=carried.g,
        sealed=carried.s,
        id=carried.i,
        origin=carried.o,
    )
