"""A refresh token that a vendor replaced, handed over from the gateway to who may write the store: a sealed file per reference.

Written before the new token is used, because the old one may be dead already (RFC 6749, section 6). The file also tells, as keyed hashes,
which values it replaces: what the store had, and whatever came after it and may have reached the store meanwhile. So one that a person
has set is not overwritten. Light (cryptography only). Not for: writing the store (`control/rotated.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from trunkline.core.codec import DecodeError
from trunkline.core.service import Sealed
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed, seal

FOLDER = "rotated"


class Replaced(NamedTuple):
    """A new value for a reference, and the marks of those that it replaces."""

    ref: str
    value: str
    marks: tuple[str, ...]
    path: Path

    def replaces(self, value: str, pepper: bytes) -> bool:
        """Whether a value is one of those that this one came after."""
        mark = mark_of(value, pepper)
        return any(hmac.compare_digest(one, mark) for one in self.marks)

    def __repr__(self) -> str:
        return f"Replaced({self.ref!r})"


def mark_of(value: str, pepper: bytes) -> str:
    """Tells values apart without telling them."""
    return hmac.digest(pepper, b"rotated|" + value.encode(), "sha256").hex()


def hand_over(
    state: Path, ref: str, value: str, *, replaces: Iterable[str], pepper: bytes, master_key: bytes
) -> None:
    """Writes the file durably; it takes the place of an earlier one for this reference. Raises OSError."""
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(ref.encode()).hexdigest()[:16]}.sealed"
    marks = tuple([mark_of(one, pepper) for one in replaces])
    _write(Replaced(ref, value, marks, path), master_key)


def reseal(state: Path, old: bytes, new: bytes) -> None:
    """The master key was replaced."""
    for one in waiting(state, old):
        _write(one, new)


def _write(one: Replaced, master_key: bytes) -> None:
    content = Sealed(version=FOLDER, values={one.ref: one.value}, missing={one.ref: " ".join(one.marks)})
    temporary = one.path.with_suffix(f".{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, seal(content, master_key))
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.replace(one.path)


def waiting(state: Path, master_key: bytes) -> list[Replaced]:
    """What was handed over and not taken yet; a file that does not open is passed over."""
    found = []
    for path in sorted((state / FOLDER).glob("*.sealed")):
        try:
            content = open_sealed(path, master_key)
        except (OSError, MasterKeyProblem, DecodeError):
            continue
        found += [
            Replaced(ref, value, tuple(content.missing.get(ref, "").split()), path)
            for ref, value in content.values.items()
        ]
    return found


def newer(state: Path, sealed: Sealed, master_key: bytes) -> dict[str, str]:
    """Values by reference that replace what the sealed file still holds."""
    return {
        one.ref: one.value
        for one in waiting(state, master_key)
        if one.replaces(sealed.values.get(one.ref, ""), sealed.pepper)
    }
