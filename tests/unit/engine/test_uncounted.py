"""Usage that no vendor told is guessed and flagged, so that no answer of a priced model is free."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.ports import Reading
from trunkline.engine.uncounted import MARKS, note
from trunkline.testing import Trial, cuts, streams
from trunkline.testing.script import answers

PATH = "/v1/chat/completions"
ASKED = json.dumps({"model": "acme/tiny", "messages": [{"role": "user", "content": "x" * 400}]}).encode()
STREAMED = ASKED[:-1] + b',"stream":true}'
INPUT = (len(STREAMED) - 5) // 4
"""The vendor knows the model by a name that is five bytes shorter."""
DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'


def event(text: str) -> bytes:
    chunk = {"id": "c" * 170, "model": "tiny-1", "choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def said(trial: Trial) -> tuple[str, int, int, bool]:
    (end,) = trial.ends
    return end.state, end.input_tokens, end.output_tokens, end.usage_estimated


@pytest.mark.row("O1", "O2")
async def test_a_stream_without_usage_is_counted_by_its_events() -> None:
    trial = Trial(streams(*[event("word")] * 10, DONE))
    await trial.ask("POST", PATH, STREAMED)
    assert said(trial) == ("ok", INPUT, 11, True)
    assert trial.ends[0].cost_usd == pytest.approx((INPUT * 1.0 + 11 * 2.0) / 1e6)


async def test_a_vendor_that_sends_much_at_once_is_counted_by_its_bytes() -> None:
    trial = Trial(streams(event("word " * 400), DONE))
    await trial.ask("POST", PATH, STREAMED)
    assert said(trial)[2] == 500


async def test_usage_that_was_told_stands() -> None:
    trial = Trial(streams(*[event("word")] * 10, USAGE, DONE))
    await trial.ask("POST", PATH, STREAMED)
    assert said(trial) == ("ok", 3, 2, False)


@pytest.mark.row("F6", "O2")
async def test_what_came_of_a_stream_that_broke_off_is_paid_for() -> None:
    trial = Trial(cuts(*[event("word")] * 10))
    await trial.ask("POST", PATH, STREAMED)
    assert said(trial) == ("truncated", INPUT, 10, True)


@pytest.mark.row("F6", "O2")
async def test_so_is_what_came_before_the_caller_hung_up() -> None:
    trial = Trial(streams(*[event("word")] * 10, end=False))
    heard = trial.begin("POST", PATH, STREAMED)
    await trial.turn()
    heard.hang_up()
    await trial.until(lambda: not trial.gateway.running)
    assert said(trial) == ("cancelled", INPUT, 10, True)
    assert trial.ends[0].cost_usd > 0


async def test_a_reply_without_usage_is_counted_by_its_bytes() -> None:
    body = json.dumps({"model": "tiny-1", "choices": [{"message": {"content": "x" * 1200}}]}).encode()
    trial = Trial(answers(200, body))
    await trial.ask("POST", PATH, ASKED)
    assert said(trial) == ("ok", (len(ASKED) - 5) // 4, (len(body) - 300) // 4, True)


CHAT, MESSAGES, RESPONSES, GEMINI = "openai-chat", "anthropic-messages", "openai-responses", "gemini-generate"
REPLIES: dict[str, tuple[str, str, dict[str, object]]] = {
    CHAT: (PATH, "usage", {"choices": [{"message": {"content": "x" * 1200}}]}),
    MESSAGES: (
        "/v1/messages",
        "usage",
        {"type": "message", "content": [{"type": "text", "text": "x" * 1200}]},
    ),
    RESPONSES: ("/v1/responses", "usage", {"status": "completed", "output": [{"text": "x" * 1200}]}),
    GEMINI: (
        "/v1beta/models/acme%2Ftiny:generateContent",
        "usageMetadata",
        {"candidates": [{"content": {"parts": [{"text": "x" * 1200}]}}]},
    ),
}
GUESS = -1
"""In the place of a figure: more than 200 output tokens, or more than 100 input tokens, guessed from bytes."""


@pytest.mark.row("O1", "O2", "A4")
@pytest.mark.parametrize(
    ("dialect", "usage", "told"),
    [
        (CHAT, {"prompt_tokens": 10}, (10, GUESS)),
        (CHAT, {"prompt_tokens": 10, "completion_tokens": None}, (10, GUESS)),
        (CHAT, {"prompt_tokens": 10, "total_tokens": 30}, (10, 20)),
        (CHAT, {"prompt_tokens": 10, "total_tokens": 10}, (10, 0)),
        (CHAT, {"completion_tokens": 20, "total_tokens": 30}, (10, 20)),
        (CHAT, {"completion_tokens": 20}, (GUESS, 20)),
        (CHAT, {"total_tokens": 30}, (30, GUESS)),
        (CHAT, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (GUESS, GUESS)),
        (CHAT, {"prompt_tokens": 10, "completion_tokens": 0}, (10, 0)),
        (MESSAGES, {"input_tokens": 10}, (10, GUESS)),
        (MESSAGES, {"output_tokens": 20}, (GUESS, 20)),
        (RESPONSES, {"input_tokens": 10}, (10, GUESS)),
        (RESPONSES, {"input_tokens": 10, "total_tokens": 30}, (10, 20)),
        (GEMINI, {"promptTokenCount": 10}, (10, GUESS)),
        (GEMINI, {"promptTokenCount": 10, "totalTokenCount": 10}, (10, 0)),
        (GEMINI, {"promptTokenCount": 10, "thoughtsTokenCount": 4, "totalTokenCount": 30}, (10, 20)),
        (GEMINI, {"candidatesTokenCount": 20, "totalTokenCount": 30}, (10, 20)),
    ],
)
async def test_usage_that_lacks_a_figure_makes_no_part_of_an_answer_free(
    dialect: str, usage: dict[str, object], told: tuple[int, int]
) -> None:
    path, member, reply = REPLIES[dialect]
    trial = Trial(answers(200, json.dumps({"model": "tiny-1", **reply, member: usage}).encode()))
    await trial.ask("POST", path, ASKED)
    end = trial.ends[0]
    guessed = (
        GUESS if end.input_tokens > 100 else end.input_tokens,
        GUESS if end.output_tokens > 200 else end.output_tokens,
    )
    assert (guessed, end.usage_estimated) == (told, GUESS in told)
    assert end.cost_usd == pytest.approx((end.input_tokens * 1.0 + end.output_tokens * 2.0) / 1e6)


@pytest.mark.row("O1")
async def test_a_stream_that_tells_its_input_alone_is_not_free_either() -> None:
    half = event("word")[:-3] + b',"usage":{"prompt_tokens":3}}\n\n'
    trial = Trial(streams(*[half] * 10, DONE))
    await trial.ask("POST", PATH, STREAMED)
    assert said(trial) == ("ok", 3, 11, True)


async def test_a_model_without_a_price_is_left_unknown() -> None:
    trial = Trial(streams(event("word"), DONE))
    await trial.ask("POST", PATH, STREAMED.replace(b"acme/tiny", b"acme/nova"))
    assert said(trial) == ("ok", -1, -1, False)
    assert trial.ends[0].cost_usd == -1


@pytest.mark.parametrize(
    ("block", "events", "text"),
    [
        (b'data: {"content":"abcd"}\n\ndata: {"content": "ef"}\n\n', 2, 6),
        (b'data: {"content":null}\n\ndata: {"content":""}\n\ndata: [DONE]\n\n', 3, 0),
        (b'data: {"content":"a\\"b"}\n\n', 1, 2),
        (b'data: {"content":', 1, 0),
        (b": ping\n\n", 0, 0),
    ],
)
def test_events_and_their_text_are_noted(block: bytes, events: int, text: int) -> None:
    reading = Reading()
    note(reading, block, MARKS["openai-chat"])
    assert (reading.events, reading.text) == (events, text)


@given(st.binary(max_size=200), st.sampled_from([*MARKS.values(), b""]))
def test_no_bytes_make_it_fail_or_hang(block: bytes, mark: bytes) -> None:
    reading = Reading()
    note(reading, mark + block + mark + b'"' + block, mark)
    assert 0 <= reading.text <= 2 * len(block) + 2 * len(mark)
