"""One key for a request with several calls: its repeat gets what was answered and makes only what was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.idempotency import LONGEST_KEY
from trunkline.core.service import Idempotency as Honoured
from trunkline.core.service import Operation
from trunkline.gateway.parallel_form import CALLS_MAX
from trunkline.journal.answers import Answers
from trunkline.plugins.policies.idempotency import Idempotency
from trunkline.plugins.policies.idempotency_whole import Claim, Whole
from trunkline.testing import FakeClock, Heard, Play, Trial, answers, caller_key, fails, is_silent, service
from trunkline.wire.errors import ResetBeforeReply

pytestmark = pytest.mark.row("F2", "F10")

KEY = ("idempotency-key", "order-17")
DONE = answers(201, b'{"id":"ch_1"}')
OTHER = answers(201, b'{"id":"ch_2"}')
RESET = fails(ResetBeforeReply("reset", sent=True))
PAY = {"path": "/api/proxy/acme/charges", "body": {"amount": 5}}
REFUND = {"path": "/api/proxy/acme/refunds", "body": {"amount": 5}}
LOOK = {"path": "/api/proxy/acme/charges", "method": "GET"}
VENDORS = service(
    "vendor",
    idempotency=Honoured(header="Pay-Key"),
    operations=[Operation(name="charge", method="POST", path="/charges", repeat="with_key")],
)


class Stage:
    """A gateway with an answer store on the disk, which outlives its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock()

    def start(self, *plays: Play, **given: Any) -> Trial:
        """A new process on the same folder; an earlier one is taken to be dead."""
        self.store = Answers(self.folder, b"k" * 32, background=False)
        self.store.open(self.clock.wall())
        policy, whole = Idempotency(self.store, self.clock.wall), Whole(self.store, self.clock.wall)
        given.setdefault("services", [service(), VENDORS])
        self.trial = Trial(*plays, calls=[policy], whole=whole, clock=self.clock, **given)
        return self.trial

    def begin(self, *calls: dict[str, Any], key: tuple[str, str] = KEY, **more: Any) -> Heard:
        return self.trial.begin(
            "POST", "/v1/parallel", json.dumps({"calls": calls, "concurrency": 1}).encode(), key, **more
        )

    async def ask(self, *calls: dict[str, Any], key: tuple[str, str] = KEY, **more: Any) -> dict[str, Any]:
        heard = self.begin(*calls, key=key, **more)
        await self.trial.until(lambda: heard.closed and not self.trial.gateway.running)
        told: dict[str, Any] = json.loads(heard.body)
        return {"status": heard.status, **told}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def brief(told: dict[str, Any]) -> list[tuple[int, Any, bool]]:
    """Status, id, and whether it was given again."""
    return [
        (
            one["status"],
            one["body"].get("id", one["body"].get("code")),
            "x-trunkline-idempotent-replay" in one["headers"],
        )
        for one in told["results"]
    ]


async def test_a_repeat_gets_the_answers_and_makes_no_act_again(stage: Stage) -> None:
    t = stage.start(DONE, OTHER)
    first = await stage.ask(PAY, REFUND)
    again = await stage.ask(PAY, REFUND)
    assert (brief(first), brief(again)) == (
        [(201, "ch_1", False), (201, "ch_2", False)],
        [(201, "ch_1", True), (201, "ch_2", True)],
    )
    assert (first["status"], again["status"], len(t.wire.sent)) == (200, 200, 2)


async def test_equal_calls_of_one_request_are_two_acts(stage: Stage) -> None:
    t = stage.start(DONE, OTHER)
    assert brief(await stage.ask(PAY, PAY)) == [(201, "ch_1", False), (201, "ch_2", False)]
    assert len(t.wire.sent) == 2


async def test_only_what_was_not_done_is_made_by_the_repeat(stage: Stage) -> None:
    stage.start(DONE, answers(401, b'{"error":"who are you"}'))
    assert [one[0] for one in brief(await stage.ask(PAY, REFUND))] == [201, 401]
    stage.trial.wire.plays.append(OTHER)
    assert brief(await stage.ask(PAY, REFUND)) == [(201, "ch_1", True), (201, "ch_2", False)]


async def test_what_is_in_doubt_is_told_in_its_place(stage: Stage) -> None:
    t = stage.start(RESET, OTHER)
    assert brief(await stage.ask(PAY, REFUND))[0][:2] == (502, "outcome_unknown")
    assert brief(await stage.ask(PAY, REFUND)) == [(502, "outcome_unknown", False), (201, "ch_2", True)]
    assert len(t.wire.sent) == 2


async def test_it_holds_over_a_restart_in_the_middle(stage: Stage) -> None:
    stage.start(DONE, is_silent)
    stage.begin(PAY, REFUND)
    await stage.trial.turn(30)
    assert len(stage.trial.wire.sent) == 2
    t = stage.start(OTHER)
    assert brief(await stage.ask(PAY, REFUND)) == [(201, "ch_1", True), (502, "outcome_unknown", False)]
    assert t.wire.sent == []


@pytest.mark.parametrize(
    "calls", [(PAY,), (REFUND, PAY), (PAY, {**REFUND, "body": {"amount": 6}}), (PAY, REFUND, LOOK)]
)
async def test_another_request_under_the_same_key_makes_no_call(
    stage: Stage, calls: tuple[dict[str, Any], ...]
) -> None:
    t = stage.start(DONE, OTHER)
    await stage.ask(PAY, REFUND)
    told = await stage.ask(*calls)
    assert (told["status"], told["code"], len(t.wire.sent)) == (422, "idempotency_conflict", 2)


