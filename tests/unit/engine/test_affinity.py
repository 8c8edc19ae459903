"""Calls that go on with what one account has stored or encrypted go to that account, whatever the rotation says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.flow import Budget, Fallback, Retry, Scope
from trunkline.core.service import Alias, Credential
from trunkline.core.virtual import Candidate, Virtual
from trunkline.engine import affinity
from trunkline.engine.virtual import Virtuals
from trunkline.testing import Heard, Play, Trial, answers, caller_key, service

pytestmark = pytest.mark.row("R10", "F4")

PATH = "/v1/responses"
SEALED = "gAAAAABm" + "x" * 400
POOL = [Credential(ref="env:ONE"), Credential(ref="env:TWO"), Credential(ref="env:THREE")]
UNKNOWN = {"error": {"code": "previous_response_not_found", "message": "Previous response not found."}}


def reply(id_: str, **more: Any) -> Play:
    return answers(200, json.dumps({"id": id_, "model": "tiny-1", "output": [], **more}).encode())


def stream(id_: str) -> Play:
    def play(sent: Any) -> None:
        sent.begin()
        for event in (
            {"type": "response.created", "response": {"id": id_}},
            {"type": "response.output_text.delta", "delta": "a"},
            {"type": "response.completed", "response": {"id": id_, "model": "tiny-1", "output": []}},
        ):
            sent.piece(b"data: " + json.dumps(event, separators=(",", ":")).encode() + b"\n\n")
        sent.end()

    return play


def pooled(*plays: Play, **changes: Any) -> Trial:
    return Trial(*plays, services=[service(credentials=POOL, **changes)])


async def ask(trial: Trial, model: str = "acme/tiny", **body: Any) -> Heard:
    heard = await trial.ask("POST", PATH, json.dumps({"model": model, "input": "x", **body}).encode())
    assert heard.status == 200, heard.body
    return heard


def served(trial: Trial) -> list[str]:
    """The credential that answered each call."""
    return [end.tried[-1].credential for end in trial.ends]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (reply("resp_1"), {"previous_response_id": "resp_1"}),
        (stream("resp_1"), {"previous_response_id": "resp_1"}),
        (reply("r", conversation={"id": "conv_1"}), {"conversation": "conv_1"}),
        (reply("r", conversation={"id": "conv_1"}), {"conversation": {"id": "conv_1"}}),
        (
            reply("r", output=[{"type": "reasoning", "encrypted_content": SEALED}]),
            {"input": [{"type": "reasoning", "encrypted_content": SEALED}]},
        ),
    ],
    ids=["stored", "stored by a stream", "conversation", "conversation object", "encrypted"],
)
async def test_the_next_turn_goes_to_the_account_that_answered(first: Play, then: dict[str, Any]) -> None:
    trial = pooled(first, *[reply(f"resp_{n}") for n in range(2, 10)])
    await ask(trial, stream=first.__qualname__.startswith("stream"))
    for _ in range(4):
        await ask(trial, **then)
    await ask(trial)
    assert served(trial)[:5] == [served(trial)[0]] * 5
    assert served(trial)[5] != served(trial)[0], "others go on in turn"
    assert [end.notes for end in trial.ends[:3]] == ["", "affinity=acme", "affinity=acme"]


async def test_a_stored_response_is_asked_for_and_erased_where_it_lies() -> None:
    trial = pooled(*[reply("resp_1")] * 9)
    await ask(trial)
    for method, path in (
        ("GET", "resp_1"),
        ("GET", "resp_1/input_items"),
        ("POST", "resp_1/cancel"),
        ("DELETE", "resp_1"),
    ):
        await trial.ask(method, f"/api/proxy/acme/v1/responses/{path}")
    assert served(trial) == [served(trial)[0]] * 5


async def test_a_chain_of_turns_stays_where_it_began() -> None:
    trial = pooled(*[reply(f"resp_{n}") for n in range(9)])
    await ask(trial)
    for n in range(6):
        await ask(trial, previous_response_id=f"resp_{n}")
    assert len(set(served(trial))) == 1


async def test_who_was_answered_by_a_fallback_goes_on_there() -> None:
    services = [
        service(
            "acme",
            fallback=[Fallback(kind="target", target="zenith/tiny")],
            retry=Retry(attempts=2, backoff=0.0),
        ),
        service("zenith"),
    ]
    trial = Trial(answers(503, b"{}"), *[reply(f"resp_{n}") for n in range(1, 9)], services=services)
    await ask(trial)
    heard = await ask(trial, previous_response_id="resp_1")
    await ask(trial)
    assert [end.tried[-1].target for end in trial.ends] == ["zenith/tiny", "zenith/tiny", "acme/tiny"]
    assert heard.field(b"x-trunkline-fallback") == b"target=zenith/tiny"
    assert heard.field(b"x-trunkline-integration") == b"zenith"
    assert trial.ends[1].notes == "affinity=zenith"


@pytest.mark.parametrize("why", ["scope", "money"])
async def test_who_may_not_go_there_is_served_here(why: str) -> None:
    services = [
        service(
            "acme",
            fallback=[Fallback(kind="target", target="zenith/tiny")],
            retry=Retry(attempts=2, backoff=0.0),
        ),
        service("zenith"),
    ]
    narrow = caller_key("tl_test_narrow", id="key-2", scopes=["integration:acme", "model:acme/*"])
    trial = Trial(
        answers(503, b"{}"), reply("resp_1"), reply("resp_2"), services=services, keys=[caller_key(), narrow],
        budgets=[Budget(name="z", usd=1.0, scope=Scope(integration="zenith"))],
    )  # fmt: skip
    await ask(trial)
    if why == "money":
        trial.budget.load(
            [Budget(name="z", usd=1e-9, scope=Scope(integration="zenith"))], [caller_key(), narrow]
        )
    key = {"key": "tl_test_narrow"} if why == "scope" else {}
    body = b'{"model":"acme/tiny","input":"x","previous_response_id":"resp_1"}'
    await trial.ask("POST", PATH, body, **key)
    assert trial.ends[-1].tried[-1].target == "acme/tiny"
    assert trial.budget.held == {}


async def test_what_is_not_remembered_is_looked_for_at_each_account() -> None:
    """As after a restart. The vendor's word that it does not know the response is proof that nothing was done."""
    lost = answers(400, json.dumps(UNKNOWN).encode())
    trial = pooled(lost, lost, reply("resp_9"), reply("resp_10"))
    await ask(trial, previous_response_id="resp_old")
    assert len({one.credential for one in trial.ends[0].tried}) == 3
    await ask(trial, previous_response_id="resp_9")
    assert served(trial)[1] == served(trial)[0]


