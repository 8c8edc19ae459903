"""Deterministic words, ids and token counts: the same request always gets the same answer.

Not for: randomness of any kind; every value here follows from its arguments.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import pairwise
from zlib import crc32

CREATED = 1_767_225_600
"""The creation time that simulated objects carry (2026-01-01T00:00:00Z), so that answers depend on the request only."""

_SENTENCES = (
    "It keeps its shape however often you ask.",
    "The harbour is quiet and the ferries run on time.",
    "Three things matter here: order, care and patience.",
    "Most of the work was done before noon.",
    "A short walk along the river explains the rest.",
    "Nothing in it needs to be believed, only checked.",
    "The second attempt was better than the first.",
    "Rain is expected, followed by a clear evening.",
    "Each part can be replaced without touching the others.",
    "The numbers agree with last year's within one percent.",
    "You may rely on the index, but read the notes too.",
    "In the end the simplest of the plans was taken.",
)
_WORD = re.compile(r"\s*\S+")


def seed_of(*parts: bytes | str) -> int:
    """A number that follows from the parts."""
    value = 0
    for part in parts:
        value = crc32(part.encode("utf-8", "replace") if isinstance(part, str) else part, value)
    return value


def identifier(prefix: str, *parts: bytes | str, size: int = 24) -> str:
    """An id such as `chatcmpl-sim3f0c...`; it always contains `sim`."""
    hashed = blake2b(digest_size=24)
    for part in parts:
        hashed.update(part.encode("utf-8", "replace") if isinstance(part, str) else part)
        hashed.update(b"\0")
    return prefix + "sim" + hashed.hexdigest()[: size - 3]


def tokens_of(text: str) -> int:
    """A plausible number of tokens: about four characters each."""
    return (len(text) + 3) // 4 if text else 0


def answer_to(prompt: str, seed: int) -> str:
    """A short answer that says that it is simulated and of what prompt."""
    quoted = " ".join(prompt.split())[:60]
    sentences = " ".join(_SENTENCES[(seed >> shift) % len(_SENTENCES)] for shift in (0, 7, 13))
    return f"Simulated answer to “{quoted}”. {sentences}" if quoted else f"Simulated answer. {sentences}"


def shorten(text: str, max_tokens: int | None, stops: list[str]) -> tuple[str, str]:
    """Applies a token limit and stop texts. Returns (text, reason), reason `stop`, `length` or `stop_sequence`."""
    reason = "stop"
    for stop in stops:
        if stop and stop in text:
            text, reason = text[: text.index(stop)], "stop_sequence"
    if max_tokens is not None and 0 < max_tokens < tokens_of(text):
        text, reason = text[: max_tokens * 4], "length"
    return text, reason


def pieces_of(text: str, wanted: int = 0) -> list[str]:
    """Cuts a text for streaming: at words, or into exactly `wanted` pieces (repeating the text when it is too short)."""
    words = _WORD.findall(text) or [text]
    if not wanted:
        return words
    while len(words) < wanted:
        words = words + [f" {word.strip()}" for word in words]
    share, more = divmod(len(words), wanted)
    cuts = [index * share + min(index, more) for index in range(wanted + 1)]
    return ["".join(words[start:end]) for start, end in pairwise(cuts)]
