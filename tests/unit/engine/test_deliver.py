"""What of a vendor's answer reaches the caller, and which failures look like answers."""

from __future__ import annotations

import gzip
import json

import pytest

from trunkline.core.service import ApiVersion, ErrorRule
from trunkline.testing import EVENTS, JSON, SECRET, Sent, Trial, answers, service

CHAT = b'{"model":"acme/tiny"}'
GOOD = b'{"model":"tiny","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'
BASE = service(base_url="https://acme.test/base", api_version=ApiVersion(value="1", path="/v1"))


@pytest.mark.row("P1", "W4")
async def test_an_answer_comes_without_what_is_the_vendors_own_business() -> None:
    dropped = [b"set-cookie", b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"x-trunkline-cost-usd",
               b"x-trunkline-model",
               b"x-correlation-id", b"alt-svc", b"strict-transport-security", b"access-control-allow-origin", b"x-hop"]  # fmt: skip
    vendors = [(name, b"close, x-hop" if name == b"connection" else b"forged") for name in dropped]
    trial = Trial(answers(200, b"{}", JSON, (b"etag", b"7"), (b"x-request-id", b"r-1"), *vendors))
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert heard.fields == [
        JSON,
        (b"etag", b"7"),
        (b"x-request-id", b"r-1"),
        (b"x-trunkline-integration", b"acme"),
        (b"x-correlation-id", trial.begins[0].correlation_id.encode()),
        (b"x-trunkline-attempts", b"1"),
        (b"x-trunkline-overhead-ms", b"0.000"),
    ]


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([(b"x-request-id", b"r-1"), (b"cf-ray", b"ray")], "r-1"),
        ([(b"cf-ray", b"ray"), (b"request-id", b"r-2")], "r-2"),
        ([(b"cf-ray", b"ray")], "ray"),
        ([], ""),
    ],
)
async def test_the_vendors_own_id_of_the_request_is_recorded(
    headers: list[tuple[bytes, bytes]], kept: str
) -> None:
    trial = Trial(answers(200, b"{}", JSON, *headers))
    await trial.ask("GET", "/api/proxy/acme/x")
    assert trial.ends[0].tried[0].vendor_request_id == kept


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("location", "passed"),
    [
        (b"https://acme.test/base/v1/y?z=1", b"/api/proxy/acme/y?z=1"),
        (b"HTTPS://ACME.test/base/v1", b"/api/proxy/acme/"),
        (b"/base/v1/y", b"/api/proxy/acme/y"),
        (b"//acme.test/base/v1/y", b"/api/proxy/acme/y"),
        (b"y/z", b"y/z"),
        (b"?page=2", b"?page=2"),
    ],
)
async def test_a_redirect_within_the_vendors_address_leads_through_the_proxy(
    location: bytes, passed: bytes
) -> None:
    trial = Trial(answers(302, b"", (b"location", location)), services=[BASE])
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.field(b"location"), len(trial.wire.sent)) == (302, passed, 1)


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    "location",
    [b"https://evil.test/base/v1/y", b"http://acme.test/base/v1/y", b"https://acme.test/other", b"https://acme.test:8443/base/v1/y",
     b"//evil.test/base/v1/", b"/base/v1x", b"https://acme.test/base/v1/../../admin", b"/base/v1/%2e%2e/admin", b"\\\\evil.test/x",
     b"https:evil.test",
     b"javascript:alert(1)"],
)  # fmt: skip
async def test_a_redirect_elsewhere_is_neither_followed_nor_passed_on(location: bytes) -> None:
    trial = Trial(answers(302, b"", (b"location", location)), services=[BASE])
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert (heard.field(b"location"), len(trial.wire.sent)) == (None, 1)
    assert trial.ends[0].code == "malformed_response"


async def test_not_modified_passes() -> None:
    heard = await Trial(answers(304, b"", (b"etag", b"7"))).ask("GET", "/api/proxy/acme/x")
    assert (heard.status, heard.field(b"etag")) == (304, b"7")


@pytest.mark.row("S1")
async def test_a_vendor_that_repeats_our_credential_is_blotted_in_body_message_and_fields() -> None:
    body = b'{"error":{"message":"bad key ' + SECRET.encode() + b'"}}'
    trial = Trial(answers(401, body, JSON, (b"x-your-key", SECRET.encode())))
    heard = await trial.ask("GET", "/api/proxy/acme/x")
    assert SECRET.encode() not in heard.body + heard.lines + b"".join(trial.journal.payloads)
    assert json.loads(heard.body)["error"]["message"] == "bad key ***"


@pytest.mark.row("E2")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>busy</html>", "malformed_response"),
        (b"", "malformed_response"),
        (b'{"error":{"message":"The engine is currently overloaded","type":"server_error"}}', "overloaded"),
    ],
)
async def test_a_failure_inside_200_of_a_model_is_a_failure(body: bytes, code: str) -> None:
    trial = Trial(*[answers(200, body)] * 4)
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert trial.ends[0].code == code
    assert "error" in json.loads(heard.body)


