"""Repeating: what may pass is tried again, what will not pass is not, and what may have acted never without a key."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import RESET, SILENCE, Site, reply

pytestmark = pytest.mark.row("F1")

CHAT = (
    "POST",
    "/v1/chat/completions",
    {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]},
)
CHARGES = "/api/proxy/stripe/v1/charges"
CHARGE = b"amount=1999&currency=eur&source=tok_visa"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "fault", ["server_error", "overloaded", "reset", "fin", "reset_mid", "garbage", "html"]
)
def test_a_completion_that_failed_is_made_again(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, times=1)
    answer = trunkline.call(*CHAT)
    call = trunkline.recorded(answer)

    assert (answer.status, answer.field("x-trunkline-attempts")) == (200, "2")
    assert len(simulator.ledger()) == 2
    assert (call.end.state, call.codes[1], [t.n for t in call.end.tried]) == ("ok", "", [1, 2])
    assert call.codes[0] != ""
    assert [(again.n, again.previous.code) for again in call.agains] == [(2, call.codes[0])]


def test_it_gives_up_after_four_attempts_and_says_so(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("server_error")
    answer = trunkline.call(*CHAT)

    assert (answer.status, answer.json["code"], answer.json["attempts"]) == (500, "server_error", 4)
    assert answer.field("x-should-retry") == "false"
    assert (answer.json["retryable"], len(simulator.ledger())) == (True, 4)
    assert trunkline.recorded(answer).codes == ["server_error"] * 4


@pytest.mark.parametrize(("asked", "made"), [("1", 1), ("2", 2), ("4", 4), ("9", 4), ("1.5", 1)])
def test_a_call_may_ask_for_fewer_attempts_never_for_more(
    trunkline: Trunkline, simulator: SimulatorProcess, asked: str, made: int
) -> None:
    simulator.fault("server_error")
    answer = trunkline.call(*CHAT, headers={"x-trunkline-max-attempts": asked})

    assert (answer.field("x-trunkline-attempts"), len(simulator.ledger())) == (str(made), made)


@pytest.mark.parametrize(
    ("fault", "args", "least_s"),
    [
        ("rate_limit", {"retry_after_ms": 150}, 0.15),
        ("rate_limit", {"retry_after": 1, "retry_after_ms": 120}, 0.12),
        ("overloaded", {"retry_after_ms": 130}, 0.13),
    ],
)
def test_it_waits_as_long_as_the_vendor_asks(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, args: dict[str, Any], least_s: float
) -> None:
    simulator.fault(fault, args=args, times=1)
    answer = trunkline.call(*CHAT)
    first, second = simulator.ledger()

    assert answer.status == 200
    assert second.begun - first.ended >= least_s


@pytest.mark.row("E1")
@pytest.mark.parametrize("after", [60, 3600, 10**9])
def test_a_longer_wait_is_told_to_the_caller_instead(
    trunkline: Trunkline, simulator: SimulatorProcess, after: int
) -> None:
    simulator.fault("rate_limit", args={"retry_after": after}, times=1)
    before = time.time()
    answer = trunkline.call("GET", f"/api/proxy/busy{after}/items")

    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (429, "rate_limited", True)
    assert len(simulator.ledger()) == 1
    assert 0 < int(answer.field("retry-after") or "0") <= 60
    assert answer.json["retryAt"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before))


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("auth", 401, "auth_invalid"),
        ("permission", 403, "permission_denied"),
        ("invalid", 400, "invalid_request"),
        ("context", 400, "context_too_long"),
        ("content_policy", 400, "content_policy"),
        ("model_gone", 404, "model_gone"),
        ("quota", 429, "spend_exhausted"),
    ],
)
def test_what_does_not_pass_by_trying_again_is_tried_once(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, status: int, code: str
) -> None:
    simulator.fault(fault)
    answer = trunkline.call(*CHAT)

    assert (answer.status, answer.json["code"], answer.json["attempts"]) == (status, code, 1)
    assert (answer.field("x-should-retry"), len(simulator.ledger())) == ("false", 1)


@pytest.mark.parametrize("fault", ["server_error", "reset", "fin", "garbage", "reset_mid"])
def test_an_act_at_a_vendor_without_keys_is_never_made_twice(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "crm")
    answer = trunkline.call("POST", "/api/proxy/crm/items", {"name": "x"})

    assert answer.status >= 500
    assert (len(simulator.ledger()), answer.field("x-should-retry")) == (1, "false")


@pytest.mark.row("F2")
@pytest.mark.parametrize("fault", ["server_error", "reset", "fin", "garbage", "reset_mid"])
def test_a_charge_without_a_key_is_repeated_under_one_of_its_own(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "stripe", times=2)
    answer = trunkline.call("POST", CHARGES, CHARGE, FORM)

    assert (answer.status, len(simulator.ledger())) == (200, 3)
    assert len({entry.idempotency_key for entry in simulator.ledger()}) == 1
    assert len(trunkline.call("GET", CHARGES).json["data"]) == 1


@pytest.mark.parametrize("fault", ["server_error", "reset", "fin", "garbage", "reset_mid"])
def test_a_charge_with_a_key_is_repeated_under_the_same_key(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "stripe", times=2)
    answer = trunkline.call("POST", CHARGES, CHARGE, {**FORM, "Idempotency-Key": f"order-17-{fault}"})

    assert (answer.status, answer.json["object"]) == (200, "charge")
    assert [entry.idempotency_key for entry in simulator.ledger()] == [f"order-17-{fault}"] * 3
    assert len(trunkline.call("GET", CHARGES).json["data"]) == 1


def test_a_key_does_not_help_where_the_vendor_knows_none(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("server_error", "crm")
    answer = trunkline.call("POST", "/api/proxy/crm/items", {"name": "x"}, {"Idempotency-Key": "order-17"})

    assert (answer.status, len(simulator.ledger())) == (500, 1)


@pytest.mark.parametrize("fault", ["reset", "fin", "reset_early"])
def test_an_act_without_an_answer_has_an_unknown_outcome(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "stripe")
    answer = trunkline.call("POST", CHARGES, CHARGE, FORM)
    end = trunkline.recorded(answer).end

    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (502, "outcome_unknown", False)
    assert "may have been carried out" in answer.json["message"]
    assert (end.state, end.code, end.tried[0].sent) == ("outcome_unknown", "outcome_unknown", True)


@pytest.mark.parametrize(
    ("method", "target", "times"),
    [
        ("GET", "/api/proxy/crm/items/1", 4),
        ("HEAD", "/api/proxy/crm/items/1", 4),
        ("OPTIONS", "/api/proxy/crm/items/1", 4),
        ("POST", "/api/proxy/crm/undeclared", 1),
        ("PATCH", "/api/proxy/crm/items/1", 1),
        ("PUT", "/api/proxy/crm/items/1", 1),
        ("DELETE", "/api/proxy/crm/items/1", 1),
        ("POST", "/api/proxy/site/search", 4),
    ],
)
def test_an_undeclared_operation_is_repeated_as_its_method_allows(
    trunkline: Trunkline, simulator: SimulatorProcess, site: Site, method: str, target: str, times: int
) -> None:
    simulator.fault("reset", "crm")
    site.script.extend([RESET] * 4)
    trunkline.call(method, target)

    assert len(simulator.ledger()) + len(site.seen) == times


def test_an_act_that_the_vendor_says_it_did_not_do_is_tried_again(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    locked = {
        "error": {"type": "invalid_request_error", "code": "lock_timeout", "message": "Object is locked."}
    }
    simulator.fault("status", "stripe", args={"status": 429, "body": locked}, times=1)
    answer = trunkline.call("POST", CHARGES, CHARGE, FORM)

    assert (answer.status, answer.field("x-trunkline-attempts")) == (200, "2")
    assert trunkline.recorded(answer).codes == ["conflict", ""]


def test_an_act_that_was_never_sent_is_tried_again(trunkline: Trunkline) -> None:
    answer = trunkline.call("POST", "/api/proxy/nobody/orders", b"{}")
    call = trunkline.recorded(answer)

    assert (answer.status, answer.json["code"], answer.json["retryable"]) == (502, "network", True)
    assert (call.end.state, call.codes) == ("error", ["network"] * 4)
    assert [tried.sent for tried in call.end.tried] == [False] * 4


def test_a_long_body_is_sent_once(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    simulator.fault("server_error", "openai")
    text = "x" * (2 << 20)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    answer = trunkline.call("POST", "/v1/chat/completions", body)

    assert (answer.status, answer.field("x-trunkline-attempts"), len(simulator.ledger())) == (500, "1", 1)


def test_a_body_just_under_the_limit_is_kept_for_a_repeat(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("server_error", "openai", times=1)
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x" * 900_000}]}

    assert trunkline.call("POST", "/v1/chat/completions", body).status == 200
    assert len({entry.body_sha256 for entry in simulator.ledger()}) == 1


def test_a_kept_connection_that_the_vendor_closed_harms_nobody(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("close_idle", "stripe")
    reads = [trunkline.call("GET", CHARGES).status for _ in range(20)]
    acts = [
        trunkline.call("POST", CHARGES, CHARGE, {**FORM, "Idempotency-Key": f"idle-{n}"}).status
        for n in range(20)
    ]

    assert (reads, acts) == ([200] * 20, [200] * 20)
    assert len(trunkline.call("GET", CHARGES + "?limit=100").json["data"]) == 20


def test_attempts_stop_when_the_calls_time_is_over(trunkline: Trunkline, site: Site) -> None:
    site.script.extend([reply(b"{}", status="503 Busy")] + [SILENCE] * 3)
    answer = trunkline.call("POST", "/api/proxy/site/search", b"{}", {"x-trunkline-timeout": "1.0"})

    assert (answer.status, answer.json["code"]) == (504, "deadline_exceeded")
    assert len(site.seen) == 2
