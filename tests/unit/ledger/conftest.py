"""A ledger folder, a drain over a journal in memory, and how to run it to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import NOON_US, JournalInMemory
from trunkline.ledger.drain import Drain
from trunkline.ledger.query import Ledger
from trunkline.ledger.usage import Rollups

MakeDrain = Callable[..., Drain]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def make_drain(folder: Path) -> Iterator[MakeDrain]:
    """A drain of a journal in memory; drains that are still open are closed at the end."""
    with ExitStack() as stack:

        def make(journal: JournalInMemory, **options: Any) -> Drain:
            chosen = {
                "read_from": journal.read_from,
                "now_us": lambda: NOON_US,
                "busy_timeout_s": 0.05,
                **options,
            }
            drain = Drain(folder.parent / "journal", folder, **chosen)
            stack.callback(_close, drain)
            return drain

        yield make


def _close(drain: Drain) -> None:
    try:
        drain.close()
    except OSError:  # closed by the test already
        return


@pytest.fixture
def drained(make_drain: MakeDrain) -> Callable[[JournalInMemory], None]:
    """Drain a journal to its end, and let go of the ledger."""

    def run(journal: JournalInMemory, batch: int = 2000) -> None:
        drain = make_drain(journal)
        while drain.step(batch):
            pass
        drain.close()

    return run


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with closing(Ledger(folder)) as ledger:
        yield ledger


@pytest.fixture
def rollups(folder: Path) -> Iterator[Rollups]:
    with closing(Rollups(folder)) as rollups:
        yield rollups
