"""`trunkline trace tasks`: what is still to be asked of vendors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.control import trace
from trunkline.control.state import State
from trunkline.ops.data.received import Vendor

pytestmark = pytest.mark.row("G2")


@pytest.fixture
def state(trunkline: Any, tmp_path: Path) -> State:
    del trunkline
    return State(tmp_path / ".trunkline").create()


def test_where_nothing_is_to_be_asked_the_list_is_empty(trunkline: Any, state: State) -> None:
    _ = state.keys
    assert trunkline("trace", "tasks", "--json").json == []
    assert trunkline("trace", "tasks", "--all", "--json").json == []
    assert trunkline("trace", "tasks").err == "No vendor is still to be asked.\n"


def test_without_a_state_folder_it_says_so_and_prints_nothing(trunkline: Any) -> None:
    ran = trunkline("trace", "tasks", "--json")
    assert (ran.code, ran.out) == (3, "")
    assert "There is no state folder" in ran.err


def test_what_is_worked_off_leaves_the_list(trunkline: Any, state: State) -> None:
    who = trace.person(state, subject="user_17")
    found = trace.trace(state, who, actor="cli")
    assert found.vendors == []
    made = Vendor(
        integration="stripe", calls=2, first_us=1, last_us=2, first_at="", last_at="", known_by={}, features=[], retention="", ids=[]
    )  # fmt: skip
    found = trace.Traced(person=who.mark, calls=2, nowhere=0, since="", more=False, vendors=[made], tasks=[])
    (task,) = trace.open_request(state, who, found, actor="cli", due="2027-01-31")
    listed = trunkline("trace", "tasks", "--json").json
    assert [(one["id"], one["state"], one["due"]) for one in listed] == [(task.id, "open", "2027-01-31")]
    assert trunkline("trace", "mark", task.id, "confirmed").code == 0
    assert trunkline("trace", "tasks", "--json").json == []
    assert [one["state"] for one in trunkline("trace", "tasks", "--all", "--json").json] == ["confirmed"]


@pytest.mark.parametrize(
    ("calls", "nowhere", "said"),
    [
        (0, 0, "0 calls"),
        (1, 0, "1 call"),
        (1, 1, "1 call, sent to no vendor"),
        (7, 0, "7 calls"),
        (7, 7, "7 calls, none of them sent to a vendor"),
        (7, 2, "7 calls, 2 of which reached no vendor"),
    ],
)
def test_calls_are_counted_in_words_that_people_use(calls: int, nowhere: int, said: str) -> None:
    from trunkline.cli.trace import _counted

    assert _counted(calls, nowhere) == said
