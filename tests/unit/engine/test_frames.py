"""Streams of lines: whole lines go to the caller as they come, however they are cut; a failure and a cut are told from the end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.price import Price
from trunkline.core.service import Dialect, ErrorShape, Model
from trunkline.engine.frames import EVENTS, LINES, frames_of
from trunkline.testing import Heard, Play, Trial, answers, service, streams

NDJSON = (b"content-type", b"application/x-ndjson")
OLLAMA = service(
    "ollama",
    dialects=[Dialect(name="ollama-chat", path="/api/chat")],
    models=[Model(id="qwen3", price=Price(input=1.0, output=2.0))],
    error_shape=ErrorShape(message=["/error"]),
)
ASKED = json.dumps(
    {"model": "ollama/qwen3", "messages": [{"role": "user", "content": "hi"}], "stream": True}
).encode()
PROXIED = json.dumps({"model": "qwen3", "messages": [{"role": "user", "content": "hi"}]}).encode()
"""Ollama streams unless it is told not to."""


def line(content: str, **more: Any) -> bytes:
    said = {"model": "qwen3", "message": {"role": "assistant", "content": content}, "done": False, **more}
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


END = line("", done=True, done_reason="stop", prompt_eval_count=7, eval_count=2)
ERROR = b'{"error":"an error was encountered while running the model: CUDA error"}\n'


def comes(*pieces: bytes, cut: bool = False) -> Play:
    def play(sent: Any) -> None:
        sent.begin(200, NDJSON)
        for piece in pieces:
            sent.piece(piece)
        sent.cut() if cut else sent.end()

    return play


def words(heard: Heard) -> str:
    """What an OpenAI client reads of the stream."""
    events = [one[6:] for one in heard.body.decode().split("\n\n") if one.startswith("data: {")]
    chunks = [json.loads(one) for one in events]
    return "".join(
        chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk.get("choices")
    )


def told(trial: Trial) -> tuple[str, str, int, int, bool]:
    (end,) = trial.ends
    return end.state, end.code, end.input_tokens, end.output_tokens, end.usage_estimated


LINE_SOUP = st.lists(st.sampled_from([b"\n", b"\r\n", b"{}", b'{"a":"b"}', b"x"]), max_size=12).map(b"".join)


@given(LINE_SOUP, st.lists(st.integers(0, 60), max_size=8).map(sorted))
def test_lines_come_out_whole_however_they_are_cut(soup: bytes, cuts: list[int]) -> None:
    held, out = b"", []
    for start, end in zip([0, *cuts], [*cuts, len(soup)], strict=True):
        piece = soup[start:end]
        cut = LINES.boundary(held[-3:], piece)
        if cut > 0:
            out.append(held + piece[:cut])
            held = b""
        held += piece[max(cut, 0) :]
    whole, ended, rest = soup.rpartition(b"\n")
    assert b"".join(out) == whole + ended
    assert held == rest
    assert all(block.endswith(b"\n") for block in out)


def test_each_dialect_has_its_way() -> None:
    assert (frames_of("ollama-chat"), frames_of("openai-chat"), frames_of("")) == (LINES, EVENTS, EVENTS)


@pytest.mark.row("A1", "P1")
async def test_each_line_reaches_the_caller_as_soon_as_it_is_whole() -> None:
    trial = Trial(lambda sent: sent.begin(200, NDJSON), services=[OLLAMA])
    heard = trial.begin("POST", "/v1/chat/completions", ASKED)
    await trial.turn()
    sent = trial.wire.sent[0]
    seen = []
    for piece in (line("He"), line("l")[:-1], b"\n" + line("lo")[:9], line("lo")[9:]):
        sent.piece(piece)
        seen.append(words(heard))
    assert seen == ["He", "He", "Hel", "Hello"]
    sent.piece(END)
    sent.end()
    await trial.until(lambda: heard.whole)
    assert heard.field(b"content-type") == b"text/event-stream"
    assert told(trial) == ("ok", "", 7, 2, False)
    assert trial.ends[0].cost_usd == pytest.approx(11e-6)


@pytest.mark.row("A1", "P1")
async def test_a_proxied_stream_passes_byte_for_byte_and_its_usage_is_read() -> None:
    whole = line("He") + line("llo") + END
    trial = Trial(comes(*(whole[at : at + 1] for at in range(len(whole)))), services=[OLLAMA])
    heard = await trial.ask("POST", "/api/proxy/ollama/api/chat", PROXIED)
    assert (heard.body, heard.whole, heard.field(b"content-type")) == (whole, True, b"application/x-ndjson")
    assert told(trial) == ("ok", "", 7, 2, False)


@pytest.mark.row("A1", "P1")
@pytest.mark.parametrize("target", ["/api/chat", "/api/proxy/ollama/api/chat"])
async def test_it_streams_unless_it_is_told_not_to_also_when_all_comes_at_once(target: str) -> None:
    whole = line("He") + line("llo") + END
    trial = Trial(answers(200, whole, NDJSON), services=[OLLAMA])
    heard = await trial.ask("POST", target, PROXIED)
    assert (heard.status, heard.body, heard.whole) == (200, whole, True)
    assert told(trial) == ("ok", "", 7, 2, False)


@pytest.mark.row("A1", "A2")
@pytest.mark.parametrize("more", [{}, {"stream": None}, {"stream": True}])
async def test_who_speaks_ollama_gets_lines_of_any_vendor(more: dict[str, Any]) -> None:
    chunk = b'data: {"id":"c","model":"tiny-1","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
    done = b'data: {"id":"c","model":"tiny-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    trial = Trial(
        streams(chunk, done),
        services=[service(dialects=[Dialect(name="openai-chat", path="/v1/chat/completions")])],
    )
    asked = {"model": "acme/tiny", "messages": [{"role": "user", "content": "hi"}], **more}
    heard = await trial.ask("POST", "/api/chat", json.dumps(asked).encode())
    lines = [json.loads(one) for one in heard.body.splitlines()]
    assert heard.field(b"content-type") == b"application/x-ndjson"
    assert [(one["message"]["content"], one["done"]) for one in lines] == [("Hello", False), ("", True)]


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        (PROXIED, "", 401, "unauthenticated"),
        (b'{"model":"nope","messages":[]}', None, 404, "unknown_model"),
        (b'{"model":"acme/tiny","messages":[]}', None, 400, "invalid_request"),
        (b"{", None, 400, "invalid_request"),
    ],
)
async def test_refusals_are_told_in_its_own_words(
    body: bytes, key: str | None, status: int, code: str
) -> None:
    trial = Trial(services=[service()])
    heard = await trial.ask("POST", "/api/chat", body, **({} if key is None else {"key": key}))
    said = json.loads(heard.body)
    assert (heard.status, said["code"], said["error"]) == (status, code, said["message"])


@pytest.mark.row("E1", "F7")
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_line_with_an_error_ends_the_answer_as_a_failure(at_once: bool) -> None:
    pieces = [line("He") + ERROR] if at_once else [line("He"), ERROR[:9], ERROR[9:]]
    trial = Trial(comes(*pieces), services=[OLLAMA])
    heard = await trial.ask("POST", "/v1/chat/completions", ASKED)
    last = json.loads(heard.body.decode().strip().split("\n\n")[-1].removeprefix("data: "))
    assert words(heard) == "He"
    assert last["error"]["message"].endswith("CUDA error")
    assert told(trial)[:2] == ("truncated", "server_error")


@pytest.mark.row("E1", "F7")
@pytest.mark.parametrize("ending", [b"", b'{"model":"qwen3","mess'])
@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_without_its_last_line_is_a_cut_one(cut: bool, ending: bytes) -> None:
    trial = Trial(comes(line("He"), line("llo"), ending, cut=cut), services=[OLLAMA])
    heard = await trial.ask("POST", "/v1/chat/completions", ASKED)
    assert words(heard) == "Hello"
    assert b"[DONE]" not in heard.body
    assert told(trial)[0] == "truncated"
    assert told(trial)[4] is True


@pytest.mark.row("F7")
async def test_a_last_line_without_its_line_feed_counts() -> None:
    trial = Trial(comes(line("Hello"), END[:-1]), services=[OLLAMA])
    heard = await trial.ask("POST", "/v1/chat/completions", ASKED)
    assert (words(heard), b"[DONE]" in heard.body, told(trial)) == ("Hello", True, ("ok", "", 7, 2, False))


@pytest.mark.row("F1", "F7")
async def test_a_failure_before_any_word_is_made_good_by_another_attempt() -> None:
    trial = Trial(comes(line("") + ERROR), comes(line("Hello"), END), services=[OLLAMA])
    heard = await trial.ask("POST", "/v1/chat/completions", ASKED)
    assert (words(heard), trial.ends[0].state, len(trial.wire.sent)) == ("Hello", "ok", 2)


@pytest.mark.row("E1")
async def test_a_line_that_is_no_json_is_told_as_a_malformed_answer() -> None:
    trial = Trial(comes(line("He"), b'{"oops":,}\n', END), services=[OLLAMA])
    await trial.ask("POST", "/v1/chat/completions", ASKED)
    assert told(trial)[:2] == ("truncated", "malformed_response")


@pytest.mark.row("F6")
async def test_a_slow_caller_holds_the_vendor_back() -> None:
    trial = Trial(lambda sent: (sent.begin(200, NDJSON), sent.piece(line("He"))), services=[OLLAMA])
    heard = trial.begin("POST", "/v1/chat/completions", ASKED)
    await trial.turn()
    sent = trial.wire.sent[0]
    assert heard.flow is not None
    heard.flow(True)
    assert sent.held_back
    heard.hang_up()
    assert sent.dropped
    await trial.until(lambda: not trial.gateway.running)
    assert told(trial)[0] == "cancelled"
