"""The loop and what it shows: a task from the inbox to its erasure, trouble said once, an end when nothing is due."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.durable import KEY, Bench
from trunkline.core.codec import from_json, pack_decoder, to_pack
from trunkline.core.deferral import Bearer, Deferred, Shown
from trunkline.journal.deferrals import Board, Inbox
from trunkline.tasks import deferral
from trunkline.tasks.deferral import DeferredCalls
from trunkline.tasks.holds import Holds
from trunkline.tasks.intake import Intake
from trunkline.tasks.loop import Loop
from trunkline.tasks.own_call import Away, Reply
from trunkline.tasks.showing import Showing

_shown = pack_decoder(Shown)
CALL = Deferred(
    id="tsk_1", at=1000.0, run_at=1000.0, deadline=2000.0, owner="team:shop", bearer=Bearer(key="key-1"), method="POST",
    target="/x", headers=[], body=b"", correlation_id="c", integration="crm",
)  # fmt: skip


class Story:
    """A worker's loop on a clock of the story's own, with a gateway that answers what `script` says, then 200."""

    def __init__(self, folder: Path, *script: Reply | Exception) -> None:
        self.folder = folder
        self.script = list(script)
        self.bench = Bench(folder, {})
        calls = DeferredCalls(self, Holds(), lambda: b"k", wall=lambda: self.bench.now, jitter=lambda: 0.0)
        self.bench.workflows[deferral.NAME] = calls.run
        self.inbox, self.board = Inbox(folder, KEY), Board(folder, KEY)
        changed: list[Any] = []
        self.engine = self.bench.worker(busy_timeout_s=0.01, changed=lambda task_id: changed[0](task_id))
        self.showing = Showing(self.engine.store, self.board, folder)
        changed.append(self.showing.changed)
        self.loop = Loop(
            self.engine,
            Intake(self.inbox, self.engine, self.bench.said.append),
            self.inbox,
            self.board,
            self.showing,
            away_until=lambda: calls.away_until,
            said=self.bench.said.append,
            wall=lambda: self.bench.now,
        )

    def call(self, *given: Any, **more: Any) -> Reply:
        played = self.script.pop(0) if self.script else Reply(200, [], b"swordfish", False)
        if isinstance(played, Exception):
            raise played
        return played

    def seen(self) -> Shown | None:
        data = self.board.read("team:shop", "tsk_1")
        return _shown.decode(data) if data is not None else None

    @property
    def summary(self) -> dict[str, Any]:
        found = from_json((self.folder / "summary.json").read_bytes())
        return {**found, "tasks": {state: n for state, n in found["tasks"].items() if n}}


def test_a_task_is_shown_from_the_inbox_to_its_erasure(tmp_path: Path) -> None:
    it = Story(tmp_path)
    it.inbox.put(CALL.id, to_pack(CALL))
    assert it.loop.look() is True
    told = it.seen()
    assert told is not None
    assert told.answer is not None
    assert (told.state, told.answer.body, told.expires_at) == ("done", b"swordfish", 1000.0 + 86400)
    assert it.summary == {"tasks": {"done": 1}, "oldest_at": 0.0, "next_at": 1000.0 + 86400, "inbox": 0}

    it.bench.now = 1000.0 + 86401
    it.loop.look()
    told = it.seen()
    assert told is not None
    assert (told.state, told.answer, told.correlation_id) == ("done", None, "c")
    assert it.summary["next_at"] == 1000.0 + 7 * 86400

    it.bench.now = 1001.0 + 7 * 86400
    it.loop.look()
    assert (it.seen(), it.summary) == (None, {"tasks": {}, "oldest_at": 0.0, "next_at": 0.0, "inbox": 0})


def test_what_a_killed_worker_left_unshown_is_shown(tmp_path: Path) -> None:
    it = Story(tmp_path)
    it.engine.start(deferral.start(CALL))
    it.engine.turn()
    assert it.seen() is None
    Story(tmp_path).loop.look()
    told = it.seen()
    assert told is not None
    assert told.state == "done"


def test_it_says_a_trouble_once_and_goes_on_by_itself(tmp_path: Path) -> None:
    it = Story(tmp_path)
    it.inbox.put(CALL.id, to_pack(CALL))
    with closing(sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert [it.loop.look(), it.loop.look()] == [False, False]
        other.execute("ROLLBACK")
    it.loop.look()
    assert it.bench.said == ["tasks stand still: database is locked; trying on", "tasks go on"]
    assert it.seen() is not None


def test_nothing_begins_while_the_gateway_is_away(tmp_path: Path) -> None:
    it = Story(tmp_path, Away())
    for name in ("tsk_1", "tsk_2"):
        it.inbox.put(name, to_pack(CALL))
    it.loop.look()
    told = it.seen()
    assert told is not None
    assert (told.state, told.attempts, it.loop.look()) == ("waiting", 0, False)
    it.bench.now += 1
    it.loop.look()
    told = it.seen()
    assert told is not None
    assert told.state == "done"


def test_it_may_go_once_nothing_is_due_for_a_while(tmp_path: Path) -> None:
    it = Story(
        tmp_path, Reply(503, [("x-trunkline-task", "rate_limited; again=yes; retry-at=1100")], b"", False)
    )
    it.inbox.put(CALL.id, to_pack(CALL))
    it.loop.look()
    idle = []
    for now in (1000.0, 1029.0, 1030.0, 1071.0):
        it.bench.now = now
        it.loop.look()
        idle.append(it.loop.idle)
    assert idle == [False, False, True, False]
    assert it.summary["next_at"] == 1100.0
    assert it.loop.stop(0.0) is True
