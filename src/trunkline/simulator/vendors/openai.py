"""OpenAI, and every vendor that speaks its dialect: chat completions, embeddings, models; responses are next door.

The operation is known by the end of the path, whatever stands before it (`/v1`, `/openai/v1`, `/inference/v1`, Azure's
`/openai/deployments/{name}`). Not for: the Responses API (`openai_responses.py`), nor what vectors are made of (`openai_embeddings.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from trunkline.simulator.request import BadBody, Request
from trunkline.simulator.vendors import azure_filter, mistral
from trunkline.simulator.vendors.openai_embeddings import embeddings
from trunkline.simulator.vendors.openai_responses import Responses
from trunkline.simulator.vendors.openai_rules import check

MODELS: dict[str, tuple[str, ...]] = {
    "openai": (
        "gpt-6.1-sol", "gpt-6-luna", "gpt-5.4-mini", "gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini",
        "o4-mini", "text-embedding-3-small", "text-embedding-3-large",
    ),
    "azure-openai": ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small"),
    "mistral": ("mistral-large-2512", "mistral-small-latest", "codestral-latest", "mistral-embed"),
    "groq": ("llama-3.3-70b-versatile", "llama-3.1-8b-instant", "openai/gpt-oss-120b"),
    "deepseek": ("deepseek-v4-flash", "deepseek-chat", "deepseek-reasoner"),
    "xai": ("grok-4.7", "grok-3-mini"),
    "openrouter": ("openai/gpt-6-luna", "anthropic/claude-sonnet-5.5", "google/gemini-3.8-flash"),
    "together": ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "Qwen/Qwen3.8-Flash"),
    "fireworks": ("accounts/fireworks/models/gpt-oss-20b", "accounts/fireworks/models/llama-v3p1-8b-instruct"),
    "perplexity": ("sonar", "sonar-pro"),
    "ollama": ("llama3.2:latest", "nomic-embed-text:latest"),
    "vllm": ("served-model",),
}  # fmt: skip
_REASONS = {"stop": "stop", "length": "length", "stop_sequence": "stop", "tools": "tool_calls"}
_TAILS = ("chat/completions", "embeddings", "responses", "models", "completions")
_REMEMBERED = 256
_CHECKS = {"openai": check, "mistral": mistral.check}
"""What a vendor refuses of a request; others take all."""


_ANSWERS_MAX = 128


def _answers(body: dict[str, Any]) -> int:
    """How many are asked for."""
    n = int(body.get("n") or 1)
    if n > _ANSWERS_MAX:
        text = f"Invalid 'n': integer above maximum value. Expected a value <= {_ANSWERS_MAX}, but got {n} instead."
        raise refuse(400, text, "integer_above_max_value", "invalid_request_error", "n")
    return max(n, 1)


class OpenAI:
    """Keeps stored responses, and the answers to recent short requests (they would come out the same)."""

    def __init__(self, name: str = "openai") -> None:
        self._name = name
        self._models = MODELS.get(name, MODELS["openai"])
        self._responses = Responses()
        self._recent: dict[bytes, bytes] = {}

    def answer(self, request: Request) -> Reply:
        """Routes by the end of the path."""
        if request.path.endswith("/chat/completions"):
            return self._chat(request)
        operation, rest = _operation(request.segments)
        if operation == "embeddings":
            _only(request, "POST")
            body = request.json()
            return embeddings(self._name, body, str(body.get("model") or _deployment(request)))
        if operation == "models":
            return self._list_models(request, rest)
        if operation == "responses":
            return self._responses.answer(request, rest)
        raise refuse(404, f"Invalid URL ({request.method} {request.path})", kind="invalid_request_error")

    def _list_models(self, request: Request, rest: list[str]) -> Reply:
        _only(request, "GET")
        if not rest:
            return json_reply({"object": "list", "data": [self._model(name) for name in self._models]})
        name = "/".join(rest)
        if "does-not-exist" in name:
            raise refuse(
                404, f"The model '{name}' does not exist", "model_not_found", "invalid_request_error", "model"
            )
        return json_reply(self._model(name))

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": words.CREATED, "owned_by": f"{self._name}-sim"}

    def _chat(self, request: Request) -> Reply:
        _only(request, "POST")
        remembered = self._recent.get(request.body)
        if remembered is not None and not request.chunks:
            return Reply(200, remembered)
        body = request.json()
        ask = _ask(request, body, self._name)
        if self._name in _CHECKS:
            _CHECKS[self._name](body)
        answers = [decide(ask) for _ in range(_answers(body))]
        frame = {
            "id": words.identifier("chatcmpl-", request.body),
            "object": "chat.completion",
            "created": words.CREATED,
            "model": body.get("model") or _deployment(request),
        }
        usage = _usage(ask, answers, str(frame["model"]))
        if body.get("stream") and self._name == "mistral":
            return _mistral_stream(frame, answers[0], usage, request.chunks)
        if body.get("stream"):
            wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            frame["object"] = "chat.completion.chunk"
            pieces = [*_chunks(frame, answers, request.chunks, wants_usage, _thought(str(frame["model"])))]
            if self._name == "azure-openai":
                pieces.insert(0, data_event(azure_filter.FIRST_CHUNK))
            end = [_finish(frame, answers, wants_usage)]
            if wants_usage:
                end.append(data_event({**frame, "choices": [], "usage": usage}))
            return stream_reply([*pieces, *end, b"data: [DONE]\n\n"], tail=len(end) + 1)
        told = {
            **frame,
            "choices": [_choice(*it, _thought(str(frame["model"]))) for it in enumerate(answers)],
            "usage": usage,
            **_extras(self._name),
        }
        if self._name in _DRESSED:
            told = _DRESSED[self._name](told)
        reply = json_reply(told)
        if len(request.body) < 4096 and "model" in body:
            if len(self._recent) >= _REMEMBERED:
                self._recent.clear()
            self._recent[request.body] = reply.body
        return reply


def _mistral_choices(reply: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's answer as Mistral tells it."""
    thought = mistral.thought_of(str(reply["model"]))
    for choice in reply["choices"]:
        message = choice["message"]
        told = {"role": "assistant", "content": mistral.content_of(message["content"] or "", thought)}
        calls = message.get("tool_calls")
        choice["message"] = {**told, "tool_calls": mistral.tool_ids(calls) if calls else None}
        del choice["logprobs"]
    return reply


