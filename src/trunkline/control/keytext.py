"""What a caller key looks like: `tl_` + 43 letters and digits (256 random bits) + 6 of checksum.

The checksum lets scanners of leaked keys, and people who cut one while copying, be told at once. Pure but for the random
bits. Not for: keeping keys (`keys.py`).
"""

from __future__ import annotations

import hmac
import secrets
import zlib

PREFIX = "tl_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY = 43
CHECK = 6


def make() -> str:
    """A new key."""
    body = _base62(secrets.randbits(256), BODY)
    return PREFIX + body + checksum(body)


def checksum(body: str) -> str:
    """The six characters after the random ones: CRC-32 of all before."""
    return _base62(zlib.crc32((PREFIX + body).encode()), CHECK)


def is_whole(text: str) -> bool:
    """Whether a text has the form of a key and its checksum fits."""
    body = text[len(PREFIX) : -CHECK]
    return text.startswith(PREFIX) and len(body) == BODY and text[-CHECK:] == checksum(body)


def key_hash(text: str, pepper: bytes) -> bytes:
    """Under what a key is stored and looked up."""
    return hmac.digest(pepper, text.encode(), "sha256")


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
