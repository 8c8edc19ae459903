"""The drain keeps the checkpoint of what was spent, lets the journal go only as far as it goes, and can make it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.records import NOON_US, SECOND_US, begin, end, tried
from trunkline.core.codec import to_pack
from trunkline.core.scope import Labels
from trunkline.journal import spend as books
from trunkline.journal.append import Journal
from trunkline.journal.files import segments
from trunkline.journal.reader import Cursor
from trunkline.journal.spend import FILE_NAME, SpendBook, opened
from trunkline.ledger.drain import CHECKPOINT_US, Drain
from trunkline.ledger.spent import kept_book, made_anew

SHOP = Labels("key-1", "shop", "checkout", "openai", "openai/gpt-4o")
DOLLAR = 1_000_000_000
MODEL: dict[str, Any] = {"integration": "openai", "target": "openai/gpt-4o", "model": "gpt-4o"}


class Installation:
    """A journal, its ledger and the checkpoint, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now_us = folder, NOON_US
        self.journal_folder, self.ledger = folder / "journal", folder / "ledger"
        self.checkpoint = folder / FILE_NAME
        self.journal = Journal(self.journal_folder, segment_bytes=64 << 10)
        self.journal.open()
        self._n = 0

    def calls(self, many: int, cost: float = 1.0, **changes: Any) -> None:
        for _ in range(many):
            self._n += 1
            self.journal.append(to_pack(begin(f"call-{self._n}", **{**MODEL, **changes})))
            finish = end(f"call-{self._n}", cost_usd=cost, tried=[tried(1, "openai/gpt-4o")])
            self.journal.append(to_pack(finish))

    def drain(self) -> Drain:
        book = kept_book(self.journal_folder, self.ledger, self.checkpoint, self.now_us)
        return Drain(self.journal_folder, self.ledger, now_us=lambda: self.now_us, book=book)

    def drained(self) -> None:
        """Everything, with a checkpoint at the end."""
        drain = self.drain()
        while drain.step():
            continue
        drain.close()

    @property
    def spent(self) -> dict[Labels, int]:
        book = opened(self.journal_folder, self.checkpoint)
        book.close()
        return {labels: one.spent for labels, one in book.spend.windows.get("2026-11", {}).items()}


@pytest.fixture
def installation(tmp_path: Path) -> Any:
    made = Installation(tmp_path)
    yield made
    made.journal.close()


def test_the_checkpoint_is_as_young_as_the_drain(installation: Installation) -> None:
    installation.calls(5)
    drain = installation.drain()
    drain.step()
    first = installation.checkpoint.read_bytes()
    installation.calls(5)
    drain.step()
    assert installation.checkpoint.read_bytes() == first, "not with each batch"
    installation.now_us += CHECKPOINT_US
    drain.step()
    assert installation.checkpoint.read_bytes() != first
    assert SpendBook(installation.journal_folder, installation.checkpoint).cursor == drain.cursor
    drain.close()
    assert installation.spent == {SHOP: 10 * DOLLAR}


def test_the_journal_is_let_go_only_as_far_as_the_checkpoint_goes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    drain = installation.drain()
    oldest = segments(installation.journal_folder)[0]
    with monkeypatch.context() as patched:
        patched.setattr(books, "write_checkpoint", full)
        installation.calls(1000, 0.001)
        while drain.step():
            continue
        assert segments(installation.journal_folder)[0] == oldest
        assert installation.spent == {SHOP: DOLLAR}
    installation.calls(300, 0.001)
    while drain.step():
        continue
    assert segments(installation.journal_folder)[0] != oldest
    assert installation.spent == {SHOP: DOLLAR * 13 // 10}
    drain.close()


def test_a_lost_checkpoint_is_made_anew_from_the_roll_ups(installation: Installation) -> None:
    oldest = segments(installation.journal_folder)[0]
    installation.calls(1000, 0.001)
    installation.drained()
    assert segments(installation.journal_folder)[0] != oldest, "the journal alone would not know"
    installation.calls(3)
    installation.checkpoint.unlink()
    assert installation.spent != {SHOP: 4 * DOLLAR}
    installation.drained()
    assert installation.spent == {SHOP: 4 * DOLLAR}


def test_what_the_roll_ups_say_is_told_by_label_and_window(installation: Installation) -> None:
    installation.calls(2, 0.25)
    installation.calls(1, 0.5, team="ops", at_us=NOON_US - 86_400 * SECOND_US)
    installation.calls(3, -1.0)
    installation.drained()
    kept = installation.checkpoint.read_bytes()
    assert made_anew(installation.journal_folder, installation.ledger, installation.checkpoint, NOON_US)
    told, written = (books.from_bytes(data)[0] for data in (installation.checkpoint.read_bytes(), kept))
    assert told.windows == written.windows
    assert sorted(told.windows) == ["2026-11", "2026-11-20", "2026-11-21"]
    assert [(s.spent, s.unpriced) for s in told.windows["2026-11"].values()] == [
        (DOLLAR // 2, 0),
        (DOLLAR // 2, 3),
    ]


def test_a_restore_beside_an_empty_journal_begins_with_that_journal(
    installation: Installation, tmp_path: Path
) -> None:
    installation.calls(4)
    installation.drained()
    restored = tmp_path / "restored" / FILE_NAME
    restored.parent.mkdir()
    assert made_anew(restored.parent / "journal", installation.ledger, restored, NOON_US)
    book = SpendBook(restored.parent / "journal", restored)
    assert (book.cursor, book.spend.windows["2026-11"][SHOP].spent) == (Cursor(), 4 * DOLLAR)


def test_where_nothing_was_drained_there_is_nothing_to_make_it_from(installation: Installation) -> None:
    assert not made_anew(installation.journal_folder, installation.ledger, installation.checkpoint, NOON_US)
    assert not installation.checkpoint.exists()
