"""Anthropic Messages' requests, read into the canonical form."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import (
    Change,
    Effort,
    Format,
    Message,
    Request,
    Tool,
    ToolChoice,
    ToolResult,
    Untranslatable,
)
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
from trunkline.plugins.adapters.messages.blocks import OWN, Part, cache_mark, read_blocks

_PLAIN: Plain = {
    "model": ("model", str),
    "stream": ("stream", bool),
    "max_tokens": ("max_tokens", int),
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_k": ("top_k", int),
    "service_tier": ("service_tier", str),
    "stop_sequences": ("stop", list),
}
HOSTED = {
    "web_search": "web_search",
    "code_execution": "code_interpreter",
    "computer": "computer",
    "web_fetch": "url_context",
}
"""Beginnings of `type` of tools that Anthropic runs, or knows, by itself."""


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    said = whole_object(body)
    request = Request(dialect=OWN, form={})
    system = said.pop("system", None)
    nulls = read_members(said, request, _PLAIN, _SPECIAL)
    if nulls:
        request.form["null"] = nulls
    if not request.messages:
        raise Untranslatable("`messages` is missing or empty")
    if system is not None:
        form = "system" if isinstance(system, str) else "systems"
        parts = read_blocks(system, "system") if system else []
        request.messages.insert(0, Message(role="system", parts=parts, form=form))
    return request


def _messages(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`messages` is no list")
    for n, one in enumerate(value):
        request.messages += _message(an_object(one, f"messages.{n}"), f"messages.{n}")


def _message(said: dict[str, Any], where: str) -> list[Message]:
    """One message, in as many as it takes to have results of tools apart."""
    role = take_text(said, "role")
    if role not in ("user", "assistant", "system"):
        raise Untranslatable(f"`{where}.role` is {role[:40]!r}")
    content = said.pop("content", None)
    form = "text" if isinstance(content, str) else "blocks"
    parts = read_blocks(content, f"{where}.content") if content != "" else []
    found: list[Message] = []
    for tools, group in _grouped(parts) if role == "user" else [(False, parts)]:
        found.append(Message(role="tool" if tools else role, parts=group, form=form))  # type: ignore[arg-type]
        form = "joined"
    found = found or [Message(role=role, form=form)]  # type: ignore[arg-type]
    found[0].extra = said
    return found


def _grouped(parts: list[Part]) -> list[tuple[bool, list[Part]]]:
    groups: list[tuple[bool, list[Part]]] = []
    for part in parts:
        tools = isinstance(part, ToolResult)
        if not groups or groups[-1][0] != tools:
            groups.append((tools, []))
        groups[-1][1].append(part)
    return groups


def _metadata(value: Any, request: Request) -> None:
    said = an_object(value, "metadata")
    request.user = take_text(said, "user_id")
    request.form["metadata"] = value
    request.extra.update({f"metadata.{name}": inner for name, inner in said.items() if inner is not None})


def _tools(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`tools` is no list")
    if not value:
        request.form["tools"] = value
    request.tools = [_tool(an_object(one, "tools")) for one in value]


def _tool(said: dict[str, Any]) -> Tool:
    kind = said.get("type")
    if isinstance(kind, str) and kind != "custom":
        name = next((word for start, word in HOSTED.items() if kind.startswith(start)), kind)
        return Tool(name=name, kind="hosted", dialect=OWN, value=said)
    return Tool(
        cache=cache_mark(said),
        name=take_text(said, "name"),
        description=take_text(said, "description"),
        schema=take_object(said, "input_schema"),
        strict=take_bool(said, "strict"),
        extra=said,
    )


def _tool_choice(value: Any, request: Request) -> None:
    said = an_object(value, "tool_choice")
    modes = {"auto": "auto", "any": "any", "none": "none", "tool": "one"}
    kind = take_text(said, "type")
    if kind not in modes:
        raise Untranslatable("`tool_choice.type` is none of auto, any, tool and none")
    request.tool_choice = ToolChoice(mode=modes[kind], name=take_text(said, "name"))  # type: ignore[arg-type]
    single = take_bool(said, "disable_parallel_tool_use")
    if single is not None:
        request.parallel_tools = not single


def _thinking(value: Any, request: Request) -> None:
    said = an_object(value, "thinking")
    request.form["thinking"] = value
    effort = request.effort = request.effort or Effort()
    kind = take_text(said, "type")
    if kind == "enabled":
        effort.budget = take_int(said, "budget_tokens")
    elif kind == "disabled":
        effort.budget = 0
    elif kind in ("adaptive", "between_tools"):
        effort.adaptive = True
    else:
        raise Untranslatable("`thinking.type` is none of enabled, disabled, adaptive and between_tools")
    display = take_text(said, "display")
    if display:
        effort.shown = display != "omitted"


def _output_config(value: Any, request: Request) -> None:
    said = an_object(value, "output_config")
    request.form["output_config"] = value
    level = take_text(said, "effort")
    if level:
        request.effort = request.effort or Effort()
        request.effort.level = level
    if said.get("format") is not None:
        _format(said.pop("format"), request)
    request.extra.update(
        {f"output_config.{name}": inner for name, inner in said.items() if inner is not None}
    )


def _format(value: Any, request: Request) -> None:
    said = an_object(value, "output_config.format")
    if said.get("type") != "json_schema":
        raise Untranslatable("`output_config.format.type` is not json_schema")
    request.format = Format(kind="schema", schema=said.get("schema"), strict=True)


def _output_format(value: Any, request: Request) -> None:
    """Where the format stood while it was a beta."""
    request.form["output_format"] = value
    _format(value, request)


def _thread(value: Any, request: Request) -> None:
    """Turns that another vendor has never seen."""
    raise Untranslatable(
        "`thread` names turns that only the vendor of an anthropic-messages model keeps: send all turns in `messages`",
        "thread",
    )


_SPECIAL = {
    "messages": _messages,
    "thread": _thread,
    "metadata": _metadata,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "thinking": _thinking,
    "output_config": _output_config,
    "output_format": _output_format,
}
