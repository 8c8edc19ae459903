"""Time limits: to connect, to the first byte, between two pieces, in all; each a normalized failure, none a hung call."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.caller import Cut, events
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import SILENCE, Site

pytestmark = pytest.mark.row("F6")

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
integrations:
  first: {{base_url: "{site}", auth: {{kind: none}}, timeout: {{first_byte: 300ms, connect: 300ms, idle: 9s, total: 9s}}}}
  idle: {{base_url: "{site}", auth: {{kind: none}}, timeout: {{first_byte: 9s, idle: 300ms, total: 9s}}}}
  total: {{base_url: "{site}", auth: {{kind: none}}, timeout: {{first_byte: 9s, idle: 9s, total: 400ms}}}}
  full: {{base_url: "http://127.0.0.1:{full}", auth: {{kind: none}}, timeout: {{connect: 300ms, total: 9s}}}}
  far: {{base_url: "http://127.0.0.1:{full}", auth: {{kind: none}}, timeout: {{connect: 9s, total: 9s}}}}
  drip: {{base_url: "{site}", auth: {{kind: none}}, timeout: {{slow_bytes: 1000, slow_for: 1s, idle: 9s, total: 9s}}}}
  slowop:
    base_url: "{site}"
    auth: {{kind: none}}
    operations: [{{name: quick, method: GET, path: /quick, timeout: 400ms}}]
  chat:
    base_url: "{site}"
    auth: {{kind: none}}
    timeout: {{first_byte: 9s, idle: 300ms, total: 9s}}
    dialects: [{{name: openai-chat, path: /v1/chat/completions}}]
    models: [{{id: tiny}}]
"""
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECE = b'data: {"model":"tiny","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)


