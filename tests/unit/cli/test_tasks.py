"""`trunkline tasks`: list, show, cancel, retry."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.deferred import seed
from trunkline.control import audit
from trunkline.control.state import State
from trunkline.journal.deferrals import inbox_names
from trunkline.tasks import parts

pytestmark = pytest.mark.row("F4")


@pytest.fixture
def state(trunkline: Any, tmp_path: Path) -> State:
    del trunkline
    made = State(tmp_path / ".trunkline").create()
    seed(made.path, time.time())
    return made


def wishes(state: State) -> list[str]:
    return [
        name.rpartition("_")[2] for name in inbox_names(parts.folder(state.path)) if name.startswith("ord_")
    ]


@pytest.mark.usefixtures("state")
def test_they_are_listed_newest_first(trunkline: Any) -> None:
    ran = trunkline("tasks")
    rows = [line.split()[:3] for line in ran.out.splitlines()[1:]]
    assert (ran.code, rows[:3]) == (
        0,
        [
            ["tsk_queued", "queued", "stripe"],
            ["tsk_failed", "failed", "stripe"],
            ["tsk_done", "done", "stripe"],
        ],
    )
    assert (len(rows), rows[3][1]) == (4, "queued")
    lines = [
        json.loads(line)
        for line in trunkline("tasks", "list", "--state", "failed", "--json").out.splitlines()
    ]
    assert [(row["id"], row["error"]["code"], "answer" in row) for row in lines] == [
        ("tsk_failed", "invalid_request", False)
    ]


def test_where_nothing_was_deferred_there_is_nothing(trunkline: Any, tmp_path: Path) -> None:
    State(tmp_path / ".trunkline").create()
    ran = trunkline("tasks")
    assert (ran.code, ran.out, ran.err) == (0, "", "No call was deferred.\n")


def test_one_is_shown_without_its_words_unless_they_are_asked_for(trunkline: Any, state: State) -> None:
    ran = trunkline("tasks", "show", "tsk_done")
    assert (ran.code, "swordfish" in ran.out, "answer_status   200" in ran.out) == (0, False, True)
    told = trunkline("tasks", "show", "tsk_done", "--json").json
    assert (told["state"], told["answer_status"], told["owner"], told["key"]) == (
        "done",
        200,
        "team:shop",
        "k3",
    )
    assert trunkline("tasks", "show", "tsk_done", "--answer").out == "swordfish of the answer"
    assert [row["action"] for row in audit.entries(state) if row["action"].startswith("task.")] == [
        "task.answer"
    ]
    none = trunkline("tasks", "show", "tsk_queued", "--answer")
    assert (none.code, "it is queued" in none.err) == (1, True)
    missing = trunkline("tasks", "show", "tsk_gone")
    assert (missing.code, "There is no task 'tsk_gone'" in missing.err) == (1, True)


@pytest.mark.parametrize(("what", "task"), [("cancel", "tsk_queued"), ("retry", "tsk_failed")])
def test_a_wish_is_noted_for_the_worker(trunkline: Any, state: State, what: str, task: str) -> None:
    ran = trunkline("tasks", what, task)
    assert (ran.code, "the wish is noted" in ran.err, wishes(state)) == (0, True, [what])


@pytest.mark.parametrize(
    ("what", "task", "why"),
    [
        ("cancel", "tsk_done", "has ended already"),
        ("retry", "tsk_done", "is done"),
        ("retry", "tsk_queued", "is queued"),
    ],
)
def test_what_cannot_be_done_is_refused(trunkline: Any, state: State, what: str, task: str, why: str) -> None:
    ran = trunkline("tasks", what, task)
    assert (ran.code, why in ran.err, wishes(state)) == (1, True, [])
