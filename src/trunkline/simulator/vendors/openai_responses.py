"""The Responses API of OpenAI: create (plain and streamed), retrieve, delete, cancel, input items; text, tools, structured text.

Not for: built-in tools (web search, files, code): they are accepted and not used.
"""

from __future__ import annotations

from typing import Any

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.conversation import Answer, Ask, Tool, cached_tokens, decide, text_of, weight
from trunkline.simulator.failures import refuse
from trunkline.simulator.reply import Reply, json_reply, named_event, stream_reply
from trunkline.simulator.request import Request

_STORED = 256


class Responses:
    """Keeps the newest stored responses, for `GET /responses/{id}` and `previous_response_id`."""

    def __init__(self) -> None:
        self._stored: dict[str, tuple[dict[str, Any], list[Any]]] = {}

    def answer(self, request: Request, rest: list[str]) -> Reply:
        """`rest` is the path after `/responses`."""
        if not rest:
            if request.method != "POST":
                raise refuse(
                    405, f"Not allowed to {request.method} on {request.path}.", "method_not_supported"
                )
            return self._create(request)
        if rest[0] == "compact":
            return json_reply(_compacted(request))
        if rest[0] == "input_tokens":
            return json_reply(
                {"object": "response.input_tokens", "input_tokens": weight(request.json().get("input", ""))}
            )
        stored = self._stored.get(rest[0])
        if stored is None:
            raise refuse(404, f"Response with id '{rest[0]}' not found.", kind="invalid_request_error")
        if len(rest) > 1 and rest[1] == "input_items":
            return json_reply({"object": "list", "data": stored[1], "has_more": False})
        if request.method == "DELETE":
            del self._stored[rest[0]]
            return json_reply({"id": rest[0], "object": "response", "deleted": True})
        return json_reply(stored[0])

    def _create(self, request: Request) -> Reply:
        body = request.json()
        previous = body.get("previous_response_id")
        if previous is not None and previous not in self._stored:
            text = f"Previous response with id '{previous}' not found."
            raise refuse(
                400, text, "previous_response_not_found", "invalid_request_error", "previous_response_id"
            )
        ask, items = _ask(body)
        answer = decide(ask)
        response = _response(request, body, ask, answer)
        if body.get("store") is not False:
            if len(self._stored) >= _STORED:
                self._stored.pop(next(iter(self._stored)))
            self._stored[response["id"]] = (response, items)
        if body.get("stream"):
            return _stream(response, answer, request.chunks)
        return json_reply(response)


def _compacted(request: Request) -> dict[str, Any]:
    """What was said by the user, then everything else in a seal: here only a mark of what was sent."""
    ask, items = _ask(request.json())
    said = [
        {
            "id": words.identifier("msg_", request.body + b"%d" % n),
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": text_of(item.get("content"))}],
        }
        for n, item in enumerate(items)
        if item.get("role") == "user"
    ]
    sealed = words.identifier("sealed_", request.body, size=64)
    seal = {"id": words.identifier("cmp_", request.body), "type": "compaction", "encrypted_content": sealed}
    usage = {
        "input_tokens": ask.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 16,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": ask.prompt_tokens + 16,
    }
    return {
        "id": words.identifier("resp_", request.body, size=48),
        "object": "response.compaction",
        "created_at": words.CREATED,
        "output": [*said, seal],
        "usage": usage,
    }


