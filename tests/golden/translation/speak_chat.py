"""Vendors that follow OpenAI's Chat, in their own shapes: Azure OpenAI, Ollama, Mistral (`speakers.py`)."""

from __future__ import annotations

from typing import Any

from tests.golden.translation.answers import AT, Answer, calls, pieces, said, tool_call

SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
REASONS = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool": "tool_calls",
    "refusal": "stop",
}


def chat_usage(answer: Answer) -> dict[str, Any]:
    """`usage` without details."""
    into, out = answer["usage"]["input"], answer["usage"]["output"]
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _openai_usage(answer: Answer) -> dict[str, Any]:
    used = answer["usage"]
    return {
        **chat_usage(answer),
        "prompt_tokens_details": {"cached_tokens": used.get("cached", 0), "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": used.get("reasoning", 0), "audio_tokens": 0},
    }


def chunk(frame: dict[str, Any], delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """A chunk of one choice."""
    return {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def azure(answer: Answer) -> tuple[Any, list[Any]]:
    """Azure OpenAI: learn.microsoft.com/azure/ai-foundry/openai/reference and .../concepts/content-filter. Thoughts are not shown."""
    verdict = [{"prompt_index": 0, "content_filter_results": SAFE}]
    message: dict[str, Any] = {"role": "assistant", "content": said(answer, "text") or None, "refusal": None}
    if said(answer, "refusal"):
        message["refusal"] = said(answer, "refusal")
    if calls(answer):
        message["tool_calls"] = [tool_call(one, one["id"]) for one in calls(answer)]
    reason = REASONS[answer["stop"]]
    frame = {"id": "chatcmpl-az", "created": AT, "model": "gpt-5.4-2026", "system_fingerprint": "fp_az"}
    whole = {
        **frame,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": reason,
                "content_filter_results": SAFE,
            }
        ],
        "prompt_filter_results": verdict,
        "usage": _openai_usage(answer),
    }
    frame = {**frame, "object": "chat.completion.chunk"}
    first = {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": verdict,
    }
    stream: list[Any] = [first, chunk(frame, {"role": "assistant", "content": "", "refusal": None})]
    n = 0
    for part in answer["parts"]:
        if "text" in part or "refusal" in part:
            name, member = ("text", "content") if "text" in part else ("refusal", "refusal")
            stream += [chunk(frame, {member: piece}) for piece in pieces(part, name)]
        elif "call" in part:
            stream.append(chunk(frame, {"tool_calls": [{"index": n, **tool_call(part, part["id"], "")}]}))
            for piece in pieces(part, "arguments"):
                told = {"index": n, "function": {"arguments": piece}}
                stream.append(chunk(frame, {"tool_calls": [told]}))
            n += 1
    if "fails" in answer:
        return whole, [*stream, {"error": {"code": "InternalServerError", "message": answer["fails"]}}]
    end = chunk(frame, {}, reason)
    end["choices"][0]["content_filter_results"] = {}
    return whole, [*stream, end, {**frame, "choices": [], "usage": _openai_usage(answer)}, "[DONE]"]


def ollama(answer: Answer) -> tuple[Any, list[Any]]:
    """Ollama's /v1/chat/completions: docs.ollama.com/api/openai-compatibility. Thoughts are `reasoning`, calls come whole; a model that
    will not says so in words.
    """
    frame = {"id": "chatcmpl-42", "created": AT, "model": "qwen3:8b", "system_fingerprint": "fp_ollama"}
    message: dict[str, Any] = {"role": "assistant", "content": said(answer, "text", "refusal")}
    if said(answer, "thought"):
        message["reasoning"] = said(answer, "thought")
    told = [{"index": n, **tool_call(one, one["id"])} for n, one in enumerate(calls(answer))]
    if told:
        message["tool_calls"] = told
    reason = REASONS[answer["stop"]]
    whole = {
        **frame,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": chat_usage(answer),
    }
    frame = {**frame, "object": "chat.completion.chunk"}
    stream: list[Any] = []
    for part in answer["parts"]:
        if "thought" in part:
            stream += [
                chunk(frame, {"role": "assistant", "content": "", "reasoning": piece})
                for piece in pieces(part, "thought")
            ]
        elif "call" not in part:
            name = "text" if "text" in part else "refusal"
            stream += [chunk(frame, {"role": "assistant", "content": piece}) for piece in pieces(part, name)]
    if told:
        stream.append(chunk(frame, {"role": "assistant", "content": "", "tool_calls": told}))
    if "fails" in answer:
        return whole, [
            *stream,
            {"error": {"message": answer["fails"], "type": "api_error", "param": None, "code": None}},
        ]
    end = chunk(frame, {"role": "assistant", "content": ""}, reason)
    return whole, [*stream, end, {**frame, "choices": [], "usage": chat_usage(answer)}, "[DONE]"]


def mistral_id(given: str) -> str:
    """Nine letters and digits."""
    return "".join(c for c in given if c.isalnum()).ljust(9, "0")[:9]


def _thinking(text: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def mistral(answer: Answer) -> tuple[Any, list[Any]]:
    """Mistral: docs.mistral.ai/api and .../capabilities/reasoning; models of github.com/mistralai/client-python. Thoughts are parts of the
    content; a stream tells its usage in the last chunk.
    """
    frame = {"id": "cmpl-m1", "created": AT, "model": "mistral-small-2603"}
    text = said(answer, "text", "refusal")
    content: Any = [
        _thinking(part["thought"])
        if "thought" in part
        else {"type": "text", "text": next(iter(part.values()))}
        for part in answer["parts"]
        if "call" not in part
    ]
    told = [tool_call(one, mistral_id(one["id"])) for one in calls(answer)]
    message = {
        "role": "assistant",
        "content": content if said(answer, "thought") else text,
        "tool_calls": told or None,
    }
    reason = REASONS[answer["stop"]]
    used: dict[str, Any] = chat_usage(answer)
    if answer["usage"].get("cached"):
        used["prompt_tokens_details"] = {"cached_tokens": answer["usage"]["cached"]}
    whole = {
        **frame,
        "object": "chat.completion",
        "usage": used,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
    }
    frame = {**frame, "object": "chat.completion.chunk"}
    stream: list[Any] = [chunk(frame, {"role": "assistant", "content": ""})]
    for part in answer["parts"]:
        if "thought" in part:
            stream += [chunk(frame, {"content": [_thinking(piece)]}) for piece in pieces(part, "thought")]
        elif "call" not in part:
            name = "text" if "text" in part else "refusal"
            stream += [chunk(frame, {"content": piece}) for piece in pieces(part, name)]
    if "fails" in answer:
        failed = {"object": "error", "message": answer["fails"], "type": "internal_server_error"}
        return whole, [*stream, {**failed, "param": None, "code": "3000"}]
    delta: dict[str, Any] = {"content": ""}
    if told:
        delta["tool_calls"] = [{**one, "index": n} for n, one in enumerate(told)]
    return whole, [*stream, {**chunk(frame, delta, reason), "usage": used}, "[DONE]"]
