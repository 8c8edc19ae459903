"""What callers get: three forms, four dialects, streams, and samples that give nothing away."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import KINDS, CallError
from trunkline.engine.classify import Rules, classify
from trunkline.engine.shape import answer, sample, stream_error

NOW = 1_795_255_200.0
JSON = (b"content-type", b"application/json")
OURS = {
    "source": "crm", "retryable": True, "correlationId": "c-1",
    "action": KINDS["rate_limited"].action, "retryAt": "2026-11-21T10:00:03.000Z",
    "scope": "account", "upstreamStatus": 429, "upstreamRequestId": "r-1", "attempts": 2, "spentUsd": 0.25, "runbook": "https://runbooks.example/crm",
}  # fmt: skip


def vendors(status: int, body: Any, *headers: tuple[bytes, bytes]) -> CallError:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    fields = headers or (JSON, (b"x-request-id", b"r-1"), (b"retry-after", b"3"))
    error = classify(Rules(), status, fields, data, now=NOW, source="crm")
    assert error is not None
    return error


def shaped(error: CallError, **more: Any) -> tuple[int, dict[bytes, bytes], Any]:
    given_: dict[str, Any] = {
        "style": "superset", "dialect": "", "accept": b"*/*", "correlation_id": "c-1", "attempts": 2, "spent_usd": 0.25,
        "runbook": "https://runbooks.example/crm", "should_retry": True, "vendor_same_dialect": True, "now": NOW,
    }  # fmt: skip
    status, fields, body = answer(error, **{**given_, **more})
    assert len({n for n, _ in fields}) == len(fields), "a field twice"
    return (
        status,
        dict(fields),
        msgspec.json.decode(body) if b"json" in dict(fields).get(b"content-type", b"") else body,
    )


RATE = {"error": {"message": "slow", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}}


@pytest.mark.row("E1")
def test_superset_keeps_the_vendors_object_and_adds_our_fields() -> None:
    status, fields, body = shaped(vendors(429, RATE))
    assert status == 429
    assert body == {
        **RATE,
        **OURS,
        "code": "rate_limited",
        "message": "slow",
        "upstreamCode": "rate_limit_exceeded",
    }
    assert fields == {
        b"x-should-retry": b"true",
        b"stripe-should-retry": b"true", b"request-id": b"r-1", b"x-request-id": b"r-1", b"retry-after": b"3", b"retry-after-ms": b"3000",
        b"content-type": b"application/json",
    }  # fmt: skip


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    "said", [{"code": 20429, "message": "Too Many Requests", "status": 429}, [{"x": 1}], "text", 7]
)
def test_a_clash_or_a_body_that_is_no_object_moves_whole_under_upstream(said: Any) -> None:
    status, _, body = shaped(vendors(429, said))
    assert status == 429
    assert body["upstream"] == said
    assert (body["code"], body["source"]) == ("rate_limited", "crm")


def test_text_and_html_stand_under_upstream_as_text() -> None:
    _, fields, body = shaped(vendors(502, b"<html>bad</html>", (b"content-type", b"text/html")))
    assert body["upstream"] == "<html>bad</html>"
    assert fields[b"content-type"] == b"application/json"
    assert "upstream" not in shaped(vendors(502, b"", (b"content-type", b"text/html")))[2]


@pytest.mark.row("E1")
def test_native_leaves_body_and_status_alone_and_speaks_in_headers() -> None:
    raw = b'{ "error": {"code": "rate_limit_exceeded"} }'
    status, fields, body = shaped(vendors(429, raw), style="native")
    assert (status, body) == (429, msgspec.json.decode(raw))
    assert answer(
        vendors(429, raw), style="native", dialect="", accept=b"", correlation_id="c", attempts=1, spent_usd=None, runbook="",
        should_retry=False, vendor_same_dialect=True, now=NOW,
    )[2] == raw  # fmt: skip
    assert fields == {
        b"x-should-retry": b"true",
        b"stripe-should-retry": b"true", b"request-id": b"r-1", b"x-request-id": b"r-1", b"retry-after": b"3", b"retry-after-ms": b"3000",
        b"x-trunkline-error-source": b"crm", b"x-trunkline-error-code": b"rate_limited", b"x-trunkline-error-retryable": b"true",
        b"x-trunkline-error-retry-at": b"2026-11-21T10:00:03.000Z", b"x-trunkline-error-action": KINDS["rate_limited"].action.encode(),
        b"x-trunkline-error-scope": b"account", b"content-type": b"application/json",
    }  # fmt: skip


@pytest.mark.row("E1")
def test_normalized_is_our_fields_alone_with_our_status() -> None:
    status, _, body = shaped(vendors(401, {"message": "bad key"}), style="normalized")
    assert status == 502, "the caller's own key is fine; it is the vendor who refuses ours"
    assert set(body) == {*OURS, "code", "message", "upstreamCode"}
    assert body["code"] == "auth_invalid"


@pytest.mark.row("E1")
@pytest.mark.parametrize(("style", "status"), [("superset", 200), ("native", 200), ("normalized", 502)])
def test_an_error_inside_a_good_status(style: str, status: int) -> None:
    error = vendors(200, {"ok": False, "error": "invalid_auth"}, JSON)
    got, _, body = shaped(error, style=style)
    assert got == status
    assert (body.get("ok"), body.get("code")) == {
        "superset": (False, "auth_invalid"), "native": (False, None), "normalized": (None, "auth_invalid")
    }[style]  # fmt: skip


@pytest.mark.row("E1")
def test_problem_json_when_asked_for() -> None:
    status, fields, body = shaped(vendors(429, RATE), accept=b"application/problem+json")
    assert (status, fields[b"content-type"]) == (429, b"application/problem+json")
    assert body == {
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "title": "Rate limited", "status": 429, "detail": "slow",
        "instance": "urn:trunkline:call:c-1", **OURS, "code": "rate_limited", "message": "slow", "upstreamCode": "rate_limit_exceeded",
        "upstream": RATE,
    }  # fmt: skip


def test_a_refusal_of_our_own_has_an_error_object_that_sdks_understand() -> None:
    error = CallError("unknown_route", "no integration is named 'strip'")
    for style in ("superset", "native"):
        status, _, body = shaped(error, style=style)
        assert status == 404
        assert body["error"] == {
            "type": "not_found_error",
            "code": "unknown_route",
            "message": "no integration is named 'strip'",
            "param": None,
        }
        assert (body["source"], body["code"], body["upstreamStatus"], body["runbook"]) == (
            "trunkline",
            "unknown_route",
            None,
            "https://runbooks.example/crm",
        )
    assert "error" not in shaped(error, style="normalized")[2]
    assert shaped(error, runbook="")[2]["runbook"] == "docs/runbooks/unknown_route.md"


def test_waits_are_told_in_whole_seconds_and_at_most_a_minute() -> None:
    def fields(after: float) -> tuple[bytes, bytes]:
        got = shaped(CallError("caller_rate_limited", "x", retry_at=NOW + after))[1]
        return got[b"retry-after"], got[b"retry-after-ms"]

    assert fields(0.25) == (b"1", b"250")
    assert fields(-5) == (b"0", b"0")
    assert fields(86400) == (b"60", b"60000")
    assert b"retry-after" not in shaped(CallError("queue_full", "x"))[1]
    assert shaped(CallError("queue_full", "x"), should_retry=False)[1][b"x-should-retry"] == b"false"


@pytest.mark.row("E1")
def test_openai_callers_get_the_vendors_object_with_our_fields_inside() -> None:
    status, _, body = shaped(vendors(429, RATE), dialect="openai-chat")
    assert status == 429
    assert body["error"] == {**OURS, **RATE["error"], "upstreamCode": "rate_limit_exceeded"}
    assert body["code"] == "rate_limited", "where the dialect takes the name, ours stands at the top"


def test_openai_callers_of_another_dialect_get_an_object_of_ours() -> None:
    _, _, body = shaped(vendors(429, RATE), dialect="openai-chat", vendor_same_dialect=False)
    assert body["error"] == {
        **OURS, "code": "rate_limited", "message": "slow", "type": "rate_limit_error", "param": None, "upstreamCode": "rate_limit_exceeded"
    }  # fmt: skip
    assert (
        shaped(vendors(429, RATE), dialect="openai-chat", style="normalized")[2]["error"]["code"]
        == "rate_limited"
    )


def test_anthropic_callers() -> None:
    said = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1",
    }
    status, _, body = shaped(vendors(529, said, JSON), dialect="anthropic-messages")
    assert status == 529
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert (
        body["error"].items()
        >= {
            "type": "overloaded_error",
            "message": "Overloaded",
            "code": "overloaded",
            "source": "crm",
        }.items()
    )
    own = shaped(CallError("unauthenticated", "no key"), dialect="anthropic-messages")[2]
    assert (
        own["error"].items()
        >= {"type": "authentication_error", "message": "no key", "code": "unauthenticated"}.items()
    )
    assert (own["type"], own["request_id"]) == ("error", "c-1")


def test_gemini_callers() -> None:
    said = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    status, _, body = shaped(vendors(503, said, JSON), dialect="gemini-generate")
    assert status == 503
    assert (
        body["error"].items()
        >= {"code": 503, "status": "UNAVAILABLE", "source": "crm", "retryable": True}.items()
    )
    own = shaped(CallError("unknown_model", "no such model"), dialect="gemini-generate")[2]
    assert (
        own["error"].items()
        >= {"code": 404, "status": "NOT_FOUND", "message": "no such model", "source": "trunkline"}.items()
    )
    assert own["code"] == "unknown_model"
    listed = shaped(vendors(503, [said], JSON), dialect="gemini-generate")[2]
    assert listed["error"]["status"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    "dialect",
    ["openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages", "gemini-generate"],
)
@pytest.mark.parametrize("code", list(KINDS))
def test_every_failure_has_an_object_in_every_dialect(dialect: str, code: str) -> None:
    status, _, body = shaped(CallError(code, "text", source="crm"), dialect=dialect)
    assert status == KINDS[code].status
    assert next(iter(body)) == "error", "google-genai looks for it at the begin"
    assert body["error"]["message"] == body["message"] == "text"
    assert body["code"] == code
    assert body["error"]["correlationId"] == "c-1"


def test_native_ai_callers_get_the_vendors_bytes_only_in_their_own_dialect() -> None:
    assert shaped(vendors(429, RATE), dialect="openai-chat", style="native")[2] == RATE
    other = shaped(vendors(429, RATE), dialect="openai-chat", style="native", vendor_same_dialect=False)[2]
    assert other["error"]["code"] == "rate_limited"


def test_a_response_that_failed_keeps_its_id() -> None:
    said = {
        "id": "resp_1",
        "object": "response",
        "status": "failed",
        "error": {"code": "server_error", "message": "x"},
        "output": [],
    }
    error = classify(
        Rules(),
        200,
        [JSON],
        msgspec.json.encode(said),
        now=NOW,
        source="crm",
        method="POST",
        json_promised=True,
    )
    assert error is not None
    status, _, body = shaped(error, dialect="openai-responses")
    assert (status, body["id"], body["status"], body["output"]) == (200, "resp_1", "failed", [])
    assert body["error"].items() >= {"code": "server_error", "source": "crm"}.items()


@pytest.mark.parametrize("style", ["superset", "native", "normalized"])
@pytest.mark.parametrize("dialect", ["", "openai-chat", "anthropic-messages", "gemini-generate"])
def test_a_key_that_the_vendor_echoes_reaches_no_caller(style: str, dialect: str) -> None:
    error = vendors(401, {"error": {"message": "bad key sk-test-not-a-real-key-0001", "code": "x"}})
    _, fields, body = shaped(error, style=style, dialect=dialect)
    assert "not-a-real-key" not in str(body) + str(fields)


def test_header_values_are_printable_ascii() -> None:
    fields = shaped(CallError("queue_full", "x", source="größe\r\nx: y"), style="native")[1]
    assert fields[b"x-trunkline-error-source"] == b"gr??e??x: y"


BODY = st.binary(max_size=200) | st.sampled_from(
    [
        b"null",
        b"[[",
        b'{"code":1}',
        b'"\\ud800"',
        b"[" * 3000 + b"]" * 3000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ]
)


@given(
    BODY,
    st.sampled_from(["superset", "native", "normalized"]),
    st.sampled_from(["", "openai-chat", "anthropic-messages", "gemini-generate"]),
    st.sampled_from([b"", b"application/problem+json"]),
)
def test_no_body_makes_it_raise(body: bytes, style: str, dialect: str, accept: bytes) -> None:
    error = CallError("server_error", "x", source="crm")
    error.status, error.body, error.fields = 500, body, [(b"content-type", b"text/plain")]
    status, fields, _ = shaped(error, style=style, dialect=dialect, accept=accept)
    assert status == (502 if style == "normalized" else 500)
    assert all(b"\r" not in v and b"\n" not in v for v in fields.values())
    assert sample(error, 500, [(b"x", body[:20])], body).endswith(b"\n")


def event(dialect: str, error: CallError | None = None) -> bytes:
    return stream_error(
        error or vendors(429, RATE), dialect=dialect, correlation_id="c-1", attempts=2, spent_usd=None, runbook="", sequence_number=7
    )  # fmt: skip


@pytest.mark.row("F7")
def test_a_stream_ends_with_a_well_formed_event_of_its_dialect() -> None:
    openai = event("openai-chat")
    assert openai.startswith(b'data: {"error":{')
    assert openai.endswith(b"}\n\n")
    assert b"DONE" not in openai
    inner = msgspec.json.decode(openai[6:])["error"]
    assert (
        inner.items()
        >= {
            "message": "slow",
            "type": "rate_limit_error",
            "code": "rate_limited",
            "correlationId": "c-1",
        }.items()
    )

    anthropic = event("anthropic-messages")
    assert anthropic.startswith(b"event: error\ndata: ")
    told = msgspec.json.decode(anthropic.split(b"data: ")[1])
    assert (told["type"], told["error"]["type"], told["error"]["code"]) == (
        "error",
        "rate_limit_error",
        "rate_limited",
    )

    responses = event("openai-responses")
    assert responses.startswith(b"event: error\ndata: ")
    told = msgspec.json.decode(responses.split(b"data: ")[1])
    assert (told["type"], told["code"], told["message"], told["param"], told["sequence_number"]) == (
        "error",
        "rate_limited",
        "slow",
        None,
        7,
    )
    assert told["error"]["source"] == "crm", "openai's SDK raises only for a member `error`"

    gemini = event("gemini-generate")
    assert gemini.startswith(b'data: {"error":{')
    assert gemini.endswith(b"\r\n\r\n")
    assert (
        msgspec.json.decode(gemini[6:])["error"].items()
        >= {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow"}.items()
    )

    plain = event("")
    assert plain.startswith(b"event: error\ndata: ")
    assert msgspec.json.decode(plain.split(b"data: ")[1])["code"] == "rate_limited"


@pytest.mark.row("E3")
def test_a_sample_shows_the_shape_and_gives_nobody_away() -> None:
    body = {
        "weird": {
            "mail": "jane@example.com",
            "card": "4242424242424242",
            "key": "sk-test-not-a-real-key-0001",
            "n": 7,
        },
        "list": list(range(50)),
        "long": "x" * 5000,
    }
    headers = [JSON, (b"x-error-kind", b"odd"), (b"x-customer", b"jane"), (b"set-cookie", b"s=1")]
    error = vendors(400, body, *headers)
    assert error.confidence == "low", "only then is a sample kept"
    line = sample(error, 400, headers, msgspec.json.encode(body))
    assert msgspec.json.decode(line) == {
        "source": "crm",
        "code": "invalid_request",
        "status": 400,
        "headers": {"content-type": "application/json", "x-error-kind": "odd", "x-customer": "..."},
        "body": {
            "weird": {"mail": "#@#", "card": "#", "key": "***", "n": 7},
            "list": [0, 1, 2, 3, 4],
            "long": "x" * 400,
        },
    }
