"""Starting and ending processes of tests on a machine that may be busy: what is waited for is the process, not the clock.

`HANGS_S` only keeps a run from standing still when a process is neither ready nor dead; it says nothing about how long a start or an
end may take. That is measured where it is promised (benchmarks, `tests/battery`). Not for: waiting for what a running process does
(`polling.py`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any, TypeVar

from tests.support.polling import eventually

T = TypeVar("T")
HANGS_S = 180.0


def ready(process: subprocess.Popen[Any], look: Callable[[], T], what: str, told: Callable[[], str]) -> T:
    """The first true value of `look`. Fails with what the process has `told` once it has ended, or hangs."""

    def looked() -> T:
        assert process.poll() is None, f"{what} ended with {process.returncode}: {told()}"
        return look()

    return eventually(looked, f"{what} to start; what it wrote stands in its log", HANGS_S)


def ended(process: subprocess.Popen[Any]) -> int:
    """Its exit status, once it has ended as it was told to; -9 for one that hangs."""
    try:
        return process.wait(HANGS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
