"""Deferral: accepted now, run later, as the caller who asked; the answer by polling; durable over every process."""

from __future__ import annotations

import base64
import hmac
import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.folders import contents
from tests.support.gateway import SECRETS, Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import OK, Site, reply
from tests.support.worker import WorkerProcess, running_worker
from trunkline.control import keys

pytestmark = pytest.mark.row("F4", "F9")

REGISTRY = """
version: 1
defaults:
  retry: {backoff: 10ms, backoff_max: 20ms, attempts: 2}
  breaker: {volume: 1000000}
integrations:
  stripe: {base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}
  anthropic: {base_url: "{simulator}/anthropic", secret: env:ANTHROPIC_API_KEY, fallback: {kind: defer}}
  cohere: {base_url: "{simulator}/cohere", secret: env:OPENAI_API_KEY, fallback: {kind: defer}}
  site:
    base_url: "{site}/base"
    auth: {kind: none}
    operations:
      - {name: search, method: POST, path: /search, repeat: always}
      - {name: act, method: POST, path: /act, repeat: never}
notify: {webhook: "{site}/hook", webhook_secret: env:HOOK_SECRET}
"""
PLAIN = REGISTRY.rpartition("notify:")[0]
CHARGES = "/api/proxy/stripe/v1/charges"
CHARGE = b"amount=1999&currency=eur&source=tok_visa"
FORM = {"content-type": "application/x-www-form-urlencoded", "x-trunkline-defer": "true"}
LATER = {"x-trunkline-defer": "true"}
PATIENCE_S = 120.0
"""Pauses between the tries of a task are 5 s, then twice that, and so on; nobody tells how often a slow test lets it try."""
BUSY = reply(b'{"error":"busy"}', "retry-after: 1", status="503 Service Unavailable")


@pytest.fixture
def alone(start: Callable[..., Trunkline]) -> Trunkline:
    """A gateway of the story's own, without a worker."""
    return start(PLAIN)


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[tuple[Trunkline, WorkerProcess]]:
    """A gateway with a worker beside it."""
    text = PLAIN.replace("{simulator}", simulator_process.address()).replace("{site}", site_process.address)
    with (
        running_trunkline(tmp_path_factory.mktemp("deferral"), text) as trunkline,
        running_worker(trunkline) as worker,
    ):
        yield trunkline, worker


@pytest.fixture
def shared(pair: tuple[Trunkline, WorkerProcess]) -> Iterator[Trunkline]:
    """The same for all stories that leave it as they found it. A worker that had nothing to do for a while goes."""
    trunkline, worker = pair
    with worker.kept():
        yield trunkline


def task_of(trunkline: Trunkline, task_id: str, key: str | None = None) -> dict[str, Any]:
    answer = trunkline.call("GET", f"/v1/tasks/{task_id}", key=key)
    assert answer.status == 200, answer.body
    return answer.json["task"]


