"""Vendors with shapes of their own: Cohere's Chat v2 and OpenAI's Responses (`speakers.py`)."""

from __future__ import annotations

from typing import Any

from tests.golden.translation.answers import AT, Answer, calls, pieces, said, tool_call

COHERE_REASONS = {
    "end": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "tool": "TOOL_CALL",
    "refusal": "COMPLETE",
}


def cohere(answer: Answer) -> tuple[Any, list[Any]]:
    """Cohere: docs.cohere.com/reference/chat, .../v2/docs/streaming, .../docs/tool-use-streaming; models of
    github.com/cohere-ai/cohere-python. Words before calls of tools are their plan.
    """
    plans = bool(calls(answer))
    content: list[dict[str, Any]] = []
    for part in answer["parts"]:
        if "thought" in part:
            content.append({"type": "thinking", "thinking": part["thought"]})
        elif ("text" in part or "refusal" in part) and not plans:
            content.append({"type": "text", "text": part.get("text", part.get("refusal"))})
    message: dict[str, Any] = {"role": "assistant"}
    if content:
        message["content"] = content
    if plans and said(answer, "text"):
        message["tool_plan"] = said(answer, "text")
    if plans:
        message["tool_calls"] = [tool_call(one, one["id"]) for one in calls(answer)]
    cites = [_cohere_citation(one, content) for one in answer.get("cites", ())]
    if cites:
        message["citations"] = cites
    spent = {"input_tokens": answer["usage"]["input"], "output_tokens": answer["usage"]["output"]}
    seen = {"input_tokens": answer["usage"]["input"] + 484, "output_tokens": answer["usage"]["output"] + 2}
    used = {"billed_units": spent, "tokens": seen, "cached_tokens": answer["usage"].get("cached", 0)}
    reason = COHERE_REASONS[answer["stop"]]
    whole = {"id": "c14c80c3", "finish_reason": reason, "message": message, "usage": used}
    return whole, _cohere_stream(answer, cites, plans, reason, used)


def _cohere_citation(one: dict[str, Any], content: list[dict[str, Any]]) -> dict[str, Any]:
    data = {name: one[name] for name in ("title", "url") if name in one} | {"text": one["quote"]}
    source = {"type": "document", "id": f"doc:{one.get('document', 0)}", "document": data}
    at = next(n for n, part in enumerate(content) if part["type"] == "text")
    place = {"start": one["start"], "end": one["end"], "text": one["text"]}
    return {**place, "sources": [source], "content_index": at, "type": "TEXT_CONTENT"}


