"""Model calls: each dialect to its own vendor, the body unchanged but for the model's name where that must change."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.support.gateway import SECRETS, Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply
from trunkline.simulator.ledger import digest

pytestmark = pytest.mark.row("A1")

MESSAGES = [{"role": "user", "content": "Say hello"}]
GEMINI = {"contents": [{"parts": [{"text": "Say hello"}]}]}
CHAT_REPLY = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "model": "tiny-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }
).encode()

ENDPOINTS = [
    (
        "/v1/chat/completions",
        {"model": "gpt-4o-mini", "messages": MESSAGES},
        "openai",
        "/v1/chat/completions",
    ),
    ("/v1/responses", {"model": "gpt-4o-mini", "input": "Say hello"}, "openai", "/v1/responses"),
    ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hello"}, "openai", "/v1/embeddings"),
    (
        "/v1/messages",
        {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": MESSAGES},
        "anthropic",
        "/v1/messages",
    ),
    (
        "/v1/messages/count_tokens",
        {"model": "claude-haiku-4-5", "messages": MESSAGES},
        "anthropic",
        "/v1/messages/count_tokens",
    ),
    *(
        (f"/{version}/models/{model}:{method}", body, "gemini", f"/v1beta/models/gemini-2.5-flash:{method}")
        for version in ("v1", "v1beta")
        for model in ("gemini-2.5-flash", "gemini/gemini-2.5-flash", "gemini%2Fgemini-2.5-flash")
        for method, body in [("generateContent", GEMINI), ("countTokens", GEMINI)]
    ),
    (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        GEMINI,
        "gemini",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
    ),
    (
        "/v1/models/gemini-embedding-001:embedContent",
        {"content": {"parts": [{"text": "hello"}]}},
        "gemini",
        "/v1beta/models/gemini-embedding-001:embedContent",
    ),
]
CREDENTIALS = {
    "openai": ("bearer", SECRETS["OPENAI_API_KEY"]),
    "anthropic": ("x-api-key", SECRETS["ANTHROPIC_API_KEY"]),
    "gemini": ("x-goog-api-key", SECRETS["GEMINI_API_KEY"]),
}


@pytest.mark.row("K1")
@pytest.mark.parametrize(("target", "body", "vendor", "path"), ENDPOINTS)
def test_each_dialect_reaches_its_vendor_with_the_vendors_own_credential(
    trunkline: Trunkline, simulator: SimulatorProcess, target: str, body: Any, vendor: str, path: str
) -> None:
    answer = trunkline.call("POST", target, body)

    assert answer.status == 200, answer.body
    [seen] = simulator.ledger()
    place, secret = CREDENTIALS[vendor]
    assert (seen.vendor, seen.method, seen.path) == (vendor, "POST", path)
    assert (seen.credential_place, seen.credential) == (place, digest(secret))
    assert answer.field("x-trunkline-integration") == vendor
    assert (answer.field("x-trunkline-model") or "").startswith(f"{vendor}/")
    call = trunkline.recorded(answer)
    assert (call.end.state, call.end.status, call.begin.integration) == ("ok", 200, vendor)


@pytest.mark.row("K6")
def test_anthropics_version_is_sent_unless_the_caller_sends_one(trunkline: Trunkline, site: Site) -> None:
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": MESSAGES}

    assert trunkline.call("POST", "/v1/messages", body).status == 200
    assert trunkline.call("POST", "/v1/messages", body, {"anthropic-version": "2023-06-01"}).status == 200


ODD_BODY = (
    b'{\n  "stream":false, "messages" : [ {"content":"caf\xc3\xa9 \xf0\x9f\x99\x82 \\ud83d\\ude00", "role":"user"} ],'
    b'\t"unknown_field": {"deep":[1, 2.50, 1e3, null]}, "temperature":0.10,"model":"tiny" , "metadata":{"model":"not-me"} }\n'
)


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("named", "sent"),
    [("tiny", "tiny"), ("sitechat/tiny", "tiny"), ("sitechat/never-heard-of", "never-heard-of")],
)
def test_only_the_models_name_changes_in_a_body(
    trunkline: Trunkline, site: Site, named: str, sent: str
) -> None:
    site.script.append(reply(CHAT_REPLY))
    body = ODD_BODY.replace(b'"model":"tiny"', b'"model":"%b"' % named.encode())
    answer = trunkline.call("POST", "/v1/chat/completions", body, {"content-type": "application/json"})

    assert (answer.status, answer.body) == (200, CHAT_REPLY)
    assert site.last.body == ODD_BODY.replace(b'"model":"tiny"', b'"model":"%b"' % sent.encode())
    assert site.last.field("content-length") == str(len(site.last.body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"sitechat/tiny"}',
        b'{"messages":[],"model":"sitechat/tiny"}',
        b'  {"model" \n:\n "sitechat/tiny"}',
        b'{"a":{"model":"x"},"model":"sitechat/tiny","b":[{"model":"y"}]}',
        b'{"messages":[{"content":"\\"model\\": \\"z\\""}],"model":"sitechat/tiny"}',
        b'{"model":"sitechat\\/tiny"}',
        b'{"model":"sitechat\\u002ftiny"}',
        b'{"m\\u006fdel":"sitechat/tiny"}',
    ],
)
def test_the_right_model_is_rewritten_wherever_it_stands(
    trunkline: Trunkline, site: Site, body: bytes
) -> None:
    site.script.append(reply(CHAT_REPLY))
    answer = trunkline.call("POST", "/v1/chat/completions", body)

    assert answer.status == 200, answer.body
    sent = json.loads(site.last.body)
    assert sent == {**json.loads(body), "model": "tiny"}


def test_an_alias_stands_for_its_model(trunkline: Trunkline) -> None:
    answer = trunkline.call("POST", "/v1/chat/completions", {"model": "fast", "messages": MESSAGES})

    assert (answer.status, answer.json["model"].startswith("gpt-4o-mini")) == (200, True)
    assert answer.field("x-trunkline-model") == "openai/gpt-4o-mini"
    begin = trunkline.recorded(answer).begin
    assert (begin.model, begin.target) == ("fast", "openai/gpt-4o-mini")


def test_what_a_call_used_and_cost_is_told_and_recorded(trunkline: Trunkline) -> None:
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    answer = trunkline.call("POST", "/v1/chat/completions", body)
    usage, end = answer.json["usage"], trunkline.recorded(answer).end

    assert (end.input_tokens, end.output_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert end.cost_usd == pytest.approx(
        (usage["prompt_tokens"] * 0.15 + usage["completion_tokens"] * 0.6) / 1e6, rel=1e-9
    )
    assert float(answer.field("x-trunkline-cost-usd") or "-1") == pytest.approx(end.cost_usd, rel=1e-6)
    assert end.served_model == answer.json["model"]


def test_a_reply_that_is_compressed_although_nobody_asked_is_read_and_passed_as_it_is(
    trunkline: Trunkline, site: Site
) -> None:
    packed = gzip.compress(CHAT_REPLY, mtime=0)
    site.script.append(reply(packed, "content-encoding: gzip"))
    answer = trunkline.call("POST", "/v1/chat/completions", {"model": "tiny", "messages": MESSAGES})
    end = trunkline.recorded(answer).end

    assert (answer.status, answer.field("content-encoding"), answer.body) == (200, "gzip", packed)
    assert (end.state, end.input_tokens, end.output_tokens) == ("ok", 5, 7)


def test_a_model_without_a_price_is_unpriced_never_free(trunkline: Trunkline, site: Site) -> None:
    site.script.append(reply(CHAT_REPLY))
    answer = trunkline.call("POST", "/v1/chat/completions", {"model": "tiny", "messages": MESSAGES})
    end = trunkline.recorded(answer).end

    assert (end.input_tokens, end.output_tokens, end.cost_usd) == (5, 7, -1)
    assert answer.field("x-trunkline-cost-usd") is None


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("gpt4o-mini", "did you mean 'gpt-4o-mini'"),
        ("opennai/gpt-4o", "did you mean 'openai/gpt-4o'"),
        ("totally-unheard-of", "GET /v1/models"),
        ("stripe/gpt-4o", "no integration serves"),
        ("x" * 5000, "no integration serves"),
        ("a\r\nset-cookie: b", "no integration serves"),
    ],
)
def test_an_unknown_model_is_told_with_what_was_probably_meant(
    trunkline: Trunkline, simulator: SimulatorProcess, model: str, told: str
) -> None:
    answer = trunkline.call("POST", "/v1/chat/completions", {"model": model, "messages": MESSAGES})

    assert (answer.status, answer.json["error"]["code"], answer.json["code"]) == (
        404,
        "unknown_model",
        "unknown_model",
    )
    assert told in answer.json["error"]["message"]
    assert answer.field("set-cookie") is None
    assert len(answer.body) < 4000
    assert simulator.ledger() == []


def test_a_model_whose_vendor_has_no_such_interface_is_refused_naming_what_it_has(
    trunkline: Trunkline,
) -> None:
    answer = trunkline.call("POST", "/v1/embeddings", {"model": "claude-haiku-4-5", "input": "hello"})

    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert "anthropic-messages" in answer.json["error"]["message"]


@pytest.mark.parametrize(("method", "target"), [("GET", "/v1/chat/completions"), ("PUT", "/v1/messages")])
def test_a_model_endpoint_takes_post_only(trunkline: Trunkline, method: str, target: str) -> None:
    answer = trunkline.call(method, target)

    assert answer.status in (400, 405)
    assert "POST" in answer.body.decode()


def test_one_model_list_is_readable_in_three_dialects(trunkline: Trunkline) -> None:
    plain = trunkline.call("GET", "/v1/models").json
    claude = trunkline.call("GET", "/v1/models?limit=1000", headers={"anthropic-version": "2023-06-01"}).json
    gemini = trunkline.call("GET", "/v1beta/models", headers={"x-goog-api-key": trunkline.key}, key="").json
    ids = [row["id"] for row in plain["data"]]

    assert (plain["object"], claude["has_more"]) == ("list", False)
    assert {"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5", "sitechat/tiny", "fast"} <= set(ids)
    assert [row["id"] for row in claude["data"]] == ids
    assert (claude["first_id"], claude["last_id"]) == (ids[0], ids[-1])
    assert [row["name"] for row in gemini["models"]] == [f"models/{name}" for name in ids]
    assert all(
        row["object"] == "model" and row["type"] == "model" and row["created_at"] for row in plain["data"]
    )


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "openai%2Fgpt-4o-mini", "gpt-4o-mini", "fast"])
def test_one_model_can_be_asked_for(trunkline: Trunkline, name: str) -> None:
    plain = trunkline.call("GET", f"/v1/models/{name}")
    claude = trunkline.call("GET", f"/v1/models/{name}", headers={"anthropic-version": "2023-06-01"})

    assert (plain.status, plain.json["object"], plain.json["owned_by"]) == (200, "model", "openai")
    assert (claude.status, claude.json["type"]) == (200, "model")
    assert plain.json["id"] == name.replace("%2F", "/")


def test_a_model_that_is_not_there_is_not_found_in_its_dialect(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", "/v1/models/nothing-like-it")

    assert (answer.status, answer.json["error"]["code"], answer.json["source"]) == (
        404,
        "unknown_model",
        "trunkline",
    )
