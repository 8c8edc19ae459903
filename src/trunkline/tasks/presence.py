"""Which workers are alive on this machine: each holds a lock on a file of its own while it lives, however it ends.

So the tasks of a worker that was killed are taken over at once, without waiting for their leases. Leases remain for what a
lock cannot tell: a worker that lives and does nothing. Not for: workers on other machines, of which only leases tell.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path


class Presence:
    """The name of this worker, and who else is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "workers"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._handle = os.open(self._folder / self.name, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def is_dead(self, name: str) -> bool:
        """Whether a worker of this name has certainly ended."""
        if name == self.name:
            return False
        try:
            handle = os.open(self._folder / name, os.O_WRONLY)
        except OSError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            (self._folder / name).unlink(missing_ok=True)
            return True
        finally:
            os.close(handle)

    def leave(self) -> None:
        """For a worker that ends in order."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / self.name).unlink()
        os.close(self._handle)
