"""Names and ids of tools that a vendor's pattern does not take, replaced by ones that it does; the same one always by the same.

Callers and vendors must both see their own, so what was replaced is remembered in `Request.sent`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.conversation import Change, Request, Tool

_NOT_PLAIN = re.compile(r"[^a-zA-Z0-9_-]")


class Names:
    """Names of one request's tools; `own` leads from what the vendor was told to what the caller said."""

    __slots__ = ("_most", "answer", "custom", "own")

    def __init__(self, most: int) -> None:
        self._most = most
        self.own: dict[str, str] = {}
        self.custom: set[str] = set()
        """Tools of free text, told as functions of one text."""
        self.answer = ""
        """The tool whose arguments are the answer, where a format is emulated so."""

    def free_text(self, tool: Tool, schema: str) -> dict[str, Any]:
        """A tool of free text as a function of one text, its schema under a name."""
        self.custom.add(tool.name)
        out: dict[str, Any] = {"name": self.fit(tool.name)}
        if tool.description:
            out["description"] = tool.description
        out[schema] = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}
        return out

    def changes(self) -> list[Change]:
        """What was renamed."""
        return [Change("renamed", "tools.name", "as the vendor takes them")] if self.own else []

    def answer_by(self, name: str) -> str:
        """The name of the tool that stands for a format."""
        self.answer = self.fit(name)
        return self.answer

    def fit(self, name: str) -> str:
        """The name as the vendor takes it."""
        if 0 < len(name) <= self._most and _NOT_PLAIN.search(name) is None:
            return name
        plain = _NOT_PLAIN.sub("_", name)[: self._most - 9]
        told = f"{plain}_{digest(name, 8)}"
        self.own[told] = name
        return told


def own_name(asked: Request, told: str) -> str:
    """A tool's name as the caller said it."""
    return asked.sent.own.get(told, told) if isinstance(asked.sent, Names) else told


def fitting_id(given: str, pattern: re.Pattern[str], prefix: str, length: int) -> str:
    """An id of a call that fits a vendor's pattern. Calls and results bear the same one, so it need not lead back."""
    return given if pattern.fullmatch(given) else prefix + digest(given, length - len(prefix))


def digest(text: str, length: int) -> str:
    """Always the same letters and digits for the same text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def free_text(arguments: str) -> str:
    """The text in the arguments of a function that stands for a tool of free text."""
    try:
        value = from_json(arguments)
    except DecodeError:
        return arguments
    inner = value.get("input") if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else arguments
