"""Inbox and board: what is put there is whole, sealed, bound to its name, and gone when it was taken."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.journal import deferrals
from trunkline.journal.deferrals import Board, Box, Damaged, Inbox, InboxFull, plain

KEY = b"k" * 32


def test_the_inbox_gives_back_in_order_of_arrival_what_was_put_there(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, KEY)
    assert inbox.names() == []
    for name in ("tsk_02", "tsk_01"):
        inbox.put(name, name.encode())
    assert [(name, inbox.read(name)) for name in inbox.names()] == [
        ("tsk_01", b"tsk_01"),
        ("tsk_02", b"tsk_02"),
    ]
    inbox.remove("tsk_01")
    inbox.remove("tsk_01")
    assert (inbox.names(), inbox.read("tsk_01")) == (["tsk_02"], None)


def test_nothing_can_be_read_or_exchanged_on_the_disk(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, KEY)
    inbox.put("a", b"swordfish")
    inbox.put("b", b"other")
    assert all(b"swordfish" not in path.read_bytes() for path in inbox.folder.iterdir())
    assert [oct(path.stat().st_mode & 0o777) for path in inbox.folder.iterdir()] == ["0o600"] * 2
    (inbox.folder / "a").write_bytes((inbox.folder / "b").read_bytes())
    with pytest.raises(Damaged, match="a does not open"):
        inbox.read("a")
    with pytest.raises(Damaged):
        Inbox(tmp_path, b"x" * 32).read("b")
    inbox.set_aside("a")
    assert (inbox.names(), (tmp_path / "damaged" / "a").exists()) == (["b"], True)


@given(st.binary(max_size=40), st.integers(0, 200))
def test_no_bytes_make_a_box_fail_otherwise(data: bytes, cut: int) -> None:
    box = Box(KEY, "tests")
    sealed = box.seal("n", data)
    assert box.open("n", sealed) == data
    with pytest.raises(Damaged):
        box.open("n", sealed[:cut] if cut < len(sealed) else data)


def test_a_full_inbox_takes_nothing_more_until_it_is_emptied(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, KEY, max_bytes=1000)
    inbox.put("a", b"x" * 900)
    with pytest.raises(InboxFull, match="no worker has taken over"):
        inbox.put("b", b"x" * 900)
    assert inbox.names() == ["a"]
    inbox.remove("a")
    inbox.put("b", b"x" * 900)


def test_a_disk_that_takes_no_more_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path, KEY)
    inbox.put("a", b"x")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(deferrals.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        inbox.put("b", b"y")
    assert [path.name for path in inbox.folder.iterdir()] == ["a"]


def test_the_board_shows_each_owner_its_own(tmp_path: Path) -> None:
    board = Board(tmp_path, KEY)
    board.write("team:a", "tsk_1", b"one", durably=False)
    board.write("team:a", "tsk_2", b"two")
    board.write("team:b", "tsk_3", b"three")
    board.write("team:a", "tsk_1", b"one more")
    assert (board.names("team:a"), board.names("team:b"), board.names("team:c")) == (
        ["tsk_2", "tsk_1"],
        ["tsk_3"],
        [],
    )
    assert [board.read(o, "tsk_1") for o in ("team:a", "team:b")] == [b"one more", None]
    board.remove("team:a", "tsk_1")
    assert board.names("team:a") == ["tsk_2"]
    assert not any("team" in str(path) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", ["../tsk_1", "a/b", "", ".", "..", "x" * 65, "tsk_\0", "tsk_é", "tsk-1"])
def test_a_name_never_leads_elsewhere(tmp_path: Path, name: str) -> None:
    assert not plain(name)
    assert Board(tmp_path, KEY).read("team:a", name) is None