async def test_while_the_first_runs_a_repeat_is_told_to_wait(stage: Stage) -> None:
    t = stage.start(is_silent, OTHER)
    first = stage.begin(PAY)
    await t.turn()
    told = stage.begin(PAY)
    await t.until(lambda: told.closed)
    assert (told.status, json.loads(told.body)["code"]) == (409, "idempotency_in_progress")
    assert told.field(b"retry-after") == b"1"
    t.wire.sent[0].reply(201, b'{"id":"ch_1"}')
    await t.until(lambda: first.closed and not t.gateway.running)
    assert brief(await stage.ask(PAY)) == [(201, "ch_1", True)]


async def test_a_caller_that_hangs_up_cuts_no_act_and_its_repeat_gets_the_answer(stage: Stage) -> None:
    t = stage.start(is_silent)
    first = stage.begin(PAY)
    await t.turn()
    first.hang_up()
    await t.turn()
    assert not t.wire.sent[0].dropped
    t.wire.sent[0].reply(201, b'{"id":"ch_1"}')
    await t.until(lambda: not t.gateway.running)
    assert brief(await stage.ask(PAY)) == [(201, "ch_1", True)]


async def test_a_call_keeps_a_key_of_its_own_in_the_vendors_field_too(stage: Stage) -> None:
    t = stage.start(DONE, OTHER, answers(201, b'{"id":"ch_3"}'), answers(200, b"{}"))
    charge = {"path": "/api/proxy/vendor/charges", "body": {"amount": 1}}
    own = {**charge, "headers": {"Pay-Key": "mine"}}
    usual = {**charge, "headers": {"Idempotency-Key": '"mine-too"'}}
    await stage.ask(charge, own, usual, LOOK)
    assert [sent.field(b"pay-key") for sent in t.wire.sent] == [b"order-17.1", b"mine", b"mine-too", None]
    assert t.wire.sent[3].field(b"idempotency-key") is None, "reading needs none"


async def test_calls_with_keys_of_their_own_need_none_of_the_whole(stage: Stage) -> None:
    t = stage.start(DONE, OTHER)
    keyed = [{**call, "headers": {"idempotency-key": f"k-{n}"}} for n, call in enumerate((PAY, REFUND))]
    none = ("x-nothing", "1")
    await stage.ask(*keyed, key=none)
    assert [one[2] for one in brief(await stage.ask(*keyed, key=none))] == [True, True]
    swapped = [{**call, "headers": {"idempotency-key": "k-0"}} for call in (PAY, {**PAY, "body": {}})]
    assert [one["status"] for one in (await stage.ask(*swapped, key=none))["results"]] == [201, 422]
    assert len(t.wire.sent) == 2


async def test_two_calls_of_one_request_under_one_key_are_one_act(stage: Stage) -> None:
    t = stage.start(DONE)
    same = {**PAY, "headers": {"idempotency-key": "k"}}
    assert [one[2] for one in brief(await stage.ask(same, same, key=("x-nothing", "1")))] == [False, True]
    assert len(t.wire.sent) == 1


async def test_without_a_key_nothing_is_kept(stage: Stage) -> None:
    t = stage.start(DONE, OTHER)
    for _ in range(2):
        await stage.ask(PAY, key=("x-nothing", "1"))
    assert len(t.wire.sent) == 2


@pytest.mark.parametrize(
    ("key", "words"), [("k" * 252, "at most 251"), ('""', "empty"), ("a\tb", "control character")]
)
async def test_a_key_that_cannot_be_is_refused_before_any_call(stage: Stage, key: str, words: str) -> None:
    t = stage.start(DONE)
    told = await stage.ask(PAY, key=("idempotency-key", key))
    assert (told["status"], told["code"], t.wire.sent) == (400, "invalid_request", [])
    assert words in told["message"]


async def test_the_longest_key_that_can_be_leaves_room_for_every_number(stage: Stage) -> None:
    stage.start(DONE)
    told = await stage.ask(PAY, key=("idempotency-key", "k" * 251))
    assert brief(told) == [(201, "ch_1", False)]
    assert len(Claim(b"k" * 251, b"", None).of(CALLS_MAX - 1)) <= LONGEST_KEY


async def test_a_key_belongs_to_its_caller(stage: Stage) -> None:
    other = caller_key("tl_test_other", id="key-2", team="ops")
    t = stage.start(DONE, OTHER, keys=[caller_key(), other])
    await stage.ask(PAY)
    again = await stage.ask(PAY)
    elsewhere = stage.trial.begin(
        "POST", "/v1/parallel", json.dumps({"calls": [REFUND]}).encode(), KEY, key="tl_test_other"
    )
    await t.until(lambda: elsewhere.closed and not t.gateway.running)
    assert (brief(again), elsewhere.status, len(t.wire.sent)) == ([(201, "ch_1", True)], 200, 2)


async def test_a_key_lives_a_day(stage: Stage) -> None:
    t = stage.start(DONE, OTHER)
    await stage.ask(PAY)
    stage.clock.advance(86_401)
    assert brief(await stage.ask(REFUND)) == [(201, "ch_2", False)]
    assert len(t.wire.sent) == 2


async def test_on_a_full_disk_no_call_is_made(stage: Stage) -> None:
    t = stage.start(DONE)
    stage.store.trouble = "no room"
    told = await stage.ask(PAY)
    assert (told["status"], told["code"], t.wire.sent) == (503, "store_unavailable", [])
