"""The workflow of a deferred call, against a gateway that plays a script: what is final, what is tried again, and when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.durable import Bench
from trunkline.core.deferral import BODY_MAX, Bearer, Deferred, Shown, public
from trunkline.tasks import deferral
from trunkline.tasks.deferral import DeferredCalls, Ran, judged, shown, start, wake
from trunkline.tasks.holds import Holds
from trunkline.tasks.lease import LeaseEngine
from trunkline.tasks.own_call import Away, Broken, Reply

OK = Reply(
    200,
    [("content-type", "application/json"), ("connection", "keep-alive"), ("content-length", "2")],
    b"{}",
    False,
)


def failed(code: str, again: str = "yes", retry_at: str = "", status: int = 503) -> Reply:
    fields = [
        ("x-trunkline-task", f"{code}; again={again}; retry-at={retry_at}"),
        ("x-trunkline-task-message", "told%20%C3%BC"),
    ]
    return Reply(status, fields, b'{"code":"' + code.encode() + b'"}', False)


def call(name: str = "1", **changes: Any) -> Deferred:
    given: dict[str, Any] = {
        "id": f"tsk_{name}", "at": 1000.0, "run_at": 1000.0, "deadline": 2000.0, "owner": "team:shop", "bearer": Bearer(key="key-1"),
        "method": "POST", "target": "/api/proxy/crm/items", "headers": [("accept", "*/*")], "body": b"{}", "correlation_id": "order-7",
        "integration": "crm",
    }  # fmt: skip
    return Deferred(**{**given, **changes})


class Gateway:
    """Plays a script; an exception in it is raised."""

    def __init__(self, *script: Reply | Exception) -> None:
        self.script = list(script)
        self.asked: list[dict[str, str]] = []

    def call(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, **more: Any
    ) -> Reply:
        assert more["answer_max"] == BODY_MAX
        self.asked.append({"line": f"{method} {target}", "body": body.decode(), **dict(headers)})
        played = self.script.pop(0)
        if isinstance(played, Exception):
            raise played
        return played


class Story:
    """A bench with the workflow, a gateway's script, and one engine."""

    def __init__(self, folder: Path, *script: Reply | Exception) -> None:
        self.gateway = Gateway(*script)
        self.holds = Holds()
        self.calls = DeferredCalls(
            self.gateway, self.holds, lambda: b"token-key", wall=lambda: self.bench.now, jitter=lambda: 0.5
        )
        self.bench = Bench(folder, {deferral.NAME: self.calls.run})
        self.engine: LeaseEngine = self.bench.worker(holds=self.holds)

    def take(self, given: Deferred) -> Shown:
        self.engine.start(start(given))
        self.engine.turn()
        return self.see(given.id)

    def see(self, task_id: str = "tsk_1") -> Shown:
        task = self.engine.get(task_id)
        assert task is not None
        return shown(task)

    def at(self, now: float) -> Shown:
        self.bench.now = now
        self.engine.turn()
        return self.see()


@pytest.fixture
def story(tmp_path: Path) -> Callable[..., Story]:
    return lambda *script: Story(tmp_path, *script)


def test_a_good_answer_ends_it(story: Callable[..., Story]) -> None:
    it = story(OK)
    told = public(it.take(call()))
    assert {name: told[name] for name in ("state", "attempts", "error", "run_at", "reason", "answer")} == {
        "state": "done", "attempts": 1, "error": None, "run_at": None, "reason": "asked",
        "answer": {"status": 200, "headers": [["content-type", "application/json"]], "body": told["answer"]["body"]},
    }  # fmt: skip
    (asked,) = it.gateway.asked
    assert asked.pop("x-trunkline-key").startswith("tli_")
    assert asked == {
        "line": "POST /api/proxy/crm/items", "body": "{}", "accept": "*/*", "idempotency-key": "tsk_1", "x-correlation-id": "order-7",
        "x-trunkline-defer": "run",
    }  # fmt: skip


def test_a_failure_that_waiting_cannot_cure_ends_it(story: Callable[..., Story]) -> None:
    told = story(failed("server_error", again="no", status=500)).take(call())
    assert (told.state, told.error_code, told.error_message, told.attempts) == (
        "failed",
        "server_error",
        "told ü",
        1,
    )
    assert told.answer is not None
    assert (told.answer.status, told.answer.headers) == (500, [])


def test_it_waits_until_the_vendor_is_back_under_one_key(story: Callable[..., Story]) -> None:
    it = story(failed("rate_limited", retry_at="1100.000"), failed("overloaded"), OK)
    first = it.take(call())
    assert (first.state, first.run_at, first.error_code, first.attempts, first.answer) == (
        "waiting",
        1100.5,
        "rate_limited",
        1,
        None,
    )
    assert it.at(1100.0).attempts == 1
    second = it.at(1100.5)
    assert (second.state, second.run_at, second.error_code, second.attempts) == (
        "waiting",
        1100.5 + 7.5,
        "overloaded",
        2,
    )
    assert it.at(1108.0).state == "done"
    assert {asked["idempotency-key"] for asked in it.gateway.asked} == {"tsk_1"}
    assert len({asked["x-trunkline-key"] for asked in it.gateway.asked}) == 3


