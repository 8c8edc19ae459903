"""What a simulated model says: the dialects put their requests into an `Ask`, and dress the `Answer` in their own format.

Not for: any dialect's format (`vendors/`).
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from trunkline.core import codec
from trunkline.simulator import words
from trunkline.simulator.instance import instance

CONTEXT_TOKENS = 1_048_576
IMAGE_TOKENS = 85


class Tool(msgspec.Struct, frozen=True):
    """A function offered to the model."""

    name: str
    schema: Any = None


class Ask(msgspec.Struct):
    """A request to a model, without dialect. `choice`: `auto`, `none`, `required`, or a tool's name."""

    seed: int
    prompt: str
    prompt_tokens: int
    after_tool: bool = False
    tools: list[Tool] = []
    choice: str = "auto"
    parallel: bool = True
    schema: Any = None
    json_object: bool = False
    max_tokens: int | None = None
    stops: list[str] = []


class Call(msgspec.Struct, frozen=True):
    """A tool that the model wants to be called."""

    id: str
    name: str
    arguments: dict[str, Any]


class Answer(msgspec.Struct):
    """`reason`: `stop`, `length`, `stop_sequence` or `tools`."""

    text: str
    calls: list[Call]
    reason: str
    tokens: int


_SCRIPTED = re.compile(r"\[call ([A-Za-z0-9_.-]{1,128}) (?=\{)")
"""How a prompt says which tool to call, and with what: `[call Read {"file_path": "/tmp/a"}]`."""
_JSON = json.JSONDecoder()
_TWO = re.compile(r"\b(both|each|and)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<=[\w,] )[A-Z][a-z]{2,}")


def decide(ask: Ask) -> Answer:
    """Calls a tool when tools are offered and the user spoke last; otherwise answers with text or an instance of the schema."""
    if ask.tools and ask.choice != "none" and (not ask.after_tool or ask.choice not in ("auto", "none")):
        calls = _calls(ask)
        return Answer(
            "",
            calls,
            "tools",
            sum(words.tokens_of(codec.to_json(call.arguments).decode()) + 12 for call in calls),
        )
    if ask.schema is not None:
        text = codec.to_json(instance(ask.schema, hints(ask.prompt), ask.seed)).decode()
        return Answer(text, [], "stop", words.tokens_of(text))
    if ask.json_object:
        text = codec.to_json({"simulated": True, "answer": words.answer_to(ask.prompt, ask.seed)}).decode()
        return Answer(text, [], "stop", words.tokens_of(text))
    text, reason = words.shorten(words.answer_to(ask.prompt, ask.seed), ask.max_tokens, ask.stops)
    return Answer(text, [], reason, words.tokens_of(text))


def hints(prompt: str) -> list[str]:
    """Names that stand in the prompt (words with a capital inside a sentence), for arguments that look apt."""
    return _NAME.findall(prompt)


def scripted(prompt: str, tools: list[Tool]) -> list[tuple[Tool, dict[str, Any]]]:
    """The calls that the prompt asks for in so many words, of tools that are there."""
    found = []
    for hit in _SCRIPTED.finditer(prompt):
        tool = next((tool for tool in tools if tool.name == hit[1]), None)
        try:
            arguments, _ = _JSON.raw_decode(prompt, hit.end())
        except json.JSONDecodeError:
            continue
        if tool is not None:
            found.append((tool, arguments))
    return found


def _calls(ask: Ask) -> list[Call]:
    if told := scripted(ask.prompt, ask.tools):
        return [
            Call(words.identifier("", tool.name, str(ask.seed), str(index)), tool.name, arguments)
            for index, (tool, arguments) in enumerate(told)
        ]
    if ask.choice not in ("auto", "required"):
        named = [tool for tool in ask.tools if tool.name == ask.choice] or ask.tools
        chosen = named[:1]
    else:
        prompt = ask.prompt.lower()
        apt = [
            tool
            for tool in ask.tools
            if any(len(part) > 3 and part in prompt for part in tool.name.lower().split("_"))
        ]
        chosen = (
            (apt or ask.tools)[:2] if ask.parallel and _TWO.search(ask.prompt) else (apt or ask.tools)[:1]
        )
        if ask.parallel and len(chosen) == 1 and len(hints(ask.prompt)) > 1 and _TWO.search(ask.prompt):
            chosen = chosen * 2
    found = hints(ask.prompt)
    return [
        Call(
            words.identifier("", tool.name, str(ask.seed), str(index)),
            tool.name,
            instance(tool.schema or {"type": "object"}, found[index : index + 1] or found[:1], 0),
        )
        for index, tool in enumerate(chosen)
    ]


def text_of(content: Any) -> str:
    """The text of a message content: a string, or a list of parts of which those with text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = (
            part if isinstance(part, str) else part.get("text", "")
            for part in content
            if isinstance(part, str | dict)
        )
        return " ".join(text for text in texts if isinstance(text, str) and text)
    return ""


def weight(value: Any) -> int:
    """Tokens of anything sent as part of a prompt: texts by length, pictures and files at a flat rate."""
    if isinstance(value, str):
        return IMAGE_TOKENS if len(value) > 2000 and " " not in value[:200] else words.tokens_of(value)
    if isinstance(value, list):
        return sum(weight(item) for item in value)
    if isinstance(value, dict):
        return sum(weight(item) for key, item in value.items() if key not in ("type", "role", "id"))
    return 0


def cached_tokens(prompt_tokens: int) -> int:
    """How many of them a vendor would have had in its cache: half of a long prompt, in steps of 128."""
    return prompt_tokens // 2 // 128 * 128 if prompt_tokens >= 1024 else 0
