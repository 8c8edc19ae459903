"""Requests of Ollama's `/api/chat`, read into the canonical form. Options that only it has stay under `options.NAME`."""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Change, Effort, Format, Request, Tool, Untranslatable
from trunkline.plugins.adapters.members import (
    NUMBER,
    Plain,
    an_object,
    read_members,
    take_object,
    take_text,
    whole_object,
)
from trunkline.plugins.adapters.ollama_codec.read_messages import Turns
from trunkline.plugins.adapters.ollama_codec.read_reply import OWN

_PLAIN: Plain = {
    "model": ("model", str),
    "stream": ("stream", bool),
    "logprobs": ("logprobs", bool),
    "top_logprobs": ("top_logprobs", int),
}
OPTIONS: Plain = {
    "num_predict": ("max_tokens", int),
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_k": ("top_k", int),
    "min_p": ("min_p", NUMBER),
    "seed": ("seed", int),
    "presence_penalty": ("presence_penalty", NUMBER),
    "frequency_penalty": ("frequency_penalty", NUMBER),
}
OPTION = "options."


def read_request(body: bytes, changes: list[Change]) -> Request:
    """Raises Untranslatable."""
    del changes
    said = whole_object(body)
    request = Request(dialect=OWN, form={})
    nulls = read_members(said, request, _PLAIN, _SPECIAL)
    request.form |= {"null": nulls} if nulls else {}
    request.form |= {"stream": True} if "stream" in said else {}
    if not request.messages:
        text = "`messages` is missing or empty; a call without any only loads a model of Ollama's own"
        raise Untranslatable(text, "messages")
    return request


def _messages(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`messages` is no list", "messages")
    turns = Turns()
    request.messages = [turns.message(one, n) for n, one in enumerate(value)]


def _tools(value: Any, request: Request) -> None:
    if not isinstance(value, list):
        raise Untranslatable("`tools` is no list", "tools")
    request.form["tools"] = True
    request.tools = [_tool(an_object(one, "tools")) for one in value]


def _tool(said: dict[str, Any]) -> Tool:
    inner = an_object(said.pop("function", None), "tools.function")
    if said.get("type") == "function":
        del said["type"]
    else:
        said.setdefault("type", None)  # it may be left out
    return Tool(
        name=take_text(inner, "name"),
        description=take_text(inner, "description"),
        schema=take_object(inner, "parameters"),
        extra={**said, **({"function": inner} if inner else {})},
    )


def _format(value: Any, request: Request) -> None:
    request.form["format"] = value
    if isinstance(value, dict):
        request.format = Format(kind="schema", schema=value)
    elif value == "json":
        request.format = Format(kind="json")
    elif value != "":
        raise Untranslatable("`format` is neither `json` nor a JSON schema", "format")


def _think(value: Any, request: Request) -> None:
    request.form["think"] = value
    if isinstance(value, bool):
        request.effort = Effort(adaptive=True) if value else Effort(budget=0)
    elif isinstance(value, str):
        request.effort = Effort(level=value) if value else None
    else:
        raise Untranslatable("`think` is neither true, false nor a level", "think")


def _options(value: Any, request: Request) -> None:
    request.form["options"] = True
    for name, one in an_object(value, "options").items():
        if name == "stop" and one and (isinstance(one, str) or _texts(one)):
            request.form["stop"] = isinstance(one, str)
            request.stop = [one] if isinstance(one, str) else one
        elif _fits(name, one):
            setattr(request, OPTIONS[name][0], one)
        else:
            request.extra[OPTION + name] = one


def _fits(name: str, value: Any) -> bool:
    """Whether an option means what other dialects have a word for; below 1 a number of tokens is none, but means no bound."""
    known = OPTIONS.get(name)
    if known is None or isinstance(value, bool) or not isinstance(value, known[1]):
        return False
    return name != "num_predict" or (isinstance(value, int) and value > 0)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_SPECIAL = {
    "messages": _messages,
    "tools": _tools,
    "format": _format,
    "think": _think,
    "options": _options,
}
