"""The sealed secrets file: how the supervisor hands credentials to the gateway without a database or an environment.

One AES-256-GCM box under a key derived from the master key; the head names that master key, so that a wrong one is said
clearly. Light (cryptography only): the gateway imports it. Not for: collecting the values (`control/publish.py`).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trunkline.core import codec
from trunkline.core.service import Sealed
from trunkline.plugins.secrets.masterkey import MasterKeyProblem, derive, key_id
from trunkline.plugins.secrets.store import NONCE_BYTES, wrong_key

MAGIC = b"TLSEALED1\n"
_ID_BYTES = 16
_HEAD_BYTES = len(MAGIC) + _ID_BYTES + NONCE_BYTES

_decoder: msgspec.msgpack.Decoder[Sealed] = codec.pack_decoder(Sealed)


def seal(content: Sealed, master_key: bytes) -> bytes:
    """The bytes of the file."""
    head = MAGIC + key_id(master_key).encode()
    nonce = os.urandom(NONCE_BYTES)
    return (
        head + nonce + AESGCM(derive(master_key, "sealed file")).encrypt(nonce, codec.to_pack(content), head)
    )


def unseal(data: bytes, master_key: bytes, origin: str = "secrets.sealed") -> Sealed:
    """The content again. Raises MasterKeyProblem for a wrong key or bytes that were changed."""
    if not data.startswith(MAGIC) or len(data) < _HEAD_BYTES:
        raise MasterKeyProblem(
            f"{origin} is no sealed secrets file. Remove it; `trunkline serve` writes it anew."
        )
    head = data[: len(MAGIC) + _ID_BYTES]
    needed = head[len(MAGIC) :].decode("ascii", "replace")
    if needed != key_id(master_key):
        raise MasterKeyProblem(wrong_key(needed, master_key))
    try:
        plain = AESGCM(derive(master_key, "sealed file")).decrypt(
            data[len(head) : _HEAD_BYTES], data[_HEAD_BYTES:], head
        )
    except InvalidTag:
        raise MasterKeyProblem(
            f"{origin} was changed or cut; it does not open. `trunkline reload` writes it anew."
        ) from None
    return _decoder.decode(plain)


def open_sealed(path: Path, master_key: bytes) -> Sealed:
    """Reads and opens the file. Raises OSError or MasterKeyProblem."""
    return unseal(path.read_bytes(), master_key, str(path))
