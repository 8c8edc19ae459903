"""A folder that is written to while it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.folders import contents


def test_a_file_renamed_after_the_listing_is_read_under_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, unborn, born = tmp_path / "1.seg", tmp_path / "2.seg.unborn", tmp_path / "2.seg"
    first.write_bytes(b"one")
    unborn.write_bytes(b"two")
    read = Path.read_bytes

    def renamed_meanwhile(path: Path) -> bytes:
        if unborn.exists():
            unborn.rename(born)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", renamed_meanwhile)
    assert contents(tmp_path) == {first: b"one", born: b"two"}


def test_a_file_that_comes_while_others_are_read_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old", tmp_path / "folder" / "new"
    old.write_bytes(b"one")
    read = Path.read_bytes

    def joined_meanwhile(path: Path) -> bytes:
        new.parent.mkdir(exist_ok=True)
        new.write_bytes(b"two")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", joined_meanwhile)
    assert contents(tmp_path) == {old: b"one", new: b"two"}


def test_of_an_empty_folder_there_is_nothing(tmp_path: Path) -> None:
    assert contents(tmp_path) == {}
