"""Gemini's requests, written from the canonical form for Google's models."""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Effort, Request, Tool, ToolChoice
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.effort import budget_of, level_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.gemini_codec import schema
from trunkline.plugins.adapters.gemini_codec.parts import OWN
from trunkline.plugins.adapters.gemini_codec.write_contents import Writing
from trunkline.plugins.adapters.tool_settings import free_text_told, settings_lost
from trunkline.plugins.adapters.unsaid import members_of

NAME_MAX = 64
KNOWN = frozenset(("safetySettings", "cachedContent", "labels"))
_CONFIG = (
    ("max_tokens", "maxOutputTokens"), ("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"), ("seed", "seed"),
    ("n", "candidateCount"), ("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty"),
    ("logprobs", "responseLogprobs"), ("top_logprobs", "logprobs"),
)  # fmt: skip
_WITHOUT = (
    "logit_bias", "min_p", "verbosity", "cache_key", "cache_ttl", "audio", "previous", "metadata", "store", "user",
)  # fmt: skip
_TIERS = {
    "standard": "standard",
    "default": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
}
_HOSTED = {"web_search": "googleSearch", "code_interpreter": "codeExecution", "url_context": "urlContext"}
_LEVELS = re.compile(r"(?:models/)?gemini-(?:[3-9]|\d\d)")
"""Models that take a level of thinking, and want their signatures back; older ones take a budget."""
_BUDGETS = re.compile(r"(?:models/)?gemini-2\.5")
_STOPS_MAX = 5


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Gemini cannot say. The model stands in the path."""
    own = request.dialect == OWN
    names = request.sent = Names(NAME_MAX)
    signed = _LEVELS.match(facts.model) is not None
    system, contents = Writing(names, changes, own, signed).contents(request.messages)
    out: dict[str, Any] = {}
    if own:
        _as_it_was(request, system, contents, out)
        return Written(to_json(out))
    if system is not None:
        out["systemInstruction"] = system
    out["contents"] = contents
    _tools(request, names, out, changes)
    config = _config(request, facts, changes)
    if config:
        out["generationConfig"] = config
    _rest(request, out, changes)
    changes += names.changes()
    return Written(to_json(out))


def _as_it_was(request: Request, system: Any, contents: Any, out: dict[str, Any]) -> None:
    form = request.form
    if "model" in form:
        out["model"] = form["model"]
    if system is not None:
        given = form["systemInstruction"]
        rest = {k: v for k, v in given.items() if k != "parts"} if isinstance(given, dict) else {}
        out["systemInstruction"] = given if isinstance(given, str) else {**system, **rest}
    out["contents"] = contents
    for name in ("tools", "toolConfig", "generationConfig"):
        if name in form:
            out[name] = form[name]
    if request.safety:
        out["safetySettings"] = request.safety
    if request.service_tier:
        out["serviceTier"] = request.service_tier
    out.update({name: value for name, value in request.extra.items() if "." not in name})
    out.update(dict.fromkeys(form.get("null", ())))


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change]) -> None:
    declared: list[dict[str, Any]] = []
    hosted: list[dict[str, Any]] = []
    for tool in request.tools:
        if tool.kind == "function":
            declared.append(_function(tool, names, changes))
        elif tool.kind == "custom":
            free_text_told(tool, changes)
            declared.append(names.free_text(tool, "parameters"))
        elif tool.name in _HOSTED:
            changes.append(Change("changed", f"tools.{tool.name}", _HOSTED[tool.name]))
            settings_lost(tool, changes)
            hosted.append({_HOSTED[tool.name]: {}})
        else:
            changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
    tools = [*([{"functionDeclarations": declared}] if declared else []), *hosted]
    if tools:
        out["tools"] = tools
    choice = request.tool_choice
    if choice is not None and any(
        tool.name == choice.name for tool in request.tools if tool.kind == "hosted"
    ):
        changes.append(Change("dropped", "tool_choice", "the vendor's own tools cannot be forced"))
    elif declared and request.tool_choice is not None:
        out["toolConfig"] = {"functionCallingConfig": _choice(request.tool_choice, names)}
    if request.parallel_tools is False and declared:
        changes.append(Change("dropped", "parallel_tools", "the model decides"))


def _choice(choice: ToolChoice, names: Names) -> dict[str, Any]:
    if choice.mode == "one":
        return {"mode": "ANY", "allowedFunctionNames": [names.fit(choice.name)]}
    if choice.allowed:
        # Only with ANY or VALIDATED may names be bounded; VALIDATED leaves the model free to answer in words.
        mode = "ANY" if choice.mode == "any" else "VALIDATED"
        return {"mode": mode, "allowedFunctionNames": [names.fit(name) for name in choice.allowed]}
    return {"mode": choice.mode.upper()}


def _function(tool: Tool, names: Names, changes: list[Change]) -> dict[str, Any]:
    out: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        out["description"] = tool.description
    given = tool.schema
    if isinstance(given, dict) and (given.get("properties") or given.get("type") != "object"):
        out["parameters"] = schema.fit(given, schema.TOOL, "tools.schema", changes)
    if tool.strict:
        changes.append(Change("dropped", "tools.strict"))
    if tool.cache is not None:
        changes.append(Change("dropped", "tools.cache_control", "the vendor caches by itself"))
    changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
    return out


def _config(request: Request, facts: Facts, changes: list[Change]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for member, name in _CONFIG:
        value = getattr(request, member)
        if value is not None:
            out[name] = value
    if request.stop:
        out["stopSequences"] = request.stop[:_STOPS_MAX]
        if len(request.stop) > _STOPS_MAX:
            changes.append(Change("clamped", "stop", f"the first {_STOPS_MAX}"))
    if facts.max_output and (request.max_tokens or 0) > facts.max_output:
        out["maxOutputTokens"] = facts.max_output
        changes.append(Change("clamped", "max_tokens", str(facts.max_output)))
    if request.modalities:
        out["responseModalities"] = [kind.upper() for kind in request.modalities]
    if request.format is not None and request.format.kind != "text":
        out["responseMimeType"] = "application/json"
        if request.format.kind == "schema" and request.format.schema is not None:
            out["responseJsonSchema"] = schema.fit(
                request.format.schema, schema.ANSWER, "format.schema", changes
            )
            if request.format.description:
                changes.append(Change("dropped", "format.description"))
    if request.effort is not None:
        thinking = _thinking(request, request.effort, facts, changes)
        if thinking:
            out["thinkingConfig"] = thinking
    return out


def _thinking(request: Request, effort: Effort, facts: Facts, changes: list[Change]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    budget, level = budget_of(effort), level_of(effort)
    if _LEVELS.match(facts.model):
        if budget == 0:
            out["thinkingLevel"] = "low" if "pro" in facts.model else "minimal"
            changes.append(Change("changed", "effort", f"{out['thinkingLevel']} as this model always thinks"))
        elif level:
            out["thinkingLevel"] = level if level in ("minimal", "low", "medium", "high") else "high"
            if out["thinkingLevel"] != level or (effort.budget is not None and not effort.level):
                changes.append(Change("changed", "effort", out["thinkingLevel"]))
    elif _BUDGETS.match(facts.model):
        if budget is not None:
            most = 32768 if "pro" in facts.model else 24576
            least = 128 if "pro" in facts.model else 0
            told = budget if budget < 0 else min(max(budget, least), most)
            out["thinkingBudget"] = told
            if told != effort.budget and not (effort.adaptive and told < 0):
                changes.append(Change("changed", "effort", f"{told} tokens"))
    else:
        changes.append(Change("dropped", "effort", "this model does not think"))
        return out
    shown = effort.shown
    if shown is None and request.dialect == "anthropic-messages" and budget:
        shown = True  # Whoever lets Anthropic's models think is shown the thoughts, unless he says otherwise.
    if shown is not None or effort.summary:
        out["includeThoughts"] = bool(shown or effort.summary)
    return out


def _rest(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    none = Request(dialect="")
    for name in _WITHOUT:
        value = getattr(request, name)
        if value != getattr(none, name) and value is not False:
            changes.append(Change("dropped", name))
    if request.service_tier and request.service_tier != "auto":
        out["serviceTier"] = _TIERS.get(request.service_tier, "standard")
        if request.service_tier not in _TIERS:
            changes.append(Change("changed", "service_tier", "standard"))
    changes += [Change("dropped", "anthropic-beta", beta) for beta in request.betas if beta]
    for name, value in request.extra.items():
        if name in KNOWN:
            out[name] = value
        else:
            changes.append(Change("dropped", name))
