"""Where deferred calls lie between gateway and worker: the inbox of what was accepted, and the tasks as pollers see them.

The gateway puts a file into the inbox, on the disk before its caller is told; the worker takes it over into its database and
removes it. The worker shows each task as a file in the folder of its owner; the gateway reads that. So neither needs the other
to be alive, and the gateway touches no database. All files are sealed (AES-GCM, bound to their names). Payloads are
opaque bytes here (`core/deferral.py`). Not for: running anything (`tasks/`).
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

INBOX_MAX_BYTES = 2 << 30
_NONCE = 12
_RECOUNT = 64
"""The inbox is counted anew after so many items, because the worker takes them away meanwhile."""


class InboxFull(OSError):
    """The worker has not taken over what was accepted, and there is no room for more."""


class Damaged(Exception):
    """A file does not open: cut, changed, or sealed under another key."""


class Box:
    """Seals and opens under one key; `name` is bound to the content, so that no two can be exchanged."""

    def __init__(self, key: bytes, purpose: str) -> None:
        """`key`: 32 secret bytes of the installation."""
        self._box = AESGCM(hmac.digest(key, b"deferrals: " + purpose.encode(), "sha256"))

    def seal(self, name: str, data: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._box.encrypt(nonce, data, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """Raises Damaged."""
        try:
            return self._box.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
        except (InvalidTag, ValueError):
            raise Damaged(
                f"{name} does not open: it was cut or changed, or sealed under another key"
            ) from None


class Inbox:
    """One file per accepted item; names begin with a time, so that their order is the order of arrival."""

    def __init__(self, folder: Path, key: bytes, *, max_bytes: int = INBOX_MAX_BYTES) -> None:
        self.folder = folder / "inbox"
        self._box = Box(key, "inbox")
        self._max_bytes = max_bytes
        self._puts = 0
        self._held = 0

    def put(self, name: str, data: bytes) -> None:
        """Returns when the item would outlive a power cut. Raises InboxFull, or OSError (a full disk). Blocks for the disk."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealed = self._box.seal(name, data)
        if self._puts % _RECOUNT == 0:
            self._held = sum(size for _, size in _files(self.folder))
        self._puts += 1
        self._held += len(sealed)
        if self._held > self._max_bytes:
            self._puts = 0
            text = f"the inbox {self.folder} holds {self._max_bytes >> 20} MB that no worker has taken over"
            raise InboxFull(errno.ENOSPC, text)
        put_in_place(self.folder / name, sealed)

    def names(self) -> list[str]:
        """What lies here, oldest first."""
        return inbox_names(self.folder.parent)

    def read(self, name: str) -> bytes | None:
        """An item; None if it is gone. Raises Damaged."""
        try:
            return self._box.open(name, (self.folder / name).read_bytes())
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Once it lies elsewhere, durably."""
        (self.folder / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Keeps a damaged item for a person to look at."""
        place = self.folder.parent / "damaged"
        place.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / name).replace(place / name)


def inbox_names(folder: Path) -> list[str]:
    """What lies in the inbox of a folder, oldest first; needs no key."""
    return sorted(name for name, _ in _files(folder / "inbox"))


class Board:
    """Each task as a file in the folder of its owner; what the worker last wrote there is what a poller sees."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder = folder / "tasks"
        self._box = Box(key, "board")
        self._key = hmac.digest(key, b"deferrals: owners", "sha256")

    def _of(self, owner: str) -> Path:
        return self.folder / blake2b(owner.encode(), key=self._key, digest_size=12).hexdigest()

    def write(self, owner: str, name: str, data: bytes, *, durably: bool = True) -> None:
        """Replaces what is shown, in one step."""
        place = self._of(owner)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        put_in_place(place / name, self._box.seal(name, data), durably=durably)

    def read(self, owner: str, name: str) -> bytes | None:
        """What is shown of a task; None if this owner has none of that name. Raises Damaged."""
        if not plain(name):
            return None
        try:
            return self._box.open(name, (self._of(owner) / name).read_bytes())
        except FileNotFoundError:
            return None

    def size(self, owner: str, name: str) -> int:
        """Bytes of its file; 0 if there is none."""
        if not plain(name):
            return 0
        try:
            return (self._of(owner) / name).stat().st_size
        except FileNotFoundError:
            return 0

    def names(self, owner: str) -> list[str]:
        """The tasks of an owner, newest first."""
        return sorted((name for name, _ in _files(self._of(owner))), reverse=True)

    def remove(self, owner: str, name: str) -> None:
        (self._of(owner) / name).unlink(missing_ok=True)


def plain(name: str) -> bool:
    """Whether a name is one that we give: it then names a file here and nothing else."""
    return name.isascii() and name.replace("_", "").isalnum() and len(name) <= 64


def put_in_place(path: Path, data: bytes, *, durably: bool = True) -> None:
    """The file appears whole or not at all; `durably` it also outlives a power cut. Raises OSError, leaving nothing behind."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if durably:
                os.fsync(file.fileno())
        part.replace(path)
        if not durably:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Names and sizes of whole files."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        yield entry.name, entry.stat().st_size
    except FileNotFoundError:
        return
