"""What Ollama answers at `/api/chat`, as `docs/openapi.yaml` of github.com/ollama/ollama has it (ChatResponse,
ChatStreamEvent); ids of calls as `api/types.go` has them. Its Python SDK takes anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Vectors(BaseModel, extra="forbid"):
    """Of `/api/embed` (EmbedResponse)."""

    model: str
    embeddings: list[list[float]]
    prompt_eval_count: int = 0


class Function(BaseModel, extra="forbid"):
    """What is called, and with what."""

    name: str
    arguments: dict[str, Any]
    index: int = 0


class Call(BaseModel, extra="forbid"):
    """One of `tool_calls`."""

    function: Function
    id: str = Field(default=None)


class Message(BaseModel, extra="forbid"):
    """Of the model."""

    role: Literal["assistant"]
    content: str
    thinking: str = Field(default=None)
    tool_calls: list[Call] = Field(default=None)
    images: list[str] = Field(default=None)


class Answer(BaseModel, extra="forbid"):
    """A whole answer, or a line of a stream."""

    model: str
    created_at: datetime
    message: Message
    done: bool
    done_reason: Literal["stop", "length"] = Field(default=None)
    total_duration: int = Field(default=None)
    load_duration: int = Field(default=None)
    prompt_eval_count: int = Field(default=None)
    prompt_eval_duration: int = Field(default=None)
    eval_count: int = Field(default=None)
    eval_duration: int = Field(default=None)
    logprobs: list[dict[str, Any]] = Field(default=None)