def ended(trunkline: Trunkline, task_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        task = task_of(trunkline, task_id)
        return task if task["ended_at"] else None

    return eventually(look, f"the end of {task_id}", PATIENCE_S)


def test_a_call_is_accepted_with_its_task_and_run_later(shared: Trunkline, site: Site) -> None:
    site.script.append(reply(b'{"found":[1,2]}'))
    headers = {**LATER, "x-correlation-id": "order-77", "x-trunkline-feature": "search"}
    answer = shared.call("POST", "/api/proxy/site/search?page=2", {"q": "x"}, headers=headers)
    task = answer.json["task"]

    assert (answer.status, answer.json["correlationId"], task["state"]) == (202, "order-77", "queued")
    assert answer.field("location") == task["status_url"] == f"/v1/tasks/{task['id']}"
    done = ended(shared, task["id"])
    assert (done["state"], done["attempts"], done["error"], done["reason"]) == ("done", 1, None, "asked")
    assert (done["answer"]["status"], done["answer"]["body"]) == (200, {"found": [1, 2]})
    seen = site.last
    assert (seen.target, seen.json) == ("/base/search?page=2", {"q": "x"})
    assert not {name for name in seen.names if name.startswith("x-trunkline")}
    given = shared.call("GET", f"/v1/tasks/{task['id']}/answer")
    assert (given.status, given.body, given.field("content-type")) == (
        200,
        b'{"found":[1,2]}',
        "application/json",
    )
    both = [c for c in shared.calls().values() if c.begins and c.begin.correlation_id == "order-77"]
    assert [c.begin.feature for c in both] == ["search"] * len(both)
    assert sorted(c.end.status for c in both) in ([200, 202], [200])


def test_an_act_waits_until_its_vendor_is_back_and_happens_once(
    shared: Trunkline, simulator: SimulatorProcess
) -> None:
    fault = simulator.fault("overloaded", vendor="stripe", args={"act": False})
    answer = shared.call("POST", CHARGES, CHARGE, headers=FORM)
    task_id = answer.json["task"]["id"]
    waiting = eventually(lambda: _if(task_of(shared, task_id), "waiting"), "a first try that failed")
    assert (waiting["attempts"] >= 1, waiting["error"]["code"], waiting["answer"]) == (
        True,
        "overloaded",
        None,
    )
    assert fault
    simulator.no_faults()
    done = ended(shared, task_id)
    assert (done["state"], done["answer"]["status"], done["answer"]["body"]["amount"]) == ("done", 200, 1999)
    charges = [entry for entry in simulator.ledger(vendor="stripe") if entry.status == 200]
    assert len(charges) == 1


@pytest.mark.row("A2")
def test_a_translated_call_is_answered_later_in_its_callers_dialect(
    shared: Trunkline, simulator: SimulatorProcess
) -> None:
    hello = {"model": "anthropic/claude-haiku-4-5", "messages": [{"role": "user", "content": "Hello"}]}
    gemini = "/v1beta/models/anthropic%2Fclaude-haiku-4-5:generateContent"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("anthropic", "/v1/chat/completions", hello),
        ("anthropic", gemini, {"contents": [{"parts": [{"text": "Hello"}]}]}),
        ("anthropic", "/v1/chat/completions", {**hello, "stream": True}),
        ("cohere", "/v1/embeddings", {"model": "cohere/embed-v4.0", "input": ["a", "b"], "dimensions": 8}),
    ]
    ends = []
    for vendor, path, body in asked:
        simulator.fault("overloaded", vendor=vendor, times=1)
        taken = shared.call("POST", path, body, headers={"x-trunkline-max-attempts": "1"})
        assert taken.status == 202, taken.body
        ends.append(ended(shared, taken.json["task"]["id"]))

    assert [(end["state"], end["answer"]["status"]) for end in ends] == [("done", 200)] * 4
    given = [shared.call("GET", f"/v1/tasks/{end['id']}/answer") for end in ends]
    chat, content, _, vectors = (one.json if n != 2 else {} for n, one in enumerate(given))
    assert chat["choices"][0]["message"]["content"] == content["candidates"][0]["content"]["parts"][0]["text"]
    assert given[2].field("content-type") == "text/event-stream"
    assert given[2].body.endswith(b"data: [DONE]\n\n")
    assert [len(row["embedding"]) for row in vectors["data"]] == [8, 8]
    reports = [(one.field("x-trunkline-translation") or "").partition(",")[0] for one in given]
    assert reports == [
        "openai-chat>anthropic-messages",
        "gemini-generate>anthropic-messages",
        "openai-chat>anthropic-messages",
        "openai-embeddings>cohere-embed",
    ]


def _if(task: dict[str, Any], state: str) -> dict[str, Any] | None:
    return task if task["state"] == state else None


def test_an_act_that_may_have_happened_is_not_made_again(shared: Trunkline, site: Site) -> None:
    site.script.append(reply(b"{}", status="500 Internal Server Error"))
    answer = shared.call("POST", "/api/proxy/site/act", {"n": 1}, headers=LATER)
    done = ended(shared, answer.json["task"]["id"])
    assert (done["state"], done["attempts"], done["error"]["code"]) == ("failed", 1, "server_error")
    assert done["answer"]["status"] == 500
    assert len(site.seen) == 1


def test_the_same_idempotency_key_is_the_same_task(shared: Trunkline, site: Site) -> None:
    headers = {**LATER, "idempotency-key": "order-1"}
    first, second = (shared.call("POST", "/api/proxy/site/act", {"n": 1}, headers=headers) for _ in range(2))
    assert (first.status, second.status) == (202, 202)
    assert first.json["task"]["id"] == second.json["task"]["id"]
    ended(shared, first.json["task"]["id"])
    assert len(site.seen) == 1


