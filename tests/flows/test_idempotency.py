"""Idempotency keys through a real process: one act whatever its caller repeats, also over kills, hang-ups and a full disk."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.battery.repeats import CHARGE, CHARGES, FORM, ITEMS, REGISTRY, kill_under_repeats
from tests.support.caller import Answer
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import HELD, OK, SILENCE, Site, reply
from trunkline.control import unknown
from trunkline.core.idempotency import Resolution
from trunkline.ledger.drain import Drain

pytestmark = pytest.mark.row("F2")


def keyed(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def replayed(answer: Answer) -> bool:
    return (answer.field("x-trunkline-idempotent-replay"), answer.field("idempotent-replayed")) == (
        "true",
        "true",
    )


def test_a_repeat_gets_the_same_answer_and_the_vendor_is_asked_once(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    first, again = [trunkline.call("POST", ITEMS, {"name": "x"}, keyed("item-1")) for _ in range(2)]

    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert (replayed(first), replayed(again)) == (False, True)
    assert len(simulator.ledger()) == 1
    end = trunkline.recorded(again).end
    assert (end.state, end.cost_usd, end.tried) == ("ok", 0.0, [])
    assert end.notes.startswith("idempotency=replay;key=")


def test_a_model_call_and_a_stream_too(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    for n, stream in enumerate((False, True)):
        chat = {"model": "gpt-4o-mini", "stream": stream, "messages": [{"role": "user", "content": "Hi"}]}
        first, again = [
            trunkline.call("POST", "/v1/chat/completions", chat, keyed(f"chat-{n}")) for _ in range(2)
        ]
        assert (first.status, again.body, again.field("content-type")) == (
            200,
            first.body,
            first.field("content-type"),
        )
        assert (replayed(again), again.field("x-trunkline-cost-usd")) == (True, "0")
    assert len(simulator.ledger()) == 2


def test_it_survives_a_kill(start: Callable[..., Trunkline], simulator: SimulatorProcess) -> None:
    trunkline = start(REGISTRY)
    first = trunkline.call("POST", ITEMS, {"name": "x"}, keyed("item-1"))
    trunkline.kill()
    again = trunkline.call("POST", ITEMS, {"name": "x"}, keyed("item-1"))

    assert (again.status, again.body, replayed(again)) == (201, first.body, True)
    assert len(simulator.ledger()) == 1


def test_another_body_is_422_and_one_that_runs_is_409(trunkline: Trunkline, site: Site) -> None:
    target = "/api/proxy/site/orders"
    site.script.append((HELD, OK))
    with trunkline.unanswered("POST", target, {"n": 1}, keyed("order-1")):
        eventually(lambda: len(site.seen) == 1, "the first request to be at the vendor")
        running = trunkline.call("POST", target, {"n": 1}, keyed("order-1"))
        other = trunkline.call("POST", target, {"n": 2}, keyed("order-1"))
        assert (running.status, running.json["code"], running.field("retry-after")) == (
            409,
            "idempotency_in_progress",
            "1",
        )
        assert (running.json["retryable"], running.field("x-should-retry")) == (True, "true")
        assert (other.status, other.json["code"], other.json["retryable"]) == (
            422,
            "idempotency_conflict",
            False,
        )

        site.go_on()

        def answered() -> bool:
            return replayed(trunkline.call("POST", target, {"n": 1}, keyed("order-1")))

        eventually(answered, "the first answer to be given again")
    assert len(site.seen) == 1


@pytest.mark.parametrize("key", ["", '""', "x" * 256])
def test_a_malformed_key_is_refused(trunkline: Trunkline, simulator: SimulatorProcess, key: str) -> None:
    answer = trunkline.call("POST", ITEMS, {"name": "x"}, keyed(key))
    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert simulator.ledger() == []


def test_a_caller_that_gave_up_gets_the_answer_when_it_asks_again(trunkline: Trunkline, site: Site) -> None:
    """What most repeats are: the client's own timeout was shorter than the vendor's answer."""
    target = "/api/proxy/site/slow"
    site.script.append((HELD, OK))
    with trunkline.unanswered("POST", target, {"n": 1}, keyed("slow-1")):
        eventually(lambda: len(site.seen) == 1, "the request to be at the vendor")
    assert trunkline.call("POST", target, {"n": 1}, keyed("slow-1")).status == 409
    site.go_on()

    def answered() -> Answer | None:
        again = trunkline.call("POST", target, {"n": 1}, keyed("slow-1"))
        assert again.status in (200, 409), again.body
        return again if again.status == 200 else None

    again = eventually(answered, "the answer")
    assert (again.json, replayed(again), len(site.seen)) == ({"ok": True}, True, 1)


def test_a_gateway_that_is_stopped_waits_for_such_a_call(start: Callable[..., Trunkline], site: Site) -> None:
    trunkline = start(REGISTRY)
    site.paced(0.5, b"", OK)
    with trunkline.unanswered("POST", "/api/proxy/site/slow", {"n": 1}, keyed("slow-1")):
        eventually(lambda: len(site.seen) == 1, "the request to be at the vendor")
    trunkline.signal(signal.SIGTERM)
    assert trunkline.wait() == 0
    trunkline.spawn()
    again = trunkline.call("POST", "/api/proxy/site/slow", {"n": 1}, keyed("slow-1"))
    assert (again.status, replayed(again), len(site.seen)) == (200, True, 1)


def test_a_key_of_its_own_goes_with_a_call_that_its_vendor_makes_safe_by_one(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("reset", "stripe", times=2)
    answer = trunkline.call("POST", CHARGES, CHARGE, FORM)

    assert (answer.status, answer.field("x-trunkline-attempts")) == (200, "3")
    keys = {entry.idempotency_key for entry in simulator.ledger()}
    assert len(keys) == 1
    assert [len(key) for key in keys] == [36]
    assert trunkline.recorded(answer).end.notes == "idempotency=minted"
    trunkline.call("POST", CHARGES, CHARGE, FORM)
    assert len({entry.idempotency_key for entry in simulator.ledger()}) == 2


def test_a_callers_key_is_sent_under_the_name_that_the_vendor_knows(
    start: Callable[..., Trunkline], site: Site
) -> None:
    trunkline = start(REGISTRY)
    trunkline.call("POST", "/api/proxy/payments/pay", {"n": 1}, keyed('"pay-1"'))
    trunkline.call("POST", "/api/proxy/payments/pay", {"n": 1})
    trunkline.call("POST", "/api/proxy/site/pay", {"n": 1}, keyed('"pay-1"'))

    named, minted, plain = site.seen
    assert (named.field("x-payment-id"), named.field("idempotency-key")) == ("pay-1", None)
    assert len(minted.field("x-payment-id") or "") == 36
    assert (plain.field("x-payment-id"), plain.field("idempotency-key")) == (None, '"pay-1"')


def test_an_act_in_doubt_goes_out_again_only_under_a_key_that_the_vendor_honours(
    start: Callable[..., Trunkline], site: Site
) -> None:
    trunkline = start(REGISTRY)
    for name in ("site", "payments"):
        site.script.append(SILENCE)
        with trunkline.unanswered("POST", f"/api/proxy/{name}/pay", {"n": 1}, keyed("pay-1")):
            count = len(site.seen) + 1
            eventually(lambda: len(site.seen) == count, "the request to be at the vendor")  # noqa: B023
    trunkline.kill()

    in_doubt = trunkline.call("POST", "/api/proxy/site/pay", {"n": 1}, keyed("pay-1"))
    assert (in_doubt.status, in_doubt.json["code"], in_doubt.json["retryable"]) == (
        502,
        "outcome_unknown",
        False,
    )
    assert (in_doubt.field("x-should-retry"), len(site.seen)) == ("false", 2)
    safe = trunkline.call("POST", "/api/proxy/payments/pay", {"n": 1}, keyed("pay-1"))
    assert (safe.status, replayed(safe), site.last.field("x-payment-id")) == (200, False, "pay-1")


@pytest.mark.parametrize(("said", "status"), [("did-not-happen", 200), ("happened", 409)])
def test_what_a_person_found_out_about_an_act_in_doubt_holds_at_once(
    start: Callable[..., Trunkline], site: Site, said: Resolution, status: int
) -> None:
    trunkline = start(REGISTRY)
    site.script.append(SILENCE)
    with trunkline.unanswered("POST", "/api/proxy/site/pay", {"n": 1}, keyed("pay-1")):
        eventually(lambda: len(site.seen) == 1, "the request to be at the vendor")
    (cut,) = trunkline.calls()
    trunkline.kill()
    with closing(Drain(trunkline.state.journal, trunkline.state.ledger)) as drain:
        while drain.step():
            continue
    found = unknown.resolve(trunkline.state, cut, said)
    assert (found["state"], found["resolution"]) == ("outcome_unknown", said)

    def decided() -> Answer | None:
        answer = trunkline.call("POST", "/api/proxy/site/pay", {"n": 1}, keyed("pay-1"))
        return answer if answer.status != 502 else None

    assert eventually(decided, "the resolution to hold").status == status
    assert len(site.seen) == (2 if status == 200 else 1)


@pytest.mark.row("E1")
def test_a_decline_is_given_again_word_by_word(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("declined", "stripe", times=1)
    first, again = [trunkline.call("POST", CHARGES, CHARGE, {**FORM, **keyed("charge-1")}) for _ in range(2)]

    assert (first.status, again.status, again.body) == (402, 402, first.body)
    assert (replayed(again), len(simulator.ledger())) == (True, 1)
    assert trunkline.recorded(again).end.code == "declined"


def test_what_did_not_act_may_be_tried_again(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("auth", "stripe", times=1)
    first, again = [trunkline.call("POST", CHARGES, CHARGE, {**FORM, **keyed("charge-2")}) for _ in range(2)]
    assert (first.status, again.status, replayed(again)) == (401, 200, False)


def test_a_long_answer_is_not_kept(trunkline: Trunkline, site: Site) -> None:
    site.script.append(reply(b"x" * ((1 << 20) + 1)))
    first, again = [trunkline.call("POST", "/api/proxy/site/big", {}, keyed("big-1")) for _ in range(2)]
    assert (first.status, len(first.body)) == (200, (1 << 20) + 1)
    assert (again.status, again.json["code"], len(site.seen)) == (409, "conflict", 1)
    assert "longer than 1 MB" in again.json["message"]


def test_a_long_request_is_compared_to_its_end(trunkline: Trunkline, site: Site) -> None:
    body = b"x" * (3 << 20)
    answers = [
        trunkline.call("POST", "/api/proxy/site/upload", sent, keyed("upload-1"))
        for sent in (body, body, body[:-1] + b"y")
    ]
    assert [(a.status, replayed(a)) for a in answers] == [(200, False), (200, True), (422, False)]
    assert [len(seen.body) for seen in site.seen] == [3 << 20]


@pytest.mark.row("Q2")
def test_over_kills_no_key_acts_twice(start: Callable[..., Trunkline], simulator: SimulatorProcess) -> None:
    """Battery I2 with callers that repeat: a vendor without keys sees each once; one with keys makes each good."""
    kept = kill_under_repeats(start(REGISTRY), simulator, kills=6, callers=8, seed=3)
    assert (kept.twice, kept.untrue) == ([], [])
    assert set(kept.items.values()) <= {(201, ""), (502, "outcome_unknown")}
    assert set(kept.charges.values()) == {(200, "")}
    assert len(kept.items) > 20
    assert len(kept.charges) > 20