def _ask(body: dict[str, Any]) -> tuple[Ask, list[Any]]:
    model, given = body.get("model"), body.get("input")
    if not isinstance(model, str) or not model:
        raise refuse(
            400,
            "Missing required parameter: 'model'.",
            "missing_required_parameter",
            "invalid_request_error",
            "model",
        )
    if "does-not-exist" in model:
        raise refuse(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            "model_not_found",
            "invalid_request_error",
        )
    items: list[Any] = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or ())
    spoken = next(
        (text_of(item.get("content")) for item in reversed(items) if item.get("role") == "user"), ""
    )
    shape = (body.get("text") or {}).get("format") or {}
    choice = body.get("tool_choice") or "auto"
    tools = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    ask = Ask(
        seed=words.seed_of(model, spoken),
        prompt=spoken,
        prompt_tokens=weight(items)
        + weight(body.get("instructions"))
        + weight(body.get("tools"))
        + 4 * len(items),
        after_tool=bool(items) and items[-1].get("type") == "function_call_output",
        tools=[Tool(tool["name"], tool.get("parameters")) for tool in tools],
        choice=choice if isinstance(choice, str) else choice.get("name", "required"),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=shape.get("schema") if shape.get("type") == "json_schema" else None,
        json_object=shape.get("type") == "json_object",
        max_tokens=body.get("max_output_tokens"),
    )
    return ask, items


def _output(seed: bytes, answer: Answer) -> list[dict[str, Any]]:
    if answer.calls:
        return [
            {
                "id": f"fc_{call.id}",
                "type": "function_call",
                "status": "completed",
                "arguments": codec.to_json(call.arguments).decode(),
                "call_id": f"call_{call.id}",
                "name": call.name,
            }
            for call in answer.calls
        ]
    part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    status = "incomplete" if answer.reason == "length" else "completed"
    return [
        {
            "id": words.identifier("msg_", seed),
            "type": "message",
            "status": status,
            "role": "assistant",
            "content": [part],
        }
    ]


def _response(request: Request, body: dict[str, Any], ask: Ask, answer: Answer) -> dict[str, Any]:
    cut = answer.reason == "length"
    return {
        "id": words.identifier("resp_", request.body, size=48),
        "object": "response",
        "created_at": words.CREATED,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": _output(request.body, answer),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": {
            "input_tokens": ask.prompt_tokens,
            "input_tokens_details": {"cached_tokens": cached_tokens(ask.prompt_tokens)},
            "output_tokens": answer.tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": ask.prompt_tokens + answer.tokens,
        },
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


class _Events:
    """Collects events and numbers them, as the API does."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def add(self, kind: str, **members: Any) -> None:
        self.pieces.append(named_event(kind, {"type": kind, "sequence_number": len(self.pieces), **members}))


def _stream(response: dict[str, Any], answer: Answer, wanted: int) -> Reply:
    events = _Events()
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    events.add("response.created", response=begun)
    events.add("response.in_progress", response=begun)
    for index, item in enumerate(response["output"]):
        if item["type"] == "message":
            _message_events(events, index, item, answer.text, wanted)
        else:
            _call_events(events, index, item)
    events.add(f"response.{response['status']}", response=response)
    return stream_reply(events.pieces, tail=1, error_form="responses")


def _message_events(events: _Events, index: int, item: dict[str, Any], text: str, wanted: int) -> None:
    at = {"item_id": item["id"], "output_index": index, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    events.add(
        "response.output_item.added",
        output_index=index,
        item={**item, "status": "in_progress", "content": []},
    )
    events.add("response.content_part.added", **at, part=empty)
    for piece in words.pieces_of(text, wanted):
        events.add("response.output_text.delta", **at, delta=piece, logprobs=[])
    events.add("response.output_text.done", **at, text=text, logprobs=[])
    events.add("response.content_part.done", **at, part=item["content"][0])
    events.add("response.output_item.done", output_index=index, item=item)


def _call_events(events: _Events, index: int, item: dict[str, Any]) -> None:
    at = {"item_id": item["id"], "output_index": index}
    events.add(
        "response.output_item.added",
        output_index=index,
        item={**item, "status": "in_progress", "arguments": ""},
    )
    text = item["arguments"]
    step = max(len(text) // 4, 1)
    for start in range(0, len(text), step):
        events.add("response.function_call_arguments.delta", **at, delta=text[start : start + step])
    events.add("response.function_call_arguments.done", **at, arguments=text, name=item["name"])
    events.add("response.output_item.done", output_index=index, item=item)
