"""Settings of tools that are more than a function: where a hosted web search may look, in what grammar a free text must be.

Read out of the words of the dialect that declared the tool and said in another's; what that one has no words for is named. Not for:
functions, whose settings are members of `Tool`.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Change, Tool
from trunkline.plugins.adapters.count import member

_PLACE = ("city", "region", "country", "timezone")
_FRAME = frozenset(("type", "name", "cache_control"))
_NOT_SAID: tuple[Any, ...] = (None, {}, [], "")


def search_settings(tool: Tool, dialect: str, changes: list[Change]) -> dict[str, Any]:
    """What a declaration of `web_search` in `dialect` says beside its type and name."""
    said = _said(tool)
    domains = said.pop("allowed_domains", None)
    place = said.pop("user_location", None)
    out: dict[str, Any] = {}
    if dialect == "anthropic-messages":
        out.update({name: said.pop(name) for name in ("blocked_domains", "max_uses") if name in said})
        out.update({"allowed_domains": domains} if domains else {})
        out.update({"user_location": {"type": "approximate", **place}} if place else {})
        domains = place = None
    elif dialect == "openai-responses":
        out.update({"filters": {"allowed_domains": domains}} if domains else {})
        out.update({"user_location": {"type": "approximate", **place}} if place else {})
        domains = place = None
    elif dialect == "openai-chat":
        out.update({"user_location": {"type": "approximate", "approximate": place}} if place else {})
        place = None
    if dialect.startswith("openai") and "search_context_size" in said:
        out["search_context_size"] = said.pop("search_context_size")
    left = {**said, "allowed_domains": domains, "user_location": place}
    _name(tool, left, changes)
    return out


def settings_lost(tool: Tool, changes: list[Change]) -> None:
    """Names the settings of a hosted tool that is declared in another dialect without any."""
    _name(tool, _said(tool), changes)


def _name(tool: Tool, left: dict[str, Any], changes: list[Change]) -> None:
    changes += [
        Change("dropped", f"tools.{tool.name}.{name}")
        for name, value in left.items()
        if value not in _NOT_SAID
    ]


def _said(tool: Tool) -> dict[str, Any]:
    """A hosted tool's settings: those of searches under Anthropic's names, others under their own."""
    value = tool.value if isinstance(tool.value, dict) else {}
    if tool.dialect == "gemini-generate":
        inner = next(iter(value.values()), None)
        return dict(inner) if isinstance(inner, dict) else {}
    if value.get("type") == "web_search_options":
        value = member(value, "web_search_options")
    said = {name: inner for name, inner in value.items() if name not in _FRAME}
    if tool.name != "web_search":
        return said
    filters = said.pop("filters", None)
    said.update(filters if isinstance(filters, dict) else {})
    place = member(said, "user_location")
    if place:
        near = member(place, "approximate") or place
        said["user_location"] = {name: near[name] for name in _PLACE if near.get(name)}
    return said


def grammar_of(tool: Tool) -> dict[str, str] | None:
    """The grammar of a tool of free text, `syntax` and `definition`; None for any text."""
    value = tool.value if isinstance(tool.value, dict) else {}
    form = member(member(value, "custom") or value, "format")
    grammar = member(form, "grammar") or form
    if form.get("type") != "grammar":
        return None
    return {"syntax": str(grammar.get("syntax") or ""), "definition": str(grammar.get("definition") or "")}


def free_text_told(tool: Tool, changes: list[Change]) -> None:
    """Names what becomes of a tool of free text that is declared as a function of one text."""
    changes.append(Change("emulated", "tools.custom", "a function of one text"))
    if grammar_of(tool) is not None:
        changes.append(Change("dropped", "tools.custom.format", "any text is taken"))
