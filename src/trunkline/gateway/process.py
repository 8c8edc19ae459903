"""What the gateway's process asks of the system and of the interpreter, and how it writes small files.

Not for: joining the parts (`app.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.core.dumps import no_core_dumps

if TYPE_CHECKING:
    import ssl

    from trunkline.settings import Settings


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


def tls(settings: Settings) -> ssl.SSLContext | None:
    """For the listener; None without a certificate."""
    if not settings.tls_cert:
        return None
    from trunkline.wire.tls import server_context

    return server_context(settings.tls_cert, settings.tls_key)


def set_limits() -> None:
    """No memory in core dumps; and as many files as this process may have: each open stream takes two descriptors."""
    import resource

    no_core_dumps()
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
