"""Has a thread give way to others: of its process, or as the first thread of one, that whole process to others.

Not for: what a process may use at all (that is the container's or the service manager's to say).
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading

NICE = 10


def low_priority(nice: int = NICE) -> None:
    """For the thread that calls it and those that it starts, where the system knows priorities of threads (Linux); elsewhere nothing
    changes.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + nice)
