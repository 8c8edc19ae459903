"""OpenAI Chat's requests, written from the canonical form for a vendor that speaks it, in its variant."""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request, Tool, ToolChoice
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.chat.variants import Variant, variant_of
from trunkline.plugins.adapters.chat.write_messages import Writing
from trunkline.plugins.adapters.effort import level_of
from trunkline.plugins.adapters.fitting import Names

OWN = "openai-chat"
KNOWN = frozenset(
    ("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
     "metadata", "modalities", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
     "prompt_cache_options", "prompt_cache_retention",
     "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
     "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options")
)  # fmt: skip
_TIERS = {"standard_only": "default", "priority": "priority", "flex": "flex", "default": "default"}
_SAME = (
    ("temperature", "temperature"), ("top_p", "top_p"), ("seed", "seed"), ("n", "n"),
    ("presence_penalty", "presence_penalty"), ("frequency_penalty", "frequency_penalty"), ("logprobs", "logprobs"),
    ("top_logprobs", "top_logprobs"), ("parallel_tools", "parallel_tool_calls"), ("store", "store"),
)  # fmt: skip
"""Members that are sent where they are not None."""
_FILLED = (
    ("logit_bias", "logit_bias"), ("metadata", "metadata"), ("cache_key", "prompt_cache_key"),
    ("cache_ttl", "prompt_cache_retention"), ("verbosity", "verbosity"), ("modalities", "modalities"), ("audio", "audio"),
)  # fmt: skip
"""Members that are sent where they are not empty."""


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Chat, or this vendor's variant, cannot say."""
    variant = variant_of(facts)
    own = request.dialect == OWN
    form: dict[str, Any] = request.form if own else {}
    names = request.sent = Names(variant.tool_name_max)
    writing = Writing(variant, names, changes, own, request.model)
    out: dict[str, Any] = {"model": request.model, "messages": writing.messages(request.messages)}
    _limits(request, variant, form, out, changes)
    for member, name in _SAME:
        value = getattr(request, member)
        if value is not None:
            out[name] = value
    for member, name in _FILLED:
        value = getattr(request, member)
        if value:
            out[name] = value
    if request.stop:
        out["stop"] = request.stop[0] if "stop" in form else request.stop
    if request.user:
        out[form.get("user", "user")] = request.user
    if request.service_tier:
        out["service_tier"] = request.service_tier if own else _TIERS.get(request.service_tier, "auto")
    _tools(request, variant, names, form, out, changes, own)
    _format(request, out)
    if request.effort is not None:
        _effort(request, form, out, changes)
    if request.stream:
        out["stream"] = True
    if (request.stream and not own) or request.stream_usage is not None:
        out["stream_options"] = {"include_usage": True if not own else request.stream_usage}
    _rest(request, form, out, changes, own)
    changes += names.changes()
    for name in variant.without.intersection(out):
        del out[name]
        changes.append(Change("dropped", name, f"{facts.vendor} does not take it"))
    return Written(to_json(out))


def _limits(
    request: Request, variant: Variant, form: dict[str, Any], out: dict[str, Any], changes: list[Change]
) -> None:
    if request.max_tokens is not None:
        name = variant.max_tokens
        if request.dialect == OWN:
            name = "max_tokens" if "max_tokens" in form else "max_completion_tokens"
        out[name] = request.max_tokens
    for member in ("top_k", "min_p"):
        value = getattr(request, member)
        if value is not None and request.dialect == OWN:
            out[member] = value
        elif value is not None:
            changes.append(Change("dropped", member))


def _tools(
    request: Request,
    variant: Variant,
    names: Names,
    form: dict[str, Any],
    out: dict[str, Any],
    changes: list[Change],
    own: bool,
) -> None:
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        if tool.kind == "function":
            tools.append(_function(tool, names, changes, own))
        else:
            _other_tool(tool, request, variant, names, tools, out, changes)
    if tools and "functions" in form:
        out["functions"] = [tool["function"] for tool in tools]
    elif tools or "tools" in form:
        out["tools"] = tools
    if not tools and not own:
        out.pop("parallel_tool_calls", None)
    elif request.tool_choice is not None:
        _choice(request, request.tool_choice, names, form, out)


