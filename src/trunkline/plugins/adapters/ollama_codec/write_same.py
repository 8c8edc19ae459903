"""Requests of callers who spoke Ollama, written as they were."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Media, Message, Reasoning, Request, Text, Tool, ToolCall, ToolResult
from trunkline.plugins.adapters.ollama_codec.read_request import OPTION, OPTIONS


def same(request: Request) -> dict[str, Any]:
    """The whole body."""
    form = request.form
    out: dict[str, Any] = {"model": request.model, "messages": [_message(one) for one in request.messages]}
    if "tools" in form:
        out["tools"] = [_tool(one) for one in request.tools]
    out |= {name: form[name] for name in ("format", "think") if name in form}
    if "options" in form:
        out["options"] = _options(request)
    for name in ("logprobs", "top_logprobs"):
        value = getattr(request, name)
        out |= {} if value is None else {name: value}
    out |= {name: value for name, value in request.extra.items() if not name.startswith(OPTION)}
    out |= dict.fromkeys(form.get("null", ()))
    return out | ({"stream": request.stream} if "stream" in form and "stream" not in out else {})


def _options(request: Request) -> dict[str, Any]:
    out = {
        name: value
        for name, (attribute, _) in OPTIONS.items()
        if (value := getattr(request, attribute)) is not None
    }
    if request.stop:
        out["stop"] = request.stop[0] if request.form.get("stop") else request.stop
    own = {name[len(OPTION) :]: value for name, value in request.extra.items() if name.startswith(OPTION)}
    return out | own


def _tool(tool: Tool) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": tool.name}
    inner |= {"description": tool.description} if tool.description else {}
    inner |= {"parameters": tool.schema} if tool.schema is not None else {}
    inner |= tool.extra.get("function", {})
    told = {"type": "function", **{k: v for k, v in tool.extra.items() if k != "function"}}
    return {**{k: v for k, v in told.items() if v is not None}, "function": inner}


def _message(message: Message) -> dict[str, Any]:
    out: dict[str, Any] = {"role": message.role, **message.form}
    for part in message.parts:
        if isinstance(part, ToolResult):
            out |= {"tool_call_id": part.id} if part.form else {}
            out |= {"tool_name": part.name} if part.name else {}
            for inner in part.parts:
                _add(inner, out)
        else:
            _add(part, out)
    return {**out, **message.extra}


def _add(part: Any, out: dict[str, Any]) -> None:
    if isinstance(part, Text):
        out["content"] = part.text
    elif isinstance(part, Reasoning):
        out["thinking"] = part.text
    elif isinstance(part, Media):
        out.setdefault("images", []).append(part.data)
    elif isinstance(part, ToolCall):
        out.setdefault("tool_calls", []).append(_call(part))


def _call(call: ToolCall) -> dict[str, Any]:
    named, arguments = call.form
    inner = {"name": call.name, **({} if arguments is None else {"arguments": arguments})}
    rest = {name: value for name, value in call.extra.items() if name != "function"}
    return {**({"id": call.id} if named else {}), **rest, "function": inner | call.extra.get("function", {})}
