"""The worker is wanted when something lies in the inbox, when a task is due, and once after a start if there ever was one."""

from __future__ import annotations

from pathlib import Path

from trunkline.control.child import Child
from trunkline.control.demand import Demand
from trunkline.tasks.parts import DATABASE, folder


def test_nobody_is_wanted_where_nothing_was_ever_deferred(tmp_path: Path) -> None:
    demand = Demand(tmp_path)
    assert [demand(), demand()] == [False, False]


def test_what_lies_in_the_inbox_wants_a_worker(tmp_path: Path) -> None:
    demand, inbox = Demand(tmp_path), folder(tmp_path) / "inbox"
    inbox.mkdir(parents=True)
    (inbox / ".tsk_1.77").touch()
    assert demand() is False
    (inbox / "tsk_1").touch()
    assert [demand(), demand()] == [True, True]


def test_after_a_start_a_worker_looks_once_at_what_is_there(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    demand = Demand(tmp_path)
    assert [demand(), demand()] == [True, False]


def test_a_task_that_is_due_wants_a_worker_in_time(tmp_path: Path) -> None:
    now = [1000.0]
    demand, summary = Demand(tmp_path, lambda: now[0]), folder(tmp_path) / "summary.json"
    summary.parent.mkdir()
    summary.write_text('{"next_at":1060.0}')
    assert demand() is False
    now[0] = 1059.0
    assert demand() is True
    for text in ('{"next_at":0.0}', '{"next_at":', "[]", '{"next_at":"soon"}'):
        summary.with_name("new").write_text(text)
        summary.with_name("new").replace(summary)
        assert demand() is False


def test_a_child_on_demand_rests_after_a_good_end_and_comes_back_after_a_bad_one() -> None:
    wanted = [True]
    child = Child("platform", "platform", {}, quiet=True, demand=lambda: wanted[0])
    assert (child.resting, child.wanted) == (True, True)
    wanted[0] = False
    assert (child.resting, child.wanted) == (True, False)
    for argument, ended in (("--help", False), ("--no-such-flag", True)):
        child.arguments = (argument,)
        child.module = "json.tool"
        child.start()
        assert child.process is not None
        assert (child.resting, child.wanted) == (False, True)
        child.process.wait(60)
        child.ended()
        assert (child.resting, child.wanted) == (not ended, ended)
