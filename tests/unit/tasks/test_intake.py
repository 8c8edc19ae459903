"""From the inbox into the database: nothing lost, nothing twice, damage set aside."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tests.support.durable import KEY, Bench
from trunkline.core.codec import to_pack
from trunkline.core.deferral import Bearer, Deferred, Order
from trunkline.journal.deferrals import Inbox
from trunkline.tasks import deferral
from trunkline.tasks.intake import Intake
from trunkline.tasks.port import End


def call(name: str) -> Deferred:
    return Deferred(
        id=f"tsk_{name}", at=1000.0, run_at=1000.0, deadline=1600.0, owner="team:shop", bearer=Bearer(key="key-1"), method="POST",
        target="/x", headers=[], body=b"", correlation_id="c", integration="crm",
    )  # fmt: skip


def put(inbox: Inbox, *items: Deferred | Order) -> None:
    for item in items:
        name = item.id if isinstance(item, Deferred) else f"ord_{item.id}_{item.what}"
        inbox.put(name, to_pack(item))


class Story:
    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, {deferral.NAME: lambda work: End("failed", b"")})
        self.engine = self.bench.worker()
        self.inbox = Inbox(folder, KEY)
        self.intake = Intake(self.inbox, self.engine, self.bench.said.append, lambda: self.bench.now)

    @property
    def states(self) -> dict[str, str]:
        return {task.id: task.state for task in self.engine.listed()}


def test_what_was_accepted_becomes_a_task_once(tmp_path: Path) -> None:
    it = Story(tmp_path)
    put(it.inbox, call("1"), call("2"))
    assert (it.intake.take(), it.states, it.inbox.names()) == (2, {"tsk_1": "queued", "tsk_2": "queued"}, [])
    put(it.inbox, call("1"))  # as after a crash between the database and the removal
    assert (it.intake.take(), len(it.states), it.inbox.names()) == (1, 2, [])


def test_a_wish_to_cancel_reaches_a_call_that_lies_beside_it(tmp_path: Path) -> None:
    it = Story(tmp_path)
    put(it.inbox, Order(what="cancel", id="tsk_1", at=1000.0, actor="key:key-1"), call("1"))
    it.intake.take()
    task = it.engine.get("tsk_1")
    assert task is not None
    assert (task.state, task.cancel) == ("cancelled", "key:key-1")


def test_a_wish_to_retry_gives_as_much_time_as_before(tmp_path: Path) -> None:
    it = Story(tmp_path)
    put(it.inbox, call("1"))
    it.intake.take()
    it.engine.turn()
    it.bench.now = 5000.0
    put(
        it.inbox,
        Order(what="retry", id="tsk_1", at=5000.0, actor="cli"),
        Order(what="retry", id="tsk_9", at=1.0, actor="cli"),
    )
    it.intake.take()
    task = it.engine.get("tsk_1")
    assert task is not None
    assert (task.state, task.deadline, it.inbox.names()) == ("queued", 5600.0, [])


def test_a_damaged_item_is_set_aside_and_the_others_go_on(tmp_path: Path) -> None:
    it = Story(tmp_path)
    put(it.inbox, call("1"), call("3"))
    (it.inbox.folder / "tsk_2").write_bytes(b"cut")
    it.inbox.put("tsk_0", b"\x81\xa4what\xa4none")
    it.intake.take()
    assert (set(it.states), it.inbox.names()) == ({"tsk_1", "tsk_3"}, [])
    assert sorted(path.name for path in (tmp_path / "damaged").iterdir()) == ["tsk_0", "tsk_2"]
    assert [line.partition(":")[0] for line in it.bench.said] == [
        "an item of the inbox cannot be used and was set aside in `damaged`"
    ] * 2


def test_what_the_database_does_not_take_stays(tmp_path: Path) -> None:
    class Locked:
        def start(self, task: object) -> bool:
            raise OperationalError("insert", {}, Exception("database is locked"))

    it = Story(tmp_path)
    put(it.inbox, call("1"))
    with pytest.raises(OperationalError):
        Intake(it.inbox, Locked(), it.bench.said.append).take()  # type: ignore[arg-type]
    assert it.inbox.names() == ["tsk_1"]
