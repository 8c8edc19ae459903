"""What Anthropic refuses of a request that is valid JSON: its rules of turns, tools, thinking and sampling, in its own words.

So that a client, or a gateway that translates, is caught here before the vendor catches it. Source: docs.claude.com/en/api/errors and
what the API answers. Not for: prices, limits, quality of content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trunkline.simulator.failures import refuse

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_KNOWN = frozenset(
    ("model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_p", "top_k", "tools",
     "tool_choice", "thinking", "service_tier", "output_config", "output_format", "container", "context_management", "mcp_servers",
     "cache_control", "diagnostics", "inference_geo", "speed", "user_profile_id")
)  # fmt: skip
_ROLES = ("user", "assistant", "system")
SIGNATURE = re.compile(r"sim[0-9a-f]{20,}")
"""Of thoughts that this vendor made."""


def check(body: dict[str, Any]) -> None:
    """Raises the refusal that the vendor would answer with."""
    for name in body:
        if name not in _KNOWN:
            raise refuse(400, f"{name}: Extra inputs are not permitted")
    _sampling(body)
    _thinking(body)
    _turns(body["messages"])
    _tools(body)
    for place, block in _blocks(body):
        _block(place, block)


def _sampling(body: dict[str, Any]) -> None:
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and not 0 <= value <= 1:
            raise refuse(400, f"{name}: range: 0..1")
    for one in body.get("stop_sequences") or ():
        if not one.strip():
            raise refuse(400, "stop_sequences: each stop sequence must contain non-whitespace")


def _thinking(body: dict[str, Any]) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < 1024:
            raise refuse(400, "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body["max_tokens"]:
            raise refuse(400, "`max_tokens` must be greater than `thinking.budget_tokens`")
    if thinking.get("type") in ("enabled", "adaptive"):
        if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
            raise refuse(400, "Thinking may not be enabled when tool_choice forces tool use.")
        if body.get("temperature") not in (None, 1):
            raise refuse(400, "`temperature` may only be set to 1 when thinking is enabled.")


def _turns(messages: list[Any]) -> None:
    if messages[0].get("role") != "user":
        raise refuse(400, 'messages: first message must use the "user" role')
    pending: set[str] = set()
    for n, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in _ROLES:
            raise refuse(400, f"messages: Unexpected role {role!r}")
        if not content and not (role == "assistant" and n == len(messages) - 1):
            raise refuse(400, f"messages.{n}: all messages must have non-empty content")
        blocks = content if isinstance(content, list) else []
        given = {block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"}
        if pending - given:
            raise refuse(
                400, f"messages.{n}: `tool_use` ids were found without `tool_result` blocks immediately after"
            )
        if given - pending:
            raise refuse(400, f"messages.{n}: unexpected `tool_use_id` found in `tool_result` blocks")
        pending = {block.get("id") for block in blocks if block.get("type") == "tool_use"}
    last = messages[-1]["content"]
    text = last if isinstance(last, str) else (last[-1].get("text", "") if last else "")
    if messages[-1]["role"] == "assistant" and text != text.rstrip():
        raise refuse(400, "messages: final assistant content cannot end with trailing whitespace")


def _tools(body: dict[str, Any]) -> None:
    tools = body.get("tools") or []
    names = [tool.get("name", "") for tool in tools]
    for n, name in enumerate(names):
        if not _NAME.fullmatch(name):
            raise refuse(
                400, f"tools.{n}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
    if len(set(names)) < len(names):
        raise refuse(400, "tools: Tool names must be unique.")
    choice = body.get("tool_choice") or {}
    if choice and not tools:
        raise refuse(400, "tool_choice: may only be specified while providing tools")
    if choice.get("type") == "tool" and choice.get("name") not in names:
        raise refuse(400, f"Tool '{choice.get('name')}' not found in provided tools")
    if not tools and any(block.get("type") in ("tool_use", "tool_result") for _, block in _blocks(body)):
        raise refuse(400, "Requests which include `tool_use` or `tool_result` blocks must define tools")


def _blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for n, message in enumerate(body["messages"]):
        if isinstance(message["content"], list):
            yield from ((f"messages.{n}.content.{at}", block) for at, block in enumerate(message["content"]))


def _block(place: str, block: dict[str, Any]) -> None:
    kind = block.get("type")
    if kind == "text" and not block.get("text"):
        raise refuse(400, "messages: text content blocks must be non-empty")
    if kind == "tool_use":
        if not _ID.fullmatch(block.get("id", "")):
            raise refuse(400, f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
        if not isinstance(block.get("input"), dict):
            raise refuse(400, f"{place}.tool_use.input: Input should be a valid dictionary")
    if kind == "thinking" and not SIGNATURE.fullmatch(block.get("signature", "")):
        raise refuse(400, f"{place}: Invalid `signature` in `thinking` block")
