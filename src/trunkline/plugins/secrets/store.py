"""`store:name`: the built-in store. Envelope encryption, and the source that opens envelopes.

Each version of a secret has its own AES-256-GCM data key, wrapped by the master key; name, version and purpose are bound
to the ciphertext, so that a row moved to another name does not open. Not for: keeping the rows (`ledger/control_tables.py`)
or changing them (`control/secrets.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trunkline.plugins.secrets import SecretUnavailable
from trunkline.plugins.secrets.masterkey import MasterKeyProblem, derive, key_id

NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Envelope:
    """A value at rest: nonce and ciphertext under a data key, nonce and that data key under the master key `kek_id`."""

    ciphertext: bytes
    wrapped_key: bytes
    kek_id: str


def enclose(value: bytes, *, name: str, version: int, purpose: str, master_key: bytes) -> Envelope:
    """Encrypts a value under a fresh data key."""
    data_key = AESGCM.generate_key(256)
    bound = _bound(name, version, purpose)
    return Envelope(
        _seal(data_key, value, bound),
        _seal(derive(master_key, "wrap"), data_key, bound),
        key_id(master_key),
    )


def disclose(envelope: Envelope, *, name: str, version: int, purpose: str, master_key: bytes) -> bytes:
    """The value again. Raises MasterKeyProblem for a wrong key or a row that was moved or changed."""
    if envelope.kek_id != key_id(master_key):
        raise MasterKeyProblem(wrong_key(envelope.kek_id, master_key))
    bound = _bound(name, version, purpose)
    try:
        data_key = _unseal(derive(master_key, "wrap"), envelope.wrapped_key, bound)
        return _unseal(data_key, envelope.ciphertext, bound)
    except InvalidTag:
        raise MasterKeyProblem(
            f"What is stored for {name} version {version} was changed or moved; it does not open."
        ) from None


def rewrap(envelope: Envelope, *, name: str, version: int, purpose: str, old: bytes, new: bytes) -> Envelope:
    """The same ciphertext with its data key under another master key; the value itself is not touched."""
    if envelope.kek_id != key_id(old):
        raise MasterKeyProblem(wrong_key(envelope.kek_id, old))
    bound = _bound(name, version, purpose)
    try:
        data_key = _unseal(derive(old, "wrap"), envelope.wrapped_key, bound)
    except InvalidTag:
        raise MasterKeyProblem(
            f"What is stored for {name} version {version} was changed or moved; it does not open."
        ) from None
    return Envelope(envelope.ciphertext, _seal(derive(new, "wrap"), data_key, bound), key_id(new))


def wrong_key(needed: str, master_key: bytes) -> str:
    """The sentence for data made with another master key."""
    return (
        f"This master key ({key_id(master_key)}) is not the one that the stored secrets were made with ({needed}). "
        "Give the right one as TRUNKLINE_MASTER_KEY or TRUNKLINE_MASTER_KEY_FILE, or put master.key back into the state folder."
    )


def _bound(name: str, version: int, purpose: str) -> bytes:
    return f"trunkline|{name}|{version}|{purpose}".encode()


def _seal(key: bytes, value: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, bound)


def _unseal(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)


class Store:
    """Opens the current version of a stored secret. `find` gives (version, envelope), None for a name that does not exist."""

    def __init__(
        self, find: Callable[[str], tuple[int, Envelope | None] | None], master_key: Callable[[], bytes]
    ) -> None:
        self._find = find
        self._master_key = master_key

    def fetch(self, rest: str) -> str:
        ref = f"store:{rest}"
        found = self._find(rest)
        if found is None:
            raise SecretUnavailable(
                ref, "the store has no secret of this name", f"Run: trunkline secrets set {rest}"
            )
        version, envelope = found
        if envelope is None:
            why, cure = "this secret was removed from the store", f"Run: trunkline secrets set {rest}"
            raise SecretUnavailable(ref, why, cure, deliberate=True)
        value = disclose(
            envelope, name=rest, version=version, purpose="secret", master_key=self._master_key()
        )
        return value.decode()

    def stamp(self, rest: str) -> object:
        found = self._find(rest)
        return found and (found[0], found[1] is None)

    def version(self, rest: str) -> str:
        found = self._find(rest)
        return str(found[0]) if found else ""