async def test_what_nobody_knows_is_told_as_the_vendor_said_it() -> None:
    trial = pooled(*[answers(400, json.dumps(UNKNOWN).encode())] * 3)
    heard = await trial.ask("POST", PATH, b'{"model":"acme/tiny","previous_response_id":"resp_x"}')
    assert (heard.status, len(trial.wire.sent)) == (400, 3)
    assert b"previous_response_not_found" in heard.body


async def test_without_a_pool_nothing_is_remembered() -> None:
    trial = Trial(reply("resp_1"), reply("resp_2"))
    await ask(trial)
    await ask(trial, previous_response_id="resp_1")
    assert trial.ends[1].notes == ""


async def test_the_memory_is_bounded_and_keeps_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "MOST", 3)
    trial = pooled(*[reply(f"resp_{n}") for n in range(20)])
    await ask(trial)
    for _ in range(4):
        await ask(trial, previous_response_id="resp_0")
    assert len(set(served(trial))) == 1
    for _ in range(3):
        await ask(trial)
    await ask(trial, previous_response_id="resp_0")
    assert trial.ends[-1].notes == ""


async def test_a_member_that_left_the_pool_is_forgotten() -> None:
    trial = pooled(*[reply(f"resp_{n}") for n in range(5)])
    await ask(trial)
    gone = served(trial)[0]
    live = trial.gateway.world.services["acme"]
    live.members[:] = [member for member in live.members if member.name != gone]
    await ask(trial, previous_response_id="resp_0")
    assert served(trial)[1] != gone


async def test_aliases_too() -> None:
    trial = Trial(
        *[reply(f"resp_{n}") for n in range(9)],
        services=[service(credentials=POOL)],
        aliases={"fast": Alias(name="fast", target="acme/tiny")},
    )
    await ask(trial, model="fast")
    await ask(trial, model="fast", previous_response_id="resp_0")
    assert len(set(served(trial))) == 1


async def test_a_virtual_model_stays_with_the_vendor_that_answered() -> None:
    trial = Trial(*[reply(f"resp_{n}") for n in range(9)], services=[service("acme"), service("zenith")])
    both = [Candidate(target="acme/tiny"), Candidate(target="zenith/tiny")]
    chosen = Virtual(name="any", strategy="round_robin", candidates=both)
    trial.gateway.world.virtual = Virtuals(lambda _: None, trial.clock.wall).adopt([chosen])
    await ask(trial, model="any")
    for n in range(3):
        heard = await ask(trial, model="any", previous_response_id=f"resp_{n}")
    await ask(trial, model="any")
    targets = [end.tried[-1].target for end in trial.ends]
    assert len(set(targets[:4])) == 1, targets
    assert heard.field(b"x-trunkline-fallback") is None, "it is one of the model's own"
