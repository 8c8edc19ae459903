"""Samples are handed to each looker once; one that fails keeps nobody else from looking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.polling import eventually
from trunkline.console.looking import BATCH, Looking
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.sample import Sample
from trunkline.journal.bodies import FOLDER, Writer, segments

NOW = 1_795_262_400.0


def sample(n: int = 1) -> Sample:
    """A call whose body holds a name."""
    return Sample(
        f"call-{n}", int(NOW * 1e6), f"call-{n}", "acme", "create", "POST", "/v1/things", "", "", 200, "key-1",
        "shop", "", "", "application/json", b'{"name":"Jane Doe"}', False, "application/json", b"{}", False, False,
    )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, {})


def writer(state: State) -> Writer:
    made = Writer(state.path / FOLDER, state.keys["answer_key"])
    made.open()
    return made


def keep(state: State, count: int = 1) -> None:
    out = writer(state)
    for n in range(count):
        out.append(to_pack(sample(n)), NOW)
    out.seal()


class Gathering:
    """A looker that writes down what it saw after each batch."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.written: list[list[str]] = []

    def __call__(self, sample: Sample) -> None:
        self.seen.append(sample.call_id)

    def flush(self) -> None:
        self.written.append(self.seen)
        self.seen = []


def test_each_looker_sees_each_sample_once_and_then_it_is_gone(state: State) -> None:
    keep(state, 3)
    seen: list[Sample] = []
    gathering = Gathering()
    looking = Looking(state, [seen.append, gathering], clock=lambda: NOW)
    assert looking.turn() == 3
    assert looking.turn() == 0
    assert seen == [sample(0), sample(1), sample(2)]
    assert gathering.written == [["call-0", "call-1", "call-2"], []]
    assert segments(state.path / FOLDER) == []


def test_a_looker_that_fails_is_told_of_once_without_what_it_saw(state: State, capsys: Any) -> None:
    def fails(sample: Sample) -> None:
        raise ValueError(sample.request.decode())

    keep(state, 2)
    seen: list[Sample] = []
    looking = Looking(state, [fails, seen.append], clock=lambda: NOW)
    looking.turn()
    said = capsys.readouterr().err
    assert len(seen) == 2
    assert looking.stats()["failed"] == 2
    assert said == "trunkline console: function failed on a sample (ValueError); looking goes on\n"


def test_it_looks_at_a_bounded_number_at_a_time_and_tells_how_far_behind_it_is(state: State) -> None:
    keep(state, BATCH + 1)
    looking = Looking(state, [], clock=lambda: NOW + 30)
    assert looking.turn() == BATCH
    stats = looking.stats()
    assert (stats["looked"], stats["lag_s"]) == (BATCH, 30.0)
    assert stats["waiting_bytes"] > 0
    looking.turn()
    assert looking.stats() == {
        "looked": BATCH + 1,
        "failed": 0,
        "damaged": 0,
        "waiting_bytes": 0,
        "lag_s": 0.0,
    }


def test_what_is_no_sample_is_passed_over_and_counted(state: State) -> None:
    out = writer(state)
    out.append(b"nothing that anybody wrote", NOW)
    out.append(to_pack(sample()), NOW)
    seen: list[Sample] = []
    looking = Looking(state, [seen.append], clock=lambda: NOW)
    looking.turn()
    assert (len(seen), looking.stats()["damaged"]) == (1, 1)


def test_the_thread_looks_by_itself_and_ends(state: State) -> None:
    keep(state, 2)
    seen: list[Sample] = []
    looking = Looking(state, [seen.append])
    looking.start()
    eventually(lambda: len(seen) == 2, "both samples to be seen")
    looking.stop()
