"""What holds for every test: properties are judged by what they say, and collecting 17,000 tests in each worker is made cheap.

Fifty examples each: with a hundred, properties were a sixth of the suite's time.
"""

from __future__ import annotations

import gc
import re
import signal
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
ALL_SLOW = re.compile(r"^pytestmark = .*\bmark\.slow\b", re.MULTILINE)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what runs behind it, and what a test starts and interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "trunkline", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("trunkline")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file of slow tests is not even imported where none of them runs, unless it was asked for by name."""
    if config.option.markexpr != "not slow" or not collection_path.name.startswith("test_"):
        return None
    if collection_path.suffix != ".py" or any(collection_path.name in one for one in config.args):
        return None
    return True if ALL_SLOW.search(collection_path.read_text("utf-8")) else None


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Of the whole suite each worker first imports its share: what it makes of the assertions lies ready for the others."""
    share = getattr(collector.config, "workerinput", None)
    if not share or not isinstance(collector, pytest.Session):
        return
    if [Path(one).resolve() for one in collector.config.args] != [HERE]:
        return
    files = [path for path in sorted(HERE.rglob("test_*.py")) if "node_modules" not in path.parts]
    wanted = [path for path in files if not pytest_ignore_collect(path, collector.config)]
    for path in wanted[int(share["workerid"][2:]) :: share["workercount"]]:
        with suppress(Exception, pytest.Collector.CollectError):  # the collection itself says what is wrong
            assert pytest.Module.from_parent(collector, path=path).obj


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: it is neither looked through while it grows, nor ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
