"""Streams: the vendor's bytes as they come, a proper end or none, and nothing left behind when somebody goes away."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import pytest

from tests.support.caller import Cut, Line, events, request
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import CLOSE, RESET, SILENCE, Site

MESSAGES = [{"role": "user", "content": "Tell me a story"}]
CHAT = ("/v1/chat/completions", {"model": "gpt-4o-mini", "stream": True, "messages": MESSAGES})
RESPONSES = ("/v1/responses", {"model": "gpt-4o-mini", "stream": True, "input": "Tell me a story"})
CLAUDE = (
    "/v1/messages",
    {"model": "claude-haiku-4-5", "max_tokens": 99, "stream": True, "messages": MESSAGES},
)
GEMINI = (
    "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    {"contents": [{"parts": [{"text": "Tell me a story"}]}]},
)
DIALECTS = [CHAT, RESPONSES, CLAUDE, GEMINI]
NAMES = ["chat", "responses", "claude", "gemini"]
dialects = pytest.mark.parametrize(("target", "body"), DIALECTS, ids=NAMES)

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
TINY = {"model": "tiny", "stream": True, "messages": MESSAGES}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def delta(text: str) -> bytes:
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": None}]
    return b"data: " + json.dumps({"id": "1", "model": "tiny-1", "choices": choices}).encode() + b"\n\n"


LAST = b'data: {"id":"1","model":"tiny-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.row("P1", "A1")
@dialects
def test_a_stream_ends_well_and_is_recorded_with_its_usage(
    trunkline: Trunkline, target: str, body: dict[str, Any]
) -> None:
    asked = {**body, "stream_options": {"include_usage": True}} if target == CHAT[0] else body
    answer = trunkline.call("POST", target, asked)
    end = trunkline.recorded(answer).end

    assert (answer.status, (answer.field("content-type") or "").split(";")[0]) == (200, "text/event-stream")
    assert len(events(answer.body)) > 3
    assert (end.state, end.status, end.bytes_out) == ("ok", 200, len(answer.body))
    assert end.input_tokens > 0
    assert end.output_tokens > 0
    assert end.cost_usd > 0
    assert end.first_byte_us > 0


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    "pieces",
    [
        (delta("a") + delta("b") + LAST + DONE,),
        (delta("a"), delta("b"), LAST, DONE),
        (b": keep-alive\n\n", delta("caf\u00e9 \U0001f642"), b": ping\n\n", LAST, DONE),
        (delta("x")[:7], delta("x")[7:31], delta("x")[31:] + LAST[:9], LAST[9:] + DONE),
        ((delta("a") + LAST + DONE).replace(b"\n", b"\r\n"),),
        ((delta("a") + LAST + DONE).replace(b"\n", b"\r"),),
        (b"event: made_up\nid: 7\nretry: 10\ndata: 1\ndata: 2\n\n", delta("a"), LAST, DONE),
        (delta("n" * 200_000), LAST, DONE),
    ],
)
def test_every_byte_of_a_stream_passes_unchanged(
    trunkline: Trunkline, site: Site, pieces: tuple[bytes, ...]
) -> None:
    site.script.append((HEAD, *(chunk(piece) for piece in pieces), b"0\r\n\r\n"))
    answer = trunkline.call("POST", "/v1/chat/completions", TINY)

    assert answer.body == b"".join(pieces)
    assert trunkline.recorded(answer).end.state == "ok"


@pytest.mark.row("P1")
def test_events_arrive_as_the_vendor_sends_them_not_at_the_end(trunkline: Trunkline, site: Site) -> None:
    site.script.append((HEAD, chunk(delta("first")), SILENCE))
    with trunkline.stream("POST", "/v1/chat/completions", TINY) as answer:
        assert answer.status == 200
        assert answer.until(b"\n\n") == delta("first")


@pytest.mark.row("P1")
def test_a_plain_event_stream_of_any_api_passes_unread(trunkline: Trunkline, site: Site) -> None:
    odd = b'data: {"error": "this is content here"}\n\ndata: no end'
    site.script.append((HEAD, chunk(odd), b"0\r\n\r\n"))
    answer = trunkline.call("GET", "/api/proxy/site/feed")

    assert (answer.status, answer.body) == (200, odd)
    assert trunkline.recorded(answer).end.state == "ok"


@pytest.mark.row("F1", "E2")
@dialects
def test_an_error_before_any_content_is_an_ordinary_failure(
    trunkline: Trunkline, simulator: SimulatorProcess, target: str, body: dict[str, Any]
) -> None:
    simulator.fault("error_after", args={"events": 0, "error": "invalid"})
    answer = trunkline.call("POST", target, body)

    assert answer.field("content-type") == "application/json"
    assert answer.json["code"] == "invalid_request"
    assert trunkline.recorded(answer).end.state == "error"


@pytest.mark.row("F1")
def test_an_error_before_any_content_is_tried_again(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("error_after", args={"events": 0, "error": "server_error"}, times=1)
    answer = trunkline.call("POST", *CHAT)

    assert (answer.status, answer.field("x-trunkline-attempts")) == (200, "2")
    assert events(answer.body)[-1] == "[DONE]"
    assert trunkline.recorded(answer).codes == ["server_error", ""]


@pytest.mark.row("F7")
@pytest.mark.parametrize("fault", ["error_first", "reset_mid", "fin_mid"])
@pytest.mark.parametrize("name", ["chat", "responses", "claude"])
def test_a_stream_that_fails_after_its_opening_alone_is_made_good_unseen(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, name: str
) -> None:
    target, body = DIALECTS[NAMES.index(name)]
    simulator.fault(fault, args={"events": 1}, times=2)
    answer = trunkline.call("POST", target, body)
    whole = trunkline.call("POST", target, body)

    assert (answer.status, answer.field("x-trunkline-attempts"), answer.body) == (200, "3", whole.body)
    end = trunkline.recorded(answer).end
    assert (end.state, [code != "" for code in trunkline.recorded(answer).codes]) == (
        "ok",
        [True, True, False],
    )
    assert end.output_tokens == trunkline.recorded(whole).end.output_tokens


@pytest.mark.row("F7", "E2")
@pytest.mark.parametrize("fault", ["error_after", "reset_mid", "fin_mid", "fin_mid_chunk", "truncate"])
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_that_fails_in_the_middle_ends_with_an_error_of_its_dialect(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, name: str
) -> None:
    target, body = DIALECTS[NAMES.index(name)]
    simulator.fault(fault)
    answer = trunkline.call("POST", target, body)
    told = events(answer.body)
    error = told[-1]["error"]
    end = trunkline.recorded(answer).end

    assert answer.status == 200
    assert len(told) >= 2
    assert "[DONE]" not in told
    assert error["correlationId"] == answer.field("x-correlation-id")
    assert (error["source"], error["retryable"]) == (end.source, True)
    assert error["message"]
    assert end.state == "truncated"
    assert end.code in ("overloaded", "network")
    assert len(simulator.ledger()) == 1
    if name in ("responses", "claude"):
        assert b"event: error\n" in answer.body


@pytest.mark.row("F7")
def test_other_streams_that_break_are_visibly_cut(trunkline: Trunkline, site: Site) -> None:
    site.script.append((HEAD, chunk(b"data: 1\n\n"), RESET))
    with (
        trunkline.stream("GET", "/api/proxy/site/feed") as answer,
        pytest.raises(Cut),
    ):
        answer.rest()
    assert trunkline.recorded(answer).end.state == "truncated"


@pytest.mark.row("F7")
def test_a_download_that_breaks_is_visibly_cut(trunkline: Trunkline, site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/pdf\r\ncontent-length: 900000\r\n\r\n"
    site.script.append((head, b"%PDF-" + b"x" * 400_000, CLOSE))
    with trunkline.stream("GET", "/api/proxy/site/big.pdf") as answer:
        assert answer.field("content-length") == "900000"
        with pytest.raises(Cut):
            answer.whole()
    assert trunkline.recorded(answer).end.state == "truncated"


@pytest.mark.row("F6")
@dialects
def test_a_caller_who_hangs_up_ends_the_vendors_stream(
    trunkline: Trunkline, simulator: SimulatorProcess, target: str, body: dict[str, Any]
) -> None:
    simulator.latency(per_chunk_ms=20, chunks=5000)
    with trunkline.stream("POST", target, body) as answer:
        answer.piece()
        answer.hang_up()

    gone = eventually(lambda: [e for e in simulator.ledger() if e.client_gone_at], "the vendor's end")
    end = trunkline.recorded(answer).end
    assert [entry.outcome for entry in gone] == ["client_gone"]
    assert (end.state, end.code, len(end.tried)) == ("cancelled", "cancelled", 1)


@pytest.mark.row("F6")
@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("method", "state"), [("GET", "cancelled"), ("POST", "outcome_unknown")])
def test_a_caller_who_hangs_up_while_waiting_cancels_the_call(
    trunkline: Trunkline, simulator: SimulatorProcess, reset: bool, method: str, state: str
) -> None:
    """An act that was sent may have happened all the same, and the record says so (F2)."""
    simulator.fault("never")
    name = f"hang-up-{reset}-{method}"
    with Line(trunkline.port) as line:
        headers = {"authorization": f"Bearer {trunkline.key}", "x-correlation-id": name}
        line.send(request(method, "/api/proxy/crm/items", headers, b"{}"))
        eventually(
            lambda: [e for e in simulator.ledger() if e.outcome == "running"], "the call at the vendor"
        )
        if reset:
            line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")
    call = trunkline.recorded(name)
    assert (call.end.state, call.end.code, call.end.status) == (state, "cancelled", 0)
    assert len(simulator.ledger()) == 1


@pytest.mark.row("F6")
def test_a_caller_who_hangs_up_between_attempts_causes_no_further_one(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("rate_limit", args={"retry_after_ms": 3000})
    with Line(trunkline.port) as line:
        headers = {"authorization": f"Bearer {trunkline.key}", "x-correlation-id": "gone-between"}
        line.send(request("GET", "/api/proxy/openai/v1/models", headers))
        eventually(lambda: [e for e in simulator.ledger() if e.outcome == "answered"], "the first attempt")

    call = trunkline.recorded("gone-between")
    assert (call.end.state, len(call.end.tried), len(simulator.ledger())) == ("cancelled", 1, 1)


@pytest.mark.row("P1")
def test_a_slow_reader_holds_the_vendor_back_and_not_the_gateways_memory(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    before = trunkline.memory_kb
    total = 200 << 20
    with trunkline.stream("GET", f"/api/proxy/crm/bytes/{total}", receive_buffer=65536) as answer:
        answer.piece()

        def settled() -> bool:
            sent = simulator.ledger()[0].bytes_out
            return sent > 0 and sent == _later(simulator)

        eventually(settled, "the vendor to be held back")
        sent = simulator.ledger()[0].bytes_out
        grown = trunkline.memory_kb - before

    assert sent < total / 4
    assert grown < 8_000


def _later(simulator: SimulatorProcess) -> int:
    """What was sent after fifty further looks."""
    for _ in range(50):
        sent = simulator.ledger()[0].bytes_out
    return sent


@pytest.mark.row("P1")
def test_a_reader_that_was_slow_gets_everything_in_the_end(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    total = 20 << 20
    with trunkline.stream("GET", f"/api/proxy/crm/bytes/{total}", receive_buffer=65536) as answer:
        eventually(lambda: simulator.ledger()[0].bytes_out == _later(simulator), "the vendor to be held back")
        got = sum(len(piece) for piece in iter(answer.piece, b""))

    assert got == total
    assert trunkline.recorded(answer).end.bytes_out == total
