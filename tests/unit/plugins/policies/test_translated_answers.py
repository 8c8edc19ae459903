"""Answers of other dialects that are kept: a repeat gets its own dialect's form again, and nobody gets another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cached import MINUTE
from tests.unit.plugins.policies.test_idempotency import KEY, Stage
from trunkline.core.service import Dialect, Model
from trunkline.testing import Heard, Play, Trial, answers, service, streams

pytestmark = pytest.mark.row("A2")

WORDS = [{"role": "user", "content": "Hi"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
CALLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("/v1/messages", {"model": "gpt/tiny", "max_tokens": 9, "messages": WORDS}),
    "responses": ("/v1/responses", {"model": "gpt/tiny", "input": "Hi"}),
    "gemini": ("/v1beta/models/gpt/tiny:generateContent", CONTENTS),
    "messages-stream": (
        "/v1/messages",
        {"model": "gpt/tiny", "max_tokens": 9, "stream": True, "messages": WORDS},
    ),
    "gemini-events": ("/v1beta/models/gpt/tiny:streamGenerateContent?alt=sse", CONTENTS),
    "gemini-array": ("/v1beta/models/gpt/tiny:streamGenerateContent", CONTENTS),
}
GPT = {
    "dialects": [Dialect(name="openai-chat", path="/v1/chat/completions")],
    "models": [Model(id="tiny")],
}
WHOLE = {
    "id": "c",
    "model": "tiny-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hey"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}
CHUNKS = (
    {"id": "c", "model": "tiny-1", "choices": [{"index": 0, "delta": {"content": "hey"}}]},
    {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"id": "c", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
)


def play(caller: str) -> Play:
    """What the vendor answers to this caller."""
    if caller.endswith(("stream", "events", "array")):
        events = (f"data: {json.dumps(one)}\n\n".encode() for one in CHUNKS)
        return streams(*events, b"data: [DONE]\n\n")
    return answers(200, json.dumps(WHOLE).encode())


async def ask(trial: Trial, caller: str, *headers: tuple[str, str]) -> Heard:
    target, body = CALLERS[caller]
    heard = await trial.ask("POST", target, json.dumps(body).encode(), *headers)
    assert heard.status == 200, heard.body
    return heard


@pytest.mark.row("F2")
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_repeat_gets_the_answer_that_its_first_call_got(tmp_path: Path, caller: str) -> None:
    stage = Stage(tmp_path / "answers")
    trial = stage.start(play(caller), services=[service("gpt", **GPT)])
    first, again = await ask(trial, caller, KEY), await ask(trial, caller, KEY)

    assert len(stage.sent) == 1
    assert again.body == first.body
    assert b"hey" in again.body
    for name in (b"content-type", b"x-trunkline-translation"):
        assert again.field(name) == first.field(name) is not None
    assert again.field(b"x-trunkline-idempotent-replay") == b"true"


@pytest.mark.row("F11")
async def test_each_dialect_and_each_framing_keeps_its_own_answer() -> None:
    trial = Trial(*(play(caller) for caller in CALLERS), services=[service("gpt", cache=MINUTE, **GPT)])
    first = {caller: await ask(trial, caller) for caller in CALLERS}
    again = {caller: await ask(trial, caller) for caller in CALLERS}

    assert len(trial.wire.sent) == len(CALLERS)
    assert {name: heard.body for name, heard in again.items()} == {
        name: heard.body for name, heard in first.items()
    }
    assert len({heard.body for heard in first.values()}) == len(CALLERS)