def test_only_the_same_team_or_key_sees_a_task(alone: Trunkline, site: Site) -> None:
    crew = [alone.new_key(name, "*", team="crew") for name in ("one", "two")]
    loner = alone.new_key("loner", "*")
    task_id = alone.call("POST", "/api/proxy/site/search", {}, headers=LATER, key=crew[0]).json["task"]["id"]
    assert task_of(alone, task_id, key=crew[1])["state"] == "queued"
    refused = [
        alone.call(m, f"/v1/tasks/{task_id}{p}", key=loner)
        for m, p in (("GET", ""), ("GET", "/answer"), ("DELETE", ""))
    ]
    assert [(a.status, a.json["code"]) for a in refused] == [(404, "not_found")] * 3
    lists = [alone.call("GET", "/v1/tasks", key=key).json["tasks"] for key in (crew[0], crew[1], loner)]
    assert [[task["id"] for task in found] for found in lists] == [[task_id], [task_id], []]
    assert alone.call("GET", f"/v1/tasks/{task_id}", key="").status == 401


def test_a_task_that_waits_is_cancelled(alone: Trunkline, site: Site) -> None:
    task_id = alone.call("POST", "/api/proxy/site/act", {}, headers=LATER).json["task"]["id"]
    assert alone.call("DELETE", f"/v1/tasks/{task_id}").status == 202
    with running_worker(alone):
        done = ended(alone, task_id)
    assert (done["state"], done["error"]["code"]) == ("cancelled", "cancelled")
    assert site.seen == []
    assert alone.call("DELETE", f"/v1/tasks/{task_id}").status == 200
    assert alone.call("GET", f"/v1/tasks/{task_id}/answer").json["message"].endswith("it ended as cancelled")


def test_a_revoked_key_ends_its_tasks(alone: Trunkline, site: Site) -> None:
    mate, gone = (alone.new_key(name, "*", team="crew") for name in ("mate", "gone"))
    task_id = alone.call("POST", "/api/proxy/site/act", {}, headers=LATER, key=gone).json["task"]["id"]
    keys.revoke(alone.state, next(k.id for k in keys.list_keys(alone.state) if k.name == "gone"))
    alone.republish_callers()
    with running_worker(alone):
        look = lambda: task_of(alone, task_id, key=mate)  # noqa: E731
        done = eventually(lambda: look() if look()["ended_at"] else None, "the end")
    assert (done["state"], done["error"]["code"]) == ("failed", "unauthenticated")
    assert "revoked" in done["error"]["message"]
    assert site.seen == []


def test_who_may_not_call_may_not_defer(shared: Trunkline) -> None:
    narrow = shared.new_key("narrow", "integration:stripe")
    refused = shared.call("POST", "/api/proxy/site/act", {}, headers=LATER, key=narrow)
    assert (refused.status, refused.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("x-trunkline-defer", "soon", "true, false, or how long"),
        ("x-trunkline-defer", "9d", "at most 7d"),
        ("x-trunkline-notify", "http://example.com/hook", "is not https"),
        ("x-trunkline-notify", "https://127.0.0.1/hook", "leads to this machine"),
        ("x-trunkline-notify", "https://169.254.169.254/latest", "leads to this machine"),
        ("x-trunkline-notify", "https://user:word@example.com/", "holds a user name"),
    ],
)
def test_what_cannot_be_meant_is_refused(shared: Trunkline, name: str, value: str, said: str) -> None:
    answer = shared.call("POST", "/api/proxy/site/act", {}, headers={**LATER, name: value})
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert said in answer.json["message"]


def test_false_defers_nothing(shared: Trunkline, site: Site) -> None:
    answer = shared.call("POST", "/api/proxy/site/act", {}, headers={"x-trunkline-defer": "false"})
    assert (answer.status, answer.json, len(site.seen)) == (200, {"ok": True}, 1)


def test_a_vendor_that_names_its_return_is_not_asked_before(shared: Trunkline, site: Site) -> None:
    site.script.extend([BUSY, BUSY])
    answer = shared.call(
        "POST", "/api/proxy/site/search", {}, headers={**LATER, "x-trunkline-max-attempts": "1"}
    )
    done = ended(shared, answer.json["task"]["id"])
    assert (done["state"], done["attempts"] >= 2, len(site.seen)) == ("done", True, 3)


