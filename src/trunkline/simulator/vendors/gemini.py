"""Gemini: generateContent, streamGenerateContent (events or a JSON array), embedContent, batchEmbedContents, countTokens, models.

Served under any version (`/v1beta`, `/v1`). Not for: Vertex AI's paths, files, caches, live sessions.
"""

from __future__ import annotations

from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.conversation import (
    CONTEXT_TOKENS,
    Answer,
    Ask,
    Tool,
    cached_tokens,
    decide,
    text_of,
    weight,
)
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, data_event, json_reply, stream_reply
from trunkline.simulator.request import Request
from trunkline.simulator.vectors import embedding
from trunkline.simulator.vendors.openai import OpenAI

MODELS = (
    "gemini-3.8-flash",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemini-embedding-001",
)
_BATCH_MOST = 100
_TASKS = (
    "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
    "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
)  # fmt: skip
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "tools": "STOP"}


class Gemini:
    """Keeps nothing of its own."""

    def __init__(self) -> None:
        self._compatible = OpenAI("gemini")

    def answer(self, request: Request) -> Reply:
        """Routes by `models/{model}:{method}`; below `/openai/` it speaks OpenAI's dialect."""
        segments = request.segments
        if "openai" in segments:
            return self._compatible.answer(request)
        if "models" not in segments:
            raise refuse(404, f"Method not found: {request.path}")
        model, _, method = "/".join(segments[segments.index("models") + 1 :]).partition(":")
        if not method:
            return _models(model)
        if "does-not-exist" in model:
            raise refuse(
                404, f"models/{model} is not found for API version v1beta, or is not supported for {method}."
            )
        body = request.json()
        if method == "generateContent":
            return json_reply(_generated(request, model, body))
        if method == "streamGenerateContent":
            return _streamed(request, model, body)
        if method == "countTokens":
            contents = body.get("contents") or (body.get("generateContentRequest") or {}).get("contents")
            return json_reply(
                {"totalTokens": weight(contents), "promptTokensDetails": [_text_tokens(weight(contents))]}
            )
        if method == "embedContent":
            return json_reply({"embedding": _embedded(model, body)})
        if method == "batchEmbedContents":
            return json_reply({"embeddings": [_embedded(model, item) for item in _batch(body)]})
        raise refuse(404, f"models/{model} does not support {method}.")


def _models(name: str) -> Reply:
    if not name:
        return json_reply({"models": [_model(it) for it in MODELS]})
    if "does-not-exist" in name:
        raise refuse(404, f"models/{name} is not found for API version v1beta.")
    return json_reply(_model(name))


def _model(name: str) -> dict[str, Any]:
    methods = (
        ["embedContent", "batchEmbedContents"] if "embedding" in name else ["generateContent", "countTokens"]
    )
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": f"{name} (simulated)",
        "inputTokenLimit": CONTEXT_TOKENS,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": methods,
    }


def _text_tokens(count: int) -> dict[str, Any]:
    return {"modality": "TEXT", "tokenCount": count}


def _batch(body: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body.get("requests") or []
    if not items or len(items) > _BATCH_MOST:
        raise refuse(
            400, f"* BatchEmbedContentsRequest.requests: at most {_BATCH_MOST} requests can be in one batch\n"
        )
    return items


def _embedded(model: str, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("model", f"models/{model}") != f"models/{model}":
        raise refuse(400, "* BatchEmbedContentsRequest.requests: model must match the request's")
    task = body.get("taskType") or body.get("task_type") or _TASKS[0]
    if task not in _TASKS:
        raise refuse(400, f"Invalid value at 'task_type' (type.googleapis.com), \"{task}\"")
    text = text_of((body.get("content") or {}).get("parts"))
    if not text:
        raise refuse(400, "* EmbedContentRequest.content: content is empty")
    return {"values": embedding(text, int(body.get("outputDimensionality") or 768))}


def _ask(model: str, body: dict[str, Any]) -> Ask:
    contents = body.get("contents")
    if not contents:
        raise refuse(400, "* GenerateContentRequest.contents: contents is not specified")
    tokens = weight(contents) + weight(body.get("systemInstruction")) + weight(body.get("tools"))
    if tokens > CONTEXT_TOKENS:
        raise refuse(
            400,
            f"The input token count ({tokens}) exceeds the maximum number of tokens allowed ({CONTEXT_TOKENS}).",
        )
    spoken = next(
        (
            text
            for c in reversed(contents)
            if c.get("role", "user") == "user" and (text := text_of(c.get("parts")))
        ),
        "",
    )
    config = body.get("generationConfig") or {}
    last = contents[-1]
    declared = [item for tool in body.get("tools") or () for item in tool.get("functionDeclarations") or ()]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames") or []
    mode = {"NONE": "none", "ANY": allowed[0] if allowed else "required"}.get(
        calling.get("mode", "AUTO"), "auto"
    )
    return Ask(
        seed=words.seed_of("gemini", model, spoken),
        prompt=spoken,
        prompt_tokens=tokens,
        after_tool=last.get("role", "user") == "model"
        or any("functionResponse" in part for part in last.get("parts", ())),
        tools=[
            Tool(
                item["name"],
                # Its own SDK writes this one name in snake case, which the vendor takes as well.
                item.get("parametersJsonSchema")
                or item.get("parameters_json_schema")
                or item.get("parameters"),
            )
            for item in declared
        ],
        choice=mode,
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        json_object=config.get("responseMimeType") == "application/json",
        max_tokens=config.get("maxOutputTokens"),
        stops=list(config.get("stopSequences") or ()),
    )


def _frame(
    request: Request, model: str, ask: Ask, answer: Answer, parts: list[dict[str, Any]], reason: str | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    usage: dict[str, Any] = {"promptTokenCount": ask.prompt_tokens, "totalTokenCount": ask.prompt_tokens}
    if reason:
        usage["candidatesTokenCount"] = answer.tokens
        usage["totalTokenCount"] = ask.prompt_tokens + answer.tokens
        usage["candidatesTokensDetails"] = [_text_tokens(answer.tokens)]
    usage["promptTokensDetails"] = [_text_tokens(ask.prompt_tokens)]
    if cached := cached_tokens(ask.prompt_tokens):
        usage["cachedContentTokenCount"] = cached
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": words.identifier("", request.body, size=22),
    }


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {"functionCall": {"name": call.name, "args": call.arguments, "id": call.id}} for call in answer.calls
    ]


def _generated(request: Request, model: str, body: dict[str, Any]) -> dict[str, Any]:
    ask = _ask(model, body)
    answer = decide(ask)
    return _frame(
        request, model, ask, answer, _calls(answer) or [{"text": answer.text}], _REASONS[answer.reason]
    )


def _streamed(request: Request, model: str, body: dict[str, Any]) -> Reply:
    ask = _ask(model, body)
    answer = decide(ask)
    parts = _calls(answer) or [{"text": piece} for piece in words.pieces_of(answer.text, request.chunks)]
    frames = [_frame(request, model, ask, answer, [part], None) for part in parts[:-1]]
    frames.append(_frame(request, model, ask, answer, parts[-1:], _REASONS[answer.reason]))
    if request.query.get("alt") == "sse":
        return stream_reply([data_event(frame) for frame in frames], tail=1)
    pieces = [
        (b"[" if number == 0 else b",\r\n") + codec.to_json(frame) for number, frame in enumerate(frames)
    ]
    return stream_reply(
        [*pieces, b"\n]\n"], tail=2, error_form="json", content_type="application/json; charset=UTF-8"
    )
