"""The gateway's side of deferral: what is taken in, what is shown to whom, and what a fallback of kind `defer` takes over."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trunkline.core.call import Caller, Live, Route
from trunkline.core.codec import pack_decoder, to_pack
from trunkline.core.deferral import Deferred, GivenAnswer, Order, Shown
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Fallback
from trunkline.gateway.deferrals import Deferrals, curable
from trunkline.journal.deferrals import Board, Inbox
from trunkline.plugins.policies.grants import webhook_secret
from trunkline.testing import FakeClock, Heard, caller_key, request, service

KEY = b"k" * 32
TASK = "tsk_" + "0" * 31 + "1"
_call = pack_decoder(Deferred)
_order = pack_decoder(Order)
DEFER = Fallback(kind="defer", deadline=600.0)


class Story:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.here = Deferrals(folder, KEY, SimpleNamespace(token_key=b"token-key"), self.clock.wall)
        self.inbox, self.board = Inbox(folder, KEY), Board(folder, KEY)
        self.folder = folder

    def asking(self, method: str, target: str, **key: Any) -> Exchange:
        exchange = Exchange(request(method, target, b'{"a":1}'), Heard(), "call-1", 1.0, self.clock.wall())
        exchange.caller = Caller(caller_key(**key))
        exchange.route = Route(Live(service("crm")))
        exchange.correlation_id = "order-7"
        return exchange

    async def ask(self, method: str, target: str, **key: Any) -> tuple[int, dict[str, str], Any]:
        exchange = self.asking(method, target, **key)
        local = self.here.find(method, target.partition("?")[0].encode())
        assert local is not None
        told = local.serve(exchange)
        status, fields, body = told if isinstance(told, tuple) else await told
        lines = dict(line.split(": ", 1) for line in fields.decode().splitlines())
        return status, lines, json.loads(body) if "json" in lines.get("content-type", "") else body

    def show(self, name: str = TASK, owner: str = "team:shop", **changes: Any) -> None:
        given: dict[str, Any] = {
            "id": name, "state": "done", "owner": owner, "key": "key-1", "integration": "crm", "correlation_id": "order-7",
            "created_at": 1.0, "updated_at": 2.0, "deadline": 99.0, "attempts": 1, "ended_at": 2.0, "expires_at": self.clock.wall() + 9,
        }  # fmt: skip
        self.board.write(owner, name, to_pack(Shown(**{**given, **changes})))


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_routes_are_those_of_tasks_and_no_others(story: Story) -> None:
    routes = [
        ("GET", "/v1/tasks"), ("GET", f"/v1/tasks/{TASK}"), ("GET", f"/v1/tasks/{TASK}/answer"), ("DELETE", f"/v1/tasks/{TASK}"),
        ("GET", "/v1/tasks/signing-secret"),
    ]  # fmt: skip
    strange = [
        ("POST", "/v1/tasks"), ("GET", "/v1/tasks/"), ("GET", "/v1/tasksx"), ("GET", "/v1/tasks/tsk_1"), ("PUT", f"/v1/tasks/{TASK}"),
        ("DELETE", f"/v1/tasks/{TASK}/answer"), ("GET", f"/v1/tasks/{TASK}/x"), ("GET", f"/v1/tasks/../{TASK}"),
    ]  # fmt: skip
    found = [story.here.find(method, path.encode()) for method, path in routes]
    assert [local is not None and not local.open for local in found] == [True] * 5
    assert [story.here.find(method, path.encode()) for method, path in strange] == [None] * 8


@pytest.mark.row("F4")
async def test_a_curable_failure_becomes_a_task_that_runs_when_it_can_succeed(story: Story) -> None:
    exchange, now = story.asking("POST", "/api/proxy/crm/items"), story.clock.wall()
    error = CallError("rate_limited", "slow down", source="crm", retry_at=now + 30.2)
    answer = await story.here.defer(exchange, error, DEFER)
    assert answer is not None
    (name,) = story.inbox.names()
    call = _call.decode(story.inbox.read(name) or b"")
    assert (call.run_at, call.deadline, call.reason, call.body) == (
        now + 30.2,
        now + 600,
        "rate_limited",
        b'{"a":1}',
    )
    assert (answer.status, b"x-trunkline-queue-wait: 31\r\n" in answer.fields) == (202, True)
    assert (await story.ask("GET", f"/v1/tasks/{name}"))[2]["task"]["state"] == "queued"


@pytest.mark.parametrize(
    ("code", "repeat", "key", "can"),
    [
        ("rate_limited", "never", b"", True),
        ("circuit_open", "never", b"", True),
        ("queue_timeout", "never", b"", True),
        ("server_error", "never", b"", False),
        ("server_error", "always", b"", True),
        ("server_error", "with_key", b"", False),
        ("server_error", "with_key", b"k", True),
        ("invalid_request", "always", b"", False),
        ("conflict", "always", b"", False),
        ("over_budget", "always", b"", False),
        ("outcome_unknown", "never", b"", False),
    ],
)
def test_only_what_waiting_cures_and_nothing_can_double_is_deferred(
    story: Story, code: str, repeat: Any, key: bytes, can: bool
) -> None:
    exchange = story.asking("POST", "/x")
    exchange.repeat, exchange.idempotency_key = repeat, key
    assert curable(exchange, CallError(code, "x")) is can


async def test_a_run_of_a_task_is_never_deferred_again(story: Story) -> None:
    exchange = story.asking("POST", "/x")
    assert exchange.caller is not None
    exchange.caller.task = TASK
    assert await story.here.defer(exchange, CallError("rate_limited", "x"), DEFER) is None
    assert story.inbox.names() == []


async def test_where_nothing_can_be_stored_the_failure_stands(story: Story) -> None:
    (story.folder / "tasks").write_bytes(b"")
    exchange = story.asking("POST", "/x")
    assert await story.here.defer(exchange, CallError("rate_limited", "x"), DEFER) is None
    assert exchange.notes == ("defer=refused:store_unavailable",)
    assert story.inbox.names() == []


async def test_the_answer_is_given_as_it_came(story: Story) -> None:
    given = GivenAnswer(
        status=402,
        headers=[("content-type", "text/csv"), ("connection", "close"), ("etag", "x")],
        body=b"a,b\n",
    )
    story.show(answer=given, state="failed", error_code="declined", error_message="no")
    status, fields, body = await story.ask("GET", f"/v1/tasks/{TASK}/answer")
    assert (status, body) == (402, b"a,b\n")
    assert fields == {"content-type": "text/csv", "etag": "x", "x-trunkline-task-state": "failed"}
    _, _, told = await story.ask("GET", f"/v1/tasks/{TASK}")
    assert told["task"]["answer"]["body"] == "a,b\n"
    assert told["task"]["error"] == {"code": "declined", "message": "no"}


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (
            GivenAnswer(status=200, headers=[("content-type", "application/json")], body=b'{"n":1.00}'),
            {"body": {"n": 1.0}},
        ),
        (
            GivenAnswer(status=200, headers=[("content-type", "application/json")], body=b"{cut"),
            {"body": "{cut"},
        ),
        (GivenAnswer(status=200, headers=[], body=b"\xff\xfe"), {"body_base64": "//4="}),
        (GivenAnswer(status=200, headers=[], omitted=True), {"body_omitted": True}),
    ],
)
async def test_any_body_fits_into_json(story: Story, given: GivenAnswer, body: Any) -> None:
    story.show(answer=given)
    _, _, told = await story.ask("GET", f"/v1/tasks/{TASK}")
    assert {name: value for name, value in told["task"]["answer"].items() if name.startswith("body")} == body


async def test_an_answer_that_is_not_there_is_told_why(story: Story) -> None:
    story.show(state="waiting", ended_at=0.0, expires_at=0.0, run_at=story.clock.wall() + 20)
    status, fields, told = await story.ask("GET", f"/v1/tasks/{TASK}/answer")
    assert (status, fields["retry-after"], told["task"]["state"]) == (202, "20", "waiting")
    for changes, why in (
        ({"state": "cancelled"}, "it ended as cancelled"),
        ({"expires_at": story.clock.wall() - 1}, "it was erased"),
        ({"answer": GivenAnswer(status=200, headers=[], omitted=True)}, "too long to be kept"),
    ):
        story.show(**changes)
        with pytest.raises(CallError, match=why):
            await story.ask("GET", f"/v1/tasks/{TASK}/answer")


async def test_a_list_has_pages_and_can_be_of_one_state(story: Story) -> None:
    names = [f"tsk_{n:032x}" for n in range(5)]
    for n, name in enumerate(names):
        story.show(name, state="done" if n % 2 else "failed")
    story.show(TASK[:-1] + "9", owner="team:other")
    first = (await story.ask("GET", "/v1/tasks?limit=2"))[2]
    assert ([task["id"] for task in first["tasks"]], first["next"]) == ([names[4], names[3]], names[3])
    last = (await story.ask("GET", f"/v1/tasks?limit=3&before={names[3]}"))[2]
    assert ([task["id"] for task in last["tasks"]], last["next"]) == ([names[2], names[1], names[0]], None)
    done = (await story.ask("GET", "/v1/tasks?state=done"))[2]
    assert [task["id"] for task in done["tasks"]] == [names[3], names[1]]
    for wrong in ("limit=0", "limit=101", "state=gone"):
        with pytest.raises(CallError, match="limit takes 1 to 100"):
            await story.ask("GET", f"/v1/tasks?{wrong}")


async def test_a_wish_to_cancel_is_noted_once_it_can_matter(story: Story) -> None:
    story.show(state="running", ended_at=0.0)
    status, _, told = await story.ask("DELETE", f"/v1/tasks/{TASK}")
    assert (status, told["task"]["state"]) == (202, "running")
    (name,) = story.inbox.names()
    order = _order.decode(story.inbox.read(name) or b"")
    assert (order.what, order.id, order.actor) == ("cancel", TASK, "key:key-1")
    story.show()
    assert (await story.ask("DELETE", f"/v1/tasks/{TASK}"))[0] == 200
    assert len(story.inbox.names()) == 1


async def test_a_damaged_file_is_no_task(story: Story) -> None:
    story.show()
    (path,) = (story.folder / "tasks").rglob("tsk_*")
    path.write_bytes(b"cut")
    with pytest.raises(CallError, match="there is no task"):
        await story.ask("GET", f"/v1/tasks/{TASK}")


async def test_the_signing_secret_is_the_keys_own_and_no_browsers(story: Story) -> None:
    assert (await story.ask("GET", "/v1/tasks/signing-secret"))[2] == {
        "secret": webhook_secret(b"token-key", "key-1")
    }
    with pytest.raises(CallError, match="only mints tokens"):
        await story.ask("GET", "/v1/tasks/signing-secret", kind="browser")
    exchange = story.asking("GET", "/v1/tasks/signing-secret")
    assert exchange.caller is not None
    exchange.caller.token_id = "tok-1"
    with pytest.raises(CallError, match="a browser token may not"):
        story.here.signing_secret(exchange)


def test_health_hears_how_many_and_how_old(story: Story) -> None:
    assert story.here.standing() == {}
    story.folder.joinpath("summary.json").write_text(
        '{"tasks":{"queued":2},"oldest_at":%f}' % (story.clock.wall() - 90)
    )
    assert story.here.standing() == {"queued": 2, "not_taken_over": 0, "oldest_age_s": 90.0}
    story.folder.joinpath("summary.json").write_text("{cut")
    assert story.here.standing() == {}