_DRESSED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "azure-openai": azure_filter.judged,
    "mistral": _mistral_choices,
}


def _mistral_stream(frame: dict[str, Any], answer: Answer, usage: dict[str, Any], wanted: int) -> Reply:
    frame["object"] = "chat.completion.chunk"
    pieces = [] if answer.calls else list(words.pieces_of(answer.text, wanted))
    calls = mistral.tool_ids(_tool_calls(answer))
    events = mistral.chunks(frame, pieces, calls, mistral.thought_of(str(frame["model"])))
    end = [mistral.last_chunk(frame, _REASONS[answer.reason], usage), b"data: [DONE]\n\n"]
    return stream_reply([*events, *end], tail=2)


def _operation(segments: list[str]) -> tuple[str, list[str]]:
    for index, segment in enumerate(segments):
        if segment in _TAILS and not (segment == "models" and index and segments[index - 1] == "deployments"):
            return segment, segments[index + 1 :]
    return "", []


def _only(request: Request, method: str) -> None:
    if request.method != method:
        raise refuse(
            405,
            f"Not allowed to {request.method} on {request.path}.",
            "method_not_supported",
            "invalid_request_error",
        )


def _deployment(request: Request) -> str:
    segments = request.segments
    return segments[segments.index("deployments") + 1] if "deployments" in segments else ""


