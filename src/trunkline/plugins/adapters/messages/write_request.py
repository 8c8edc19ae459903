"""Anthropic Messages' requests, written from the canonical form for vendors that speak it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Effort, Format, Message, Request, Tool, ToolCall
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.effort import budget_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.messages import models
from trunkline.plugins.adapters.messages.blocks import OWN
from trunkline.plugins.adapters.messages.models import Traits, traits_of
from trunkline.plugins.adapters.messages.write_messages import Writing, mark
from trunkline.plugins.adapters.tool_settings import free_text_told, search_settings, settings_lost
from trunkline.plugins.adapters.unsaid import members_of

KNOWN = frozenset(
    ("cache_control", "container", "context_management", "diagnostics", "inference_geo", "mcp_servers", "metadata", "output_config",
     "speed", "thinking", "user_profile_id")
)  # fmt: skip
_WITHOUT = (
    "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "min_p", "verbosity", "cache_key",
    "cache_ttl", "audio", "safety", "previous", "metadata", "store",
)  # fmt: skip
"""Members of Request that it has no words for."""
_without = attrgetter(*_WITHOUT)
_NONE = _without(Request(dialect=""))
_SAMPLED = ("temperature", "top_p", "top_k")
_sampled = attrgetter(*_SAMPLED)
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
NAME_MAX = 128
THINKING_MIN = 1024
FREE_BUDGET = 8192
"""Where the model shall think as much as it likes, and cannot."""


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Messages cannot say."""
    own = request.dialect == OWN
    names = request.sent = Names(NAME_MAX)
    writing = Writing(names, changes, facts, own)
    out: dict[str, Any] = {"model": request.model}
    if request.max_tokens is not None or not own:
        out["max_tokens"] = models.output_max(facts) if request.max_tokens is None else request.max_tokens
    system, messages = writing.conversation(request.messages)
    if system is not None:
        out["system"] = system
    out["messages"] = messages
    _tools(request, names, out, changes, own)
    if own:
        _as_it_was(request, out)
    else:
        _translated(request, facts, out, changes)
    if request.stop:
        _stop(request, out, changes, own)
    if request.stream:
        out["stream"] = True
    if request.extra:
        _rest(request, out, changes, own)
    changes += names.changes()
    if not request.betas and not writing.betas:
        return Written(to_json(out))
    betas = ",".join(dict.fromkeys([*request.betas, *writing.betas]))
    return Written(to_json(out), b"anthropic-beta: %b\r\n" % betas.encode("latin-1", "replace"))


def _translated(request: Request, facts: Facts, out: dict[str, Any], changes: list[Change]) -> None:
    """What callers of other dialects say of the answer."""
    traits = traits_of(facts.model)
    if request.effort is not None:
        _thinking(request, request.effort, facts, out, changes)
    if request.format is not None:
        _format(request, request.format, traits, out, changes)
    if _sampled(request) != (None, None, None):
        _sampling(request, traits, out, changes)
    if request.user:
        out["metadata"] = {"user_id": request.user}
    if request.service_tier:
        out["service_tier"] = _TIERS.get(request.service_tier, "auto")
        if request.service_tier not in _TIERS:
            changes.append(Change("changed", "service_tier", "auto"))
    if _without(request) != _NONE:
        said = zip(_WITHOUT, _without(request), _NONE, strict=True)
        changes += [
            Change("dropped", name) for name, value, none in said if value != none and value is not False
        ]
    if request.n is not None and request.n > 1:
        changes.append(Change("dropped", "n", "one answer"))
    if request.modalities:
        changes += [Change("dropped", "modalities", kind) for kind in request.modalities if kind != "text"]


