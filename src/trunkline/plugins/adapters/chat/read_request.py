"""OpenAI Chat's requests, read into the canonical form. Source: platform.openai.com/docs/api-reference/chat/create."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Change, Effort, Format, Request, Tool, ToolChoice, Untranslatable
from trunkline.plugins.adapters.chat.read_messages import cache_mark, message
from trunkline.plugins.adapters.members import (
    NUMBER,
    Plain,
    an_object,
    read_members,
    take_bool,
    take_int,
    take_object,
    take_text,
    whole_object,
)

_PLAIN: Plain = {
    "model": ("model", str),
    "stream": ("stream", bool),
    "max_completion_tokens": ("max_tokens", int),
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_k": ("top_k", int),
    "min_p": ("min_p", NUMBER),
    "seed": ("seed", int),
    "n": ("n", int),
    "presence_penalty": ("presence_penalty", NUMBER),
    "frequency_penalty": ("frequency_penalty", NUMBER),
    "logit_bias": ("logit_bias", dict),
    "logprobs": ("logprobs", bool),
    "top_logprobs": ("top_logprobs", int),
    "parallel_tool_calls": ("parallel_tools", bool),
    "service_tier": ("service_tier", str),
    "user": ("user", str),
    "metadata": ("metadata", dict),
    "store": ("store", bool),
    "prompt_cache_key": ("cache_key", str),
    "prompt_cache_retention": ("cache_ttl", str),
    "verbosity": ("verbosity", str),
    "modalities": ("modalities", list),
    "audio": ("audio", dict),
}


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    said = whole_object(body)
    request = Request(dialect="openai-chat", form={})
    if said.get("max_tokens") is not None and said.get("max_completion_tokens") is None:
        # The older name, which most vendors that follow OpenAI still take; beside the newer one it is nothing but a leftover.
        request.max_tokens = take_int(said, "max_tokens")
        request.form["max_tokens"] = True
    nulls = read_members(said, request, _PLAIN, _SPECIAL)
    if nulls:
        request.form["null"] = nulls
    if not request.messages:
        raise Untranslatable("`messages` is missing or empty")
    if "safety_identifier" in request.extra and not request.user:
        request.user = str(request.extra.pop("safety_identifier"))
        request.form["user"] = "safety_identifier"
    return request


def _messages(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`messages` is no list")
    request.messages = [message(one, n) for n, one in enumerate(value)]


def _stop(value: Any, request: Request) -> None:
    if isinstance(value, str):
        request.form["stop"] = True
        value = [value]
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Untranslatable("`stop` is neither a string nor a list of strings")
    request.stop = value


def _stream_options(value: Any, request: Request) -> None:
    options = an_object(value, "stream_options")
    request.stream_usage = take_bool(options, "include_usage")
    if options or request.stream_usage is None:
        request.extra["stream_options"] = options


def _response_format(value: Any, request: Request) -> None:
    said = an_object(value, "response_format")
    kind = said.get("type")
    if kind == "json_schema":
        inner = an_object(said.get("json_schema"), "response_format.json_schema")
        request.format = Format(
            kind="schema",
            name=take_text(inner, "name"),
            description=take_text(inner, "description"),
            schema=take_object(inner, "schema"),
            strict=take_bool(inner, "strict"),
        )
    elif kind in ("json_object", "text"):
        request.format = Format(kind="json" if kind == "json_object" else "text")
    else:
        request.extra["response_format"] = value


def _reasoning_effort(value: Any, request: Request) -> None:
    if not isinstance(value, str):
        raise Untranslatable("`reasoning_effort` is no string")
    request.form["reasoning_effort"] = value
    request.effort = request.effort or Effort()
    request.effort.level = value


def _tools(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`tools` is no list")
    if not value:
        request.form["tools"] = True
    request.tools += [_tool(an_object(one, "tools")) for one in value]


def _tool(said: dict[str, Any]) -> Tool:
    kind = said.get("type", "function")
    cache = cache_mark(said)
    if kind == "function":
        inner = an_object(said.pop("function", None), "tools.function")
        said.pop("type", None)
        return Tool(
            name=take_text(inner, "name"),
            description=take_text(inner, "description"),
            schema=take_object(inner, "parameters"),
            strict=take_bool(inner, "strict"),
            cache=cache,
            extra={**said, **({"function": inner} if inner else {})},
        )
    name = (said.get("custom") or {}).get("name", "") if kind == "custom" else str(kind)
    return Tool(
        name=name,
        kind="custom" if kind == "custom" else "hosted",
        description=(said.get("custom") or {}).get("description", "") if kind == "custom" else "",
        dialect="openai-chat",
        value=said,
        cache=cache,
    )


def _functions(value: Any, request: Request) -> None:
    """The form before tools."""
    request.form["functions"] = True
    request.tools += [_tool({"type": "function", "function": one}) for one in value]


def _tool_choice(value: Any, request: Request) -> None:
    if isinstance(value, str):
        modes = {"auto": "auto", "none": "none", "required": "any"}
        if value not in modes:
            raise Untranslatable("`tool_choice` is none of auto, none and required")
        request.tool_choice = ToolChoice(mode=modes[value])  # type: ignore[arg-type]
        return
    said = an_object(value, "tool_choice")
    kind = said.get("type")
    if kind in ("function", "custom"):
        name = take_text(an_object(said.get(kind), f"tool_choice.{kind}"), "name")
        request.tool_choice = ToolChoice(mode="one", name=name)
    elif kind == "allowed_tools":
        inner = an_object(said.get("allowed_tools"), "tool_choice.allowed_tools")
        names = [one.get("function", one).get("name", "") for one in inner.get("tools", [])]
        mode = "any" if inner.get("mode") == "required" else "auto"
        request.tool_choice = ToolChoice(mode=mode, allowed=names)  # type: ignore[arg-type]
        request.form["allowed"] = value
    else:
        raise Untranslatable("`tool_choice` has an unknown `type`")


def _function_call(value: Any, request: Request) -> None:
    if isinstance(value, str):
        request.tool_choice = ToolChoice(mode="none" if value == "none" else "auto")
    else:
        name = take_text(an_object(value, "function_call"), "name")
        request.tool_choice = ToolChoice(mode="one", name=name)


def _reasoning(value: Any, request: Request) -> None:
    """OpenRouter's object."""
    said = an_object(value, "reasoning")
    request.form["reasoning"] = value
    effort = request.effort = request.effort or Effort()
    effort.level, effort.budget = take_text(said, "effort") or effort.level, take_int(said, "max_tokens")
    enabled = take_bool(said, "enabled")
    effort.adaptive = enabled is True
    if enabled is False:
        effort.level, effort.budget = "", 0
    exclude = take_bool(said, "exclude")
    effort.shown = not exclude if exclude is not None else None


def _web_search_options(value: Any, request: Request) -> None:
    told = {"type": "web_search_options", "web_search_options": value}
    request.tools.append(Tool(name="web_search", kind="hosted", dialect="openai-chat", value=told))


_SPECIAL = {
    "reasoning": _reasoning,
    "web_search_options": _web_search_options,
    "messages": _messages,
    "stop": _stop,
    "stream_options": _stream_options,
    "response_format": _response_format,
    "reasoning_effort": _reasoning_effort,
    "tools": _tools,
    "functions": _functions,
    "tool_choice": _tool_choice,
    "function_call": _function_call,
}
