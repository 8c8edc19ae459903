"""OpenAI Responses' requests, written from the canonical form for vendors that speak it. They keep nothing unless the caller says so."""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request, Tool, ToolChoice
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.effort import level_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.responses_codec.items import OWN
from trunkline.plugins.adapters.responses_codec.read_request import SPELLED
from trunkline.plugins.adapters.responses_codec.write_items import Writing
from trunkline.plugins.adapters.tool_settings import grammar_of, search_settings, settings_lost
from trunkline.plugins.adapters.unsaid import members_of, unsaid_settings

NAME_MAX = 64
_SAME = (
    ("max_tokens", "max_output_tokens"), ("temperature", "temperature"), ("top_p", "top_p"), ("top_logprobs", "top_logprobs"),
    ("parallel_tools", "parallel_tool_calls"), ("service_tier", "service_tier"), ("store", "store"), ("metadata", "metadata"),
    ("cache_key", "prompt_cache_key"), ("cache_ttl", "prompt_cache_retention"),
)  # fmt: skip
_WITHOUT = (
    "top_k",
    "min_p",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "audio",
    "safety",
)
_TIERS = {"standard_only": "default", "priority": "priority", "flex": "flex", "default": "default"}
KNOWN = frozenset(("background", "max_tool_calls", "truncation", "prompt", "context_management"))


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Responses cannot say."""
    own = request.dialect == OWN
    names = request.sent = Names(NAME_MAX)
    out: dict[str, Any] = {"model": request.model} if request.model else {}
    if own:
        out.update({name: request.form[name] for name in SPELLED if name in request.form})
    else:
        out["input"] = Writing(names, changes).items(request.messages)
    for member, name in _SAME:
        value = getattr(request, member)
        if value is not None and value not in ("", {}):
            out[name] = value
    if request.stream:
        out["stream"] = True
    if own:
        out.update({name: value for name, value in request.extra.items() if name not in out})
        out.update(dict.fromkeys(request.form.get("null", ())))
        return Written(to_json(out))
    if request.service_tier:
        out["service_tier"] = _TIERS.get(request.service_tier, "auto")
    _tools(request, names, out, changes)
    _translated(request, out, changes)
    changes += names.changes()
    return Written(to_json(out))


def _translated(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    if request.user:
        out["safety_identifier"] = request.user
    include = []
    if request.effort is not None:
        level = level_of(request.effort)
        told = {"effort": level} if level else {}
        if request.effort.summary or request.effort.shown:
            told["summary"] = request.effort.summary or "auto"
        if told:
            out["reasoning"] = told
            include.append("reasoning.encrypted_content")
        if level and request.effort.budget is not None and not request.effort.level:
            changes.append(Change("changed", "effort", level))
        elif not level and request.effort.budget == 0:
            changes.append(Change("dropped", "effort", "the model's default holds"))
    if request.logprobs:
        include.append("message.output_text.logprobs")
    if include:
        out["include"] = include
    text = _format(request)
    if text:
        out["text"] = text
    _rest(request, out, changes)


def _rest(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    changes += unsaid_settings(request, _WITHOUT)
    for name, value in request.extra.items():
        if name in KNOWN and not (name == "context_management" and isinstance(value, dict)):
            out[name] = value
        else:
            changes.append(Change("dropped", name))


def _format(request: Request) -> dict[str, Any]:
    out: dict[str, Any] = {"verbosity": request.verbosity} if request.verbosity else {}
    wanted = request.format
    if wanted is not None and wanted.kind == "schema":
        told: dict[str, Any] = {
            "type": "json_schema",
            "name": wanted.name or "answer",
            "schema": wanted.schema,
        }
        if wanted.description:
            told["description"] = wanted.description
        if wanted.strict is not None:
            told["strict"] = wanted.strict
        out["format"] = told
    elif wanted is not None:
        out["format"] = {"type": "json_object" if wanted.kind == "json" else "text"}
    return out


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change]) -> None:
    tools = [told for tool in request.tools if (told := _tool(tool, names, changes)) is not None]
    if not tools:
        out.pop("parallel_tool_calls", None)
        return
    out["tools"] = tools
    if request.tool_choice is not None:
        out["tool_choice"] = _choice(request.tool_choice, request, names)


def _tool(tool: Tool, names: Names, changes: list[Change]) -> dict[str, Any] | None:
    if tool.kind == "function":
        out: dict[str, Any] = {"type": "function", "name": names.fit(tool.name)}
        if tool.description:
            out["description"] = tool.description
        out["parameters"] = tool.schema
        # Responses take a tool without this word as strict; other dialects do not.
        out["strict"] = bool(tool.strict)
        if tool.cache is not None:
            changes.append(Change("dropped", "tools.cache_control", "the vendor caches by itself"))
        changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
        return out
    if tool.kind == "custom":
        told: dict[str, Any] = {"type": "custom", "name": names.fit(tool.name)}
        if tool.description:
            told["description"] = tool.description
        grammar = grammar_of(tool)
        return {**told, "format": {"type": "grammar", **grammar}} if grammar is not None else told
    if tool.name == "web_search":
        return {"type": "web_search", **search_settings(tool, OWN, changes)}
    if tool.name == "code_interpreter":
        settings_lost(tool, changes)
        return {"type": "code_interpreter", "container": {"type": "auto"}}
    changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
    return None


def _choice(choice: ToolChoice, request: Request, names: Names) -> Any:
    def told(name: str) -> dict[str, str]:
        if any(tool.kind == "hosted" and tool.name == name for tool in request.tools):
            return {"type": name}
        custom = any(tool.kind == "custom" and tool.name == name for tool in request.tools)
        return {"type": "custom" if custom else "function", "name": names.fit(name)}

    if choice.mode == "one":
        return told(choice.name)
    if choice.allowed:
        mode = "required" if choice.mode == "any" else "auto"
        return {"type": "allowed_tools", "mode": mode, "tools": [told(name) for name in choice.allowed]}
    return "required" if choice.mode == "any" else choice.mode
