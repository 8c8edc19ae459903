"""Vendors that refuse, break, lie or send nonsense: each a clear failure, nothing leaked, nothing hung, and well afterwards."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.caller import Cut
from tests.support.gateway import SECRETS, Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import CLOSE, RESET, Site, reply

pytestmark = pytest.mark.row("E1", "E2")

ITEMS = "/api/proxy/crm/items"
ONCE = {"x-trunkline-max-attempts": "1"}
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}]}
GOOD = json.dumps(
    {"model": "tiny", "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}
).encode()


@pytest.fixture(autouse=True)
def _well_afterwards(trunkline: Trunkline) -> Iterator[None]:
    yield
    assert trunkline.call("GET", "/health/ready", key="").status == 200
    assert "Traceback" not in trunkline.errors


def check(trunkline: Trunkline, answer: Any, status: int, code: str, source: str) -> None:
    """A whole, normalized, recorded failure without anything that nobody should see."""
    told = answer.json
    assert (answer.status, told["code"], told["source"]) == (status, code, source), answer.body
    assert told["correlationId"] == answer.field("x-correlation-id")
    assert set(told) >= {"message", "retryable", "action", "attempts", "runbook"}
    assert not [secret for secret in SECRETS.values() if secret.encode() in answer.body]
    end = trunkline.recorded(answer).end
    assert (end.status, end.code, end.source) == (status, code, source)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("reset", "network"),
        ("reset_early", "network"),
        ("fin", "network"),
        ("reset_mid", "network"),
        ("fin_mid", "network"),
        ("long_length", "network"),
        ("garbage", "network"),
        ("bad_status", "network"),
        ("cl_te", "network"),
        ("double_length", "network"),
        ("nul_header", "network"),
        ("bad_chunk", "network"),
        ("many_headers", "network"),
        ("huge_header", "network"),
    ],
)
def test_a_broken_transfer_is_told_as_such(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, code: str
) -> None:
    simulator.fault(fault, "crm")
    answer = trunkline.call("GET", ITEMS, headers=ONCE)

    assert answer.json["code"] in (code, "malformed_response"), answer.body
    check(trunkline, answer, 502, answer.json["code"], "crm")
    assert answer.json["retryable"] is (answer.json["code"] == "network")


def test_a_vendor_that_nobody_answers_for(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", "/api/proxy/nobody/x", headers=ONCE)

    check(trunkline, answer, 502, "network", "nobody")
    assert trunkline.recorded(answer).end.tried[0].sent is False


@pytest.mark.parametrize("fault", ["http10", "interim", "content_type", "split_utf8", "close_idle"])
def test_what_is_odd_but_allowed_is_served(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "crm", args={"n": 10} if fault == "interim" else {})
    answer = trunkline.call("GET", "/api/proxy/crm/echo")

    assert (answer.status, answer.json["vendor"]) == (200, "crm")
    assert answer.field("set-cookie") is None
    assert answer.field("x-checksum") is None
    assert trunkline.recorded(answer).end.state == "ok"


def test_trailers_never_become_headers(trunkline: Trunkline, site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    site.script.append(head + b"2\r\n{}\r\n0\r\nx-checksum: 1\r\nset-cookie: a=1\r\n\r\n")
    answer = trunkline.call("GET", "/api/proxy/site/x")

    assert (answer.status, answer.body) == (200, b"{}")
    assert not {"x-checksum", "set-cookie", "trailer"} & answer.names
    assert trunkline.call("GET", "/api/proxy/site/y").json == {"ok": True}


def test_a_chunked_answer_that_breaks_in_a_chunk_is_visibly_cut(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("fin_mid_chunk", "crm")
    with pytest.raises(Cut):
        trunkline.call("GET", ITEMS, headers={**ONCE, "x-correlation-id": "cut-in-a-chunk"})

    assert trunkline.recorded("cut-in-a-chunk").end.state == "truncated"


@pytest.mark.parametrize("fault", ["short_length", "extra_reply", "forbidden_body"])
def test_bytes_that_belong_to_no_answer_poison_nobody_elses(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str
) -> None:
    simulator.fault(fault, "crm", times=1)
    trunkline.call("GET", "/api/proxy/crm/echo?first", headers=ONCE)
    answers = [trunkline.call("GET", f"/api/proxy/crm/echo?n={n}") for n in range(5)]

    assert [answer.json["query"] for answer in answers] == [f"n={n}" for n in range(5)]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><h1>Bad Gateway</h1>", "text/html"),
        (b"<html>maintenance</html>", "application/json"),
        (GOOD[:-9], "application/json"),
        (b"", "application/json"),
        (b"OK", "text/plain"),
        (b"\xff\xfe\x00", "application/json"),
        (b'{"model":"\xff","choices":[]}', "application/json"),
        (b'{"choices":' + b"[" * 60_000 + b"]" * 60_000 + b"}", "application/json"),
    ],
)
def test_a_200_that_is_no_answer_of_a_model_is_a_failure(
    trunkline: Trunkline, site: Site, body: bytes, kind: str
) -> None:
    site.script.append(reply(body, kind=kind))
    answer = trunkline.call(
        "POST", "/v1/chat/completions", CHAT, {**ONCE, "x-trunkline-errors": "normalized"}
    )

    assert answer.json["error"]["message"].startswith("sitechat answered 200 with a body that is")
    check(trunkline, answer, 502, "malformed_response", "sitechat")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"error": {"message": "The model is overloaded", "type": "overloaded_error"}}, "overloaded"),
        (
            {
                "error": {
                    "message": "Rate limit reached",
                    "type": "rate_limit_error",
                    "code": "rate_limit_exceeded",
                }
            },
            "rate_limited",
        ),
        ({"error": "something went wrong"}, None),
        ({"errors": [{"message": "upstream failed"}], "data": None}, None),
    ],
)
def test_an_error_inside_a_200_is_a_failure(
    trunkline: Trunkline, site: Site, said: dict[str, Any], code: str | None
) -> None:
    body = json.dumps(said).encode()
    site.script.extend([reply(body)] * 3)
    superset = trunkline.call("POST", "/v1/chat/completions", CHAT, ONCE)
    native = trunkline.call("POST", "/v1/chat/completions", CHAT, {**ONCE, "x-trunkline-errors": "native"})
    normalized = trunkline.call(
        "POST", "/v1/chat/completions", CHAT, {**ONCE, "x-trunkline-errors": "normalized"}
    )

    assert superset.status == native.status == 200
    assert native.body == body
    assert normalized.status >= 400
    assert superset.json["code"] == normalized.json["code"] == native.field("x-trunkline-error-code")
    assert code in (None, normalized.json["code"])
    assert trunkline.recorded(superset).end.state == "error"


def test_a_gzipped_error_is_understood_and_passed_on_readable(trunkline: Trunkline, site: Site) -> None:
    said = {
        "error": {"message": "Invalid value for 'limit'", "type": "invalid_request_error", "param": "limit"}
    }
    packed = gzip.compress(json.dumps(said).encode())
    site.script.append(reply(packed, "content-encoding: gzip", status="400 Bad Request"))
    answer = trunkline.call("GET", "/api/proxy/site/list", headers={"accept-encoding": "gzip"})

    assert answer.field("content-encoding") is None
    assert answer.json["error"] == said["error"]
    assert (answer.status, answer.json["code"], answer.json["message"]) == (
        400,
        "invalid_request",
        said["error"]["message"],
    )


def test_a_gzip_bomb_as_an_error_stays_small(trunkline: Trunkline, site: Site) -> None:
    bomb = gzip.compress(b"\0" * (200 << 20))
    before = trunkline.memory_kb
    site.script.append(reply(bomb, "content-encoding: gzip", status="400 Bad Request"))
    answer = trunkline.call("GET", "/api/proxy/site/list", headers={**ONCE, "accept-encoding": "gzip"})

    assert answer.status == 400
    assert trunkline.memory_kb - before < 10_000


@pytest.mark.parametrize("size", [2 << 20, 300 << 20])
def test_a_huge_error_body_is_not_swallowed(
    trunkline: Trunkline, simulator: SimulatorProcess, site: Site, size: int
) -> None:
    head = f"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\ncontent-length: {size}\r\n\r\n".encode()
    site.script.append((head, *[b"x" * (1 << 20)] * 2, CLOSE))
    before = trunkline.memory_kb
    answer = trunkline.call("GET", "/api/proxy/site/x", headers=ONCE)

    assert answer.status in (500, 502)
    assert len(answer.body) < (3 << 20)
    assert trunkline.memory_kb - before < 16_000


def test_a_huge_answer_is_passed_on_without_growing_memory(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("huge_body", "crm", args={"bytes": 64 << 20})
    before = trunkline.memory_kb
    with trunkline.stream("GET", ITEMS) as answer:
        size = sum(len(piece) for piece in iter(answer.piece, b""))

    assert size == 64 << 20
    assert trunkline.memory_kb - before < 12_000


def test_an_error_page_of_a_proxy_in_between_is_a_failure_of_the_vendor(
    trunkline: Trunkline, site: Site
) -> None:
    page = b"<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
    site.script.append(reply(page, status="502 Bad Gateway", kind="text/html"))
    answer = trunkline.call("GET", "/api/proxy/site/x", headers=ONCE)

    check(trunkline, answer, 502, "server_error", "site")
    assert answer.json["upstream"] == page.decode()
    assert answer.json["upstreamStatus"] == 502


def test_a_credential_that_the_vendor_repeats_in_its_error_is_hidden(
    trunkline: Trunkline, site: Site
) -> None:
    echo = {
        "error": {"message": f"Invalid token {SECRETS['CRM_TOKEN']} given", "type": "invalid_request_error"}
    }
    site.script.extend([reply(json.dumps(echo).encode(), status="401 Unauthorized")] * 3)
    answers = [
        trunkline.call("GET", "/api/proxy/site/x", headers={"x-trunkline-errors": style})
        for style in ("superset", "native", "normalized")
    ]

    for answer in answers:
        assert answer.status in (401, 502)
        assert SECRETS["CRM_TOKEN"].encode() not in answer.body
        assert SECRETS["CRM_TOKEN"] not in repr(trunkline.recorded(answer))


def test_a_rare_status_is_passed_with_its_meaning(trunkline: Trunkline, site: Site) -> None:
    site.script.append(reply(b'{"why":"teapot"}', status="418 I'm a teapot"))
    answer = trunkline.call("GET", "/api/proxy/site/x")

    assert (answer.status, answer.json["why"], answer.json["code"]) == (418, "teapot", "invalid_request")


def test_a_reset_under_load_concerns_one_call_only(trunkline: Trunkline, site: Site) -> None:
    site.script.extend([RESET, reply(b'{"n":1}'), RESET, reply(b'{"n":2}')])
    answers = [trunkline.call("GET", "/api/proxy/site/x") for _ in range(2)]

    assert [answer.json for answer in answers] == [{"n": 1}, {"n": 2}]
