"""What every measurement gets: a folder, two cores, how long and how often, and processes that end with it.

The measured process has the first core for itself; upstream, load, console and this process share the second.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import CAN_MEASURE, CAN_PIN, Broken, Process


class NotRun(Exception):
    """A measurement cannot be made here; says what is missing and the cure."""


@dataclass(frozen=True)
class Bench:
    """One run of the suite. `core` is the measured process's, `other` everything else's; None where nothing can be pinned."""

    folder: Path
    core: int | None
    other: int | None
    pairs: int
    seconds: float
    quick: bool
    peers: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    say: Callable[[str], None]

    @contextlib.contextmanager
    def process(
        self,
        name: str,
        argv: Sequence[str],
        *,
        measured: bool = False,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Iterator[Process]:
        """A process for the length of a block."""
        process = Process(
            name,
            argv,
            self.new_folder(name),
            core=self.core if measured else self.other,
            environ=environ,
            cwd=cwd,
        )
        try:
            yield process
        finally:
            process.stop()

    def new_folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def module(self, name: str, *arguments: str) -> list[str]:
        """The command of a module of this suite (start it with `cwd=ROOT`)."""
        return [sys.executable, "-m", f"benchmarks.{name}", *arguments]


ROOT = Path(__file__).parents[1]


def cores() -> tuple[int | None, int | None]:
    """The measured process's core and everybody else's."""
    if not CAN_PIN:
        return None, None
    there = sorted(os.sched_getaffinity(0))
    return there[0], there[min(1, len(there) - 1)]


def need_processor_time() -> None:
    """Raises NotRun where the system does not tell a process's processor time."""
    if not CAN_MEASURE:
        raise NotRun("processor time is read from /proc, which this system does not have; run it on Linux")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listening(process: Process, port: int, within_s: float = 20.0) -> None:
    """Waits until something listens on the port. Raises Broken when the process ends or time is up."""
    end_at = time.monotonic() + within_s
    while time.monotonic() < end_at:
        if not process.alive():
            raise Broken(f"{process.name} ended at its start: {process.said()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Broken(f"{process.name} does not listen after {within_s:g} s: {process.said()}")


def busy_note() -> str:
    """How busy the machine was before the run; empty when it was idle."""
    load, _, _ = os.getloadavg()
    if load <= 0.3 * (os.cpu_count() or 1):
        return ""
    return f"a busy machine: load {load:.1f} before the run began, so these figures are not to be relied on"
