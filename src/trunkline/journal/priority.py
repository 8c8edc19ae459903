"""Has a thread give way to the others of its process. Not for: processes (`control/child.py`)."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

NICE = 10


def low_priority() -> None:
    """For the thread that calls it, where the system knows priorities of threads (Linux); elsewhere nothing changes."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
