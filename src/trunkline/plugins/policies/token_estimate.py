"""How many tokens a model call will use, before it is made: what its body asks for, else what calls of its model used lately.

Estimates lean to the high side, since what was set aside too much comes back when the call ends. Shared by the policies that
set something aside for a caller (`budget.py`, `caller_limits.py`). Not for: what a call did use (`Exchange.reading`), nor for limits
toward vendors, which are met on average (`cost.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.dialects import WORDLESS
from trunkline.core.exchange import Exchange

BYTES_PER_TOKEN = 3
"""English has four and more, other scripts three; JSON around it adds to the high side."""
MOST_INPUT = 200_000
"""An image of megabytes is a few thousand tokens; no input is longer than a context window."""
FIRST_OUTPUT = 1000
"""Until the first calls of a model have ended."""
_MOST_MODELS = 4096
_PARSED_MAX = 256 << 10
"""Longer bodies are never parsed on the loop."""


class _Generation(msgspec.Struct, gc=False):
    max_output: int | None = msgspec.field(name="maxOutputTokens", default=None)
    candidates: int | None = msgspec.field(name="candidateCount", default=None)


class _Asked(msgspec.Struct, gc=False):
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    n: int | None = None
    generation: _Generation | None = msgspec.field(name="generationConfig", default=None)


_asked = json_decoder(_Asked)
_NOTHING = _Generation()


class Tokens(NamedTuple):
    """An estimate."""

    input: int
    output: int


class Learned:
    """Mean and mean deviation of a model's answers, moving (as RFC 6298 keeps them of round trips)."""

    __slots__ = ("deviation", "mean")

    def __init__(self, first: int) -> None:
        self.mean = float(first)
        self.deviation = first / 2

    def note(self, output: int) -> None:
        error = output - self.mean
        self.mean += error / 8
        self.deviation += (abs(error) - self.deviation) / 4

    @property
    def high(self) -> int:
        """What an answer seldom exceeds."""
        return int(self.mean + 4 * self.deviation) + 1


class Estimator:
    """Estimates, and learns from calls that have ended."""

    def __init__(self) -> None:
        self._outputs: dict[str, Learned] = {}

    def tokens(self, exchange: Exchange, model: str) -> Tokens:
        """For a call to `model` (`integration/model`)."""
        body = exchange.body if exchange.rest is None else b""
        size = len(body) if exchange.rest is None else exchange.rest.length or 0
        if exchange.dialect in WORDLESS:
            return Tokens(min(size // BYTES_PER_TOKEN + 8, MOST_INPUT), 0)
        asked = asked_output(body)
        if not asked:
            learned = self._outputs.get(model)
            asked = learned.high if learned is not None else FIRST_OUTPUT
        return Tokens(min(size // BYTES_PER_TOKEN + 8, MOST_INPUT), asked)

    def learn(self, exchange: Exchange, model: str) -> None:
        """A call has ended."""
        reading = exchange.reading
        if reading is None or reading.output < 0 or exchange.state != "ok":
            return
        learned = self._outputs.get(model)
        if learned is not None:
            learned.note(reading.output)
        elif len(self._outputs) < _MOST_MODELS:
            self._outputs[model] = Learned(reading.output)


def asked_output(body: bytes) -> int:
    """The most output that a request allows, over all its choices; 0 where it says nothing of it that makes sense."""
    if not body or len(body) > _PARSED_MAX:
        return 0
    try:
        asked = _asked.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return 0
    gemini = asked.generation or _NOTHING
    most = max(
        asked.max_tokens or 0,
        asked.max_completion_tokens or 0,
        asked.max_output_tokens or 0,
        gemini.max_output or 0,
    )
    return most * max(1, asked.n or 1, gemini.candidates or 1) if most > 0 else 0
