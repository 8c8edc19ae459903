"""The classifier's order of evidence, its bounds, and what it does with bytes that nobody would send on purpose."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import KINDS, CallError
from trunkline.core.service import ErrorRule, ErrorShape
from trunkline.engine.classify import Rules, classify, classify_event, looks_ok
from trunkline.engine.facts import flat
from trunkline.engine.pointer import found, scalar

NOW = 1_795_255_200.0
JSON = (b"content-type", b"application/json")


def failure(
    status: int, body: Any, *headers: tuple[bytes, bytes], rules: Rules | None = None, **more: Any
) -> CallError:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    error = classify(rules or Rules(), status, [JSON, *headers], data, now=NOW, source="crm", **more)
    assert error is not None
    return error


def test_the_answer_itself_travels_with_the_error() -> None:
    error = failure(422, {"message": "bad"}, (b"x-request-id", b"r1"))
    assert (error.status, error.vendor_status, error.body) == (422, 422, b'{"message":"bad"}')
    assert error.fields == [JSON, (b"x-request-id", b"r1")]
    assert error.vendor_request_id == "r1"


def test_a_vendors_rule_wins_over_what_holds_for_all() -> None:
    rules = Rules([ErrorRule(kind="quota_exhausted", code="rate_limit_exceeded", scope="project")])
    body = {"error": {"code": "rate_limit_exceeded", "message": "x"}}
    error = failure(429, body, rules=rules)
    assert (error.code, error.scope, error.confidence) == ("quota_exhausted", "project", "rule")
    general = failure(429, body)
    assert (general.code, general.scope, general.confidence) == ("rate_limited", "account", "code")


def test_rules_are_tried_in_order_and_all_conditions_of_one_must_hold() -> None:
    rules = Rules(
        [
            ErrorRule(kind="declined", status=[402], header={"X-Reason": "card"}, body={"/error/code": "no"}),
            ErrorRule(kind="billing", status=[402], text="pay"),
            ErrorRule(kind="conflict", status=[402]),
        ]
    )
    assert failure(402, {"error": {"code": "no"}}, (b"x-reason", b"card"), rules=rules).code == "declined"
    assert failure(402, {"error": {"code": "no", "message": "please PAY"}}, rules=rules).code == "billing"
    assert failure(402, {"error": {"code": "no"}}, rules=rules).code == "conflict"


def test_a_rule_of_kind_ok_takes_an_answer_for_a_success() -> None:
    rules = Rules([ErrorRule(kind="ok", status=[404], text="no results")])
    assert classify(rules, 404, [JSON], b'{"message":"no results"}', now=NOW, source="crm") is None
    assert failure(404, {"message": "gone"}, rules=rules).code == "not_found"


def test_what_is_not_there_reads_as_an_empty_text_in_a_rule() -> None:
    rules = Rules([ErrorRule(kind="conflict", status=[400], body={"/reason": ""})])
    assert failure(400, {"message": "x", "reason": None}, rules=rules).code == "conflict"
    assert failure(400, {"message": "x", "reason": "y"}, rules=rules).code == "invalid_request"


def test_a_rule_may_overrule_the_columns_of_its_kind() -> None:
    rules = Rules([ErrorRule(kind="declined", again=True, later=True, never_acted=True, retry_at="const:30")])
    error = failure(500, {"message": "x"}, rules=rules)
    assert (error.again, error.retryable, error.may_have_acted, error.retry_at) == (
        True,
        True,
        False,
        NOW + 30,
    )


def test_the_vendors_own_word_on_retries_is_obeyed() -> None:
    assert failure(500, {"message": "x"}).again is True
    assert failure(500, {"message": "x"}, (b"stripe-should-retry", b"false")).again is False
    assert failure(409, {"message": "x"}, (b"x-should-retry", b"true")).again is True
    assert failure(401, {"message": "x"}, (b"x-should-retry", b"true")).again is False


@pytest.mark.parametrize(
    "said",
    [
        "You said: rate limit exceeded, 429 Too Many Requests",
        'Unknown field in {"prompt": "insufficient_quota context_length_exceeded overloaded_error"}',
    ],
)
def test_an_echoed_prompt_decides_nothing(said: str) -> None:
    assert (
        failure(400, {"error": {"message": "bad field", "type": "invalid_request_error"}, "input": said}).code
        == "invalid_request"
    )
    assert failure(400, {"message": said}).code == "invalid_request"


def test_the_message_is_scrubbed() -> None:
    error = failure(
        401, {"error": {"message": "Incorrect API key provided: sk-test-not-a-real-key-0001", "code": "x"}}
    )
    assert error.message == "Incorrect API key provided: ***"
    assert "sk-test" not in repr(error)


def test_a_body_over_a_megabyte_is_not_parsed() -> None:
    body = msgspec.json.encode({"error": {"code": "insufficient_quota", "message": "x" * (1 << 20)}})
    error = failure(429, body)
    assert (error.code, error.confidence) == ("rate_limited", "low")
    assert len(error.message) <= 1000


def test_a_status_that_is_none_is_malformed() -> None:
    assert failure(999, b"").code == "malformed_response"
    assert failure(0, b"").code == "malformed_response"


def test_codes_prove_what_a_bare_status_does_not() -> None:
    assert failure(503, {"error": {"code": "server_busy", "message": "x"}}).may_have_acted is False
    assert failure(503, b"").may_have_acted is True


def test_success_of_a_vendor_that_tells_it_in_the_body() -> None:
    rules = Rules(ok_body={"/ok": "true"})
    assert not looks_ok(rules, 200, b"application/json", b'{"ok":false,"error":"x"}')
    assert classify(rules, 200, [JSON], b'{"ok":true}', now=NOW, source="crm") is None
    assert classify(rules, 200, [JSON], b'{"id":1}', now=NOW, source="crm") is None, (
        "what is not there is not judged"
    )
    assert failure(200, {"ok": False, "error": "x"}, rules=rules).vendor_status == 200


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        (
            b'{"id":"c1","choices":[{"finish_reason":"stop","message":{"content":"error: {\\"error\\": 1}"}}]}',
            True,
        ),
        (b'{"id":"r1","error":null,"status":"completed","incomplete_details":null}', True),
        (b'{"candidates":[{"finishReason":"STOP","content":{"parts":[]}}]}', True),
        (b"[1,2]", False),
        (b'{"error":{"message":"x"}}', False),
        (b'{"errors":[{"message":"x"}]}', False),
        (b'{"choices":[{"finish_reason":"content_filter"}]}', False),
        (b'{"promptFeedback":{"blockReason":"SAFETY"}}', False),
        (b'{"id":', False),
        (b"<html>", False),
        (b"", False),
    ],
)
def test_the_quick_look_at_a_models_reply(body: bytes, fine: bool) -> None:
    assert looks_ok(Rules(), 200, b"application/json", body, json_promised=True) is fine


def test_the_quick_look_passes_what_is_no_json_unless_json_was_promised() -> None:
    assert looks_ok(Rules(), 200, b"application/pdf", b"%PDF {error")
    assert looks_ok(Rules(), 200, b"text/html", b"<html>")
    assert not looks_ok(Rules(), 200, b"text/html", b"<html>", json_promised=True)
    assert not looks_ok(Rules(), 200, b"application/xml", b"<?xml?><Error><Code>InternalError</Code>")
    assert looks_ok(Rules(), 304, b"", b"")
    assert not looks_ok(Rules(), 500, b"", b"")


def test_a_very_long_reply_is_believed_by_its_two_ends() -> None:
    body = b'{"data":"' + b"x" * (300 << 10) + b'"}'
    assert looks_ok(Rules(), 200, b"application/json", body, json_promised=True)
    assert not looks_ok(Rules(), 200, b"application/json", body[:-1], json_promised=True)


def test_events_of_a_stream() -> None:
    rules = Rules([ErrorRule(kind="task_failed", event="notification", body={"/type": "error"})])
    failed = classify_event(
        rules, "notification", b'{"type":"error","message":"it broke"}', now=NOW, source="crm"
    )
    assert failed is not None
    assert (failed.code, failed.message, failed.vendor_status) == ("task_failed", "it broke", 200)
    assert (
        classify_event(rules, "notification", b'{"type":"info","message":"x"}', now=NOW, source="crm") is None
    )
    assert classify_event(rules, "", b"[DONE]", now=NOW, source="crm") is None


def test_a_rule_with_a_status_also_fits_an_event_if_its_code_does() -> None:
    rules = Rules(
        [ErrorRule(kind="slow_down", status=[429], code="too_fast"), ErrorRule(kind="conflict", status=[429])]
    )
    error = classify_event(
        rules, "error", b'{"error":{"code":"too_fast","message":"x"}}', now=NOW, source="crm"
    )
    assert error is not None
    assert error.code == "slow_down"


def test_pointers_reach_through_lists_and_objects() -> None:
    tree = {"a": [{"b": 1}, {"b": None}, {"c/d": {"x": [True, 2.0, "t"]}}]}
    assert list(found(tree, "/a/*/b")) == [1]
    assert [scalar(v) for v in found(tree, "/a/2/c~1d/*/*")] == ["true", "2", "t"]
    assert list(found(tree, "/a/9/b")) == []
    assert scalar({"x": [1]}) == '{"x":[1]}'
    assert scalar(10**5000) == "", "a number without end is no text"


NAMES = st.sampled_from(
    ["error", "errors", "message", "code", "type", "status", "detail", "details", "data", "success", "ok", "title",
     "base_resp", "status_code", "choices", "candidates", "finish_reason", "promptFeedback", "extensions", "source",
     "fault", "innererror", "metadata", "raw", "estimated_time", "response", "notification", "violations", "quotaId", "0"]
)  # fmt: skip
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
    | st.sampled_from(["error", "failed", "429", '{"error":{"code":429}}', "22s", "rate limit", "content_filter", "SAFETY"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)  # fmt: skip
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"content-type", b"retry-after", b"retry-after-ms", b"date", b"x-amzn-errortype", b"grpc-status", b"ratelimit",
             b"ratelimit-policy", b"x-ratelimit-reset", b"x-ratelimit-remaining", b"x-ratelimit-reset-tokens", b"cf-mitigated",
             b"anthropic-ratelimit-tokens-reset", b"x-shopify-shop-api-call-limit", b"stripe-should-retry", b"x-error-code"]
        ),
        st.binary(max_size=40) | st.sampled_from([b"application/json", b"text/html", b"application/xml", b"1e999", b"99999999999999999"]),
    ),
    max_size=5,
)  # fmt: skip
BODIES = (
    st.binary(max_size=300)
    | JSONS.map(msgspec.json.encode)
    | st.text(alphabet="<>ErorCdMsageFultxml/!?: 0159{}[]\"'", max_size=200).map(str.encode)
)
WEIRD = Rules(
    [
        ErrorRule(kind="rate_limited", code="429", retry_at="header:x-ratelimit-reset,body:/error/details/*/retryDelay,cost,date,text"),
        ErrorRule(kind="declined", status=[200], body={"/*/*/code": ".+"}),
        ErrorRule(kind="task_failed", event="notification", body={"/type": "error"}),
    ],
    ErrorShape(message=["/error/message", "/*/message"], code=["/error/code"], param=["/error/*"]),
    {"/ok": "true", "/code": "0|200"},
)  # fmt: skip


@given(st.integers(-1, 1000), HEADERS, BODIES, st.booleans(), st.sampled_from([Rules(), WEIRD]))
def test_no_answer_makes_it_raise(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, promised: bool, rules: Rules
) -> None:
    kind = next((v for n, v in headers if n == b"content-type"), b"")
    quick = looks_ok(rules, status, kind, body, json_promised=promised)
    error = classify(
        rules, status, headers, body, now=NOW, source="crm", method="GET", json_promised=promised
    )
    if error is not None:
        assert error.code in KINDS
        assert error.message
        assert error.retry_at is None or NOW <= error.retry_at <= NOW + 33 * 86400
        assert not (quick and 200 <= status < 300), "the quick look passed a failure"


@given(
    st.sampled_from(["", "error", "message", "notification", "response.failed", "throttlingException"]),
    BODIES,
    st.sampled_from([Rules(), WEIRD]),
)
def test_no_event_makes_it_raise(event: str, data: bytes, rules: Rules) -> None:
    error = classify_event(rules, event, data, now=NOW, source="crm")
    assert error is None or error.code in KINDS


@pytest.mark.parametrize(("open_", "close"), [(b"[", b"]"), (b'{"error":', b"}"), (b'{"message":[', b"]}")])
@pytest.mark.parametrize("depth", [50, 400, 5000])
def test_nesting_without_end_does_no_harm(open_: bytes, close: bytes, depth: int) -> None:
    body = open_ * depth + b"1" + close * depth
    assert failure(500, body).code == "server_error"
    assert failure(200, body, json_promised=True).code in KINDS if depth > 1000 else True


def test_a_message_is_found_at_most_six_levels_deep() -> None:
    assert flat({"message": {"detail": [{"msg": "here"}]}}) == "here"
    assert flat([[[[[[[["too deep"]]]]]]]]) == ""


def test_a_rule_with_a_status_also_fits_a_failure_inside_a_good_status_if_its_code_does() -> None:
    rules = Rules(
        [ErrorRule(kind="slow_down", status=[429], code="too_fast"), ErrorRule(kind="conflict", status=[429])]
    )
    assert failure(200, {"success": False, "error": {"code": "too_fast"}}, rules=rules).code == "slow_down"
    assert failure(200, {"success": False, "error": {"code": "other"}}, rules=rules).code == "declined"


def test_a_rule_for_an_event_holds_for_no_other_and_for_no_whole_answer() -> None:
    rules = Rules([ErrorRule(kind="task_failed", event="notification", body={"/type": "error"})])
    other = classify_event(rules, "error", b'{"type":"error","message":"x"}', now=NOW, source="crm")
    assert other is not None
    assert other.code == "server_error"
    assert failure(400, {"type": "error", "message": "x"}, rules=rules).code == "invalid_request"
