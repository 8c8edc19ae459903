"""OpenAI Responses' requests, read into the canonical form. `form` keeps members whose spelling has several ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.core.conversation import (
    Change,
    Effort,
    Format,
    Message,
    Request,
    Text,
    Tool,
    ToolChoice,
    Untranslatable,
)
from trunkline.plugins.adapters.members import (
    NUMBER,
    Plain,
    an_object,
    read_members,
    take_bool,
    take_object,
    take_text,
    whole_object,
)
from trunkline.plugins.adapters.responses_codec.items import OWN, in_group, read_items

_PLAIN: Plain = {
    "model": ("model", str),
    "stream": ("stream", bool),
    "max_output_tokens": ("max_tokens", int),
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_logprobs": ("top_logprobs", int),
    "parallel_tool_calls": ("parallel_tools", bool),
    "service_tier": ("service_tier", str),
    "store": ("store", bool),
    "metadata": ("metadata", dict),
    "prompt_cache_key": ("cache_key", str),
    "prompt_cache_retention": ("cache_ttl", str),
}
SPELLED = ("input", "instructions", "tools", "tool_choice", "reasoning", "text", "include", "user", "safety_identifier",
           "previous_response_id", "conversation")  # fmt: skip
HOSTED = {
    "web_search": "web_search",
    "code_interpreter": "code_interpreter",
    "file_search": "file_search",
    "computer": "computer",
    "image_generation": "image_generation",
    "mcp": "mcp",
}
"""Beginnings of `type` of tools that OpenAI runs."""


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    said = whole_object(body)
    request = Request(dialect=OWN, form={name: said[name] for name in SPELLED if said.get(name) is not None})
    nulls = read_members(said, request, _PLAIN, _SPECIAL)
    if nulls:
        request.form["null"] = nulls
    if request.form.get("instructions") is not None:
        words = request.form["instructions"]
        if not isinstance(words, str):
            raise Untranslatable("`instructions` is no string")
        request.messages.insert(0, Message(role="system", parts=[Text(text=words)]))
    if not request.messages:
        raise Untranslatable("`input` is missing or empty")
    if any(one.get("type") == "namespace" for one in request.form.get("tools", ())):
        changes.append(
            Change("emulated", "tools.namespace", "its tools one by one and without its description")
        )
    return request


def _elsewhere(value: Any, request: Request) -> None:
    """Members that are read together with others."""


def _input(value: Any, request: Request) -> None:
    if isinstance(value, str):
        request.messages = [Message(role="user", parts=[Text(text=value)])]
    elif isinstance(value, list):
        request.messages = read_items(value)
    else:
        raise Untranslatable("`input` is neither text nor a list of items")


def _tools(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`tools` is no list")
    for one in value:
        said = an_object(one, "tools")
        group, inner = [said], ""
        if said.get("type") == "namespace":
            inner = take_text(said, "name")
            listed = said.get("tools")
            group = [an_object(tool, "tools.tools") for tool in (listed if isinstance(listed, list) else ())]
        request.tools += [_tool(tool, inner) for tool in group]


def _tool(said: dict[str, Any], namespace: str) -> Tool:
    kind = take_text(said, "type")
    if kind not in ("function", "custom"):
        name = next((word for start, word in HOSTED.items() if kind.startswith(start)), kind)
        return Tool(name=name, kind="hosted", dialect=OWN, value={"type": kind, **said})
    name = take_text(said, "name")
    made = Tool(name=in_group(namespace, name), kind=kind, description=take_text(said, "description"))  # type: ignore[arg-type]
    if kind == "custom":
        made.dialect, made.value = OWN, {"type": kind, "name": name, **said}
        return made
    made.schema, made.strict = take_object(said, "parameters"), take_bool(said, "strict")
    made.extra = said
    return made


def _tool_choice(value: Any, request: Request) -> None:
    modes: dict[str, Any] = {"auto": "auto", "none": "none", "required": "any"}
    if isinstance(value, str):
        if value not in modes:
            raise Untranslatable("`tool_choice` is none of auto, none and required")
        request.tool_choice = ToolChoice(mode=modes[value])
        return
    said = an_object(value, "tool_choice")
    if said.get("type") == "allowed_tools":
        names = [str(one.get("name") or "") for one in said.get("tools") or () if isinstance(one, dict)]
        request.tool_choice = ToolChoice(mode=modes.get(str(said.get("mode")), "auto"), allowed=names)
    else:
        name = in_group(
            str(said.get("namespace") or ""),
            str(said.get("name") or HOSTED.get(str(said.get("type")), said.get("type"))),
        )
        request.tool_choice = ToolChoice(mode="one", name=name)


def _reasoning(value: Any, request: Request) -> None:
    said = an_object(value, "reasoning")
    summary = take_text(said, "summary") or take_text(said, "generate_summary")
    request.effort = Effort(level=take_text(said, "effort"), summary=summary, shown=True if summary else None)


def _text(value: Any, request: Request) -> None:
    said = an_object(value, "text")
    request.verbosity = take_text(said, "verbosity")
    inner = take_object(said, "format")
    if inner is None:
        return
    kinds: dict[str, Any] = {"text": "text", "json_object": "json", "json_schema": "schema"}
    kind = str(inner.get("type"))
    if kind not in kinds:
        raise Untranslatable("`text.format.type` is none of text, json_object and json_schema")
    request.format = Format(kind=kinds[kind], name=str(inner.get("name") or ""), schema=inner.get("schema"))
    request.format.description = str(inner.get("description") or "")
    request.format.strict = inner.get("strict")


def _include(value: Any, request: Request) -> None:
    listed = value if isinstance(value, list) else []
    if "message.output_text.logprobs" in listed:
        request.logprobs = True
    rest = [
        one for one in listed if one not in ("message.output_text.logprobs", "reasoning.encrypted_content")
    ]
    if rest:
        request.extra["include"] = rest


def _user(value: Any, request: Request) -> None:
    request.user = str(value)


def _previous(value: Any, request: Request) -> None:
    """What a vendor of another dialect has never seen; without it the answer would be to another question."""
    raise Untranslatable(
        "`previous_response_id` and `conversation` name turns that are not kept here, and the vendor of this model keeps none: "
        "send the turns themselves in `input`",
        "previous_response_id",
    )


_SPECIAL: dict[str, Callable[[Any, Request], None]] = {
    "input": _input,
    "instructions": _elsewhere,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "reasoning": _reasoning,
    "text": _text,
    "include": _include,
    "user": _user,
    "safety_identifier": _user,
    "previous_response_id": _previous,
    "conversation": _previous,
}
