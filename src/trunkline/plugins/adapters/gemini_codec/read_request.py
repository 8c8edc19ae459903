"""Gemini's requests, read into the canonical form. `form` keeps generationConfig, tools and toolConfig as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.core.conversation import (
    Change,
    Effort,
    Format,
    Message,
    Request,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Untranslatable,
)
from trunkline.plugins.adapters.gemini_codec.parts import OWN, camel, read_parts
from trunkline.plugins.adapters.gemini_codec.schema import plain
from trunkline.plugins.adapters.members import (
    NUMBER,
    Plain,
    an_object,
    read_members,
    take_bool,
    take_int,
    take_list,
    take_object,
    take_text,
    whole_object,
)

_CONFIG: Plain = {
    "maxOutputTokens": ("max_tokens", int),
    "temperature": ("temperature", NUMBER),
    "topP": ("top_p", NUMBER),
    "topK": ("top_k", NUMBER),
    "stopSequences": ("stop", list),
    "seed": ("seed", int),
    "candidateCount": ("n", int),
    "presencePenalty": ("presence_penalty", NUMBER),
    "frequencyPenalty": ("frequency_penalty", NUMBER),
    "responseLogprobs": ("logprobs", bool),
    "logprobs": ("top_logprobs", int),
}
HOSTED = {
    "googleSearch": "web_search",
    "googleSearchRetrieval": "web_search",
    "codeExecution": "code_interpreter",
    "urlContext": "url_context",
    "fileSearch": "file_search",
    "computerUse": "computer",
}
_MODES: dict[str, Any] = {"AUTO": "auto", "VALIDATED": "auto", "ANY": "any", "NONE": "none"}


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    said = camel(whole_object(body))
    request = Request(dialect=OWN, form={})
    for name in ("generationConfig", "tools", "toolConfig", "systemInstruction", "model"):
        if said.get(name) is not None:
            request.form[name] = said[name]
    said.pop("model", None)
    system = said.pop("systemInstruction", None)
    request.extra = {}
    nulls = read_members(said, request, {"serviceTier": ("service_tier", str)}, _SPECIAL)
    if nulls:
        request.form["null"] = nulls
    if not request.messages:
        raise Untranslatable("`contents` is missing or empty")
    if system is not None:
        inner = (
            {"parts": [{"text": system}]}
            if isinstance(system, str)
            else an_object(system, "systemInstruction")
        )
        parts = read_parts(_listed(inner.get("parts")), "systemInstruction.parts")
        request.messages.insert(0, Message(role="system", parts=parts, form="system"))
    _name_calls(request.messages)
    return request


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _contents(value: Any, request: Request) -> None:
    for n, one in enumerate(_listed(value) if isinstance(value, dict | list) else [value]):
        said = camel(an_object(one, f"contents.{n}"))
        form = "role" if "role" in said else None
        role = take_text(said, "role")
        if role not in ("", "user", "model", "function"):
            raise Untranslatable(f"`contents.{n}.role` is {role[:40]!r}, not user or model")
        parts = read_parts(_listed(said.pop("parts", None)), f"contents.{n}.parts")
        named = {"": "user", "model": "assistant"}.get(role, role)
        for tools, group in _grouped(parts) if named != "assistant" else [(False, parts)]:
            made: Any = "tool" if tools else "user" if named == "function" else named
            request.messages.append(Message(role=made, parts=group, extra=said, form=(form, role)))
            form, said = "joined", {}


def _grouped(parts: list[Any]) -> list[tuple[bool, list[Any]]]:
    groups: list[tuple[bool, list[Any]]] = []
    for part in parts:
        tools = isinstance(part, ToolResult)
        if not groups or groups[-1][0] != tools:
            groups.append((tools, []))
        groups[-1][1].append(part)
    return groups or [(False, [])]


def _name_calls(messages: list[Message]) -> None:
    """Ids for calls without one; an answer without one is that of the oldest open call of its name."""
    waiting: list[ToolCall] = []
    count = 0
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                count += 1
                if not part.id:
                    part.id, part.form = f"call_{count}", (part.form, "without id")
                waiting.append(part)
            elif isinstance(part, ToolResult):
                fits = [c for c in waiting if (c.id == part.id if part.id else c.name == part.name)]
                if fits:
                    waiting.remove(fits[0])
                if not part.id:
                    part.id = fits[0].id if fits else part.name
                    part.form = {**part.form, "": "without id"}


def _config(value: Any, request: Request) -> None:
    said = camel(an_object(value, "generationConfig"))
    extra, request.extra = request.extra, {}
    read_members(said, request, _CONFIG, _CONFIG_SPECIAL)
    if request.top_k is not None:
        request.top_k = int(request.top_k)
    request.extra = {**extra, **{f"generationConfig.{name}": inner for name, inner in request.extra.items()}}
    mime, schema = said.get("responseMimeType"), said.get("responseJsonSchema", said.get("responseSchema"))
    if mime == "text/x.enum" and isinstance(schema, dict):
        mime = "application/json"
    if schema is not None and mime == "application/json":
        request.format = Format(kind="schema", schema=plain(schema), strict=True)
    elif mime == "application/json":
        request.format = Format(kind="json")


def _read_elsewhere(value: Any, request: Request) -> None:
    """Members that are read together."""


def _modalities(value: Any, request: Request) -> None:
    request.modalities = [str(one).lower() for one in value] if isinstance(value, list) else []


def _thinking(value: Any, request: Request) -> None:
    said = camel(an_object(value, "generationConfig.thinkingConfig"))
    effort = request.effort = Effort()
    effort.budget = take_int(said, "thinkingBudget")
    effort.level = take_text(said, "thinkingLevel").lower().replace("thinking_level_unspecified", "")
    effort.shown = take_bool(said, "includeThoughts")
    effort.adaptive = effort.budget == -1


_CONFIG_SPECIAL: dict[str, Callable[[Any, Request], None]] = {
    "responseMimeType": _read_elsewhere,
    "responseSchema": _read_elsewhere,
    "responseJsonSchema": _read_elsewhere,
    "responseModalities": _modalities,
    "thinkingConfig": _thinking,
}


def _tools(value: Any, request: Request) -> None:
    for one in _listed(value) if isinstance(value, dict | list) else [value]:
        said = camel(an_object(one, "tools"))
        for declared in take_list(said, "functionDeclarations"):
            request.tools.append(_function(camel(an_object(declared, "tools.functionDeclarations"))))
        for name, inner in said.items():
            tool = Tool(name=HOSTED.get(name, name), kind="hosted", dialect=OWN, value={name: inner})
            request.tools.append(tool)


def _function(said: dict[str, Any]) -> Tool:
    given, schema = take_object(said, "parametersJsonSchema"), take_object(said, "parameters")
    return Tool(
        name=take_text(said, "name"),
        description=take_text(said, "description"),
        schema=given if given is not None else plain(schema),
        extra=said,
    )


def _tool_config(value: Any, request: Request) -> None:
    said = camel(an_object(value, "toolConfig"))
    calling = camel(take_object(said, "functionCallingConfig") or {})
    mode = take_text(calling, "mode").upper()
    request.extra.update({f"toolConfig.{name}": inner for name, inner in said.items()})
    if mode in ("", "MODE_UNSPECIFIED"):
        return
    if mode not in _MODES:
        raise Untranslatable(f"`toolConfig.functionCallingConfig.mode` is none of {', '.join(_MODES)}")
    allowed = [str(name) for name in take_list(calling, "allowedFunctionNames")]
    if mode == "ANY" and len(allowed) == 1:
        request.tool_choice = ToolChoice(mode="one", name=allowed[0])
    else:
        request.tool_choice = ToolChoice(mode=_MODES[mode], allowed=allowed)


def _safety(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`safetySettings` is no list")
    request.safety = [an_object(one, "safetySettings") for one in value]


_SPECIAL: dict[str, Callable[[Any, Request], None]] = {
    "contents": _contents,
    "generationConfig": _config,
    "tools": _tools,
    "toolConfig": _tool_config,
    "safetySettings": _safety,
}