def _ask(request: Request, body: dict[str, Any], vendor: str) -> Ask:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise refuse(
            400,
            "Missing required parameter: 'messages'.",
            "missing_required_parameter",
            "invalid_request_error",
            "messages",
        )
    model = body.get("model") or _deployment(request)
    if not model:
        raise refuse(400, "you must provide a model parameter", kind="invalid_request_error")
    if not isinstance(model, str) or "does-not-exist" in model:
        raise refuse(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            "model_not_found",
            "invalid_request_error",
        )
    last = messages[-1]
    if not isinstance(last, dict) or "role" not in last:
        raise BadBody("Missing required parameter: 'messages[0].role'.")
    spoken = next(
        (text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"),
        text_of(last.get("content")),
    )
    tokens = sum(weight(m.get("content")) + 4 for m in messages) + weight(body.get("tools", ())) + 3
    if tokens > CONTEXT_TOKENS:
        text = f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages resulted in {tokens} tokens."
        raise refuse(400, text, "context_length_exceeded", "invalid_request_error", "messages")
    shape = body.get("response_format") or {}
    stop = body.get("stop")
    choice = body.get("tool_choice") or "auto"
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Ask(
        seed=words.seed_of(vendor, str(model), spoken),
        prompt=spoken,
        prompt_tokens=tokens,
        after_tool=last["role"] not in ("user", "developer", "system"),
        tools=[
            Tool(t["function"]["name"], t["function"].get("parameters"))
            for t in body.get("tools") or ()
            if "function" in t
        ],
        choice=choice if isinstance(choice, str) else choice.get("function", {}).get("name", "required"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=(shape.get("json_schema") or {}).get("schema") if shape.get("type") == "json_schema" else None,
        json_object=shape.get("type") == "json_object",
        max_tokens=int(limit) if limit is not None else None,
        stops=[stop] if isinstance(stop, str) else list(stop or ()),
    )


def _usage(ask: Ask, answers: list[Answer], model: str) -> dict[str, Any]:
    thinking = 64 if model.startswith(("o1", "o3", "o4", "gpt-5", "deepseek-reasoner")) else 0
    completion = sum(answer.tokens for answer in answers) + thinking
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": ask.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": cached_tokens(ask.prompt_tokens), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thinking,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _tool_calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{c.id}",
            "type": "function",
            "function": {"name": c.name, "arguments": codec.to_json(c.arguments).decode()},
        }
        for c in answer.calls
    ]


def _thought(model: str) -> str:
    """What a model that thinks aloud has thought."""
    return "A simulated model has nothing to think about." if model.startswith("deepseek-reasoner") else ""


def _choice(index: int, answer: Answer, thought: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or None,
        "refusal": None,
        "annotations": [],
    }
    if thought:
        message["reasoning_content"] = thought
    if answer.calls:
        message["tool_calls"] = _tool_calls(answer)
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _REASONS[answer.reason]}


def _extras(vendor: str) -> dict[str, Any]:
    if vendor in ("openai", "azure-openai"):
        return {"service_tier": "default", "system_fingerprint": "fp_simulated"}
    if vendor == "perplexity":
        return {"citations": ["https://example.com/sim"]}
    return {"provider": "Simulated"} if vendor == "openrouter" else {"system_fingerprint": "fp_simulated"}


def _delta(
    frame: dict[str, Any], index: int, delta: dict[str, Any], reason: str | None, usage: bool
) -> dict[str, Any]:
    event = {
        **frame,
        "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}],
    }
    return {**event, "usage": None} if usage else event


def _chunks(
    frame: dict[str, Any], answers: list[Answer], wanted: int, usage: bool, thought: str
) -> Iterator[bytes]:
    for index, answer in enumerate(answers):
        content = None if answer.calls else ""
        yield data_event(
            _delta(frame, index, {"role": "assistant", "content": content, "refusal": None}, None, usage)
        )
        if thought:
            yield data_event(_delta(frame, index, {"reasoning_content": thought}, None, usage))
        for number, call in enumerate(_tool_calls(answer)):
            function = call["function"]
            opening = {**call, "index": number, "function": {"name": function["name"], "arguments": ""}}
            yield data_event(_delta(frame, index, {"tool_calls": [opening]}, None, usage))
            for part in _quarters(function["arguments"]):
                yield data_event(
                    _delta(
                        frame,
                        index,
                        {"tool_calls": [{"index": number, "function": {"arguments": part}}]},
                        None,
                        usage,
                    )
                )
        if not answer.calls:
            for piece in words.pieces_of(answer.text, wanted):
                yield data_event(_delta(frame, index, {"content": piece}, None, usage))


def _quarters(text: str) -> list[str]:
    step = max(len(text) // 4, 1)
    return [text[start : start + step] for start in range(0, len(text), step)]


def _finish(frame: dict[str, Any], answers: list[Answer], usage: bool) -> bytes:
    return b"".join(
        data_event(_delta(frame, index, {}, _REASONS[it.reason], usage)) for index, it in enumerate(answers)
    )
