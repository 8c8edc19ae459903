"""Errors come out in each vendor's own shape."""

import json

import pytest

from trunkline.simulator import corpus
from trunkline.simulator.failures import Failure, failure_reply, in_stream
from trunkline.simulator.faults import Fault
from trunkline.simulator.vendors import PROFILES, profile


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("openai", {"error": {"message": "m", "type": "invalid_request_error", "param": "p", "code": "c"}}),
        (
            "anthropic",
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "m"},
                "request_id": "req_sim_error",
            },
        ),
        ("gemini", {"error": {"code": 400, "message": "m", "status": "c"}}),
        (
            "twilio",
            {
                "code": 20400,
                "message": "m",
                "more_info": "https://www.twilio.com/docs/errors/c",
                "status": 400,
            },
        ),
        ("slack", {"ok": False, "error": "c"}),
        (
            "notion",
            {"object": "error", "status": 400, "code": "c", "message": "m", "request_id": "sim-00000000"},
        ),
        ("sendgrid", {"errors": [{"message": "m", "field": "p", "help": None}]}),
        ("elevenlabs", {"detail": {"status": "c", "message": "m"}}),
        ("qdrant", {"status": {"error": "m"}, "time": 0.0001}),
        ("infinisynapse", {"code": 400, "message": "m", "data": None}),
        ("generic", {"error": {"code": "c", "message": "m"}}),
    ],
)
def test_one_failure_in_many_shapes(shape: str, body: object) -> None:
    assert json.loads(failure_reply(shape, Failure(400, "m", "c", param="p")).body) == body


def test_a_vendor_of_plain_text_gets_plain_text() -> None:
    reply = failure_reply("gotenberg", Failure(400, "Invalid form data"))
    assert (reply.body, reply.content_type) == (b"Invalid form data", "text/plain; charset=utf-8")


@pytest.mark.parametrize("vendor", [*PROFILES, "somewhere-else"])
def test_every_name_has_a_reply_at_every_vendor(vendor: str) -> None:
    shaped = profile(vendor)
    for name in corpus.names():
        failure = corpus.failure(shaped, Fault(name))
        if failure is not None:
            reply = failure_reply(shaped.shape, failure)
            assert reply.status == failure.status >= 200
            assert bool(reply.body) is (name != "redirect")
            assert reply.acted is False


@pytest.mark.row("E2")
def test_the_many_meanings_of_429_at_openai() -> None:
    def code(name: str) -> tuple[int, str]:
        failure = corpus.failure(profile("openai"), Fault(name))
        assert failure is not None
        return failure.status, failure.code

    assert {name: code(name) for name in ("rate_limit", "quota", "spend", "billing", "slow_down")} == {
        "rate_limit": (429, "rate_limit_exceeded"),
        "quota": (429, "insufficient_quota"),
        "spend": (429, "credit_balance_exhausted"),
        "billing": (429, "billing_not_active"),
        "slow_down": (429, "slow_down"),
    }


def test_a_member_of_a_family_has_the_family_s_rows_unless_its_own() -> None:
    assert corpus.named(profile("xai"), "rate_limit").code == "rate_limit_exceeded"
    assert corpus.named(profile("groq"), "overloaded").status == 498
    assert corpus.named(profile("somewhere-else"), "overloaded").status == 503


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("rate_limit", {"retry_after": "120"}), {"retry-after": "120"}),
        (Fault("rate_limit", {"retry_after": 10**9}), {"retry-after": "1000000000"}),
        (Fault("rate_limit", {"retry_after_ms": 1500}), {"retry-after-ms": "1500"}),
        (Fault("rate_limit_bare"), {}),
    ],
)
def test_how_a_rate_limit_tells_when_to_come_back(fault: Fault, told: dict[str, str]) -> None:
    failure = corpus.failure(profile("notion"), fault)
    assert failure is not None
    assert {name: value for name, value in failure.fields if name.startswith("retry")} == told


def test_a_date_to_come_back_is_an_http_date() -> None:
    failure = corpus.failure(profile("stripe"), Fault("rate_limit", {"retry_after_date": 60}))
    assert failure is not None
    assert dict(failure.fields)["retry-after"].endswith(" GMT")


def test_any_answer_can_be_given_literally() -> None:
    args = {"status": 418, "headers": {"x-a": "b"}, "body": {"teapot": True}}
    failure = corpus.failure(profile("stripe"), Fault("status", args))
    assert failure is not None
    reply = failure_reply("stripe", failure)
    assert (reply.status, reply.fields, json.loads(reply.body)) == (418, (("x-a", "b"),), {"teapot": True})


def test_failures_inside_streams() -> None:
    body = {"error": {"message": "m", "code": "c", "param": None}}
    assert in_stream("data", body) == b'data: {"error":{"message":"m","code":"c","param":null}}\n\n'
    assert in_stream("anthropic", body).startswith(b"event: error\ndata: {")
    assert json.loads(in_stream("responses", body).split(b"data: ")[1]) == {
        "type": "error",
        "code": "c",
        "message": "m",
        "param": None,
    }
