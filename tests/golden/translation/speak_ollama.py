"""Ollama's own `/api/chat` (`speakers.py`): docs.ollama.com/api/chat and /capabilities/tool-calling, `api/types.go` of
github.com/ollama/ollama.
"""

from __future__ import annotations

import json
from typing import Any

from tests.golden.translation.answers import Answer, calls, pieces, said

MADE = "2026-11-21T12:00:00.123456789Z"
REASONS = {"end": "stop", "stop_sequence": "stop", "length": "length", "tool": "stop", "refusal": "stop"}


def native(answer: Answer) -> tuple[Any, list[Any]]:
    """Calls come whole in lines of their own; the last line says nothing but that it is done, and what was used."""
    frame = {"model": "qwen3:8b", "created_at": MADE}
    message: dict[str, Any] = {"role": "assistant", "content": said(answer, "text", "refusal")}
    if said(answer, "thought"):
        message["thinking"] = said(answer, "thought")
    if calls(answer):
        message["tool_calls"] = [_call(one, n) for n, one in enumerate(calls(answer))]
    used = {"prompt_eval_count": answer["usage"]["input"], "eval_count": answer["usage"]["output"]}
    spent = {"total_duration": 4883583458, "load_duration": 1334875, **used, "eval_duration": 4535599000}
    end = {"done": True, "done_reason": REASONS[answer["stop"]], **spent}
    stream: list[Any] = [
        {**frame, "message": {"role": "assistant", **told}, "done": False}
        for told in _pieces(answer, message)
    ]
    if "fails" in answer:
        stream.append({"error": answer["fails"]})
    else:
        stream.append({**frame, "message": {"role": "assistant", "content": ""}, **end})
    return {**frame, "message": message, **end}, stream


def _pieces(answer: Answer, message: dict[str, Any]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for part in answer["parts"]:
        if "thought" in part:
            out += [{"content": "", "thinking": piece} for piece in pieces(part, "thought")]
        elif "call" not in part:
            name = "text" if "text" in part else "refusal"
            out += [{"content": piece} for piece in pieces(part, name)]
    return out + [{"content": "", "tool_calls": [one]} for one in message.get("tool_calls", ())]


def _call(part: dict[str, Any], n: int) -> dict[str, Any]:
    function = {"index": n, "name": part["call"], "arguments": json.loads(part["arguments"] or "{}")}
    return {"id": part["id"], "function": function}