def test_it_ends_when_the_vendor_will_be_back_too_late(story: Callable[..., Story]) -> None:
    told = story(failed("quota_exhausted", retry_at="3000", status=429)).take(call())
    assert (told.state, told.error_code, told.ended_at) == ("timed_out", "quota_exhausted", 1000.0)


def test_the_last_try_is_made_just_before_the_deadline(story: Callable[..., Story]) -> None:
    it = story(failed("overloaded"), failed("overloaded"))
    assert it.take(call(deadline=1006.0)).run_at == 1003.75
    told = it.at(1003.75)
    assert (told.run_at, told.state) == (0.0, "timed_out")
    late = story(failed("overloaded"), OK)
    assert late.take(call("2", deadline=1005.0)).run_at == 1003.0


def test_one_whose_time_has_passed_is_not_run(story: Callable[..., Story]) -> None:
    it = story()
    told = it.take(call(deadline=999.0))
    assert (told.state, told.error_code, told.attempts, it.gateway.asked) == (
        "timed_out",
        "deadline_exceeded",
        0,
        [],
    )


def test_a_gateway_that_is_not_there_costs_no_attempt(story: Callable[..., Story]) -> None:
    it = story(Away(), Away(), OK)
    first = it.take(call())
    assert (first.state, first.attempts, it.calls.away_until) == ("waiting", 0, 1001.0)
    assert it.at(1001.0).attempts == 0
    assert (it.at(1002.0).state, it.see().attempts) == ("done", 1)


def test_a_broken_connection_is_tried_again_under_the_same_key(story: Callable[..., Story]) -> None:
    it = story(Broken("the connection to the gateway broke (ConnectionResetError)"), OK)
    first = it.take(call())
    assert (first.state, first.error_code, first.attempts) == ("waiting", "network", 1)
    assert it.at(first.run_at).state == "done"
    assert len({asked["idempotency-key"] for asked in it.gateway.asked}) == 1


@pytest.mark.parametrize(
    ("code", "held"),
    [
        ("rate_limited", ["crm/gpt"]),
        ("circuit_open", ["crm/gpt"]),
        ("caller_rate_limited", []),
        ("store_unavailable", []),
    ],
)
def test_only_what_the_vendor_says_of_itself_holds_others_back(
    story: Callable[..., Story], code: str, held: list[str]
) -> None:
    it = story(failed(code, retry_at="1100"))
    it.take(call(model="gpt"))
    assert it.holds.all() == held


def test_a_refusal_without_explanation_is_final() -> None:
    for body in (
        b'{"code":"unauthenticated","message":"revoked"}',
        b'{"error":{"code":"unauthenticated","message":"revoked"}}',
    ):
        ran = judged(Reply(401, [], body, False), 5.0)
        assert (ran.code, ran.message, ran.again) == ("unauthenticated", "revoked", False)
    assert judged(Reply(502, [], b"<html>", False), 5.0).code == "server_error"
    assert judged(Reply(302, [], b"", False), 5.0).code == ""


def test_patience_grows_to_five_minutes_and_never_vanishes() -> None:
    waits = [wake(0.0, 0.0, attempt, 1.0) for attempt in (1, 2, 3, 6, 7, 8, 1000)]
    assert waits == [5.0, 10.0, 20.0, 160.0, 300.0, 300.0, 300.0]
    assert (wake(0.0, 0.0, 1, 0.0), wake(10.0, 5.0, 1, 0.0), wake(10.0, 60.0, 9, 0.25)) == (2.5, 12.5, 60.25)


def test_an_old_task_keeps_its_story_and_none_of_its_words(story: Callable[..., Story]) -> None:
    it = story(OK)
    it.take(call(body=b"swordfish", notify="https://shop.test/hook"))
    it.bench.now = 100_000.0
    assert it.engine.erase(50_000.0, 10) == 1
    task = it.engine.get("tsk_1")
    assert task is not None
    told = shown(task)
    assert (task.erased, task.input, task.output) == (True, b"", b"")
    assert (told.state, told.correlation_id, told.key, told.attempts, told.answer) == (
        "done",
        "order-7",
        "key-1",
        1,
        None,
    )
    assert it.engine.erase(50_000.0, 10) == 0


def test_what_was_erased_cannot_run_anew(story: Callable[..., Story]) -> None:
    it = story(failed("server_error", again="no"))
    it.take(call())
    it.bench.now = 100_000.0
    it.engine.erase(50_000.0, 10)
    again = it.engine.again("tsk_1", 200_000.0)
    assert again is not None
    assert again.state == "failed"


def test_a_run_is_noted_as_plain_data() -> None:
    assert judged(Reply(200, [("date", "x"), ("etag", "y")], b"z", True), 1.0) == Ran(
        at=1.0, answer=judged(Reply(200, [("etag", "y")], b"z", True), 1.0).answer
    )
