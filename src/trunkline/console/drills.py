"""Makes drills on the registry's schedule: a process of its own at low priority, on an isolated copy. One at a time.

Not for: the drill itself (`trunkline drill`), nor for when it is due (`ops/drill/last.py`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trunkline.console.published import Published
from trunkline.core.codec import to_json
from trunkline.ops.drill.last import FILE, Last, due_at, read, runs

LOOK_S = 30.0
LIMIT_S = 3600.0
SAID = 400
COMMAND = (sys.executable, "-m", "trunkline.cli", "drill", "--yes", "--live", "--scheduled", "--json")


class Drills:
    """The schedule of one state folder."""

    def __init__(
        self,
        state: Path,
        published: Published,
        *,
        clock: Callable[[], float] = time.time,
        environ: Mapping[str, str] = os.environ,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._state = state
        self._published = published
        self._clock = clock
        self._environ = environ
        self._command = command
        self._started = clock()

    async def run(self) -> None:
        """Until cancelled; then a drill that is being made is ended."""
        while True:
            await self.step()
            await asyncio.sleep(LOOK_S)

    async def step(self) -> bool:
        """Makes a drill if one is due; True if so."""
        snapshot = self._published.snapshot()
        if snapshot is None or not runs(snapshot.drills, snapshot.environment):
            return False
        if self._clock() < due_at(snapshot.drills, read(self._state), self._started):
            return False
        allow = ["--allow-production"] if snapshot.drills.production else []
        problem = await self._made([*self._command, "--state-dir", str(self._state), *allow])
        if problem:
            last = Last(at=self._clock(), result="not run", scheduled=True, problem=problem)
            _write(self._state / FILE, to_json(last))
        return True

    async def _made(self, command: Sequence[str]) -> str:
        """Runs the command; why there is no report, empty if there is one."""
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(self._environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                _, said = await process.communicate()
        except TimeoutError:
            return f"it took longer than {LIMIT_S:g} s"
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if process.returncode in (0, 1):
            return ""
        return said.decode("utf-8", "replace").strip()[-SAID:] or f"exit status {process.returncode}"


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(path)
