"""The schedule of drills: a process is started when one is due, and what went wrong with it is remembered."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from trunkline.console.drills import Drills
from trunkline.console.published import Published
from trunkline.core.codec import to_json, to_pack
from trunkline.core.flow import Drills as Schedule
from trunkline.core.service import Snapshot
from trunkline.ops.drill.last import FIRST_S, Last, read

pytestmark = pytest.mark.row("F12")
DAY = 86400.0
NOTES = """
import pathlib, sys
folder = sys.argv[sys.argv.index("--state-dir") + 1]
pathlib.Path(folder, "ran").write_text(" ".join(sys.argv[1:]))
"""


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def schedule(
    tmp_path: Path, drills: Schedule, code: str = NOTES, *, environment: str = "dev"
) -> tuple[Drills, Clock]:
    snapshot = Snapshot(version="v", created="", environment=environment, services=[], drills=drills)
    (tmp_path / "snapshot.msgpack").write_bytes(to_pack(snapshot))
    clock = Clock()
    command = (sys.executable, "-c", code)
    return Drills(tmp_path, Published(tmp_path), clock=clock, environ={}, command=command), clock


def remember(tmp_path: Path, at: float, **more: Any) -> None:
    (tmp_path / "drills.json").write_bytes(to_json(Last(at=at, result="pass", **more)))


async def test_the_first_drill_comes_a_little_after_the_start(tmp_path: Path) -> None:
    drills, clock = schedule(tmp_path, Schedule(every=30 * DAY))
    assert await drills.step() is False
    clock.now += FIRST_S
    assert await drills.step() is True
    assert (tmp_path / "ran").read_text() == f"--state-dir {tmp_path}"
    assert read(tmp_path) is None  # the command itself writes what is remembered


async def test_the_next_is_due_after_the_interval(tmp_path: Path) -> None:
    drills, clock = schedule(tmp_path, Schedule(every=DAY))
    remember(tmp_path, clock.now - DAY + 1)
    assert await drills.step() is False
    clock.now += 1
    assert await drills.step() is True


async def test_production_is_drilled_only_when_the_registry_says_so(tmp_path: Path) -> None:
    drills, clock = schedule(tmp_path, Schedule(every=DAY), environment="prod")
    clock.now += 10 * DAY
    assert await drills.step() is False
    drills, clock = schedule(tmp_path, Schedule(every=DAY, production=True), environment="prod")
    clock.now += 10 * DAY
    assert await drills.step() is True
    assert (tmp_path / "ran").read_text().endswith("--allow-production")


async def test_without_a_schedule_or_a_registry_nothing_is_run(tmp_path: Path) -> None:
    drills, clock = schedule(tmp_path, Schedule())
    clock.now += 10 * DAY
    assert await drills.step() is False
    (tmp_path / "snapshot.msgpack").unlink()
    assert await drills.step() is False


async def test_a_drill_that_could_not_be_made_is_remembered_with_its_reason(tmp_path: Path) -> None:
    drills, clock = schedule(tmp_path, Schedule(every=DAY), "import sys; sys.exit('there is no room')")
    remember(tmp_path, clock.now - 2 * DAY)
    assert (
        await drills.step() is True
    )  # it ended with 1, as one that failed: the command has written the report
    drills, clock = schedule(
        tmp_path, Schedule(every=DAY), "import sys; sys.stderr.write('there is no room'); sys.exit(7)"
    )
    assert await drills.step() is True
    assert read(tmp_path) == Last(at=clock.now, result="not run", scheduled=True, problem="there is no room")
    assert await drills.step() is False


async def test_a_console_that_stops_ends_the_drill_that_it_makes(tmp_path: Path) -> None:
    code = f"import os, pathlib, time; pathlib.Path({str(tmp_path)!r}, 'pid').write_text(str(os.getpid())); time.sleep(60)"
    drills, clock = schedule(tmp_path, Schedule(every=DAY), code)
    clock.now += DAY
    task = asyncio.create_task(drills.run())
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0)
    pid = int((tmp_path / "pid").read_text())
    task.cancel()
    await asyncio.wait({task})
    assert not Path(f"/proc/{pid}").exists()
