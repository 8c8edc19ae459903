"""What OpenAI's chat completions refuse of a request that is valid JSON, in OpenAI's own words.

For OpenAI alone: those that follow it differ. Not for: limits, quality of content.
"""

from __future__ import annotations

import re
from typing import Any

from trunkline.simulator.failures import Refusal, refuse

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FOREIGN = frozenset(
    ("top_k", "min_p", "system", "stop_sequences", "thinking", "output_config", "max_output_tokens", "input", "instructions", "contents",
     "generationConfig", "systemInstruction")
)  # fmt: skip
"""Members of other dialects. OpenAI refuses all that it does not know; here others pass, so that tests may send what nobody knows."""
_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "system": ("text",),
    "developer": ("text",),
    "tool": ("text",),
    "function": (),
}


def check(body: dict[str, Any]) -> None:
    """Raises the refusal that the vendor would answer with."""
    for name in body:
        if name in _FOREIGN:
            raise _refused(f"Unrecognized request argument supplied: {name}", "", None)
    if body.get("stream_options") is not None and not body.get("stream"):
        raise _refused(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"
        )
    _messages(body["messages"])
    _tools(body)


def _messages(messages: list[Any]) -> None:
    pending: set[str] = set()
    for n, message in enumerate(messages):
        role = message.get("role")
        if role not in _PARTS:
            raise _refused(
                f"Invalid value: {role!r}. Supported values are: {', '.join(_PARTS)}.", f"messages[{n}].role"
            )
        if role == "tool":
            if message.get("tool_call_id") not in pending:
                text = (
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                )
                raise _refused(f"Invalid parameter: {text}", f"messages[{n}].role")
            pending.discard(message["tool_call_id"])
        elif pending:
            text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
            raise _refused(text, "messages")
        _content(message, n)
        for call in message.get("tool_calls") or ():
            pending.add(call["id"])
            if "function" in call:
                _named(call["function"]["name"], f"messages[{n}].tool_calls")


def _content(message: dict[str, Any], n: int) -> None:
    content, role = message.get("content"), message["role"]
    if content is None and not (
        role == "assistant" and (message.get("tool_calls") or message.get("refusal"))
    ):
        raise _refused(
            f"Invalid value for 'content': expected a string, got null in messages[{n}].", f"messages[{n}]"
        )
    for at, part in enumerate(content if isinstance(content, list) else ()):
        if part.get("type") not in _PARTS[role]:
            kinds = ", ".join(map(repr, _PARTS[role]))
            raise _refused(
                f"Invalid value: {part.get('type')!r}. Supported values are: {kinds}.",
                f"messages[{n}].content[{at}].type",
            )


def _tools(body: dict[str, Any]) -> None:
    tools = body.get("tools")
    for n, tool in enumerate(tools or ()):
        _named(
            (tool.get("function") or tool.get("custom") or {}).get("name", ""), f"tools[{n}].function.name"
        )
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools:
            raise _refused(
                f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name
            )


def _named(name: str, param: str) -> None:
    if not _NAME.fullmatch(name):
        text = f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        raise _refused(text, param, "invalid_value")


def _refused(message: str, param: str, code: str | None = "invalid_value") -> Refusal:
    return refuse(400, message, code or "", "invalid_request_error", param)
