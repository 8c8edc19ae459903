"""The laws of the port, asked of the lease engine: started once, steps done once, sleeps held by nobody, the dead replaced."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.durable import Bench, InThreads, said, start
from tests.support.polling import eventually
from trunkline.tasks.holds import Holds
from trunkline.tasks.port import End, Postponed, Start, Step, Task, UnknownWorkflow, Work


def test_runs_a_task_to_its_end_and_keeps_what_came_of_it(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, {"shout": lambda work: said(work.step("upper", lambda _: work.input.upper()).decode())}
    )
    engine = bench.worker()
    assert engine.start(start("shout", "hello", owner="team:a", label="crm"))
    assert [task.state for task in engine.listed()] == ["queued"]
    assert engine.turn() == 1
    ended = engine.get("tsk_shout")
    assert ended is not None
    assert (ended.state, ended.input, ended.output, ended.owner) == ("done", b"hello", b"HELLO", "team:a")
    assert engine.turn() == 0
    assert engine.next_due() == 0


def test_a_second_start_of_one_id_is_the_same_task(tmp_path: Path) -> None:
    runs: list[str] = []
    bench = Bench(tmp_path, {"once": lambda work: said(str(runs.append(work.id)))})
    engine = bench.worker()
    assert [engine.start(start("once")), engine.start(start("once"))] == [True, False]
    engine.turn()
    assert [engine.start(start("once")), engine.turn(), runs] == [False, 0, ["tsk_once"]]


def test_refuses_a_task_that_no_worker_could_run(tmp_path: Path) -> None:
    engine = Bench(tmp_path, {"known": lambda work: said("")}).worker()
    with pytest.raises(UnknownWorkflow, match="'other'; known: known"):
        engine.start(start("other"))


def test_nothing_runs_before_its_time_and_the_urgent_run_first(tmp_path: Path) -> None:
    order: list[str] = []
    bench = Bench(
        tmp_path, {n: lambda work: said(str(order.append(work.id))) for n in ("late", "low", "high")}
    )
    engine = bench.worker()
    engine.start(start("late", run_at=1060.0, priority=9))
    engine.start(start("low"))
    engine.start(start("high", priority=1))
    engine.turn()
    assert order == ["tsk_high", "tsk_low"]
    assert engine.next_due() == 1060.0
    bench.now = 1060.0
    engine.turn()
    assert order == ["tsk_high", "tsk_low", "tsk_late"]


def test_a_step_that_is_done_is_not_done_again_after_a_sleep(tmp_path: Path) -> None:
    done: list[tuple[str, int]] = []

    def naps(work: Work) -> End:
        first = work.step("first", lambda step: note(step, "first"))
        work.sleep(1030.0, b"between")
        second = work.step("second", lambda step: note(step, "second"))
        return End("done", first + second)

    def note(step: Step, name: str) -> bytes:
        done.append((name, step.attempt))
        return name.encode()

    bench = Bench(tmp_path, {"naps": naps})
    engine = bench.worker()
    engine.start(start("naps"))
    engine.turn()
    waiting = engine.get("tsk_naps")
    assert waiting is not None
    assert (waiting.state, waiting.run_at, waiting.progress, engine.running) == (
        "waiting",
        1030.0,
        b"between",
        0,
    )
    assert engine.turn() == 0
    bench.now = 1030.0
    bench.worker().turn()
    ended = engine.get("tsk_naps")
    assert ended is not None
    assert (ended.state, ended.output, done) == ("done", b"firstsecond", [("first", 1), ("second", 1)])


def test_a_postponed_step_counts_as_not_begun(tmp_path: Path) -> None:
    attempts: list[int] = []

    def act(step: Step) -> bytes:
        attempts.append(step.attempt)
        if len(attempts) < 3:
            raise Postponed(bench.now + 5)
        return b"ok"

    bench = Bench(tmp_path, {"away": lambda work: End("done", work.step("call", act))})
    engine = bench.worker()
    engine.start(start("away"))
    for _ in range(3):
        engine.turn()
        bench.now += 5
    task = engine.get("tsk_away")
    assert task is not None
    assert (task.state, task.output, attempts) == ("done", b"ok", [1, 1, 1])


def test_what_the_end_entails_is_started_with_it(tmp_path: Path) -> None:
    told: list[bytes] = []
    workflows = {
        "work": lambda work: said("result"),
        "tell": lambda work: said(str(told.append(work.input))),
    }
    bench = Bench(tmp_path, workflows)
    bench.follow_up = lambda task: (
        [Start(id=f"{task.id}_tell", name="tell", input=task.state.encode() + task.output)]
        if task.name == "work"
        else []
    )
    engine = bench.worker()
    engine.start(start("work"))
    engine.turn()
    engine.turn()
    assert told == [b"doneresult"]


def test_one_that_waits_is_cancelled_at_once_and_an_ended_one_stays(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"late": lambda work: said("x"), "soon": lambda work: said("y")})
    engine = bench.worker()
    engine.start(start("late", run_at=2000.0))
    engine.start(start("soon"))
    engine.turn()
    cancelled = engine.cancel("tsk_late", "caller")
    ended = engine.cancel("tsk_soon", "caller")
    assert cancelled is not None
    assert ended is not None
    assert (cancelled.state, cancelled.cancel, ended.state, ended.cancel) == (
        "cancelled",
        "caller",
        "done",
        "",
    )
    assert engine.cancel("tsk_none", "caller") is None
    bench.now = 3000.0
    assert engine.turn() == 0


def test_one_that_runs_is_cut_short(tmp_path: Path) -> None:
    cut, begun = threading.Event(), threading.Event()

    def hangs(work: Work) -> End:
        def act(step: Step) -> bytes:
            step.on_cancel(cut.set)
            begun.set()
            assert cut.wait(60)
            raise ConnectionResetError("the socket was closed under it")

        return End("done", work.step("call", act))

    engine = Bench(tmp_path, {"hangs": hangs}).worker(executor=InThreads())
    engine.start(start("hangs"))
    engine.turn()
    assert begun.wait(60)
    engine.cancel("tsk_hangs", "operator")
    task = eventually(lambda: ended(engine, "tsk_hangs"), "the end of the cancelled task")
    assert (task.state, task.cancel) == ("cancelled", "operator")


def ended(engine: object, task_id: str) -> Task | None:
    task = engine.get(task_id)
    return task if task is not None and task.ended_at else None


def test_a_failed_task_runs_anew_when_asked(tmp_path: Path) -> None:
    runs: list[int] = []

    def flaky(work: Work) -> End:
        work.step("call", lambda _: runs.append(1) or b"")
        return End("failed" if len(runs) == 1 else "done", b"")

    bench = Bench(tmp_path, {"flaky": flaky})
    engine = bench.worker()
    engine.start(start("flaky"))
    engine.turn()
    again = engine.again("tsk_flaky", deadline=5000.0)
    assert again is not None
    assert (again.state, again.deadline, again.ended_at) == ("queued", 5000.0, 0.0)
    engine.turn()
    task = engine.again("tsk_flaky", deadline=9000.0)
    assert task is not None
    assert (task.state, task.deadline, len(runs)) == ("done", 5000.0, 2)


def test_a_defect_is_told_tried_again_and_given_up(tmp_path: Path) -> None:
    def broken(work: Work) -> End:
        raise ZeroDivisionError("secret of the input")

    bench = Bench(tmp_path, {"broken": broken})
    engine = bench.worker()
    engine.start(start("broken"))
    for _ in range(5):
        engine.turn()
        bench.now += 30
    task = engine.get("tsk_broken")
    assert task is not None
    assert task.state == "failed"
    assert len(bench.said) == 5
    assert all("ZeroDivisionError in broken" in line and "secret" not in line for line in bench.said)


def test_a_stalled_worker_is_replaced_and_what_it_does_later_changes_nothing(tmp_path: Path) -> None:
    """Two workers: the first hangs in a step past its lease; the second does the task; then the first wakes."""
    wake, begun = threading.Event(), threading.Event()
    attempts: list[int] = []

    def slow(work: Work) -> End:
        def act(step: Step) -> bytes:
            attempts.append(step.attempt)
            if step.attempt == 1:
                begun.set()
                assert wake.wait(60)
            return b"by attempt %d" % step.attempt

        return End("done", work.step("call", act))

    bench = Bench(tmp_path, {"slow": slow})
    first, second = bench.worker(executor=InThreads()), bench.worker()
    first.start(start("slow"))
    first.turn()
    assert begun.wait(60)
    assert second.turn() == 0
    bench.now += 21
    assert second.turn() == 1
    wake.set()
    eventually(lambda: first.running == 0, "the first worker to give up")
    task = second.get("tsk_slow")
    assert task is not None
    assert (task.state, task.output, attempts) == ("done", b"by attempt 2", [1, 2])
    assert "another worker has taken it over" in bench.said[-1]


def test_a_worker_that_lives_keeps_its_lease(tmp_path: Path) -> None:
    wake, begun = threading.Event(), threading.Event()

    def act(step: Step) -> bytes:
        begun.set()
        assert wake.wait(60)
        return b"%d" % step.attempt

    bench = Bench(tmp_path, {"slow": lambda work: End("done", work.step("call", act))})
    first, second = bench.worker(executor=InThreads()), bench.worker()
    first.start(start("slow"))
    first.turn()
    assert begun.wait(60)
    for _ in range(8):
        bench.now += 10
        first.turn()
        assert second.turn() == 0
    wake.set()
    assert eventually(lambda: ended(second, "tsk_slow"), "the end").output == b"1"


def test_two_workers_share_a_heap_of_tasks_and_do_each_once(tmp_path: Path) -> None:
    lock, runs = threading.Lock(), []

    def count(step: Step) -> bytes:
        with lock:
            runs.append(step.task_id)
        return b""

    bench = Bench(tmp_path, {"one": lambda work: End("done", work.step("call", count))})
    workers = [bench.worker(executor=InThreads()) for _ in range(2)]
    for n in range(40):
        workers[0].start(Start(id=f"tsk_{n:03}", name="one", input=b""))

    def busy() -> bool:
        return sum(worker.turn() for worker in workers) == 0 and not any(w.running for w in workers)

    eventually(busy, "all forty")
    assert sorted(runs) == [f"tsk_{n:03}" for n in range(40)]


def test_drain_begins_nothing_and_gives_back_what_does_not_end(tmp_path: Path) -> None:
    cut, begun = threading.Event(), threading.Event()

    def act(step: Step) -> bytes:
        step.on_cancel(cut.set)
        if step.attempt == 1:
            begun.set()
            assert cut.wait(60)
        return b"%d" % step.attempt

    bench = Bench(
        tmp_path, {"slow": lambda work: End("done", work.step("call", act)), "next": lambda work: said("")}
    )
    first = bench.worker(executor=InThreads())
    first.start(start("slow"))
    first.turn()
    assert begun.wait(60)
    first.start(start("next"))
    assert first.drain(0.05) is False
    assert first.turn() == 0
    second = bench.worker()
    assert second.turn() == 2
    assert eventually(lambda: ended(second, "tsk_slow"), "the end").output == b"2"


def test_what_a_step_did_is_noted_once_the_database_is_free_again(tmp_path: Path) -> None:
    begun, free = threading.Event(), threading.Event()

    def act(step: Step) -> bytes:
        begun.set()
        assert free.wait(60)
        return b"%d" % step.attempt

    bench = Bench(tmp_path, {"slow": lambda work: End("done", work.step("call", act))})
    engine = bench.worker(executor=InThreads(), busy_timeout_s=0.05)
    engine.start(start("slow"))
    engine.turn()
    assert begun.wait(60)
    with closing(sqlite3.connect(tmp_path / "tasks.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        free.set()
        eventually(lambda: bench.said, "the worker to notice the lock")
        other.execute("ROLLBACK")
    assert eventually(lambda: ended(engine, "tsk_slow"), "the end").output == b"1"
    assert "database is locked" in bench.said[0]


def test_what_lies_in_the_database_is_sealed(tmp_path: Path) -> None:
    def naps(work: Work) -> End:
        work.step("call", lambda _: b"of the step: swordfish")
        work.sleep(1001.0, b"of the progress: swordfish")
        return said("of the output: swordfish")

    bench = Bench(tmp_path, {"naps": naps})
    engine = bench.worker()
    engine.start(start("naps", "of the input: swordfish"))
    engine.turn()
    bench.now = 1002.0
    engine.turn()
    assert ended(engine, "tsk_naps").output == b"of the output: swordfish"
    files = [path.read_bytes() for path in tmp_path.glob("tasks.db*")]
    assert files
    assert [text for text in files if b"swordfish" in text] == []


def test_a_step_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    class Dead(BaseException):
        pass

    def act(step: Step) -> bytes:
        raise Dead

    bench = Bench(tmp_path, {"deadly": lambda work: End("done", work.step("call", act))})
    bench.worker().start(start("deadly"))
    for _ in range(10):
        with pytest.raises(Dead):
            bench.worker().turn()
        bench.now += 21
    bench.worker().turn()
    task = bench.worker().get("tsk_deadly")
    assert task is not None
    assert task.state == "failed"
    assert bench.said == ["step 'call' of task tsk_deadly was begun 10 times and never ended"]


def test_a_held_label_is_tried_by_one_task_and_then_all_go(tmp_path: Path) -> None:
    holds, tried = Holds(), []

    def call(work: Work) -> End:
        tried.append(work.id)
        if work.id == "tsk_5":
            return said("of another vendor")
        back = bench.now >= 1060
        holds.ended("crm", None if back else 1060.0)
        if not back:
            work.sleep(1060.0, b"")
        return said("")

    bench = Bench(tmp_path, {"call": call})
    engine = bench.worker(holds=holds)
    for n in range(6):
        engine.start(Start(id=f"tsk_{n}", name="call", input=b"", label="crm" if n < 5 else "other"))
    engine.turn()
    assert tried[:4] == ["tsk_0", "tsk_1", "tsk_2", "tsk_3"]
    engine.turn()
    assert tried[4:] == ["tsk_5"]
    bench.now = 1060.0
    engine.turn()
    assert len(tried) == 6
    engine.turn()
    assert len(tried) == 10


def test_a_held_task_ends_at_its_deadline_all_the_same(tmp_path: Path) -> None:
    holds, tried = Holds(), []
    holds.ended("crm", 9000.0)
    bench = Bench(tmp_path, {"call": lambda work: said(str(tried.append(work.id)))})
    engine = bench.worker(holds=holds)
    engine.start(Start(id="tsk_1", name="call", input=b"", label="crm", deadline=1600.0))
    engine.start(Start(id="tsk_2", name="call", input=b"", label="crm"))
    assert (engine.turn(), tried) == (0, [])
    bench.now = 1600.0
    assert (engine.turn(), tried) == (1, ["tsk_1"])


KILLED = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.support.durable import Bench
from trunkline.tasks.port import End, Start
folder = Path(sys.argv[1])
def flow(work):
    for n in range(4):
        work.step(f"s{n}", lambda step, n=n: effect(work, n, step))
    return End("done", b"")
def effect(work, n, step):
    # As the gateway's answer store would: the effect happens once per idempotency key.
    (folder / "effects" / f"{work.id}.{n}").touch()
    with (folder / "runs").open("a") as file:
        file.write(f"{work.id}.{n} {step.attempt}\\n")
    return b""
bench = Bench(folder, {"flow": flow})
bench.now = float(sys.argv[3])
engine = bench.worker(executor=ThreadPoolExecutor(4))
if sys.argv[3] == "1000":
    for n in range(60):
        engine.start(Start(id=f"tsk_{n:03}", name="flow", input=b""))
print("up", flush=True)
while True:
    engine.turn()
    engine.woken.wait(0.01)
    if not engine.running and not engine.next_due():
        break
engine.drain(5)
"""


@pytest.mark.row("F4")
def test_kill_nine_between_steps_loses_nothing_and_repeats_only_what_was_under_way(tmp_path: Path) -> None:
    (tmp_path / "effects").mkdir()
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[3])]
    runs = tmp_path / "runs"
    for kill, wanted in enumerate((40, 90, 150, None)):
        # The clock of the test stands still: nobody waits for a lease, the dead are known by their locks.
        process = subprocess.Popen([*command, str(1000 + kill)], stdout=subprocess.PIPE)
        if wanted is None:
            assert process.wait(60) == 0
        else:
            eventually(
                lambda w=wanted: runs.exists() and len(runs.read_text().splitlines()) >= w, "some steps", 30
            )
            process.kill()
            process.wait(60)
    lines = [line.split() for line in runs.read_text().splitlines()]
    assert len(list((tmp_path / "effects").iterdir())) == 240
    assert {name for name, _ in lines} == {f"tsk_{t:03}.{n}" for t in range(60) for n in range(4)}
    again = [name for name, attempt in lines if attempt != "1"]
    assert len(again) <= 3 * 4
    bench = Bench(tmp_path, {})
    assert {task.state for task in bench.worker().listed(limit=1000)} == {"done"}
