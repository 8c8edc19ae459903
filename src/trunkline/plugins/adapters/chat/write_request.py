"""OpenAI Chat's requests, written from the canonical form for a vendor that speaks it, in its variant."""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request, Tool
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.chat.variants import Variant, variant_of
from trunkline.plugins.adapters.chat.write_messages import Writing
from trunkline.plugins.adapters.effort import level_of
from trunkline.plugins.adapters.fitting import Names

OWN = "openai-chat"
KNOWN = frozenset(
    ("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
     "metadata", "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key",
     "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
     "stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options")
)  # fmt: skip
_TIERS = {"standard_only": "default"}
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
    writing = Writing(variant, names, changes, own)
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
        out["service_tier"] = _TIERS.get(request.service_tier, request.service_tier)
    _tools(request, names, form, out, changes, own)
    _format(request, out)
    if request.effort is not None:
        _effort(request, out, changes)
    if request.stream:
        out["stream"] = True
    if (request.stream and not own) or request.stream_usage is not None:
        out["stream_options"] = {"include_usage": True if not own else request.stream_usage}
    _rest(request, form, out, changes, own)
    for name in variant.without.intersection(out):
        del out[name]
        changes.append(Change("dropped", name, f"{facts.vendor} does not take it"))
    return Written(to_json(out))


def _limits(
    request: Request, variant: Variant, form: dict[str, Any], out: dict[str, Any], changes: list[Change]
) -> None:
    if request.max_tokens is not None:
        out["max_tokens" if "max_tokens" in form else variant.max_tokens] = request.max_tokens
    for member in ("top_k", "min_p"):
        value = getattr(request, member)
        if value is not None and request.dialect == OWN:
            out[member] = value
        elif value is not None:
            changes.append(Change("dropped", member))


def _tools(
    request: Request,
    names: Names,
    form: dict[str, Any],
    out: dict[str, Any],
    changes: list[Change],
    own: bool,
) -> None:
    tools = [told for tool in request.tools if (told := _tool(tool, names, changes, own)) is not None]
    choice = request.tool_choice
    if tools and "functions" in form:
        out["functions"] = [tool["function"] for tool in tools]
    elif tools:
        out["tools"] = tools
    if choice is None or not (tools or own):
        if not tools:
            out.pop("parallel_tool_calls", None)
        return
    if choice.allowed:
        allowed = [{"type": "function", "function": {"name": names.fit(name)}} for name in choice.allowed]
        mode = "required" if choice.mode == "any" else "auto"
        out["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
    elif choice.mode == "one":
        custom = any(tool.kind == "custom" and tool.name == choice.name for tool in request.tools)
        kind = "custom" if custom else "function"
        out["tool_choice"] = {"type": kind, kind: {"name": names.fit(choice.name)}}
    else:
        out["tool_choice"] = "required" if choice.mode == "any" else choice.mode
    if "functions" in form:
        said = out.pop("tool_choice")
        out["function_call"] = {"name": choice.name} if choice.mode == "one" else said


def _tool(tool: Tool, names: Names, changes: list[Change], own: bool) -> dict[str, Any] | None:
    if tool.kind != "function":
        if tool.dialect == OWN and isinstance(tool.value, dict):
            return tool.value
        if tool.kind == "custom":
            changes.append(Change("emulated", "tools.custom", "a function of one text"))
            schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
            return {
                "type": "function",
                "function": {
                    "name": names.fit(tool.name),
                    "description": tool.description,
                    "parameters": schema,
                },
            }
        changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
        return None
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
            told["cache_control"] = mark(tool.cache.ttl)
    else:
        changes += [Change("dropped", f"tools.{name}") for name in tool.extra]
    return told


def mark(ttl: str) -> dict[str, str]:
    """`cache_control`."""
    return {"type": "ephemeral", "ttl": ttl} if ttl else {"type": "ephemeral"}


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


def _effort(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    assert request.effort is not None
    level = level_of(request.effort)
    if level == "max":
        level = "xhigh"
        changes.append(Change("clamped", "effort", "xhigh"))
    elif request.effort.budget is not None and request.effort.budget >= 0:
        changes.append(Change("changed", "effort", level))
    if level:
        out["reasoning_effort"] = level


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
