"""Ollama: OpenAI's dialect, and Anthropic's messages at the path of that vendor.

Not for: its native `/api/...`, which is not played.
"""

from __future__ import annotations

from trunkline.simulator.reply import Reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors.anthropic import Anthropic
from trunkline.simulator.vendors.openai import OpenAI


class Ollama:
    """Keeps what the two dialects keep."""

    def __init__(self) -> None:
        self._messages = Anthropic()
        self._others = OpenAI("ollama")

    def answer(self, request: Request) -> Reply:
        """Routes by path."""
        dialect = self._messages if "messages" in request.segments else self._others
        return dialect.answer(request)