_HTML = b"<!doctype html><title>Sign in</title>"
_NO_REPLIES = [b"null", b"[]", b'""', b'"busy"', b"0", b"true", b" [ ]\n", b"{}", b'[{"choices":[]}]', _HTML]


@pytest.mark.row("E2", "F3")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("body", _NO_REPLIES, ids=lambda body: body[:12].decode())
async def test_a_whole_answer_that_is_no_reply_is_malformed_and_asked_for_anew(
    body: bytes, whole: bool, stream: bool
) -> None:
    kind = (b"content-type", b"text/html") if body is _HTML else JSON

    def plays(sent: Sent) -> None:
        sent.begin(200, kind)
        sent.piece(body)
        sent.end()

    trial = Trial(answers(200, body, kind) if whole else plays, answers(200, GOOD, JSON))
    asked = {"model": "acme/tiny"} | ({"stream": True} if stream else {})
    heard = await trial.ask("POST", "/v1/chat/completions", json.dumps(asked).encode())
    assert [one.code for one in trial.ends[0].tried] == ["malformed_response", ""]
    assert (heard.status, heard.body, trial.ends[0].state) == (200, GOOD, "ok")


async def test_an_array_of_events_is_a_reply_where_its_dialect_streams_so() -> None:
    body = b'[{"candidates":[]},{"usageMetadata":{"promptTokenCount":1}}]'
    trial = Trial(answers(200, body, JSON))
    heard = await trial.ask("POST", "/api/proxy/acme/v1beta/models/tiny:streamGenerateContent", b"{}")
    assert (heard.status, heard.body, trial.ends[0].code) == (200, body, "")


@pytest.mark.row("E2")
async def test_a_rule_for_good_statuses_is_asked_of_every_answer() -> None:
    spec = service(
        ok_body={"/ok": "true"},
        errors=[ErrorRule(kind="not_found", status=[200], body={"/error": "channel_not_found"})],
    )
    trial = Trial(
        answers(200, b'{"ok":false,"error":"channel_not_found"}'),
        answers(200, b'{"ok":true}'),
        services=[spec],
    )
    bad, good = [await trial.ask("GET", "/api/proxy/acme/x") for _ in range(2)]
    assert [end.code for end in trial.ends] == ["not_found", ""]
    assert (bad.status, good.status, good.body) == (200, 200, b'{"ok":true}')


@pytest.mark.row("P1")
async def test_a_compressed_answer_passes_as_it_is() -> None:
    packed = gzip.compress(b'{"a":1}')
    trial = Trial(answers(200, packed, JSON, (b"content-encoding", b"gzip")))
    heard = await trial.ask("GET", "/api/proxy/acme/x", b"", ("accept-encoding", "gzip"))
    assert (heard.body, heard.field(b"content-encoding")) == (packed, b"gzip")


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("location", "passed"),
    [
        (b"https://acme.test/base/v1/contacts/7", b"/api/proxy/acme/contacts/7"),
        (b"/base/v1/contacts/7", b"/api/proxy/acme/contacts/7"),
        (b"https://files.test/7", b"https://files.test/7"),
    ],
)
async def test_where_something_new_lies_is_told_as_the_caller_can_reach_it(
    location: bytes, passed: bytes
) -> None:
    trial = Trial(answers(201, b"{}", JSON, (b"location", location)), services=[BASE])
    heard = await trial.ask("POST", "/api/proxy/acme/contacts", b"{}")
    assert (heard.status, heard.field(b"location")) == (201, passed)


@pytest.mark.row("E1")
async def test_a_failed_model_call_says_which_model_it_was() -> None:
    heard = await Trial(answers(400, b'{"error":{"message":"no"}}')).ask("POST", "/v1/chat/completions", CHAT)
    assert heard.field(b"x-trunkline-model") == b"acme/tiny"


@pytest.mark.row("E1", "O1")
async def test_a_vendors_id_of_the_request_is_told_of_whatever_failed_after_its_head() -> None:
    ids = (b"x-request-id", b"req-7")
    content = b'data: {"model":"m","choices":[{"delta":{"content":"a"}}]}\n\n'

    def breaks(sent: Sent) -> None:
        sent.begin(200, EVENTS, ids)
        sent.piece(content)
        sent.end()

    for body, play in (
        (CHAT, answers(200, b"<html>", JSON, ids, (b"cf-ray", b"ray"))),
        (b'{"model":"acme/tiny","stream":true}', breaks),
    ):
        trial = Trial(*[play] * 4)
        heard = await trial.ask("POST", "/v1/chat/completions", body)
        told = json.loads(heard.body.removeprefix(content).removeprefix(b"data: "))
        assert told.get("upstreamRequestId", told["error"].get("upstreamRequestId")) == "req-7"
        assert {t.vendor_request_id for t in trial.ends[0].tried} == {"req-7"}
