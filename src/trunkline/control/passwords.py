"""Passwords of people: what is good enough for one, and how one is kept.

Kept as scrypt (RFC 7914) from the standard library, with the parameters of OWASP's list that need least memory (32 MiB, three
passes): as strong as Argon2id for what is guessed here, and one dependency less. Each hash says its parameters; a login with older
ones renews it. Each check takes 32 MiB: who checks for others makes them one at a time. Not for: counting failures (`lockout.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import unicodedata

LOG_N, R, P = 15, 8, 3
SHORTEST, LONGEST = 12, 256
DISTINCT = 5
"""Different characters that one must have at least."""
_SALT_BYTES = 16
_COMMON = (
    "password", "passw0rd", "passwort", "trunkline", "administrator", "changeme", "letmein", "welcome", "qwerty", "iloveyou",
    "1234567890", "abcdefgh", "default", "secret", "superuser",
)  # fmt: skip


class WeakPassword(ValueError):
    """Why a password is not good enough, with the cure."""


def judge(password: str, *names: str) -> None:
    """Raises WeakPassword for one that is easily guessed. `names`: what is known of its owner."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise WeakPassword(
            f"A password has {SHORTEST} to {LONGEST} characters, this one {len(plain)}. Several words do well."
        )
    if len(set(plain)) < DISTINCT:
        raise WeakPassword(f"A password has at least {DISTINCT} different characters.")
    small = plain.lower()
    parts = {
        part for name in names for part in (name.lower(), name.lower().partition("@")[0]) if len(part) > 2
    }
    rest = small
    for word in sorted([*_COMMON, *parts], key=len, reverse=True):
        rest = rest.replace(word, "")
    if len([c for c in rest if c.isalnum()]) < SHORTEST // 2:
        raise WeakPassword(
            "This password is made of a name or of a common word; take one that nobody guesses."
        )


def kept(password: str) -> str:
    """What is stored of a password: `scrypt$ln=15,r=8,p=3$salt$hash`."""
    salt = os.urandom(_SALT_BYTES)
    return f"scrypt$ln={LOG_N},r={R},p={P}${_b64(salt)}${_b64(_hash(password, salt, LOG_N, R, P))}"


def matches(password: str, stored: str) -> bool:
    """Whether a password is the one stored. Takes as long where there is none, so that nobody learns who has one."""
    name, _, rest = stored.partition("$")
    facts, _, both = rest.partition("$")
    salt_text, _, hash_text = both.partition("$")
    try:
        numbers = {key: int(value) for key, value in (part.split("=") for part in facts.split(","))}
        salt, right = base64.b64decode(salt_text, validate=True), base64.b64decode(hash_text, validate=True)
        log_n, r, p = numbers["ln"], numbers["r"], numbers["p"]
    except (ValueError, KeyError, binascii.Error):
        name, salt, right, log_n, r, p = "", b"\0" * _SALT_BYTES, b"", LOG_N, R, P
    return hmac.compare_digest(_hash(password, salt, log_n, r, p), right) and name == "scrypt"


def is_dated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return not stored.startswith(f"scrypt$ln={LOG_N},r={R},p={P}$")


def _hash(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    memory = 128 * r * ((1 << log_n) + p + 2) + (1 << 20)
    return hashlib.scrypt(
        _normal(password).encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=memory, dklen=32
    )


def _normal(password: str) -> str:
    """One text for what looks the same (RFC 8265 asks for NFC)."""
    return unicodedata.normalize("NFC", password)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