def _as_it_was(request: Request, out: dict[str, Any]) -> None:
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is not None:
            out[name] = value
    if request.service_tier:
        out["service_tier"] = request.service_tier
    for name in ("thinking", "output_config", "output_format", "metadata", "tools"):
        if name in request.form:
            out[name] = request.form[name]
    for name in request.form.get("null", ()):
        out[name] = None


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    tools = [told for tool in request.tools if (told := _tool(tool, names, changes, own)) is not None]
    if not tools and not own:
        tools = _of_history(request.messages, names)
        if tools:
            out["tool_choice"] = {"type": "none"}
            out["tools"] = tools
            changes.append(Change("emulated", "tools", "those that the conversation has used"))
        return
    if tools:
        out["tools"] = tools
    choice, single = request.tool_choice, request.parallel_tools
    if choice is None:
        if single is False:
            out["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        return
    chosen: dict[str, Any] = {"type": "tool" if choice.mode == "one" else choice.mode}
    if choice.mode == "one":
        chosen["name"] = names.fit(choice.name)
    if single is not None and (own or (single is False and choice.mode != "none")):
        chosen["disable_parallel_tool_use"] = not single
    if choice.allowed:
        allowed = {names.fit(name) for name in choice.allowed}
        out["tools"] = [tool for tool in tools if tool.get("name") in allowed]
        changes.append(Change("emulated", "tool_choice", "only the allowed tools are sent"))
    out["tool_choice"] = chosen


def _of_history(messages: list[Message], names: Names) -> list[dict[str, Any]]:
    """Anthropic wants every tool declared that was ever called; other dialects let a later turn leave them out."""
    if not any(message.role == "tool" for message in messages):
        return []
    called = [part.name for message in messages for part in message.parts if isinstance(part, ToolCall)]
    return [{"name": names.fit(name), "input_schema": {"type": "object"}} for name in dict.fromkeys(called)]


def _tool(tool: Tool, names: Names, changes: list[Change], own: bool) -> dict[str, Any] | None:
    if tool.kind != "function":
        return _other_tool(tool, names, changes)
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
        changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
    if tool.cache is not None:
        told["cache_control"] = mark(tool.cache, changes)
    return told


def _other_tool(tool: Tool, names: Names, changes: list[Change]) -> dict[str, Any] | None:
    """Tools of free text, and those that the vendor runs."""
    if tool.dialect == OWN and isinstance(tool.value, dict):
        return tool.value
    if tool.kind == "custom":
        free_text_told(tool, changes)
        return names.free_text(tool, "input_schema")
    if tool.name in models.HOSTED:
        kind, name = models.HOSTED[tool.name]
        changes.append(Change("changed", f"tools.{tool.name}", kind))
        if tool.name == "web_search":
            return {"type": kind, "name": name, **search_settings(tool, OWN, changes)}
        settings_lost(tool, changes)
        return {"type": kind, "name": name}
    changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
    return None


def _thinking(
    request: Request, effort: Effort, facts: Facts, out: dict[str, Any], changes: list[Change]
) -> None:
    budget, traits = budget_of(effort), traits_of(facts.model)
    if budget is None:
        return
    if budget == 0:
        _without_thinking(traits, out, changes)
        return
    if request.tool_choice is not None and request.tool_choice.mode in ("any", "one"):
        changes.append(Change("dropped", "effort", "a forced tool leaves no thinking"))
        return
    if traits.adaptive:
        out["thinking"] = {"type": "adaptive"}
        if effort.shown is not None:
            out["thinking"]["display"] = "summarized" if effort.shown else "omitted"
        if effort.level or budget > 0:
            word = models.effort_word(effort.level, budget)
            out["output_config"] = {"effort": word}
            changes.append(Change("changed", "effort", f"adaptive with effort {word}"))
        return
    # Thoughts count into the bound of the answer, in all dialects; some of it must be left for words.
    room = out["max_tokens"] - THINKING_MIN
    if room < THINKING_MIN:
        changes.append(Change("dropped", "effort", "max_tokens leaves no room for it"))
        return
    if _thoughtless(out["messages"]):
        changes.append(Change("dropped", "effort", "the turn before came without its thoughts"))
        return
    budget = min(room, max(THINKING_MIN, FREE_BUDGET if budget < 0 else budget))
    out["thinking"] = {"type": "enabled", "budget_tokens": budget}
    if budget != effort.budget:
        changes.append(Change("changed", "effort", f"{budget} tokens"))


def _thoughtless(messages: list[dict[str, Any]]) -> bool:
    """Whether the model would go on from a turn of its own that does not begin with a thought: refused while it thinks by a budget.

    Callers that speak other dialects seldom send thoughts back with calls of tools.
    """
    last = messages[-1]
    if last["role"] == "user":
        answers = isinstance(last["content"], list) and last["content"][0].get("type") == "tool_result"
        if not answers or len(messages) < 2:
            return False
        last = messages[-2]
    content = last["content"]
    return isinstance(content, str) or content[0].get("type") not in ("thinking", "redacted_thinking")


def _without_thinking(traits: Traits, out: dict[str, Any], changes: list[Change]) -> None:
    if traits.always_thinks:
        out["output_config"] = {"effort": "low"}
        changes.append(Change("changed", "effort", "low as this model always thinks"))
    else:
        out["thinking"] = {"type": "disabled"}


def _sampling(request: Request, traits: Traits, out: dict[str, Any], changes: list[Change]) -> None:
    thinks = out.get("thinking", {}).get("type") in ("enabled", "adaptive")
    for name, value in zip(_SAMPLED, _sampled(request), strict=True):
        if value is None:
            continue
        if not traits.sampled:
            changes.append(Change("dropped", name, "this model takes none"))
        elif thinks:
            changes.append(Change("dropped", name, "not while it thinks"))
        elif name == "top_p" and "temperature" in out:
            changes.append(Change("dropped", name, "not beside temperature"))
        elif name == "temperature" and value > 1:
            out[name] = 1
            changes.append(Change("clamped", name, "1"))
        else:
            out[name] = value


def _format(
    request: Request, wanted: Format, traits: Traits, out: dict[str, Any], changes: list[Change]
) -> None:
    if wanted.kind == "text":
        return
    if wanted.kind == "json":
        changes.append(Change("dropped", "format", "the prompt has to ask for JSON"))
    elif traits.formats:
        out.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": wanted.schema}
        if wanted.description:
            changes.append(Change("dropped", "format.description"))
    elif out.get("tools"):
        changes.append(Change("dropped", "format", "not beside tools with this model"))
    else:
        name = request.sent.answer_by(wanted.name or "answer")
        description = wanted.description or "Give the answer."
        out["tools"] = [{"name": name, "description": description, "input_schema": wanted.schema}]
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


def _rest(request: Request, out: dict[str, Any], changes: list[Change], own: bool) -> None:
    for name, value in request.extra.items():
        if own and "." not in name:
            out[name] = value
        elif not own and name in KNOWN and not (name == "context_management" and isinstance(value, list)):
            out[name] = {**value, **out[name]} if isinstance(value, dict) and name in out else value
        elif not own:
            changes.append(Change("dropped", name))
