"""The book of what was spent: the last checkpoint, then the journal after it. The gateway opens it to know where its budgets
stand; the ledger's drain keeps the checkpoint young, so that the rest stays short.

Both fold the same records by the same rule (`core/spend.py`), so that a book opened anywhere says the same. Not for: refusing
calls (`plugins/policies/budget.py`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import msgspec

from trunkline.core.codec import pack_decoder
from trunkline.core.record import Record
from trunkline.core.spend import Spend, from_bytes
from trunkline.journal.files import segments, sync_folder
from trunkline.journal.reader import START, Cursor, Reader

FILE_NAME = "budgets.msgpack"
BATCH_RECORDS = 5000

_decoder: msgspec.msgpack.Decoder[Record] = pack_decoder(cast(Any, Record))


class SpendBook:
    """A running fold. `problem` says why a checkpoint that is there was not used; then the fold begins with the journal."""

    def __init__(self, folder: Path, checkpoint: Path) -> None:
        self._checkpoint = checkpoint
        self.problem = ""
        self.found = False
        """Whether there was a checkpoint."""
        self._taken_up = 0
        """The segment that it named."""
        self.spend, self.cursor = self._take_up(folder)
        self._written = self.cursor
        self._reader = Reader(folder, self.cursor)

    def _take_up(self, folder: Path) -> tuple[Spend, Cursor]:
        try:
            spend, segment, offset = from_bytes(self._checkpoint.read_bytes())
        except FileNotFoundError:
            return Spend(), START
        except (OSError, ValueError) as problem:
            self.problem = f"{self._checkpoint.name} cannot be used ({problem}); what was spent is counted from the journal alone"
            return Spend(), START
        self.found, self._taken_up = True, segment
        numbers = [name.number for name in segments(folder)]
        # A journal that is younger than our place in it was made anew: all of it comes after the checkpoint.
        anew = bool(numbers) and segment > max(numbers) + 1
        return spend, START if anew else Cursor(segment, offset)

    def read(self, max_records: int = BATCH_RECORDS) -> int:
        """Folds up to so many further records; 0 when there is nothing new."""
        batch = self._reader.read(max_records)
        self._reader.damaged.clear()  # whoever drains the journal reports it
        note = self.spend.note
        for _, payload in batch:
            try:
                record = _decoder.decode(payload)
            except msgspec.DecodeError:
                continue
            note(record)
        self.cursor = self._reader.cursor
        return len(batch)

    def catch_up(self, until: Cursor | None = None) -> None:
        """Folds everything there is, or at least up to a place."""
        while (until is None or self.cursor < until) and self.read():
            continue

    def is_whole(self) -> bool:
        """Whether no segment can have been let go between the reading of the checkpoint and the reading of the journal.

        They are let go only up to a checkpoint that was written before.
        """
        try:
            _, segment, _ = from_bytes(self._checkpoint.read_bytes())
        except (OSError, ValueError):
            return True
        return self.found and segment <= self._taken_up

    @property
    def dirty(self) -> bool:
        """Whether more was folded than is written."""
        return self.cursor != self._written

    def write(self) -> Cursor:
        """Writes the checkpoint so that it survives a power cut; answers the place up to which the journal is no longer needed."""
        write_checkpoint(self._checkpoint, self.spend, self.cursor)
        self._written = self.cursor
        return self.cursor

    @property
    def written(self) -> Cursor:
        """The place up to which the checkpoint goes; what the journal holds after it is still needed."""
        return self._written

    def close(self) -> None:
        self._reader.close()


def opened(folder: Path, checkpoint: Path) -> SpendBook:
    """The book as it stands now, for a reader beside whom somebody else keeps the checkpoint."""
    while True:
        book = SpendBook(folder, checkpoint)
        book.catch_up()
        if book.is_whole():
            return book
        book.close()


def write_checkpoint(path: Path, spend: Spend, place: Cursor) -> None:
    """Replaces the checkpoint in one step, durably."""
    unborn = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(spend.to_bytes(*place))
        file.flush()
        os.fsync(file.fileno())
    unborn.rename(path)
    sync_folder(path.parent)
