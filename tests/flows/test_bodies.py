"""Request bodies: bad ones are refused with the reason, big ones stream, none grows the gateway's memory."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from tests.support.caller import Answer, Line, chunked, request
from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site

CHAT = "/v1/chat/completions"
MB = 1 << 20


def image_chat(size: int, *, model: str = "openai/gpt-4o-mini") -> bytes:
    """A chat with an image of about `size` bytes, its model at the very end of the body."""
    image = "data:image/png;base64," + "iVBORw0K" * (size // 8)
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}]
    messages = json.dumps([{"role": "user", "content": content}])
    return f'{{"messages":{messages},"model":"{model}"}}'.encode()


@pytest.mark.row("E1")
@pytest.mark.parametrize("target", [CHAT, "/v1/messages", "/v1/responses", "/v1/embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"model":"gpt-4o-mini"',
        b'{"model":"gpt-4o-mini",}',
        b"[]",
        b'"gpt-4o-mini"',
        b"null",
        b"{}",
        b'{"model":null}',
        b'{"model":7}',
        b'{"model":""}',
        b'{"model":"\xff\xfe"}',
        b'{"model":"gpt-4o-mini","model":"gpt-4o"}',
        b'{"model":"gpt-4o-mini","m\\u006fdel":"gpt-4o"}',
        b"\xef\xbb\xbf\x00\x01",
    ],
)
def test_a_body_that_is_no_model_call_is_refused_in_the_dialects_shape(
    trunkline: Trunkline, simulator: SimulatorProcess, target: str, body: bytes
) -> None:
    answer = trunkline.call("POST", target, body, {"content-type": "application/json"})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.json["correlationId"] == answer.field("x-correlation-id")
    assert trunkline.recorded(answer).end.code == "invalid_request"
    assert simulator.ledger() == []


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    "body", [b'{"model":"gpt-4o-mini","messages":"\xff\xfe"}', b'{"model":"gpt-4o-mini"}{"model":"gpt-4o"}']
)
def test_a_body_with_a_clear_model_and_nonsense_elsewhere_is_the_vendors_to_judge(
    trunkline: Trunkline, simulator: SimulatorProcess, body: bytes
) -> None:
    answer = trunkline.call("POST", CHAT, body)

    assert (answer.status, answer.json["code"], answer.json["source"]) == (400, "invalid_request", "openai")
    assert len(simulator.ledger()) == 1


def test_deep_nesting_is_harmless(trunkline: Trunkline) -> None:
    deep = b'{"model":"gpt-4o-mini","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert trunkline.call("POST", CHAT, deep, {"content-type": "application/json"}).status == 400
    assert trunkline.call("GET", "/health/live", key="").status == 200


@pytest.mark.row("A1", "P1")
def test_a_10_mb_image_with_its_model_at_the_end_arrives_whole_and_renamed(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    body = image_chat(10 * MB)
    answer = trunkline.call("POST", CHAT, body, {"content-type": "application/json"})
    sent = body.replace(b'"openai/gpt-4o-mini"', b'"gpt-4o-mini"')

    assert answer.status == 200, answer.body[:500]
    [seen] = simulator.ledger()
    assert (seen.bytes_in, seen.body_sha256) == (len(sent), sha256(sent).hexdigest()[:16])
    assert trunkline.recorded(answer).begin.bytes_in > 0


@pytest.mark.parametrize("size", [300 << 10, MB - 200, MB + 200, 3 * MB])
@pytest.mark.parametrize("model", ["gpt-4o-mini", "openai/gpt-4o-mini", "fast"])
def test_a_body_of_any_size_keeps_every_byte_but_the_models_name(
    trunkline: Trunkline, simulator: SimulatorProcess, size: int, model: str
) -> None:
    body = image_chat(size, model=model)
    answer = trunkline.call("POST", CHAT, body, {"content-type": "application/json"})
    sent = body.replace(f'"model":"{model}"'.encode(), b'"model":"gpt-4o-mini"')

    assert answer.status == 200, answer.body[:500]
    assert simulator.ledger()[0].body_sha256 == sha256(sent).hexdigest()[:16]


@pytest.mark.parametrize("size", [300 << 10, 3 * MB])
def test_a_big_body_with_two_models_is_refused(
    trunkline: Trunkline, simulator: SimulatorProcess, size: int
) -> None:
    body = b'{"model":"gpt-4o-mini",' + image_chat(size)[1:]
    answer = trunkline.call("POST", CHAT, body, {"content-type": "application/json"})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert [entry.outcome for entry in simulator.ledger() if entry.acted] == []


@pytest.mark.row("P1")
@pytest.mark.parametrize("pieces", [[b"amount=100"], [b"amount", b"=100"], [b"x" * MB] * 3])
def test_a_chunked_upload_arrives_whole(trunkline: Trunkline, site: Site, pieces: list[bytes]) -> None:
    with Line(trunkline.port) as line:
        headers = {"authorization": f"Bearer {trunkline.key}", "transfer-encoding": "chunked"}
        line.send(request("POST", "/api/proxy/site/upload", headers) + chunked(*pieces))
        answer = line.answer("POST")

    assert answer.status == 200
    assert site.last.body == b"".join(pieces)


@pytest.mark.row("P1")
def test_a_chunked_model_call_is_served(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    body = image_chat(2 * MB)
    with Line(trunkline.port) as line:
        headers = {"authorization": f"Bearer {trunkline.key}", "transfer-encoding": "chunked"}
        cut = [body[i : i + 65536] for i in range(0, len(body), 65536)]
        line.send(request("POST", CHAT, headers) + chunked(*cut))
        answer = line.answer("POST")

    assert answer.status == 200, answer.body[:300]
    assert simulator.ledger()[0].bytes_in == len(body) - len("openai/")


@pytest.mark.row("P1")
def test_who_asks_first_is_told_to_go_on(trunkline: Trunkline, site: Site) -> None:
    with Line(trunkline.port) as line:
        head = {"authorization": f"Bearer {trunkline.key}", "content-length": "5", "expect": "100-continue"}
        line.send(request("POST", "/api/proxy/site/upload", head))
        assert line.sock.recv(100).startswith(b"HTTP/1.1 100")
        line.send(b"hello")
        answer = line.answer("POST")

    assert (answer.status, site.last.body) == (200, b"hello")
    assert site.last.field("expect") is None


@pytest.mark.row("P1")
def test_a_page_becomes_a_pdf(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    page = b"<!doctype html><h1>Invoice 7</h1>" + b"<p>line</p>" * 20_000
    parts = (
        b'--cut\r\ncontent-disposition: form-data; name="files"; filename="index.html"\r\n'
        b"content-type: text/html\r\n\r\n" + page + b"\r\n--cut--\r\n"
    )
    answer = trunkline.call(
        "POST",
        "/api/proxy/gotenberg/forms/chromium/convert/html",
        parts,
        {"content-type": "multipart/form-data; boundary=cut"},
    )

    assert (answer.status, answer.field("content-type")) == (200, "application/pdf")
    assert answer.body.startswith(b"%PDF-")
    assert simulator.ledger()[0].bytes_in == len(parts)


def oversized(trunkline: Trunkline, *fields: tuple[str, str]) -> Answer:
    with Line(trunkline.port) as line:
        line.send(request("POST", CHAT, [("authorization", f"Bearer {trunkline.key}"), *fields]))
        return line.answer("POST")


@pytest.mark.row("E1")
def test_a_body_over_100_mb_is_refused_before_it_is_sent(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = oversized(trunkline, ("content-length", str(100 * MB + 1)))

    assert (answer.status, answer.json["code"]) == (413, "request_too_large")
    assert answer.json["correlationId"] == answer.field("x-correlation-id")
    assert simulator.ledger() == []


@pytest.mark.row("E1")
def test_big_uploads_do_not_grow_the_gateway(trunkline: Trunkline, site: Site) -> None:
    body = b"x" * (24 * MB)
    before = trunkline.memory_kb
    answer = trunkline.call("PUT", "/api/proxy/site/blob", body)

    assert answer.status == 200
    assert len(site.last.body) == len(body)
    assert trunkline.memory_kb - before < 12_000


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([("x-big", "a" * 40_000)], 431),
        ([(f"x-{n}", "1") for n in range(150)], 431),
    ],
)
def test_huge_heads_are_refused(
    trunkline: Trunkline, site: Site, fields: list[tuple[str, str]], status: int
) -> None:
    answer = trunkline.call("GET", "/api/proxy/site/x", headers=fields)

    assert (answer.status, answer.json["source"], answer.json["code"]) == (
        status,
        "trunkline",
        "invalid_request",
    )
    assert answer.field("x-correlation-id")
    assert site.seen == []


def test_a_target_that_is_too_long_is_refused(trunkline: Trunkline, site: Site) -> None:
    answer = trunkline.call("GET", "/api/proxy/site/" + "x" * 9000)

    assert (answer.status, answer.json["code"], site.seen) == (414, "invalid_request", [])


def test_an_upload_that_breaks_off_reaches_nobody_as_a_whole(trunkline: Trunkline, site: Site) -> None:
    with Line(trunkline.port) as line:
        headers = {"authorization": f"Bearer {trunkline.key}", "content-length": "1000"}
        line.send(request("POST", "/api/proxy/site/upload", headers) + b"x" * 500)

    assert trunkline.call("GET", "/api/proxy/site/after").status == 200
    assert [seen.line for seen in site.seen] == ["GET /base/after HTTP/1.1"]


def test_values_of_every_kind_survive(trunkline: Trunkline, site: Site) -> None:
    value: dict[str, Any] = {"n": None, "f": 1.0, "big": 2**63, "text": "\u0000\u2028é", "list": [[], {}]}
    trunkline.call("POST", "/api/proxy/site/search", value)

    assert site.last.body == json.dumps(value).encode()