def test_a_task_whose_vendor_stays_away_past_its_deadline_times_out(alone: Trunkline, site: Site) -> None:
    site.script.append(reply(b"{}", "retry-after: 3600", status="429 Too Many Requests"))
    answer = alone.call("POST", "/api/proxy/site/search", {}, headers={"x-trunkline-defer": "10m"})
    with running_worker(alone):
        done = ended(alone, answer.json["task"]["id"])
    assert (done["state"], done["error"]["code"], done["answer"]["status"]) == (
        "timed_out",
        "rate_limited",
        429,
    )


def test_nothing_is_lost_when_every_process_is_killed(alone: Trunkline, site: Site) -> None:
    tasks = [
        alone.call("POST", "/api/proxy/site/act", {"n": n}, headers=LATER).json["task"]["id"]
        for n in range(20)
    ]
    alone.signal(signal.SIGKILL)
    alone.wait()
    worker = WorkerProcess(alone)
    worker.start()
    eventually(
        lambda: not list((alone.state.path / "deferrals" / "inbox").iterdir()),
        "the inbox to be taken over",
    )
    worker.kill()
    alone.spawn()
    worker.start()
    eventually(lambda: len(site.seen) >= 5, "some of them to run")
    worker.kill()
    alone.signal(signal.SIGKILL)
    alone.wait()
    worker.start()
    alone.spawn()
    try:
        states = [ended(alone, task_id) for task_id in tasks]
    finally:
        worker.stop()
    codes = [(task["state"], task["error"]["code"] if task["error"] else "") for task in states]
    assert set(codes) <= {("done", ""), ("failed", "outcome_unknown")}
    ran = [seen.json["n"] for seen in site.seen]
    assert len(ran) == len(set(ran)), "an act happened twice"
    assert {n for n, code in enumerate(codes) if code[0] == "done"} <= set(ran)


def test_a_full_disk_refuses_clearly(alone: Trunkline, site: Site) -> None:
    inbox = alone.state.path / "deferrals" / "inbox"
    inbox.parent.mkdir(exist_ok=True)
    inbox.write_bytes(b"")  # no folder can be made here, as on a disk that takes no more
    answer = alone.call("POST", "/api/proxy/site/act", {}, headers=LATER)
    assert (answer.status, answer.json["code"]) == (503, "store_unavailable")
    assert alone.call("GET", "/v1/tasks").json == {"tasks": [], "next": None}
    assert site.seen == []


def test_a_long_request_is_deferred_whole_and_a_longer_one_refused(shared: Trunkline, site: Site) -> None:
    long = b'{"text":"%b"}' % (b"x" * (3 << 20))
    headers = {**LATER, "content-type": "application/json"}
    answer = shared.call("POST", "/api/proxy/site/search", long, headers=headers)
    assert ended(shared, answer.json["task"]["id"])["state"] == "done"
    assert site.last.body == long
    refused = shared.call("POST", "/api/proxy/site/search", b"y" * (17 << 20), headers=headers)
    assert (refused.status, refused.json["code"]) == (413, "request_too_large")


def test_the_end_is_told_by_a_signed_webhook(start: Callable[..., Trunkline], site: Site) -> None:
    secret = base64.b64encode(b"of-a-test-not-a-real-secret").decode()
    trunkline = start(REGISTRY, secrets={**SECRETS, "HOOK_SECRET": f"whsec_{secret}"})
    with running_worker(trunkline):
        answer = trunkline.call("POST", "/api/proxy/site/search", {}, headers=LATER)
        task_id = answer.json["task"]["id"]
        hook = eventually(lambda: next((s for s in site.seen if s.target == "/hook"), None), "the webhook")
    signed = f"{hook.field('webhook-id')}.{hook.field('webhook-timestamp')}.".encode() + hook.body
    right = hmac.digest(base64.b64decode(secret), signed, "sha256")
    assert hook.field("webhook-signature") == "v1," + base64.b64encode(right).decode()
    told = json.loads(hook.body)
    assert (told["type"], told["data"]["task"], told["data"]["state"]) == ("task.done", task_id, "done")
    assert "answer" not in told["data"]


