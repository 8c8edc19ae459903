"""What comes out of the goldens is what the vendors publish: requests and answers validate against the types of their own SDKs."""

from __future__ import annotations

import json
import struct
from base64 import b64decode
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParams
from google.genai.types import EmbedContentResponse, GenerateContentResponse
from openai.types import CreateEmbeddingResponse, EmbeddingCreateParams
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.golden.translation.ollama_types import Answer, Vectors
from tests.golden.translation.play import CASES, NAMED_EVENTS, Case, golden, pairs
from tests.golden.translation.vendors import VENDORS

pytestmark = pytest.mark.row("A2")

REQUESTS: dict[str, TypeAdapter[Any]] = {
    "openai-chat": TypeAdapter(CompletionCreateParams),
    "anthropic-messages": TypeAdapter(MessageCreateParams),
    "openai-embeddings": TypeAdapter(EmbeddingCreateParams),
}
REPLIES: dict[str, TypeAdapter[Any]] = {
    "openai-chat": TypeAdapter(ChatCompletion),
    "anthropic-messages": TypeAdapter(Message),
    "gemini-generate": TypeAdapter(GenerateContentResponse),
    "openai-responses": TypeAdapter(Response),
    "ollama-chat": TypeAdapter(Answer),
    "openai-embeddings": TypeAdapter(CreateEmbeddingResponse),
    "ollama-embed": TypeAdapter(Vectors),
    "gemini-embed": TypeAdapter(EmbedContentResponse),
}
EVENTS: dict[str, TypeAdapter[Any]] = {
    "openai-chat": TypeAdapter(ChatCompletionChunk),
    "anthropic-messages": TypeAdapter(RawMessageStreamEvent),
    "gemini-generate": TypeAdapter(GenerateContentResponse),
    "openai-responses": TypeAdapter(ResponseStreamEvent),
    "ollama-chat": TypeAdapter(Answer),
}
ASKED = [
    pytest.param(case, ingress, id=f"{case.name}-{ingress}")
    for case in CASES
    for ingress in dict(pairs(case))
]


def seen(value: Any) -> Any:
    """The whole value: what is declared as an iterable is validated only while it is read."""
    if isinstance(value, dict):
        return {name: seen(inner) for name, inner in value.items()}
    if isinstance(value, str | bytes | int | float | None) or not hasattr(value, "__iter__"):
        return value
    return [seen(inner) for inner in value]


def unpacked(body: Any) -> Any:
    """Vectors in base64 as numbers, which is how the SDK hands them on."""
    for row in body.get("data", []) if isinstance(body, dict) else []:
        if isinstance(row.get("embedding"), str):
            row["embedding"] = [one for (one,) in struct.iter_unpack("<f", b64decode(row["embedding"]))]
    return body


@pytest.mark.parametrize(("case", "ingress"), ASKED)
def test_requests_and_answers_are_as_published(case: Case, ingress: str) -> None:
    for name in [name for one, name in pairs(case) if one == ingress]:
        is_as_published(case, ingress, name)


def is_as_published(case: Case, ingress: str, name: str) -> None:
    told = json.loads(golden(case, ingress, name).read_text(encoding="utf-8"))
    vendor, looked = VENDORS[name].dialect, 0
    asked = told.get("vendor_gets", {}).get("body")
    if asked and vendor in REQUESTS:
        looked += bool(seen(REQUESTS[vendor].validate_python(asked)))
    answer = told.get("caller_gets", {})
    if answer.get("status") == 200 and ingress in REPLIES:
        looked += bool(seen(REPLIES[ingress].validate_python(unpacked(answer["body"]))))
    for event in told.get("streamed", {}).get("caller_gets", {}).get("events", []):
        data = event["data"] if ingress in NAMED_EVENTS else event
        if (
            ingress in EVENTS
            and isinstance(data, dict)
            and "error" not in data
            and data.get("type") != "ping"
        ):
            looked += bool(EVENTS[ingress].validate_python(data))
    assert looked or answer.get("status", 200) >= 400 or "error" in case.name
