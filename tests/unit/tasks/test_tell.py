"""Who is told of an end, what, and how often it is tried; the signature that a receiver checks."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

import msgspec
import pytest

from tests.support.durable import Bench
from tests.support.site import Site, reply, running_site
from trunkline.core.deferral import Bearer, Deferred
from trunkline.plugins.policies.grants import webhook_secret
from trunkline.tasks import deferral, tell
from trunkline.tasks.deferral import DeferredCalls, start
from trunkline.tasks.holds import Holds
from trunkline.tasks.own_call import Reply
from trunkline.tasks.tell import NotTold, Tellings, patience
from trunkline.tasks.webhook import Webhooks, signature
from trunkline.wire.origin import Origin

CALL = Deferred(
    id="tsk_1", at=1000.0, run_at=1000.0, deadline=2000.0, owner="team:shop", bearer=Bearer(key="key-1"), method="POST", target="/x",
    headers=[], body=b"asked", correlation_id="order-7", integration="crm", notify="https://hooks.shop.test/ends",
)  # fmt: skip


class Ears:
    """The caller's address and the registry's targets; `deaf` is raised so often."""

    def __init__(self, *deaf: NotTold) -> None:
        self.deaf = list(deaf)
        self.posts: list[tuple[str, str, str, Any]] = []
        self.notes: list[tuple[str, str, list[str], dict[str, Any]]] = []

    def post(self, url: str, key_id: str, message_id: str, body: bytes) -> None:
        if self.deaf:
            raise self.deaf.pop(0)
        self.posts.append((url, key_id, message_id, json.loads(body)))

    def notify(
        self, event: str, facts: dict[str, Any], *, message_id: str, skip: Sequence[str]
    ) -> tuple[list[str], str]:
        if self.deaf:
            return ["webhook"], str(self.deaf.pop(0))
        self.notes.append((event, message_id, list(skip), facts))
        return ["email"], ""


def ran(
    folder: Path, ears: Ears, *, to_registry: bool = False, body: bytes = b'{"a":1}', call: Deferred = CALL
) -> tuple[Bench, Any]:
    """A deferred call that has been done, and a worker that tells of it."""

    class Gateway:
        def call(self, *given: Any, **more: Any) -> Reply:
            return Reply(200, [("content-type", "application/json")], body, False)

    bench = Bench(folder, {})
    calls = DeferredCalls(Gateway(), Holds(), lambda: b"k", wall=lambda: bench.now)
    bench.follow_up = lambda task: list(tell.follow_up(task, to_registry=to_registry))
    bench.workflows[deferral.NAME] = calls.run
    engine = bench.worker()
    bench.workflows[tell.NAME] = Tellings(engine.get, ears.post, ears.notify, lambda: bench.now).run
    engine.start(start(call))
    engine.turn()
    engine.turn()
    return bench, engine


def states(engine: Any) -> dict[str, str]:
    return {task.id: task.state for task in engine.listed(names=[tell.NAME])}


def test_the_caller_is_told_with_the_answer_and_the_registry_without(tmp_path: Path) -> None:
    ears = Ears()
    _, engine = ran(tmp_path, ears, to_registry=True)
    ((url, key_id, message_id, told),) = ears.posts
    assert (url, key_id, message_id) == ("https://hooks.shop.test/ends", "key-1", "tel_1_3_caller")
    assert (told["type"], told["timestamp"]) == ("task.done", "1970-01-01T00:16:40.000Z")
    assert told["data"]["task"]["answer"] == {
        "status": 200,
        "headers": [["content-type", "application/json"]],
        "body": {"a": 1},
    }
    ((event, message_id, skip, facts),) = ears.notes
    assert (event, message_id, skip) == ("task.done", "tel_1_3_registry", [])
    assert facts["text"] == "Trunkline: the deferred call tsk_1 to crm is done."
    assert (facts["task"], facts["status"], "answer" in facts) == ("tsk_1", 200, False)
    assert set(states(engine).values()) == {"done"}


def test_a_long_answer_is_fetched_not_sent(tmp_path: Path) -> None:
    ears = Ears()
    ran(tmp_path, ears, body=b'"' + b"x" * (300 << 10) + b'"')
    assert ears.posts[0][3]["data"]["task"]["answer"] == {
        "status": 200, "headers": [["content-type", "application/json"]], "body_omitted": True,
    }  # fmt: skip


def test_it_is_tried_with_growing_patience(tmp_path: Path) -> None:
    ears = Ears(NotTold("the address answered 503"), NotTold("ConnectTimeout"))
    bench, engine = ran(tmp_path, ears)
    for wait_s in (5, 20):
        assert (states(engine), ears.posts) == ({"tel_1_3_caller": "waiting"}, [])
        bench.now += wait_s
        engine.turn()
    assert (states(engine), len(ears.posts)) == ({"tel_1_3_caller": "done"}, 1)


def test_a_channel_that_was_told_is_not_told_again(tmp_path: Path) -> None:
    ears = Ears(NotTold("email: the mail server is away"))
    bench, engine = ran(tmp_path, ears, to_registry=True, call=msgspec.structs.replace(CALL, notify=""))
    bench.now += 5
    engine.turn()
    ((_, message_id, skip, _),) = ears.notes
    assert (message_id, skip, set(states(engine).values())) == ("tel_1_3_registry", ["webhook"], {"done"})


def test_it_is_given_up_after_a_day_or_when_nobody_wants_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, gone = ran(tmp_path / "a", Ears(NotTold("410", final=True)))
    assert states(gone) == {"tel_1_3_caller": "failed"}
    bench, deaf = ran(tmp_path / "b", Ears(*[NotTold("503")] * 100))
    tries = 0
    while states(deaf) == {"tel_1_3_caller": "waiting"}:
        bench.now = deaf.next_due()
        tries += deaf.turn()
    assert (states(deaf), 25 < tries < 40, bench.now < 1000 + 86400) == (
        {"tel_1_3_caller": "timed_out"},
        True,
        True,
    )


def test_patience_ends_at_an_hour() -> None:
    assert [patience(n) for n in (1, 2, 3, 4, 5, 6, 60)] == [5, 20, 80, 320, 1280, 3600, 3600]


@pytest.fixture
def site() -> Any:
    with running_site() as running:
        yield running


def webhooks(site: Site) -> Webhooks:
    def here(parts: SplitResult) -> Origin:
        return Origin("http", "127.0.0.1", site.port, private=True)

    return Webhooks(lambda: b"token-key", wall=lambda: 1_795_262_400.5, origin=here)


def test_a_receiver_can_check_the_signature(site: Site) -> None:
    """By hand, as Standard Webhooks say: HMAC-SHA256 over `id.timestamp.body` with what stands after `whsec_`."""
    webhooks(site).post("https://hooks.shop.test/ends?a=1", "key-1", "tel_1", b'{"type":"task.done"}')
    seen = site.last
    assert (seen.line, seen.field("host"), seen.body) == (
        "POST /ends?a=1 HTTP/1.1",
        "hooks.shop.test",
        b'{"type":"task.done"}',
    )
    assert (seen.field("webhook-id"), seen.field("webhook-timestamp")) == ("tel_1", "1795262400")
    key = base64.b64decode(webhook_secret(b"token-key", "key-1").removeprefix("whsec_"))
    right = base64.b64encode(hmac.digest(key, b'tel_1.1795262400.{"type":"task.done"}', "sha256")).decode()
    assert seen.field("webhook-signature") == f"v1,{right}"


def test_the_signature_of_the_standards_own_example() -> None:
    # From the specification's repository, `standard-webhooks/standard-webhooks`: its test vector.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("answer", "final", "why"),
    [
        ("503 Service Unavailable", False, "answered 503"),
        ("302 Found", False, "answered 302"),
        ("410 Gone", True, "410"),
    ],
)
def test_what_is_no_success_is_told_again_unless_nobody_wants_it(
    site: Site, answer: str, final: bool, why: str
) -> None:
    site.script.append(reply(b"", "location: https://elsewhere.test/", status=answer))
    with pytest.raises(NotTold, match=why) as caught:
        webhooks(site).post("https://hooks.shop.test/", "key-1", "tel_1", b"{}")
    assert (caught.value.final, len(site.seen)) == (final, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "localhost"])
def test_a_name_that_leads_inside_is_never_told(site: Site, host: str) -> None:
    with pytest.raises(NotTold) as caught:
        Webhooks(lambda: b"k").post(f"https://{host}:{site.port}/", "key-1", "tel_1", b"{}")
    assert (caught.value.final, site.seen) == (True, [])
