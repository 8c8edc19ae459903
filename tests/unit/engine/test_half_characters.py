"""Texts that were cut within an emoji, as JavaScript writes them: no reason to refuse a call, or to call an answer broken and pay again."""

from __future__ import annotations

import json

import pytest

from trunkline.core.service import Dialect
from trunkline.testing import Trial, answers, service

HALF = rb"cut \ud83d"
ASKED = b'{"model":"acme/tiny","max_tokens":9,"messages":[{"role":"user","content":"' + HALF + b'"}]}'
CHAT = (
    b'{"id":"c","model":"tiny-1","choices":[{"index":0,"message":{"role":"assistant","content":"'
    + HALF
    + (b'"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}')
)
MESSAGE = (
    b'{"type":"message","id":"msg_1","role":"assistant","model":"tiny-1","stop_reason":"end_turn","content":[{"type":"text","text":"'
    + HALF + b'"}],"usage":{"input_tokens":1,"output_tokens":2}}'
)  # fmt: skip


@pytest.mark.row("A2")
@pytest.mark.parametrize(("path", "answer"), [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGE)])
async def test_in_one_dialect_they_pass_both_ways_unchanged(path: str, answer: bytes) -> None:
    trial = Trial(answers(200, answer))
    heard = await trial.ask("POST", path, ASKED)
    assert (heard.status, heard.body) == (200, answer)
    [sent] = trial.wire.sent
    assert sent.body == ASKED.replace(b"acme/tiny", b"tiny")
    assert (trial.ends[0].input_tokens, trial.ends[0].output_tokens) == (1, 2)


@pytest.mark.row("A2")
async def test_between_dialects_they_become_what_stands_for_the_unreadable_and_that_is_told() -> None:
    own = [Dialect(name="anthropic-messages", path="/v1/messages")]
    trial = Trial(answers(200, MESSAGE), services=[service(dialects=own)])
    heard = await trial.ask("POST", "/v1/chat/completions", ASKED)
    assert json.loads(trial.wire.sent[0].body)["messages"][0]["content"] == "cut \ufffd"
    assert json.loads(heard.body)["choices"][0]["message"]["content"] == "cut \ufffd"
    assert heard.field(b"x-trunkline-translation") == (
        b"openai-chat>anthropic-messages, changed messages (halves of characters)"
    )
