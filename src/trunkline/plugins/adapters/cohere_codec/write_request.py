"""Requests for Cohere's Chat v2, written from the canonical form."""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Media, Message, Request, Tool
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.chat.variants import COHERE
from trunkline.plugins.adapters.chat.write_messages import Writing
from trunkline.plugins.adapters.documents import words_of
from trunkline.plugins.adapters.effort import budget_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.tool_settings import free_text_told
from trunkline.plugins.adapters.unsaid import members_of, unsaid_settings

STOPS_MAX = 5
DOCUMENT = "doc:"
"""Beginning of the ids of documents, before their number among all of the request; citations bear them."""
_SAME = (
    ("max_tokens", "max_tokens"), ("temperature", "temperature"), ("seed", "seed"), ("top_k", "k"), ("logprobs", "logprobs"),
)  # fmt: skip
_BETWEEN = (
    ("top_p", "p", 0.01, 0.99),
    ("presence_penalty", "presence_penalty", 0.0, 1.0),
    ("frequency_penalty", "frequency_penalty", 0.0, 1.0),
)
_WITHOUT = (
    "min_p", "n", "logit_bias", "top_logprobs", "verbosity", "service_tier", "user", "metadata", "store", "previous",
    "cache_key", "cache_ttl", "audio", "safety",
)  # fmt: skip
_KNOWN = frozenset(("citation_options", "documents", "priority", "safety_mode"))


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Cohere cannot say."""
    names = request.sent = Names(COHERE.tool_name_max)
    messages, documents = _documents(request.messages, changes)
    told = Writing(COHERE, names, changes, own=False, model=request.model).messages(messages)
    out: dict[str, Any] = {"model": facts.model or request.model, "messages": [_planned(one) for one in told]}
    if documents:
        out["documents"] = documents
    _sampling(request, out, changes)
    _tools(request, names, out, changes)
    _format(request, out, changes)
    _effort(request, out, changes)
    if request.stream:
        out["stream"] = True
    _rest(request, out, changes)
    changes += names.changes()
    return Written(to_json(out))


def _planned(message: dict[str, Any]) -> dict[str, Any]:
    """Words beside calls of tools are the plan that the model made of them."""
    if "tool_calls" not in message:
        return message
    content = message.pop("content", None)
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
    plan = "".join(part["text"] for part in parts if part["type"] == "text")
    thoughts = [part for part in parts if part["type"] != "text"]
    if plan:
        message["tool_plan"] = plan
    if thoughts:
        message["content"] = thoughts
    return message


def _documents(messages: list[Message], changes: list[Change]) -> tuple[list[Message], list[dict[str, Any]]]:
    """The documents of text that callers show, which stand beside the messages here; and the messages without them."""
    found: list[dict[str, Any]] = []
    out = []
    number = -1
    for message in messages:
        parts: list[Any] = []
        for part in message.parts:
            number += isinstance(part, Media) and part.kind == "document"
            text = words_of(part) if isinstance(part, Media) and message.role == "user" else ""
            if isinstance(part, Media) and text:
                data = {"title": part.title, "text": text} if part.title else {"text": text}
                found.append({"id": f"{DOCUMENT}{number}", "data": data})
                changes += [Change("dropped", f"messages.{name}") for name in part.extra]
            else:
                parts.append(part)
        out.append(message if len(parts) == len(message.parts) else _with(message, parts))
    if found:
        changes.append(Change("changed", "messages.document", "documents beside the messages"))
    return out, found


def _with(message: Message, parts: list[Any]) -> Message:
    return Message(role=message.role, parts=parts, name=message.name, extra=message.extra)


def _sampling(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    for member, name in _SAME:
        value = getattr(request, member)
        if value is not None:
            out[name] = value
    for member, name, least, most in _BETWEEN:
        value = getattr(request, member)
        if value is None:
            continue
        out[name] = min(max(value, least), most)
        if out[name] != value:
            changes.append(Change("clamped", member, f"{out[name]:g}"))
    if request.stop:
        out["stop_sequences"] = request.stop[:STOPS_MAX]
        if len(request.stop) > STOPS_MAX:
            changes.append(Change("clamped", "stop", f"the first {STOPS_MAX}"))


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change]) -> None:
    choice = request.tool_choice
    wanted = (choice.allowed or ([choice.name] if choice.mode == "one" else [])) if choice is not None else []
    offered = [tool for tool in request.tools if not wanted or tool.name in wanted]
    told = [one for tool in offered if (one := _tool(tool, names, changes)) is not None]
    if not told:
        return
    out["tools"] = told
    if len(offered) < len(request.tools):
        changes.append(Change("emulated", "tool_choice", "only the tools that may be taken are sent"))
    if any(tool.strict for tool in offered):
        out["strict_tools"] = True
        if not all(tool.strict for tool in offered):
            changes.append(Change("changed", "tools.strict", "all tools or none"))
    if choice is not None and choice.mode != "auto":
        out["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"
    if request.parallel_tools is False:
        changes.append(Change("dropped", "parallel_tools"))


def _tool(tool: Tool, names: Names, changes: list[Change]) -> dict[str, Any] | None:
    changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
    if tool.cache is not None:
        changes.append(Change("dropped", "tools.cache_control", "the vendor caches by itself"))
    if tool.kind == "custom":
        free_text_told(tool, changes)
        return {"type": "function", "function": names.free_text(tool, "parameters")}
    if tool.kind == "hosted":
        changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
        return None
    inner: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        inner["description"] = tool.description
    inner["parameters"] = tool.schema if tool.schema is not None else {"type": "object", "properties": {}}
    return {"type": "function", "function": inner}


def _format(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    wanted = request.format
    if wanted is None or wanted.kind == "text":
        return
    if "tools" in out or "documents" in out:
        changes.append(Change("dropped", "format", "not beside tools or documents"))
        return
    out["response_format"] = {"type": "json_object"}
    if wanted.kind == "schema":
        out["response_format"]["json_schema"] = wanted.schema
        if wanted.strict is False:
            changes.append(Change("changed", "format.strict", "always strict"))
        if wanted.description:
            changes.append(Change("dropped", "format.description"))


def _effort(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    budget = budget_of(request.effort) if request.effort is not None else None
    if budget is None:
        return
    if budget == 0:
        out["thinking"] = {"type": "disabled"}
    elif budget < 0:
        out["thinking"] = {"type": "enabled"}
    else:
        out["thinking"] = {"type": "enabled", "token_budget": budget}
        if request.effort is not None and request.effort.budget is None:
            changes.append(Change("changed", "effort", f"a budget of {budget} tokens"))


def _rest(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    changes += unsaid_settings(request, _WITHOUT)
    for name, value in request.extra.items():
        if name in _KNOWN:
            out.setdefault(name, value)
        else:
            changes.append(Change("dropped", name))
