"""Published files are taken over when they were replaced; one that does not read leaves what was loaded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trunkline.gateway import watch
from trunkline.gateway.watch import Watched, follow


def publish(path: Path, text: str) -> None:
    """As control publishes: written beside, then put in place."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(path)


@pytest.mark.row("R5")
def test_a_file_is_taken_over_once_for_each_replacement(tmp_path: Path) -> None:
    path, taken = tmp_path / "snapshot.msgpack", list[str]()
    publish(path, "one")
    watched = Watched(path, lambda: taken.append(path.read_text()))
    assert [watched.look(), watched.look()] == [False, False]
    publish(path, "two")
    assert [watched.look(), watched.look()] == [True, False]
    publish(path, "two")
    assert watched.look()
    assert taken == ["two", "two"]


def test_a_file_that_comes_later_is_taken_over(tmp_path: Path) -> None:
    path, taken = tmp_path / "callers.msgpack", list[int]()
    watched = Watched(path, lambda: taken.append(1))
    assert not watched.look()
    publish(path, "x")
    assert watched.look()


def test_a_file_that_goes_away_leaves_what_was_loaded(tmp_path: Path) -> None:
    path, taken = tmp_path / "callers.msgpack", list[int]()
    publish(path, "x")
    watched = Watched(path, lambda: taken.append(1))
    path.unlink()
    assert not watched.look()
    assert taken == []


@pytest.mark.row("R5")
def test_a_file_that_does_not_read_is_told_and_the_next_one_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, taken = tmp_path / "snapshot.msgpack", list[str]()
    publish(path, "one")

    def take() -> None:
        if path.read_text() == "broken":
            raise ValueError("no snapshot")
        taken.append(path.read_text())

    watched = Watched(path, take)
    publish(path, "broken")
    assert not watched.look()
    assert "snapshot.msgpack was not taken over: ValueError: no snapshot" in capsys.readouterr().err
    publish(path, "three")
    assert watched.look()
    assert taken == ["three"]


async def test_it_follows_until_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "POLL_S", 0)
    path, taken = tmp_path / "x", list[str]()
    task = asyncio.create_task(follow([Watched(path, lambda: taken.append(path.read_text()))]))
    await asyncio.sleep(0)
    publish(path, "one")
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert taken == ["one"]
