"""Requests for Ollama's `/api/chat`, written from the canonical form.

What decides how the model speaks stands in `options`. Whatever a caller of another dialect says in Ollama's own words (`options`,
`keep_alive`, `think`, or an option such as `num_ctx` by itself) is taken as it is.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.core.conversation import Change, Effort, Format, Request, Tool
from trunkline.core.ports import Facts, Written
from trunkline.plugins.adapters.effort import budget_of, level_of
from trunkline.plugins.adapters.fitting import Names
from trunkline.plugins.adapters.ollama_codec.read_reply import OWN
from trunkline.plugins.adapters.ollama_codec.write_messages import messages_of
from trunkline.plugins.adapters.ollama_codec.write_same import same
from trunkline.plugins.adapters.tool_settings import free_text_told
from trunkline.plugins.adapters.unsaid import members_of, unsaid_settings

TOOL_NAME_MAX = 64
_OPTIONS = {
    "max_tokens": "num_predict", "temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "seed": "seed",
    "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty",
}  # fmt: skip
_OWN_OPTIONS = frozenset(
    ("main_gpu", "mirostat", "mirostat_eta", "mirostat_tau", "num_batch", "num_ctx", "num_gpu", "num_keep", "num_predict",
     "num_thread", "penalize_newline", "repeat_last_n", "repeat_penalty", "typical_p", "use_mlock", "use_mmap")
)  # fmt: skip
"""Those that no other dialect has; callers of OpenAI's clients send them beside `temperature`."""
_KNOWN = frozenset(("keep_alive", "shift", "think", "truncate"))
_WITHOUT = (
    "n", "logit_bias", "verbosity", "service_tier", "user", "metadata", "store", "previous", "cache_key", "cache_ttl", "audio",
    "safety",
)  # fmt: skip
_LEVELS = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Words that it has not, and the nearest that it has."""


def write_request(request: Request, facts: Facts, changes: list[Change]) -> Written:
    """Adds to `changes` what Ollama cannot say."""
    if request.dialect == OWN:
        return Written(to_json(same(request)))
    names = request.sent = Names(TOOL_NAME_MAX)
    out: dict[str, Any] = {"model": facts.model or request.model}
    out["messages"] = messages_of(request.messages, names, request.model, changes)
    _tools(request, names, out, changes)
    if request.format is not None:
        _format(request.format, out, changes)
    options = _options(request, changes)
    if options:
        out["options"] = options
    for name in ("logprobs", "top_logprobs"):
        value = getattr(request, name)
        if value is not None:
            out[name] = value
    if request.effort is not None and "think" not in request.extra:
        _effort(request.effort, out, changes)
    out["stream"] = request.stream  # unsaid, it would stream
    _rest(request, out, changes)
    changes += names.changes()
    return Written(to_json(out))


def _options(request: Request, changes: list[Change]) -> dict[str, Any]:
    """Members that mean an option, under those that the caller gave as options."""
    out = {
        name: value for member, name in _OPTIONS.items() if (value := getattr(request, member)) is not None
    }
    if request.stop:
        out["stop"] = request.stop
    for name, value in request.extra.items():
        if name in _OWN_OPTIONS and value is not None:
            out[name] = value
            changes.append(Change("renamed", name, f"options.{name}"))
    given = request.extra.get("options")
    return out | given if isinstance(given, dict) else out


def _tools(request: Request, names: Names, out: dict[str, Any], changes: list[Change]) -> None:
    told = [one for tool in _takeable(request, changes) if (one := _tool(tool, names, changes)) is not None]
    if told:
        out["tools"] = told
        if request.parallel_tools is False:
            changes.append(Change("dropped", "parallel_tools"))


def _takeable(request: Request, changes: list[Change]) -> list[Tool]:
    """It knows no choice of tools: where there is one, it is told of those alone that may be taken."""
    choice = request.tool_choice
    if choice is None or not request.tools:
        return request.tools
    if choice.mode == "none":
        changes.append(Change("emulated", "tool_choice", "no tools are sent"))
        return []
    wanted = choice.allowed or ([choice.name] if choice.mode == "one" else [])
    if wanted:
        changes.append(Change("emulated", "tool_choice", "only the tools that may be taken are sent"))
        return [tool for tool in request.tools if tool.name in wanted]
    if choice.mode == "any":
        changes.append(Change("dropped", "tool_choice", "the vendor leaves that to the model"))
    return request.tools


def _tool(tool: Tool, names: Names, changes: list[Change]) -> dict[str, Any] | None:
    changes += [Change("dropped", f"tools.{name}") for name in members_of(tool.extra)]
    if tool.cache is not None:
        changes.append(Change("dropped", "tools.cache_control", "the vendor caches by itself"))
    if tool.kind == "custom":
        free_text_told(tool, changes)
        return {"type": "function", "function": names.free_text(tool, "parameters")}
    if tool.kind == "hosted":
        changes.append(Change("dropped", "tools", f"{tool.name} is run by other vendors only"))
        return None
    if tool.strict:
        changes.append(Change("dropped", "tools.strict"))
    inner: dict[str, Any] = {"name": names.fit(tool.name)}
    if tool.description:
        inner["description"] = tool.description
    inner["parameters"] = tool.schema if tool.schema is not None else {"type": "object", "properties": {}}
    return {"type": "function", "function": inner}


def _format(wanted: Format, out: dict[str, Any], changes: list[Change]) -> None:
    if wanted.kind == "text":
        return
    out["format"] = wanted.schema if wanted.kind == "schema" and wanted.schema is not None else "json"
    if wanted.kind == "schema" and wanted.strict is False:
        changes.append(Change("changed", "format.strict", "always strict"))
    if wanted.description:
        changes.append(Change("dropped", "format.description"))


def _effort(effort: Effort, out: dict[str, Any], changes: list[Change]) -> None:
    budget = budget_of(effort)
    if budget is None:
        return
    level = level_of(effort)
    if budget <= 0 or not level or level == "none":
        out["think"] = budget != 0
        return
    out["think"] = _LEVELS.get(level, level)
    if effort.budget is not None and not effort.level:
        changes.append(Change("changed", "effort", str(out["think"])))
    elif out["think"] != level:
        changes.append(Change("clamped", "effort", str(out["think"])))


def _rest(request: Request, out: dict[str, Any], changes: list[Change]) -> None:
    changes += unsaid_settings(request, _WITHOUT)
    for name, value in request.extra.items():
        if name in _KNOWN:
            out.setdefault(name, value)
        elif name not in _OWN_OPTIONS and not (name == "options" and isinstance(value, dict)):
            changes.append(Change("dropped", name))