@pytest.fixture(scope="module")
def full_listener() -> Iterator[int]:
    """A port whose queue of connections is full, so that connecting hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    waiting = []
    for _ in range(4):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(("127.0.0.1", port))
    yield port
    for sock in [*waiting, listener]:
        sock.close()


@pytest.fixture(scope="module")
def impatient(
    tmp_path_factory: pytest.TempPathFactory, site_process: Site, full_listener: int
) -> Iterator[Trunkline]:
    """A gateway that waits for nobody for long."""
    registry = REGISTRY.format(site=site_process.address, full=full_listener)
    with running_trunkline(tmp_path_factory.mktemp("impatient"), registry) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("/api/proxy/first/x", "timeout_upstream", "first sent no first byte within 0.3 s"),
        ("/api/proxy/total/x", "deadline_exceeded", "the call's time of 0.4 s was over"),
        ("/api/proxy/slowop/quick", "deadline_exceeded", "the call's time of 0.4 s was over"),
        ("/api/proxy/full/x", "network", "accepted no connection within"),
    ],
)
def test_a_silent_vendor_is_given_up_in_time(
    impatient: Trunkline, site: Site, target: str, code: str, told: str
) -> None:
    site.script.append(SILENCE)
    answer = impatient.call("GET", target)

    assert answer.json["code"] in (code, "timeout_upstream"), answer.body
    assert answer.status in (502, 504)
    assert told in answer.json["message"]
    assert answer.json["retryable"] is True
    assert impatient.recorded(answer).end.state == "error"


def test_the_vendor_is_let_go_when_its_time_is_over(impatient: Trunkline, site: Site) -> None:
    gone = site.gone
    site.script.append(SILENCE)
    impatient.call("GET", "/api/proxy/first/x")

    eventually(lambda: site.gone > gone, "the connection to the vendor to be closed")


def test_an_act_that_got_no_answer_in_time_has_an_unknown_outcome(impatient: Trunkline, site: Site) -> None:
    site.script.append(SILENCE)
    answer = impatient.call("POST", "/api/proxy/first/orders", b"{}")

    assert (answer.status, answer.json["code"]) == (502, "outcome_unknown")
    assert impatient.recorded(answer).end.state == "outcome_unknown"


def test_a_call_may_ask_for_less_time_never_for_more(impatient: Trunkline, site: Site) -> None:
    site.script.extend([SILENCE, SILENCE])
    less = impatient.call("GET", "/api/proxy/idle/x", headers={"x-trunkline-timeout": "0.25"})
    more = impatient.call("GET", "/api/proxy/total/x", headers={"x-trunkline-timeout": "3000"})

    assert [(a.status, a.json["code"]) for a in (less, more)] == [(504, "deadline_exceeded")] * 2
    assert ["0.25 s" in less.json["message"], "0.4 s" in more.json["message"]] == [True, True]


def test_a_model_stream_that_stalls_ends_with_an_error_event(impatient: Trunkline, site: Site) -> None:
    site.script.append((SSE, CHUNK, SILENCE))
    body = {"model": "chat/tiny", "stream": True, "messages": []}
    answer = impatient.call("POST", "/v1/chat/completions", body)
    told = events(answer.body)

    assert answer.body.startswith(PIECE)
    assert (told[-1]["error"]["code"], told[-1]["error"]["source"]) == ("timeout_upstream", "chat")
    assert "sent nothing for 0.3 s" in told[-1]["error"]["message"]
    assert impatient.recorded(answer).end.state == "truncated"


def test_a_download_that_stalls_is_visibly_cut(impatient: Trunkline, site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n"
    site.script.append((head + b"x" * 300_000, SILENCE))
    with (
        impatient.stream("GET", "/api/proxy/idle/big") as answer,
        pytest.raises(Cut),
    ):
        answer.whole()

    end = impatient.recorded(answer).end
    assert (end.state, end.code) == ("truncated", "timeout_upstream")


def test_a_body_that_stalls_before_anything_was_passed_on_is_an_ordinary_failure(
    impatient: Trunkline, site: Site
) -> None:
    site.script.append((b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n0123456789", SILENCE))
    answer = impatient.call("GET", "/api/proxy/idle/small")

    assert (answer.status, answer.json["code"]) == (504, "timeout_upstream")


def test_an_error_body_that_stalls_still_counts_as_the_error(impatient: Trunkline, site: Site) -> None:
    site.script.append((b"HTTP/1.1 404 Not Found\r\ncontent-length: 20\r\n\r\n0123456789", SILENCE))
    answer = impatient.call("GET", "/api/proxy/idle/small")

    assert (answer.status, answer.json["code"]) in [(404, "not_found"), (504, "timeout_upstream")]


def test_pings_keep_a_stream_alive_for_as_long_as_they_come(impatient: Trunkline, site: Site) -> None:
    ping = b"e\r\n: still here\n\n\r\n"
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    site.paced(0.1, SSE, *[ping] * 6, b"%x\r\n%b\r\n0\r\n\r\n" % (len(end), end))
    answer = impatient.call(
        "POST", "/v1/chat/completions", {"model": "chat/tiny", "stream": True, "messages": []}
    )

    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert impatient.recorded(answer).end.state == "ok"


def test_a_slow_vendor_is_slow_for_nobody_else(
    impatient: Trunkline, site: Site, simulator: SimulatorProcess
) -> None:
    site.script.append(SILENCE)
    with impatient.unanswered("GET", "/api/proxy/idle/x"):
        eventually(lambda: site.seen, "the slow call at the vendor")
        assert impatient.call("GET", "/api/proxy/idle/y").status == 200


@pytest.mark.parametrize(
    ("target", "header", "pieces", "told"),
    [
        ("/api/proxy/idle/x", "first-byte", (SILENCE,), "idle sent no first byte within 0.2 s"),
        ("/api/proxy/total/x", "first-byte", (SILENCE,), "total sent no first byte within 0.2 s"),
        ("/api/proxy/slowop/x", "idle", (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n0", SILENCE), "slowop sent nothing for 0.2 s"),
        ("/api/proxy/far/x", "connect", (), "accepted no connection within"),
    ],
)  # fmt: skip
def test_a_call_may_tighten_each_limit(
    impatient: Trunkline, site: Site, target: str, header: str, pieces: tuple[bytes, ...], told: str
) -> None:
    site.script.append(pieces)
    answer = impatient.call("GET", target, headers={f"x-trunkline-timeout-{header}": "0.2"})

    assert told in answer.json["message"]
    assert not [name for seen in site.seen for name in seen.names if name.startswith("x-trunkline")]


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1s"])
def test_a_limit_that_is_no_time_is_refused(impatient: Trunkline, site: Site, value: str) -> None:
    answer = impatient.call("GET", "/api/proxy/idle/x", headers={"x-trunkline-timeout-idle": value})

    assert (answer.status, answer.json["code"], site.seen) == (400, "invalid_request", [])
    assert "x-trunkline-timeout-idle takes a number above 0" in answer.json["message"]


def test_a_stream_that_drips_is_cut(impatient: Trunkline, site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    site.paced(0.1, head, *[b"1\r\nx\r\n"] * 30)
    with (
        impatient.stream("GET", "/api/proxy/drip/feed") as answer,
        pytest.raises(Cut),
    ):
        answer.rest()
    end = impatient.recorded(answer).end

    assert (end.state, end.message) == (
        "truncated",
        "drip streamed less than 1000 bytes per second over 1 s",
    )


def test_a_model_stream_owes_its_first_content_in_time(impatient: Trunkline, site: Site) -> None:
    role = b'data: {"model":"tiny","choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
    site.script.append((SSE, b"%x\r\n%b\r\n" % (len(role), role), SILENCE))
    body = {"model": "chat/tiny", "stream": True, "messages": []}
    headers = {"x-trunkline-timeout-first-byte": "0.2", "x-trunkline-timeout-idle": "9"}
    answer = impatient.call("POST", "/v1/chat/completions", body, headers)

    assert (answer.status, answer.json["code"]) == (504, "timeout_upstream")
    assert answer.field("content-type") == "application/json"