def _cohere_stream(
    answer: Answer, cites: list[dict[str, Any]], plans: bool, reason: str, used: dict[str, Any]
) -> list[Any]:
    begun = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    stream: list[Any] = [{"type": "message-start", "id": "c14c80c3", "delta": {"message": begun}}]
    at = n = 0
    for part in answer["parts"]:
        if "call" in part:
            stream += _cohere_call(part, n)
            n += 1
        elif plans and "text" in part:
            stream += [
                {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
                for piece in pieces(part, "text")
            ]
        else:
            kind = "thinking" if "thought" in part else "text"
            name = next(name for name in ("thought", "text", "refusal") if name in part)
            opening = {"message": {"content": {"type": kind, kind: ""}}}
            stream.append({"type": "content-start", "index": at, "delta": opening})
            stream += [
                {"type": "content-delta", "index": at, "delta": {"message": {"content": {kind: piece}}}}
                for piece in pieces(part, name)
            ]
            if kind == "text":
                for c, one in enumerate(cites):
                    stream.append(
                        {"type": "citation-start", "index": c, "delta": {"message": {"citations": one}}}
                    )
                    stream.append({"type": "citation-end", "index": c})
            if "fails" not in answer:
                stream.append({"type": "content-end", "index": at})
            at += 1
    if "fails" in answer:
        end: dict[str, Any] = {"finish_reason": "ERROR", "error": answer["fails"]}
        return [*stream, {"type": "message-end", "delta": end}]
    return [*stream, {"type": "message-end", "delta": {"finish_reason": reason, "usage": used}}]


def _cohere_call(part: dict[str, Any], n: int) -> list[Any]:
    opening = {"message": {"tool_calls": tool_call(part, part["id"], "")}}
    events: list[Any] = [{"type": "tool-call-start", "index": n, "delta": opening}]
    for piece in pieces(part, "arguments"):
        told = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        events.append({"type": "tool-call-delta", "index": n, "delta": told})
    return [*events, {"type": "tool-call-end", "index": n}]


# --- OpenAI's Responses.


def responses(answer: Answer) -> tuple[Any, list[Any]]:
    """OpenAI Responses: platform.openai.com/docs/api-reference/responses and /responses-streaming."""
    output: list[dict[str, Any]] = []
    events: list[Any] = []
    for n, part in enumerate(answer["parts"]):
        item, told = _item(part, n, [one for one in answer.get("cites", ()) if "text" in part])
        output.append(item)
        events += told
    incomplete = {"reason": "max_output_tokens"} if answer["stop"] == "length" else None
    used = answer["usage"]
    base = {
        "id": "resp_1",
        "object": "response",
        "created_at": AT,
        "model": "gpt-5.4-2026",
        "error": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
    }
    ended = {
        **base,
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": incomplete,
        "output": output,
        "usage": {
            "input_tokens": used["input"],
            "input_tokens_details": {"cached_tokens": used.get("cached", 0), "cache_write_tokens": 0},
            "output_tokens": used["output"],
            "output_tokens_details": {"reasoning_tokens": used.get("reasoning", 0)},
            "total_tokens": used["input"] + used["output"],
        },
    }
    begun = {**base, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    stream = [{"type": "response.created", "response": begun}, *events]
    if "fails" in answer:
        last = next(n for n, event in enumerate(stream) if event["type"].endswith(".done"))
        failed = {"type": "error", "code": "server_error", "message": answer["fails"], "param": None}
        stream = [*stream[:last], failed]
    else:
        kind = "response.incomplete" if incomplete else "response.completed"
        stream.append({"type": kind, "response": ended})
    return ended, [{**event, "sequence_number": n} for n, event in enumerate(stream)]


def _item(
    part: dict[str, Any], n: int, cites: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if "thought" in part:
        return _reasoning(part, n)
    if "call" in part:
        return _function_call(part, n)
    name, kind = ("refusal", "refusal") if "refusal" in part else ("text", "output_text")
    where = {"item_id": f"msg_{n}", "output_index": n, "content_index": 0}
    notes = [
        {
            "type": "url_citation",
            "start_index": one["start"],
            "end_index": one["end"],
            "url": one.get("url", "https://x.test/"),
            "title": one["title"],
        }
        for one in cites
    ]
    content: dict[str, Any] = {"type": kind, name: part[name]}
    empty: dict[str, Any] = {"type": kind, name: ""}
    if kind == "output_text":
        content |= {"annotations": notes, "logprobs": []}
        empty |= {"annotations": [], "logprobs": []}
    item = {"id": f"msg_{n}", "type": "message", "role": "assistant", "status": "completed"}
    opened = {**item, "status": "in_progress", "content": []}
    item = {**item, "content": [content]}
    more = {"logprobs": []} if kind == "output_text" else {}
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.added", "output_index": n, "item": opened},
        {"type": "response.content_part.added", **where, "part": empty},
        *(
            {"type": f"response.{kind}.delta", **where, "delta": piece, **more}
            for piece in pieces(part, name)
        ),
        *(
            {
                "type": "response.output_text.annotation.added",
                **where,
                "annotation_index": at,
                "annotation": note,
            }
            for at, note in enumerate(notes)
        ),
        {"type": f"response.{kind}.done", **where, name: part[name], **more},
        {"type": "response.content_part.done", **where, "part": content},
        {"type": "response.output_item.done", "output_index": n, "item": item},
    ]
    return item, events


def _reasoning(part: dict[str, Any], n: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    where = {"item_id": f"rs_{n}", "output_index": n, "summary_index": 0}
    told = {"type": "summary_text", "text": part["thought"]}
    item = {"id": f"rs_{n}", "type": "reasoning", "summary": [told], "encrypted_content": "gAAAAABsealed"}
    events: list[dict[str, Any]] = [
        {
            "type": "response.output_item.added",
            "output_index": n,
            "item": {**item, "summary": [], "encrypted_content": ""},
        },
        {"type": "response.reasoning_summary_part.added", **where, "part": {**told, "text": ""}},
        *(
            {"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
            for piece in pieces(part, "thought")
        ),
        {"type": "response.reasoning_summary_text.done", **where, "text": part["thought"]},
        {"type": "response.reasoning_summary_part.done", **where, "part": told},
        {"type": "response.output_item.done", "output_index": n, "item": item},
    ]
    return item, events


def _function_call(part: dict[str, Any], n: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    where = {"item_id": f"fc_{n}", "output_index": n}
    item = {"id": f"fc_{n}", "type": "function_call", "call_id": part["id"], "name": part["call"]}
    opened = {**item, "arguments": "", "status": "in_progress"}
    item = {**item, "arguments": part["arguments"], "status": "completed"}
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.added", "output_index": n, "item": opened},
        *(
            {"type": "response.function_call_arguments.delta", **where, "delta": piece}
            for piece in pieces(part, "arguments")
        ),
        {
            "type": "response.function_call_arguments.done",
            **where,
            "name": part["call"],
            "arguments": part["arguments"],
        },
        {"type": "response.output_item.done", "output_index": n, "item": item},
    ]
    return item, events
