"""Vendors that copy OpenAI's dialect, Anthropic's beside it, and have a few plain endpoints of their own.

Not for: what is theirs alone; such paths are played as a plain JSON API.
"""

from __future__ import annotations

from trunkline.simulator.reply import Reply
from trunkline.simulator.request import Request
from trunkline.simulator.vendors.anthropic import Anthropic
from trunkline.simulator.vendors.generic import Generic
from trunkline.simulator.vendors.openai import OpenAI

_TAILS = ("/chat/completions", "/completions", "/embeddings", "/responses")


class Compatible:
    """Sorts requests by the end of their path."""

    def __init__(self, name: str) -> None:
        self._openai = OpenAI(name)
        self._anthropic = Anthropic(version_needed=False)
        self._plain = Generic(name)

    def answer(self, request: Request) -> Reply:
        """As the maker of the dialect would answer."""
        path = request.path.rstrip("/")
        if path.endswith(("/messages", "/messages/count_tokens")):
            return self._anthropic.answer(request)
        if path.endswith(_TAILS) or (
            "search" not in path and {"models", "responses"} & set(request.segments)
        ):
            return self._openai.answer(request)
        return self._plain.answer(request)
