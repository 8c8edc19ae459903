"""Processes of a benchmark: started, pinned to a core, measured, and ended by their id.

Not for: deciding what runs where (`bench.py`). Only what was started here is ever ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import rollup_kb, schedstat_s, stat_s

PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
CAN_PIN = hasattr(os, "sched_setaffinity")
CAN_MEASURE = Path("/proc/self/stat").exists()


class Broken(Exception):
    """A measurement could not be carried through; says which part and what it wrote."""


class Process:
    """A child process in a group of its own, its output in a file."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        folder: Path,
        *,
        core: int | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        kept = {key: os.environ[key] for key in PASSED if key in os.environ}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**kept, **(environ or {})},
                cwd=cwd or folder,
                process_group=0,
            )
        if core is not None:
            pin(self.pid, core)

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self, grace_s: float = 10.0) -> None:
        """Asks it to end, then makes it."""
        if self.alive():
            self._process.terminate()
            try:
                self._process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)

    def kill(self) -> None:
        """At once, and reaped."""
        if self.alive():
            self._process.kill()
        self._process.wait(5)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, limit_s: float) -> None:
        """Until it has ended well. Raises Broken when it has not, or not in time."""
        try:
            status = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.stop(1)
            raise Broken(f"{self.name} did not end within {limit_s:g} s: {self.said()}") from None
        if status:
            raise Broken(f"{self.name} ended with {status}: {self.said()}")


def pin(pid: int, core: int) -> None:
    """Puts a process, with the threads that it has, on one core. Where the system cannot, nothing happens (the report says so)."""
    _allow(pid, {core})


def unpin(pid: int) -> None:
    """Lets a process run on every core."""
    _allow(pid, set(range(os.cpu_count() or 1)))


def _allow(pid: int, cores: set[int]) -> None:
    if not CAN_PIN:
        return
    for thread in threads(pid):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(thread, cores)


def threads(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    return [pid]


def children(pid: int) -> list[int]:
    """Ids of the direct children."""
    found: list[int] = []
    for thread in threads(pid):
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


class Meter:
    """Processor time of processes between `start` and `stop`, all threads.

    By the scheduler's nanoseconds; by the coarser ticks where the kernel keeps none or a thread ended in between.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._before = self._read()

    def seconds(self) -> float:
        """Since it was made."""
        after = self._read()
        total = 0.0
        for pid in self._pids:
            (fine, ticks), (fine_then, ticks_then) = after[pid], self._before[pid]
            if fine and fine_then and fine_then.keys() <= fine.keys():
                total += sum(fine.values()) - sum(fine_then.values())
            else:
                total += ticks - ticks_then
        return total

    def _read(self) -> dict[int, tuple[dict[int, float], float]]:
        return {pid: (_fine(pid), lived_s(pid)) for pid in self._pids}


def _fine(pid: int) -> dict[int, float]:
    times: dict[int, float] = {}
    for thread in threads(pid):
        with contextlib.suppress(OSError, IndexError, ValueError):
            times[thread] = schedstat_s(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text())
    return times


def lived_s(pid: int) -> float:
    """Processor seconds since its start, all threads, by the kernel's ticks. Raises Broken when it has ended."""
    try:
        return stat_s(Path(f"/proc/{pid}/stat").read_text(), os.sysconf("SC_CLK_TCK"))
    except OSError:
        raise Broken(f"process {pid} has ended while it was measured") from None


def memory_kb(pid: int) -> dict[str, int]:
    """`Rss` and, where the kernel tells it, `Pss` (shared pages counted by their share)."""
    with contextlib.suppress(OSError):
        if told := rollup_kb(Path(f"/proc/{pid}/smaps_rollup").read_text()):
            return told
    return rollup_kb(Path(f"/proc/{pid}/status").read_text().replace("VmRSS:", "Rss:"))


def run_module(module: str, arguments: Sequence[str], folder: Path, core: int | None, limit_s: float) -> str:
    """Runs a module of this suite in a process of its own and gives what it printed. Raises Broken."""
    output = folder / f"{module.rpartition('.')[2]}-{time.monotonic_ns()}"
    output.mkdir()
    root = Path(__file__).parents[1]
    process = Process("out", [sys.executable, "-m", module, *arguments], output, core=core, cwd=root)
    try:
        process.wait(limit_s)
        return process.log.read_text()
    finally:
        process.kill()
