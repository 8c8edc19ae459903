"""What calls of the Python interface return: typed, with what Trunkline knows of the call beside the vendor's answer.

Not for: failures (`errors.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.core.codec import DecodeError, from_json


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a call; `input` counts cached ones too, `output` reasoning."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool run; answer with a message `{"role": "tool", "tool_call_id": id, "content": ...}`."""

    id: str
    name: str
    arguments: str
    """As the model wrote them."""

    @property
    def input(self) -> Any:
        """The arguments as Python values. Raises ValueError where the model wrote no valid JSON."""
        try:
            return from_json(self.arguments or "{}")
        except DecodeError as problem:
            raise ValueError(f"the model's arguments for {self.name!r} are no JSON: {problem}") from None


@dataclass(frozen=True, slots=True)
class About:
    """What Trunkline tells of a call, from the header of its answer."""

    correlation_id: str = ""
    integration: str = ""
    """Who served it."""
    attempts: int = 1
    cost_usd: float | None = None
    """None: unpriced, or not known yet (streams)."""
    cache: str = ""
    """`hit`, `miss` or `stale`; empty where nothing is cached."""
    fallback: str = ""
    """What was done instead, if the first target failed."""
    translation: str = ""
    """What translation between dialects dropped, renamed or emulated."""
    simulated: bool = False

    @staticmethod
    def of(headers: Mapping[str, str]) -> About:
        """From lower-cased header fields."""
        cost, attempts = headers.get("x-trunkline-cost-usd", ""), headers.get("x-trunkline-attempts", "")
        return About(
            correlation_id=headers.get("x-correlation-id", ""),
            integration=headers.get("x-trunkline-integration", ""),
            attempts=int(attempts) if attempts.isdigit() else 1,
            cost_usd=_number(cost),
            cache=headers.get("x-trunkline-cache", "").partition(";")[0].strip(),
            fallback=headers.get("x-trunkline-fallback", ""),
            translation=headers.get("x-trunkline-translation", ""),
            simulated=headers.get("x-trunkline-simulated", "") == "true",
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's whole answer."""

    text: str
    model: str
    """As the vendor names what served."""
    stop: str
    """`stop`, `length`, `tool_calls`, `content_filter`."""
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    parsed: Any = None
    """With `schema`: the answer as the type that was given, or as plain values."""
    about: About = field(default_factory=About)
    message: Mapping[str, Any] = field(default_factory=dict)
    """The assistant's message, to be put into the next call's messages as it is."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer."""

    text: str = ""
    reasoning: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]
    model: str
    usage: Usage
    about: About = field(default_factory=About)

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, index: int) -> tuple[float, ...]:
        return self.vectors[index]


@dataclass(frozen=True, slots=True)
class Reply:
    """An integration's good answer; failures raise IntegrationError."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; a field that came twice has its values joined by `, `."""
    content: bytes
    about: About = field(default_factory=About)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as Python values. Raises ValueError for what is no JSON."""
        try:
            return from_json(self.content)
        except DecodeError as problem:
            raise ValueError(
                f"the answer is no JSON ({problem}); its type is {self.type or 'unknown'}"
            ) from None

    @property
    def type(self) -> str:
        """Media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def task(self) -> str:
        """Id of the deferred call, where the answer is a 202 that promises it for later; else empty."""
        place = self.headers.get("location", "")
        return place.rpartition("/")[2] if self.status == 202 and place.startswith("/v1/tasks/") else ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """How calls of this object fared, since it was made or `reset`. Latency counts up to the whole answer."""

    integration: str
    model: str
    """Empty for what is no model call."""
    calls: int
    errors: int
    error_rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int
    """Model calls whose cost was not told: streams, whose head comes before it is known, and models without a price."""
    cache_rate: float
    """Share of the calls that could have been answered from the cache and were; 0 where nothing is cached."""
    quota_left: float | None
    """Share of the tightest limit that the last answer told and that was left; None where none was told."""
    by_code: Mapping[str, int] = field(default_factory=dict)
    """Failures by code."""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
