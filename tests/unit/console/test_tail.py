from __future__ import annotations

from typing import Any

import pytest

from tests.support.records import NOON_US, JournalInMemory, end
from trunkline.console import tail
from trunkline.console.context import Console
from trunkline.core.codec import from_json
from trunkline.ledger.drain import Drain


def parse(chunk: bytes) -> list[tuple[int, str, str]]:
    found = []
    for block in chunk.decode().strip().split("\n\n"):
        fields: dict[str, Any] = dict(line.split(": ", 1) for line in block.splitlines())
        told = from_json(fields["data"])
        assert fields["event"] == "call"
        found.append((int(fields["id"]), told["call_id"], told["state"]))
    return found


@pytest.mark.row("O1")
async def test_a_client_that_comes_back_gets_what_it_missed_and_what_comes(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "POLL_S", 0)
    stream = tail.events(console, 0)
    assert await anext(stream) == b"retry: 1000\n\n"
    first = parse(await anext(stream))
    assert {(name, state) for _, name, state in first} == {("a", "ok"), ("b", "error"), ("c", "running")}
    journal = JournalInMemory(end("c", at_us=NOON_US + 40_000))
    drain = Drain(
        console.state_dir / "new-journal", console.state_dir / "ledger", now_us=lambda: NOON_US,
        read_from=lambda folder, cursor: journal.read_from(folder, type(cursor)(1, 0)),
    )  # fmt: skip
    drain.step()
    drain.close()
    assert [(name, state) for _, name, state in parse(await anext(stream))] == [("c", "ok")]
    await stream.aclose()
    middle = min(first)[0]
    again = tail.events(console, middle)
    await anext(again)
    assert middle not in [place for place, _, _ in parse(await anext(again))]
    await again.aclose()


async def test_a_quiet_stream_says_that_it_lives(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "POLL_S", 0)
    stream = tail.events(console, None)
    assert [await anext(stream), await anext(stream)] == [b"retry: 1000\n\n", b": still here\n\n"]
    await stream.aclose()


def test_the_last_event_id_wins_over_the_parameter(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    from trunkline.console.shapes import TailQuery

    places: list[int | None] = []
    monkeypatch.setattr(tail, "events", lambda console, after, teams, still: places.append(after) or iter(()))
    tail.tail(console, TailQuery(after=5))
    tail.tail(console, TailQuery(after=5), last_event_id="7")
    tail.tail(console, TailQuery(after=5), last_event_id="nonsense")
    assert places == [5, 7, 5]
