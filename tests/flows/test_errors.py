"""One error shape: whoever failed, in whichever form the caller wants it, and in the dialect that its SDK reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply

pytestmark = pytest.mark.row("E1")

FIELDS = [
    "source",
    "code",
    "message",
    "retryable",
    "correlationId",
    "action",
    "retryAt",
    "scope",
    "upstreamStatus",
    "upstreamCode",
    "upstreamRequestId",
    "attempts",
    "spentUsd",
    "runbook",
]
MESSAGES = [{"role": "user", "content": "Hi"}]
CHAT = ("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": MESSAGES})
CLAUDE = ("/v1/messages", {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": MESSAGES})
GEMINI = ("/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "Hi"}]}]})
DECLINED = {
    "error": {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "type": "card_error",
    }
}


def failing(trunkline: Trunkline, site: Site, style: str, **changes: Any) -> Answer:
    body = changes.get("body", json.dumps(DECLINED).encode())
    kind = changes.get("kind", "application/json")
    status = changes.get("status", "402 Payment Required")
    site.script.append(reply(body, "x-request-id: req_77", "x-vendor: 1", status=status, kind=kind))
    headers = {"x-trunkline-errors": style} if style else {}
    return trunkline.call("GET", "/api/proxy/site/x", headers={**headers, **changes.get("headers", {})})


@pytest.mark.parametrize("style", ["superset", ""])
def test_superset_keeps_the_vendors_object_and_adds_our_fields(
    trunkline: Trunkline, site: Site, style: str
) -> None:
    answer = failing(trunkline, site, style)

    assert (answer.status, answer.json["error"]) == (402, DECLINED["error"])
    assert {name: answer.json[name] for name in FIELDS} == {
        "source": "site",
        "code": "declined",
        "message": "Your card has insufficient funds.",
        "retryable": False,
        "correlationId": answer.field("x-correlation-id"),
        "action": answer.json["action"],
        "retryAt": None,
        "scope": "request",
        "upstreamStatus": 402,
        "upstreamCode": "card_declined",
        "upstreamRequestId": "req_77",
        "attempts": 1,
        "spentUsd": None,
        "runbook": "docs/runbooks/declined.md",
    }
    assert (answer.field("x-vendor"), answer.field("content-type")) == ("1", "application/json")


def test_native_leaves_the_vendors_answer_alone_and_speaks_in_headers(
    trunkline: Trunkline, site: Site
) -> None:
    body = json.dumps(DECLINED, indent=3).encode()
    answer = failing(trunkline, site, "native", body=body)

    assert (answer.status, answer.body, answer.field("x-vendor")) == (402, body, "1")
    assert answer.field("x-trunkline-error-source") == "site"
    assert answer.field("x-trunkline-error-code") == "declined"
    assert answer.field("x-trunkline-error-retryable") == "false"
    assert answer.field("x-trunkline-error-action")


def test_normalized_is_our_fields_alone(trunkline: Trunkline, site: Site) -> None:
    answer = failing(trunkline, site, "normalized", status="422 Unprocessable")

    assert list(answer.json) == FIELDS
    assert (answer.status, answer.json["upstreamStatus"]) == (402, 422)


def test_problem_json_for_who_accepts_it(trunkline: Trunkline, site: Site) -> None:
    answer = failing(trunkline, site, "", headers={"accept": "application/problem+json, application/json"})

    assert answer.field("content-type") == "application/problem+json"
    assert (answer.json["status"], answer.json["title"], answer.json["detail"]) == (
        402,
        "Declined",
        "Your card has insufficient funds.",
    )
    assert set(FIELDS) <= set(answer.json)
    assert answer.json["upstream"] == DECLINED


@pytest.mark.parametrize(
    ("body", "kind", "upstream"),
    [
        (
            b'{"code":20003,"message":"Authenticate"}',
            "application/json",
            {"code": 20003, "message": "Authenticate"},
        ),
        (b'["one","two"]', "application/json", ["one", "two"]),
        (b'"just text"', "application/json", "just text"),
        (b"plain words", "text/plain", "plain words"),
        (b"<html>no</html>", "text/html", "<html>no</html>"),
        (b"\xff\xfe", "application/octet-stream", "\ufffd\ufffd"),
    ],
)
def test_a_body_that_clashes_or_is_no_object_moves_under_upstream(
    trunkline: Trunkline, site: Site, body: bytes, kind: str, upstream: Any
) -> None:
    answer = failing(trunkline, site, "superset", body=body, kind=kind, status="400 Bad Request")

    assert (answer.status, answer.json["upstream"]) == (400, upstream)
    assert (answer.json["source"], answer.field("content-type")) == ("site", "application/json")


def test_an_empty_body_is_filled(trunkline: Trunkline, site: Site) -> None:
    answer = failing(trunkline, site, "superset", body=b"", status="404 Not Found")

    assert list(answer.json) == FIELDS
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_key_of_kind_sdk_speaks_native_unless_the_call_says_otherwise(
    trunkline: Trunkline, site: Site
) -> None:
    key = trunkline.new_key("an-sdk", "*", kind="sdk")
    body = json.dumps(DECLINED).encode()
    site.script.extend([reply(body, status="402 Payment Required")] * 2)
    plain = trunkline.call("GET", "/api/proxy/site/x", key=key)
    asked = trunkline.call("GET", "/api/proxy/site/x", headers={"x-trunkline-errors": "normalized"}, key=key)

    assert plain.body == body
    assert list(asked.json) == FIELDS


def test_a_refusal_of_our_own_has_an_error_object_for_sdks_too(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", "/api/proxy/nowhere/x")

    assert list(answer.json) == ["error", *FIELDS]
    assert answer.json["error"] == {
        "type": "not_found_error",
        "code": "unknown_route",
        "message": answer.json["message"],
        "param": None,
    }
    assert (answer.json["source"], answer.json["attempts"], answer.json["upstreamStatus"]) == (
        "trunkline",
        0,
        None,
    )
    assert answer.field("x-should-retry") == "false"


SHAPES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "openai": (CHAT, lambda told: (told["error"]["type"], told["error"]["code"], told["error"]["param"])),
    "anthropic": (CLAUDE, lambda told: (told["type"], told["error"]["type"])),
    "gemini": (GEMINI, lambda told: (told["error"]["code"], told["error"]["status"])),
}


@pytest.mark.row("E2")
@pytest.mark.parametrize("style", ["superset", "native", "normalized"])
@pytest.mark.parametrize(
    ("vendor", "fault", "status", "code", "shape"),
    [
        (
            "openai",
            "invalid",
            400,
            "invalid_request",
            ("invalid_request_error", "decimal_above_max_value", "temperature"),
        ),
        ("openai", "auth", 401, "auth_invalid", ("invalid_request_error", "invalid_api_key", None)),
        ("anthropic", "overloaded", 529, "overloaded", ("error", "overloaded_error")),
        ("anthropic", "auth", 401, "auth_invalid", ("error", "authentication_error")),
        ("anthropic", "invalid", 400, "invalid_request", ("error", "invalid_request_error")),
        ("gemini", "invalid", 400, "invalid_request", (400, "INVALID_ARGUMENT")),
        ("gemini", "overloaded", 503, "overloaded", (503, "UNAVAILABLE")),
    ],
)
def test_a_model_endpoint_fails_in_its_dialect_with_our_fields_inside(
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    vendor: str,
    fault: str,
    status: int,
    code: str,
    shape: Any,
    style: str,
) -> None:
    (target, body), read = SHAPES[vendor]
    simulator.fault(fault, vendor)
    headers = {"x-trunkline-errors": style, "x-trunkline-max-attempts": "1"}
    answer = trunkline.call("POST", target, body, headers)

    assert answer.field("request-id")
    assert answer.field("x-request-id")
    if style == "normalized":
        assert (answer.json["code"], answer.json["upstreamStatus"]) == (code, status)
        return
    assert (answer.status, read(answer.json)) == (status, shape)
    if style == "superset":
        assert (answer.json["error"]["source"], answer.json["error"]["correlationId"]) == (
            vendor,
            answer.field("x-correlation-id"),
        )
        assert answer.json["source"] == vendor
    else:
        assert answer.field("x-trunkline-error-code") == code
        assert "correlationId" not in answer.body.decode()


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("vendor", "fault", "code", "retryable"),
    [
        ("openai", "rate_limit", "rate_limited", True),
        ("openai", "rate_limit_tokens", "rate_limited", True),
        ("openai", "quota", "spend_exhausted", False),
        ("openai", "billing", "spend_exhausted", False),
        ("openai", "slow_down", "slow_down", True),
        ("openai", "overloaded", "overloaded", True),
        ("openai", "context", "context_too_long", False),
        ("openai", "model_gone", "model_gone", False),
        ("anthropic", "rate_limit", "rate_limited", True),
        ("anthropic", "overloaded", "overloaded", True),
        ("anthropic", "too_large", "request_too_large", False),
        ("gemini", "rate_limit", "rate_limited", True),
        ("gemini", "permission", "permission_denied", False),
    ],
)
def test_a_vendors_many_refusals_come_out_as_different_codes(
    trunkline: Trunkline, simulator: SimulatorProcess, vendor: str, fault: str, code: str, retryable: bool
) -> None:
    (target, body), _ = SHAPES[vendor]
    # Without a delay, which would hold back the calls of the next story.
    undelayed = {
        "retry_after": 0,
        "retry_after_ms": 1,
        **({"message": "Too fast."} if "rate" in fault else {}),
    }
    simulator.fault(fault, vendor, args=undelayed, times=1)
    answer = trunkline.call("POST", target, body, {"x-trunkline-max-attempts": "1"})

    assert (answer.json["code"], answer.json["retryable"]) == (code, retryable), answer.body
    assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "fault"),
    [("charges?limit=x", "invalid"), ("charges/ch_none", "not_found"), ("charges", "declined")],
)
def test_stripes_object_stays_what_its_sdk_expects(
    trunkline: Trunkline, simulator: SimulatorProcess, asked: str, fault: str
) -> None:
    simulator.fault(fault, "stripe")
    answer = trunkline.call("GET", f"/api/proxy/stripe/v1/{asked}")

    assert {"type", "message"} <= set(answer.json["error"])
    assert answer.json["source"] == "stripe"
    assert re.fullmatch(r"req_sim_\d+", answer.json["upstreamRequestId"])


def test_a_retry_hint_is_never_longer_than_a_minute_and_the_instant_is_exact(
    trunkline: Trunkline, site: Site
) -> None:
    site.script.append(reply(b"{}", "retry-after: 7200", status="503 Busy"))
    answer = trunkline.call("GET", "/api/proxy/closed/x")

    assert (answer.field("retry-after"), answer.field("retry-after-ms")) == ("60", "60000")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json["retryAt"])
