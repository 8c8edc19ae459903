"""Keeps what a process holds in memory out of core dumps: credentials would stand in them. Not for: who may look into a live process."""

from __future__ import annotations

import contextlib
from pathlib import Path

_FILTER = Path("/proc/self/coredump_filter")


def no_core_dumps() -> None:
    """For this process and those that it starts. Where a dump goes to a program (systemd-coredump, apport) the limit of its size
    does not hold, so Linux is told as well that no memory belongs into one.
    """
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        _FILTER.write_text("0")