FALLBACK = """
version: 1
defaults:
  retry: {attempts: 1}
  breaker: {volume: 1000000}
integrations:
  site:
    base_url: "{site}/base"
    auth: {kind: none}
    fallback: [{kind: defer, deadline: 10m}]
    operations:
      - {name: search, method: POST, path: /search, repeat: always}
      - {name: act, method: POST, path: /act, repeat: never}
  payments:
    base_url: "{site}/base"
    auth: {kind: none}
    idempotency: {header: idempotency-key, hours: 24}
    operations: [{name: pay, method: POST, path: /pay, repeat: with_key}]
    fallback: [{kind: defer, deadline: 10m}]
  quotes:
    base_url: "{site}/base"
    auth: {kind: none}
    operations: [{name: quote, method: POST, path: /quote, repeat: always}]
    fallback: [{kind: static, body: {price: null}}]
"""


def test_a_route_falls_back_to_deferral_when_waiting_helps(
    start: Callable[..., Trunkline], site: Site
) -> None:
    trunkline = start(FALLBACK)
    paused = reply(b"{}", "retry-after: 2", status="429 Too Many Requests")
    site.script.extend([paused, reply(b'{"error":"no such field"}', status="400 Bad Request")])
    taken = trunkline.call("POST", "/api/proxy/site/act", {"n": 1}, headers={"x-correlation-id": "order-9"})
    refused = trunkline.call("POST", "/api/proxy/site/act", {"n": 2})
    assert (taken.status, taken.json["task"]["reason"], refused.status) == (202, "rate_limited", 400)
    assert int(taken.field("x-trunkline-queue-wait")) in (1, 2)
    first = trunkline.recorded(taken)
    assert (first.codes, f"deferred={taken.json['task']['id']}" in first.end.notes) == (
        ["rate_limited"],
        True,
    )
    with running_worker(trunkline):
        done = ended(trunkline, taken.json["task"]["id"])
    assert (done["state"], done["answer"]["body"]) == ("done", {"ok": True})
    assert [seen.json["n"] for seen in site.seen] == [1, 2, 1]


PAUSED = reply(b"{}", "retry-after: 2", status="429 Too Many Requests")


@pytest.mark.row("F2")
def test_a_repeat_under_the_same_key_gets_what_the_fallback_promised(
    start: Callable[..., Trunkline], site: Site
) -> None:
    """The same task, not a second one; a stand-in answer holds for its call alone, so its repeat is tried anew."""
    trunkline = start(FALLBACK)
    site.script.extend([PAUSED, PAUSED])
    taken, again = [
        trunkline.call("POST", "/api/proxy/site/act", {"n": 1}, {"idempotency-key": "act-1"})
        for _ in range(2)
    ]
    assert (taken.status, again.status, again.body) == (202, 202, taken.body)
    assert again.field("location") == taken.field("location")
    assert again.field("x-trunkline-idempotent-replay") == "true"

    site.reset()
    site.script.append(reply(b"{}", status="503 Service Unavailable"))
    stand_in, real = [
        trunkline.call(
            "POST",
            "/api/proxy/quotes/quote",
            {"n": 1},
            {"idempotency-key": "quote-1", "x-trunkline-max-attempts": "1"},
        )
        for _ in range(2)
    ]
    assert (stand_in.status, stand_in.json) == (200, {"price": None})
    assert (real.status, real.json) == (200, {"ok": True})


@pytest.mark.row("F2")
def test_an_act_that_its_vendor_may_know_by_its_key_is_not_made_later_under_another(
    start: Callable[..., Trunkline], site: Site
) -> None:
    trunkline = start(FALLBACK)
    target, key = "/api/proxy/payments/pay", {"idempotency-key": "pay-1"}
    site.script.extend([reply(b"{}", status="500 Internal Server Error"), PAUSED, OK])
    doubtful = trunkline.call("POST", target, {"n": 1}, {**key, "x-trunkline-max-attempts": "1"})
    busy = trunkline.call("POST", target, {"n": 1}, key)
    asked = trunkline.call("POST", target, {"n": 1}, {**key, "x-trunkline-defer": "true"})
    assert (doubtful.status, busy.status, busy.json["code"]) == (500, 429, "rate_limited")
    assert (asked.status, asked.json["code"]) == (502, "outcome_unknown")
    assert {seen.field("idempotency-key") for seen in site.seen} == {"pay-1"}


def test_bodies_lie_sealed_on_the_disk(shared: Trunkline, site: Site) -> None:
    site.script.append(reply(b'{"said":"swordfish"}'))
    answer = shared.call("POST", "/api/proxy/site/search", {"q": "swordfish"}, headers=LATER)
    ended(shared, answer.json["task"]["id"])
    assert [path for path, data in contents(shared.state.path).items() if b"swordfish" in data] == []
