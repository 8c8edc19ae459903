"""Ollama's own API, `/api/chat` and `/api/embed`: what its answers tell of usage, and how its streams go.

A stream is lines of JSON, each with `done`; the last one has it true, and the counts. A failure is a line with `error`. Source:
docs.ollama.com/api/chat, /api/embed, /api/errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.ports import Reading
from trunkline.plugins.adapters.count import count, member
from trunkline.plugins.adapters.streamless import Streamless
from trunkline.plugins.adapters.usage import take
from trunkline.plugins.adapters.usage.ollama import usage_of

_TELLING = re.compile(rb'"done"\s*:\s*true|"error"')
_SAYS = ("content", "thinking", "tool_calls", "images")


class OllamaEmbed(Streamless):
    """Stateless."""

    name = "ollama-embed"

    def read(self, body: bytes, into: Reading) -> None:
        value = from_json(body)
        into.finished = True
        if not isinstance(value, dict):
            return
        if isinstance(value.get("model"), str):
            into.model = value["model"]
        told = count(value.get("prompt_eval_count"))
        if told >= 0:
            into.input, into.output = told, 0


class OllamaChat:
    """Stateless."""

    name = "ollama-chat"

    def read(self, body: bytes, into: Reading) -> None:
        _take(from_json(body), into)
        into.finished = True

    def watch(self, block: bytes, into: Reading) -> bytes | None:
        if into.model and _TELLING.search(block) is None:
            return None
        for line in _lines(block):
            try:
                value = from_json(line)
            except DecodeError:
                continue
            if not isinstance(value, dict):
                continue
            if value.get("error") and "message" not in value:
                return line
            if not into.model or value.get("done") is True:
                _take(value, into)
            into.finished = into.finished or value.get("done") is True
        return None

    def opens(self, block: bytes) -> bool:
        for line in _lines(block):
            try:
                value = from_json(line)
            except DecodeError:
                return False
            if not isinstance(value, dict) or not _harmless(value):
                return False
        return True


def _lines(block: bytes) -> Iterator[bytes]:
    """Those with anything on them."""
    return filter(None, map(bytes.strip, block.split(b"\n")))


def _harmless(line: dict[str, Any]) -> bool:
    """A role without a word."""
    said = member(line, "message")
    return not line.get("error") and line.get("done") is not True and not any(map(said.get, _SAYS))


def _take(value: Any, into: Reading) -> None:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("model"), str):
        into.model = value["model"]
    usage = usage_of(value)
    if usage is not None:
        take(usage, into)
