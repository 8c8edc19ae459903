"""What the speakers of vendors share: the parts of a case's `answer` (`speakers.py` says what stands in it)."""

from __future__ import annotations

from typing import Any

AT = 1795262400
Answer = dict[str, Any]


def pieces(part: dict[str, Any], name: str) -> list[str]:
    """A part as it streams."""
    return part.get("pieces") or [part[name]]


def said(answer: Answer, *names: str) -> str:
    """All texts of these kinds, one after the other."""
    return "".join(part[name] for part in answer["parts"] for name in names if name in part)


def calls(answer: Answer) -> list[dict[str, Any]]:
    """The calls of tools."""
    return [part for part in answer["parts"] if "call" in part]


def tool_call(part: dict[str, Any], identity: str, arguments: str | None = None) -> dict[str, Any]:
    """One of OpenAI's `tool_calls`."""
    told = part["arguments"] if arguments is None else arguments
    return {"id": identity, "type": "function", "function": {"name": part["call"], "arguments": told}}
