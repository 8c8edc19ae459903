"""The book of what was spent: the same figures from a checkpoint and the journal's tail as from the whole journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.records import begin, boot, end, tried
from trunkline.core.codec import to_pack
from trunkline.core.record import Record
from trunkline.core.scope import Labels
from trunkline.journal.append import Journal
from trunkline.journal.files import segments
from trunkline.journal.reader import START
from trunkline.journal.spend import FILE_NAME, SpendBook, opened

SHOP = Labels("key-1", "shop", "checkout", "openai", "openai/gpt-4o")
DOLLAR = 1_000_000_000


class Place:
    """A journal in a folder, and the checkpoint beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.checkpoint = folder / "journal", folder / FILE_NAME
        self.journal = Journal(self.folder, segment_bytes=64 << 10)
        self.journal.open()
        self._n = 0

    def append(self, *records: Record) -> None:
        for record in records:
            self.journal.append(to_pack(record))

    def calls(self, many: int, cost: float = 1.0) -> None:
        """Whole calls of so much."""
        for _ in range(many):
            self._n += 1
            self.append(self.begin(self._n), self.end(self._n, cost))

    def begin(self, n: int) -> Record:
        return begin(f"call-{n}", integration="openai", target="openai/gpt-4o", model="gpt-4o")

    def end(self, n: int, cost: float = 1.0) -> Record:
        return end(f"call-{n}", cost_usd=cost, tried=[tried(1, "openai/gpt-4o")])

    def spent(self) -> dict[str, int]:
        """What a book opened now says of November."""
        book = opened(self.folder, self.checkpoint)
        book.close()
        return {labels.team: one.spent for labels, one in book.spend.windows.get("2026-11", {}).items()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.journal.close()


def test_without_a_checkpoint_the_whole_journal_is_counted(place: Place) -> None:
    place.calls(3)
    assert place.spent() == {"shop": 3 * DOLLAR}


def test_a_checkpoint_and_what_came_after_it(place: Place) -> None:
    place.calls(3)
    place.append(place.begin(100))
    keeper = SpendBook(place.folder, place.checkpoint)
    keeper.catch_up()
    assert (keeper.dirty, keeper.found) == (True, False)
    keeper.write()
    assert not keeper.dirty
    place.calls(2)
    place.append(place.end(100, 0.5))
    assert place.spent() == {"shop": 5 * DOLLAR + DOLLAR // 2}, (
        "a call that ran when the checkpoint was written is known by it"
    )
    place.append(place.begin(101), boot("boot-2"), place.end(101))
    assert place.spent() == {"": DOLLAR, "shop": 5 * DOLLAR + DOLLAR // 2}


def test_a_checkpoint_far_behind_is_as_good(place: Place) -> None:
    place.calls(1)
    keeper = SpendBook(place.folder, place.checkpoint)
    keeper.catch_up()
    keeper.write()
    place.calls(2000, 0.001)
    assert len(segments(place.folder)) > 3
    assert place.spent() == {"shop": 3 * DOLLAR}


def test_a_broken_checkpoint_is_said_and_the_journal_counted(place: Place) -> None:
    place.calls(2)
    place.checkpoint.write_bytes(b"\x93broken")
    book = SpendBook(place.folder, place.checkpoint)
    assert book.problem.startswith("budgets.msgpack cannot be used (")
    assert (book.cursor, place.spent()) == (START, {"shop": 2 * DOLLAR})


def test_a_journal_that_was_made_anew_is_read_from_its_begin(place: Place, tmp_path: Path) -> None:
    place.calls(2000, 0.001)
    keeper = SpendBook(place.folder, place.checkpoint)
    keeper.catch_up()
    keeper.write()
    other = Place(tmp_path / "other")
    other.checkpoint.write_bytes(place.checkpoint.read_bytes())
    other.calls(1)
    assert other.spent() == {"shop": 3 * DOLLAR}
    other.journal.close()


def test_segments_let_go_between_two_readings_are_noticed(place: Place) -> None:
    """Somebody wrote a newer checkpoint after ours was read, and let segments go that we had not come to."""
    place.calls(1)
    late = SpendBook(place.folder, place.checkpoint)
    place.calls(2000, 0.001)
    keeper = SpendBook(place.folder, place.checkpoint)
    keeper.catch_up()
    assert late.is_whole()
    keeper.write()
    assert not late.is_whole()
    assert SpendBook(place.folder, place.checkpoint).is_whole()


def test_bytes_that_are_no_record_are_passed_over(place: Place) -> None:
    place.calls(1)
    place.journal.append(b"\xc1")
    place.calls(1)
    assert place.spent() == {"shop": 2 * DOLLAR}
