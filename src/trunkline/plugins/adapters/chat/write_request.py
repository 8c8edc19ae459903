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
from trunkline.plugins.adapters.tool_settings import free_text_told, grammar_of, search_settings
from trunkline.plugins.adapters.unsaid import members_of

OWN = "openai-chat"
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


def write_request(
    request: Request, facts: Facts, changes: list[Change], variant: Variant | None = None
) -> Written:
    """Adds to `changes` what Chat, or this vendor's variant, cannot say. `variant`: that of a dialect of its own, to which callers of
    OpenAI's Chat are translated, too.
    """
    own = request.dialect == OWN and variant is None
    variant = variant or variant_of(facts)
    form: dict[str, Any] = request.form if own else {}
    names = request.sent = Names(variant.tool_name_max)
    writing = Writing(variant, names, changes, own, request.model)
    out: dict[str, Any] = {"model": request.model, "messages": writing.messages(request.messages)}
    _limits(request, variant, form, out, changes, own)
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
        _effort(request, form, out, changes, own)
    if request.stream:
        out["stream"] = True
    if (request.stream and not own) or request.stream_usage is not None:
        out["stream_options"] = {"include_usage": True if not own else request.stream_usage}
    _rest(request, form, out, changes, own, variant)
    changes += names.changes()
    if not own:
        _fit(variant, facts, out, changes)
    return Written(to_json(out))


def _fit(variant: Variant, facts: Facts, out: dict[str, Any], changes: list[Change]) -> None:
    """Leaves out what the vendor does not take, and says the rest in its words."""
    left = [name for name in out if name in variant.without]
    who = facts.vendor or facts.integration
    # Not to store is what such vendors do.
    nothing = {"store": False, "n": 1}
    changes += [
        Change("dropped", name, f"{who} does not take it") for name in left if out[name] != nothing.get(name)
    ]
    for name in left:
        del out[name]
    if variant.stops_max and len(out.get("stop", ())) > variant.stops_max:
        out["stop"] = out["stop"][: variant.stops_max]
        changes.append(Change("clamped", "stop", f"the first {variant.stops_max}"))
    for name, told in variant.told_as.items():
        if name in out:
            out[told] = out.pop(name)
    if not variant.stream_options:
        out.pop("stream_options", None)


def _limits(
    request: Request,
    variant: Variant,
    form: dict[str, Any],
    out: dict[str, Any],
    changes: list[Change],
    own: bool,
) -> None:
    if request.max_tokens is not None:
        name = variant.max_tokens
        if own:
            name = "max_tokens" if "max_tokens" in form else "max_completion_tokens"
        out[name] = request.max_tokens
    for member in ("top_k", "min_p"):
        value = getattr(request, member)
        if value is not None and own:
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
    choice = request.tool_choice
    offered = request.tools if own else _takeable(request, variant, changes)
    for tool in offered:
        if tool.kind == "function":
            tools.append(_function(tool, names, changes, own, variant))
        else:
            _other_tool(tool, request, variant, names, tools, out, changes)
    if tools and "functions" in form:
        out["functions"] = [tool["function"] for tool in tools]
    elif tools or "tools" in form:
        out["tools"] = tools
    if not tools and not own:
        out.pop("parallel_tool_calls", None)
    elif choice is not None and (own or variant.tool_choice != "none"):
        _choice(request, choice, names, form, out, variant)


def _takeable(request: Request, variant: Variant, changes: list[Change]) -> list[Tool]:
    """The tools that a vendor is told of: where it knows no such choice, those alone that may be taken."""
    choice = request.tool_choice
    if choice is None or variant.tool_choice == "all":
        return request.tools
    wanted = choice.allowed or (
        [choice.name] if choice.mode == "one" and variant.tool_choice == "none" else []
    )
    if wanted:
        changes.append(Change("emulated", "tool_choice", "only the tools that may be taken are sent"))
        return [tool for tool in request.tools if tool.name in wanted]
    if variant.tool_choice == "none" and choice.mode == "none":
        changes.append(Change("emulated", "tool_choice", "no tools are sent"))
        return []
    if variant.tool_choice == "none" and choice.mode == "any":
        changes.append(Change("dropped", "tool_choice", "the vendor leaves that to the model"))
    return request.tools


def _choice(
    request: Request,
    choice: ToolChoice,
    names: Names,
    form: dict[str, Any],
    out: dict[str, Any],
    variant: Variant,
) -> None:
    told: Any = "required" if choice.mode == "any" else choice.mode
    if "allowed" in form:
        told = form["allowed"]
    elif choice.allowed and variant.tool_choice == "all":
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


def _function(tool: Tool, names: Names, changes: list[Change], own: bool, variant: Variant) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        inner["description"] = tool.description
    if tool.schema is not None:
        inner["parameters"] = tool.schema
    elif variant.schema_needed:
        inner["parameters"] = {"type": "object", "properties": {}}
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
        changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
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
    if tool.dialect == OWN and isinstance(tool.value, dict) and variant.origin == OWN:
        if tool.value.get("type") == "web_search_options":
            out["web_search_options"] = tool.value["web_search_options"]
        else:
            tools.append(tool.value)
    elif tool.kind == "custom" and variant.custom_tools:
        inner: dict[str, Any] = {"name": tool.name, "description": tool.description}
        grammar = grammar_of(tool)
        if grammar is not None:
            inner["format"] = {"type": "grammar", "grammar": grammar}
        tools.append({"type": "custom", "custom": inner})
    elif tool.kind == "custom":
        tools.append({"type": "function", "function": names.free_text(tool, "parameters")})
        free_text_told(tool, changes)
    elif tool.name == "web_search" and "search" in request.model:
        out["web_search_options"] = search_settings(tool, OWN, changes)
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


def _effort(
    request: Request, form: dict[str, Any], out: dict[str, Any], changes: list[Change], own: bool
) -> None:
    effort = request.effort
    assert effort is not None
    if own:
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
    request: Request,
    form: dict[str, Any],
    out: dict[str, Any],
    changes: list[Change],
    own: bool,
    variant: Variant,
) -> None:
    for name, value in request.extra.items():
        if own or name in variant.known:
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