def _choice(
    request: Request, choice: ToolChoice, names: Names, form: dict[str, Any], out: dict[str, Any]
) -> None:
    told: Any = "required" if choice.mode == "any" else choice.mode
    if "allowed" in form:
        told = form["allowed"]
    elif choice.allowed:
        allowed = [{"type": "function", "function": {"name": names.fit(name)}} for name in choice.allowed]
        mode = "required" if choice.mode == "any" else "auto"
        told = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
    elif choice.mode == "one" and "functions" in form:
        told = {"name": choice.name}
    elif choice.mode == "one":
        custom = any(tool.kind == "custom" and tool.name == choice.name for tool in request.tools)
        kind = "custom" if custom and choice.name not in names.custom else "function"
        told = {"type": kind, kind: {"name": names.fit(choice.name)}}
    out["function_call" if "functions" in form else "tool_choice"] = told


def _function(tool: Tool, names: Names, changes: list[Change], own: bool) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        inner["description"] = tool.description
    if tool.schema is not None:
        inner["parameters"] = tool.schema
    if tool.strict is not None:
        inner["strict"] = tool.strict
    told: dict[str, Any] = {"type": "function", "function": inner}
    if own:
        inner.update(tool.extra.get("function", {}))
        told.update({name: value for name, value in tool.extra.items() if name != "function"})
        if tool.cache is not None:
            told["cache_control"] = {
                "type": "ephemeral",
                **({"ttl": tool.cache.ttl} if tool.cache.ttl else {}),
            }
    else:
        changes += [Change("dropped", f"tools.{name}") for name in tool.extra]
        if tool.cache is not None:
            changes.append(Change("dropped", "tools.cache_control", "the vendor caches by itself"))
    return told


def _other_tool(
    tool: Tool,
    request: Request,
    variant: Variant,
    names: Names,
    tools: list[dict[str, Any]],
    out: dict[str, Any],
    changes: list[Change],
) -> None:
    """Tools of free text, and those that the vendor runs."""
    if tool.dialect == OWN and isinstance(tool.value, dict):
        if tool.value.get("type") == "web_search_options":
            out["web_search_options"] = tool.value["web_search_options"]
        else:
            tools.append(tool.value)
    elif tool.kind == "custom" and variant.custom_tools:
        tools.append({"type": "custom", "custom": {"name": tool.name, "description": tool.description}})
    elif tool.kind == "custom":
        tools.append({"type": "function", "function": names.free_text(tool, "parameters")})
        changes.append(Change("emulated", "tools.custom", "a function of one text"))
    elif tool.name == "web_search" and "search" in request.model:
        out["web_search_options"] = {}
        changes.append(Change("changed", "tools.web_search", "web_search_options"))
    else:
        changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))


def _format(request: Request, out: dict[str, Any]) -> None:
    wanted = request.format
    if wanted is None:
        return
    if wanted.kind != "schema":
        out["response_format"] = {"type": "json_object" if wanted.kind == "json" else "text"}
        return
    inner: dict[str, Any] = {"name": wanted.name or "answer"}
    if wanted.description:
        inner["description"] = wanted.description
    if wanted.schema is not None:
        inner["schema"] = wanted.schema
    if wanted.strict is not None:
        inner["strict"] = wanted.strict
    out["response_format"] = {"type": "json_schema", "json_schema": inner}


def _effort(request: Request, form: dict[str, Any], out: dict[str, Any], changes: list[Change]) -> None:
    effort = request.effort
    assert effort is not None
    if request.dialect == OWN:
        out.update({name: form[name] for name in ("reasoning", "reasoning_effort") if name in form})
        return
    level = level_of(effort)
    if not level:
        if effort.budget == 0:
            changes.append(Change("dropped", "effort", "the model's default holds"))
        return
    out["reasoning_effort"] = level
    if effort.budget is not None and not effort.level:
        changes.append(Change("changed", "effort", level))


def _rest(
    request: Request, form: dict[str, Any], out: dict[str, Any], changes: list[Change], own: bool
) -> None:
    for name, value in request.extra.items():
        if own or name in KNOWN:
            out.setdefault(name, value)
            if name == "stream_options" and own:
                out[name] = {
                    **value,
                    **({"include_usage": request.stream_usage} if request.stream_usage is not None else {}),
                }
        else:
            changes.append(Change("dropped", name))
    for name in form.get("null", ()):
        out.setdefault(name, None)
    if not own:
        changes += [Change("dropped", "anthropic-beta", beta) for beta in request.betas if beta]
        if request.previous:
            changes.append(Change("dropped", "previous", "Chat keeps no answers"))
        if request.safety:
            changes.append(Change("dropped", "safety"))
