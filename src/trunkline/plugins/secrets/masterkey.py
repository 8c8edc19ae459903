"""The master key: where it comes from, what it must look like, and the keys derived from it.

32 bytes, from `TRUNKLINE_MASTER_KEY`, else the file named by `TRUNKLINE_MASTER_KEY_FILE`, else `master.key` in the state
folder. Light, because the gateway reads it too. Not for: what the key protects (`store.py`, `sealed.py`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "TRUNKLINE_MASTER_KEY"
FILE_VARIABLE = "TRUNKLINE_MASTER_KEY_FILE"
FILE_NAME = "master.key"
KEY_BYTES = 32


class MasterKeyProblem(Exception):
    """The master key is missing, malformed, exposed, or not the one that the data was made with."""


def read(folder: Path, environ: Mapping[str, str]) -> bytes | None:
    """The master key of this installation; None if none has been made yet. Raises MasterKeyProblem."""
    text = environ.get(VARIABLE, "")
    if text:
        return parse(text, VARIABLE)
    named = environ.get(FILE_VARIABLE, "")
    if named:
        return read_file(Path(named))
    own = folder / FILE_NAME
    return read_file(own) if own.exists() else None


def read_file(path: Path) -> bytes:
    """A key from a file that others cannot read."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise MasterKeyProblem(
            f"There is no master key file {path}. Correct {FILE_VARIABLE}, or restore the file."
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise MasterKeyProblem(
            f"The master key file {path} cannot be read ({type(problem).__name__})."
        ) from None
    if mode & 0o007:
        raise MasterKeyProblem(
            f"The master key file {path} is open to every user (mode {mode:04o}). Run: chmod 600 {path}"
        )
    return parse(text, str(path))


def parse(text: str, origin: str) -> bytes:
    """32 bytes written as 64 hexadecimal digits or as base64 (either alphabet, padded or not)."""
    text = text.strip()
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        cure = "It must be 32 random bytes as base64 or 64 hexadecimal digits, e.g. from `openssl rand -base64 32`."
        raise MasterKeyProblem(f"The master key in {origin} has the wrong form. {cure}")
    return key


def write_new(path: Path) -> bytes:
    """Makes a key and writes it to a file that only its owner can read; an existing file is never replaced."""
    key = os.urandom(KEY_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, base64.b64encode(key) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return key


def derive(key: bytes, purpose: str) -> bytes:
    """An independent key for one purpose: HKDF-SHA256 (RFC 5869) with one block of output."""
    extracted = hmac.digest(b"trunkline", key, hashlib.sha256)
    return hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)


def key_id(key: bytes) -> str:
    """Names a master key without giving anything of it away (`kek_id`)."""
    return derive(key, "kek id").hex()[:16]
