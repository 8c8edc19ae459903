"""Whether the CONNECT listener is wanted: by `--egress-port`, or by the registry that is live. The supervisor asks a few times a second.

A look at the stamp of the snapshot, which is read only when it is another. Not for: starting it (`supervise.py`).
"""

from __future__ import annotations

from trunkline.control import published
from trunkline.control.state import State


class EgressWish:
    """Asked while the listener does not run."""

    def __init__(self, state: State, port: int) -> None:
        self._state = state
        self._port = port
        self._seen: object = None
        self._wanted = False

    def __call__(self) -> bool:
        if self._port:
            return True
        try:
            stat = self._state.snapshot.stat()
        except OSError:
            return False
        mark = (stat.st_ino, stat.st_mtime_ns)
        if mark != self._seen:
            self._seen = mark
            there = published.read_snapshot(self._state)
            self._wanted = there is not None and bool(there.egress.port)
        return self._wanted
