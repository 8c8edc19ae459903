"""Anthropic Messages' requests, written from the canonical form for vendors that speak it."""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Request, Tool
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.effort import budget_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.write_messages import Writing, mark

KNOWN = frozenset(
    ("container", "context_management", "cache_control", "inference_geo", "mcp_servers", "metadata", "output_config", "speed", "thinking")
)  # fmt: skip
_UNKNOWN_TO_IT = (
    "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "min_p", "verbosity", "cache_key",
    "cache_ttl", "audio", "safety", "previous",
)  # fmt: skip
_OUTPUT_MAX = (
    ("claude-3-5", 8192),
    ("claude-3-7", 64000),
    ("claude-3", 4096),
    ("claude-opus-4-1", 32000),
    ("claude-opus-4-0", 32000),
)
"""By beginning of the model's name, where the catalog does not say."""
OUTPUT_MAX = 64000
_TIERS = {
    "auto": "auto",
    "default": "standard_only",
    "standard_only": "standard_only",
    "flex": "auto",
    "priority": "auto",
}
_NO_FORMATS = re.compile(r"claude-(?:2|3|instant|(?:opus|sonnet)-4-(?:0\b|20))")
"""Models from before structured outputs."""
_ADAPTIVE = re.compile(r"claude-(?:fable|mythos|(?:opus|sonnet|haiku)-(?:4-[6-9]|[5-9]))")
"""Models that think as much as they like; budgets are deprecated there, or refused."""
_NO_SAMPLING = re.compile(r"claude-(?:fable|mythos|opus-(?:4-[7-9]|[5-9])|(?:sonnet|haiku)-[5-9])")
"""Models that refuse temperature, top_p and top_k."""
NAME_MAX = 128


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Messages cannot say."""
    own = request.dialect == OWN
    form: dict[str, Any] = request.form if own else {}
    names = request.sent = Names(NAME_MAX)
    writing = Writing(names, changes, own)
    out: dict[str, Any] = {"model": request.model}
    if request.max_tokens is not None or not own:
        out["max_tokens"] = request.max_tokens or output_max(facts)
    system, messages = writing.conversation(request.messages)
    if system is not None:
        out["system"] = system
    out["messages"] = messages
    _tools(request, names, out, changes, own)
    _thinking(request, facts, out, changes, own)
    _sampling(request, facts, out, changes, own)
    _format(request, facts, out, changes, form)
    if request.stop:
        _stop(request, out, changes, own)
    if request.user:
        out["metadata"] = {"user_id": request.user}
    if request.service_tier:
        out["service_tier"] = request.service_tier if own else _TIERS.get(request.service_tier, "auto")
    if request.stream:
        out["stream"] = True
    if not own:
        _unsaid(request, changes)
    _rest(request, form, out, changes, own)
    betas = list(dict.fromkeys([*request.betas, *writing.betas]))
    fields = b"anthropic-beta: %b\r\n" % ",".join(betas).encode("latin-1", "replace") if betas else b""
    return Written(to_json(out), fields)


def output_max(facts: Facts) -> int:
    """Most tokens of an answer, which Anthropic wants to be told: the model's own bound, so that nothing is cut short."""
    known = next((most for start, most in _OUTPUT_MAX if facts.model.startswith(start)), OUTPUT_MAX)
    return facts.max_output or known


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    tools = [one for tool in request.tools if (one := _tool(tool, names, changes, own)) is not None]
    if tools:
        out["tools"] = tools
    choice, single = request.tool_choice, request.parallel_tools
    if not own and not tools:
        return
    if choice is None and single is False:
        out["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    if choice is None:
        return
    mode = {"one": "tool"}.get(choice.mode, choice.mode)
    told: dict[str, Any] = {"type": mode}
    if choice.mode == "one":
        told["name"] = names.fit(choice.name)
    if single is not None and (own or (single is False and choice.mode != "none")):
        told["disable_parallel_tool_use"] = not single
    if choice.allowed:
        allowed = {names.fit(name) for name in choice.allowed}
        out["tools"] = [tool for tool in tools if tool.get("name") in allowed]
        changes.append(Change("emulated", "tool_choice", "only the allowed tools are sent"))
    out["tool_choice"] = told


def _tool(tool: Tool, names: Names, changes: list[Change], own: bool) -> dict[str, Any] | None:
    if tool.kind != "function":
        if tool.dialect == OWN and isinstance(tool.value, dict):
            return tool.value
        if tool.kind == "custom":
            changes.append(Change("emulated", "tools.custom", "a function of one text"))
            schema = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
            names.custom.add(tool.name)
            return {"name": names.fit(tool.name), "description": tool.description, "input_schema": schema}
        if tool.name == "web_search":
            changes.append(Change("changed", "tools.web_search", "web_search_20250305"))
            return {"type": "web_search_20250305", "name": "web_search"}
        changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
        return None
    told: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        told["description"] = tool.description
    if tool.schema is not None or not own:
        told["input_schema"] = tool.schema or {"type": "object", "properties": {}}
    if tool.strict is not None and (own or tool.strict):
        told["strict"] = tool.strict
    if own:
        told.update(tool.extra)
    else:
        changes += [Change("dropped", f"tools.{name}") for name in tool.extra if name != "function"]
    if tool.cache is not None:
        told["cache_control"] = mark(tool.cache)
    return told


def _thinking(request: Request, facts: Facts, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    effort = request.effort
    if effort is None:
        return
    if own:
        if effort.level:
            out["output_config"] = {"effort": effort.level}
        if "thinking" in request.form:
            out["thinking"] = _own_thinking(request)
        return
    budget = budget_of(effort)
    forced = request.tool_choice is not None and request.tool_choice.mode in ("any", "one")
    if budget == 0 or budget is None:
        return
    if forced:
        changes.append(Change("dropped", "effort", "a forced tool leaves no thinking"))
        return
    if _ADAPTIVE.match(facts.model):
        out["thinking"] = {"type": "adaptive"}
        if effort.level or budget > 0:
            word = _word(effort.level, budget)
            out["output_config"] = {"effort": word}
            changes.append(Change("changed", "effort", f"adaptive with effort {word}"))
        return
    room = out["max_tokens"]
    budget = max(1024, 8192 if budget < 0 else budget)
    if budget >= room:
        # Thoughts count into max_tokens here, not so for callers of other dialects.
        out["max_tokens"] = min(room + budget, max(room, output_max(facts)))
        budget = min(budget, max(1024, out["max_tokens"] - 1024))
    if budget >= out["max_tokens"]:
        changes.append(Change("dropped", "effort", "max_tokens leaves no room for it"))
        return
    out["thinking"] = {"type": "enabled", "budget_tokens": budget}
    changes.append(Change("changed", "effort", f"{budget} tokens"))


def _own_thinking(request: Request) -> dict[str, Any]:
    effort = request.effort
    assert effort is not None
    if effort.adaptive:
        told: dict[str, Any] = {"type": "adaptive"}
    elif effort.budget == 0:
        told = {"type": "disabled"}
    else:
        told = {"type": "enabled", "budget_tokens": effort.budget}
    if effort.shown is not None:
        told["display"] = "summarized" if effort.shown else "omitted"
    return told


def _word(level: str, budget: int) -> str:
    if level in ("low", "medium", "high", "xhigh", "max"):
        return level
    if level == "minimal":
        return "low"
    return "low" if budget <= 4096 else "medium" if budget <= 16384 else "high"


def _sampling(request: Request, facts: Facts, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    thinks = "thinking" in out and not own
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is None:
            continue
        if not own and _NO_SAMPLING.match(facts.model):
            changes.append(Change("dropped", name, "this model takes none"))
        elif thinks and name != "top_p":
            changes.append(Change("dropped", name, "not while it thinks"))
        elif name == "temperature" and value > 1 and not own:
            out[name] = 1
            changes.append(Change("clamped", name, "1"))
        elif name == "top_p" and not own and "temperature" in out:
            changes.append(Change("dropped", name, "not beside temperature"))
        else:
            out[name] = value


def _format(
    request: Request, facts: Facts, out: dict[str, Any], changes: list[Change], form: dict[str, Any]
) -> None:
    wanted = request.format
    if wanted is None or wanted.kind == "text":
        return
    if wanted.kind == "json":
        changes.append(Change("dropped", "format", "the prompt has to ask for JSON"))
        return
    told = {"type": "json_schema", "schema": wanted.schema}
    if "output_format" in form:
        out["output_format"] = told
    elif form or request.dialect == OWN or not _NO_FORMATS.match(facts.model):
        out.setdefault("output_config", {})["format"] = told
    else:
        _format_by_tool(request, out, changes)


def _format_by_tool(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    """A model that knows no formats is made to call a tool whose arguments are the answer."""
    assert request.format is not None
    if out.get("tools"):
        changes.append(Change("dropped", "format", "not beside tools with this model"))
        return
    name = request.sent.answer_by(request.format.name or "answer")
    description = request.format.description or "Give the answer."
    out["tools"] = [{"name": name, "description": description, "input_schema": request.format.schema}]
    out["tool_choice"] = {"type": "tool", "name": name}
    if out.pop("thinking", None) is not None:
        changes.append(Change("dropped", "effort", "a forced tool leaves no thinking"))
    changes.append(Change("emulated", "format", "a forced tool"))


def _stop(request: Request, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    """Stop sequences of white space alone are refused."""
    kept = request.stop if own else [one for one in request.stop if one.strip()]
    if kept:
        out["stop_sequences"] = kept
    if len(kept) < len(request.stop):
        changes.append(Change("dropped", "stop", "white space alone"))


def _unsaid(request: Request, changes: list[Change]) -> None:
    changes += [
        Change("dropped", name)
        for name in _UNKNOWN_TO_IT
        if getattr(request, name) not in (None, "", [], {}, False)
    ]
    if request.n is not None and request.n > 1:
        changes.append(Change("dropped", "n", "one answer"))
    if request.metadata:
        changes.append(Change("dropped", "metadata"))
    if request.store:
        changes.append(Change("dropped", "store"))
    changes += [Change("dropped", "modalities", kind) for kind in request.modalities if kind != "text"]


def _rest(
    request: Request, form: dict[str, Any], out: dict[str, Any], changes: list[Change], own: bool
) -> None:
    for name, value in request.extra.items():
        if not own and name not in KNOWN:
            changes.append(Change("dropped", name))
        elif name == "output_config" and isinstance(value, dict):
            out[name] = {**value, **out.get(name, {})}
        elif own and name == "metadata":
            out[name] = value
        else:
            out.setdefault(name, value)
    for name in form.get("null", ()):
        out.setdefault(name, None)
