"""What the gateway's process asks of the system and of the interpreter, and how it writes small files.

Not for: joining the parts (`app.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Replaces a small file in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(path)


def tune_gc() -> None:
    """What was loaded stays for good; calls make almost no cycles, so the collector needs to look rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def fast_loop() -> asyncio.Runner:
    """An event loop of uvloop's, where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def no_core_dumps() -> None:
    """A dump would hold credentials."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def many_files() -> None:
    """Each open stream takes two descriptors: as many as this process may have."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
