"""One declared answer, read by callers of every dialect, whole and streamed: whole calls through a gateway in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.flow import Fallback, Retry
from trunkline.engine.declared import dialect_of
from trunkline.testing import Heard, Trial, answers, service

pytestmark = pytest.mark.row("F4", "A2")
SAID = {"role": "assistant", "content": "Später."}
SORRY = {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop", "message": SAID}]}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Später."}], "stop_reason": "end_turn"}  # fmt: skip
CANDIDATE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Später."}]}, "finishReason": "STOP"}]}  # fmt: skip
BUSY = answers(503, b'{"error":{"message":"busy"}}')
ASKED = [{"role": "user", "content": "hi"}]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai-chat": ("/v1/chat/completions", {"messages": ASKED}),
    "openai-responses": ("/v1/responses", {"input": "hi"}),
    "anthropic-messages": ("/v1/messages", {"messages": ASKED, "max_tokens": 9}),
    "gemini-generate": ("/v1beta/models/acme%2Ftiny:", {"contents": [{"parts": [{"text": "hi"}]}]}),
}


async def asked(dialect: str, body: Any, *, stream: bool = False, kind: Any = "static") -> Heard:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    trial = Trial(
        BUSY, services=[service(retry=Retry(attempts=1), fallback=[Fallback(kind=kind, body=text)])]
    )
    path, call = CALLS[dialect]
    if dialect == "gemini-generate":
        path += "streamGenerateContent?alt=sse" if stream else "generateContent"
    else:
        call = {"model": "acme/tiny", **call, **({"stream": True} if stream else {})}
    return await trial.ask("POST", path, json.dumps(call).encode())


def text_of(dialect: str, body: Any) -> str:
    """Where each dialect's whole answer has its text."""
    if dialect == "openai-chat":
        return str(body["choices"][0]["message"]["content"])
    if dialect == "anthropic-messages":
        return str(body["content"][0]["text"])
    if dialect == "gemini-generate":
        return str(body["candidates"][0]["content"]["parts"][0]["text"])
    return str(body["output"][0]["content"][0]["text"])


@pytest.mark.parametrize("declared", [SORRY, MESSAGE, CANDIDATE], ids=["chat", "messages", "gemini"])
@pytest.mark.parametrize("dialect", CALLS)
async def test_every_caller_gets_an_answer_of_its_own_dialect(dialect: str, declared: Any) -> None:
    heard = await asked(dialect, declared)
    assert (heard.status, heard.field(b"content-type")) == (200, b"application/json")
    assert heard.field(b"x-trunkline-fallback") == b"static"
    assert text_of(dialect, json.loads(heard.body)) == "Später."


ENDS = {
    "openai-chat": "data: [DONE]\n\n",
    "openai-responses": "event: response.completed\n",
    "anthropic-messages": "event: message_stop\n",
    "gemini-generate": '"finishReason":"STOP"',
}


@pytest.mark.parametrize("dialect", CALLS)
async def test_who_reads_a_stream_gets_one_with_its_proper_end(dialect: str) -> None:
    heard = await asked(dialect, SORRY, stream=True)
    assert (heard.status, heard.field(b"content-type")) == (200, b"text/event-stream")
    assert "Später." in heard.body.decode()
    assert ENDS[dialect] in heard.body.decode()


async def test_an_answer_in_the_callers_own_form_passes_letter_by_letter() -> None:
    text = json.dumps(SORRY, indent=3)
    heard = await asked("openai-chat", text)
    assert (heard.body.decode(), heard.field(b"x-trunkline-translation")) == (text, None)


@pytest.mark.parametrize("body", [{"rates": []}, [], "x", {"choices": [3]}, {"choices": "none"}])
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_no_models_answer_passes_too(body: Any, stream: bool) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert (await asked("openai-chat", text, stream=stream)).body.decode() == text


async def test_placeholders_are_filled_before() -> None:
    body = json.loads(json.dumps(SORRY).replace("Sp\\u00e4ter.", "{{ code }}"))
    heard = await asked("anthropic-messages", body, kind="template")
    assert json.loads(heard.body)["content"][0]["text"] == "overloaded"


def test_a_dialect_is_known_by_its_own_member() -> None:
    bodies = [SORRY, MESSAGE, CANDIDATE, {"object": "response"}, {"type": "message"}, {}]
    found = [dialect_of(json.dumps(body).encode()) for body in bodies]
    assert found == ["openai-chat", "anthropic-messages", "gemini-generate", "openai-responses", "", ""]
