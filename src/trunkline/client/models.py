"""A model as an object that user code can depend on and fake: two Protocols, and what `Trunkline.model(name)` returns.

Not for: which models there are (`trunkline models`).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from trunkline.client.answers import Chunk, Completion, Embeddings
from trunkline.client.chat import Prompt

if TYPE_CHECKING:
    from trunkline.client.aio import AsyncStream, AsyncTrunkline
    from trunkline.client.sync import Stream, Trunkline


@runtime_checkable
class AIModel(Protocol):
    """Something that answers prompts. Depend on this, and hand in `Trunkline().model("...")`, or a fake in tests."""

    name: str

    def complete(self, prompt: Prompt, **options: Any) -> Completion: ...
    def stream(self, prompt: Prompt, **options: Any) -> Iterable[Chunk]: ...
    def embed_text(self, texts: str | Sequence[str], **options: Any) -> Embeddings: ...


@runtime_checkable
class AsyncAIModel(Protocol):
    """The same for asyncio."""

    name: str

    async def complete(self, prompt: Prompt, **options: Any) -> Completion: ...
    def stream(self, prompt: Prompt, **options: Any) -> AsyncIterable[Chunk]: ...
    async def embed_text(self, texts: str | Sequence[str], **options: Any) -> Embeddings: ...


class BoundModel:
    """A model of a Trunkline; `defaults` are options of every completion."""

    def __init__(self, trunkline: Trunkline, name: str, defaults: Mapping[str, Any]) -> None:
        self._trunkline = trunkline
        self.name = name
        self._defaults = dict(defaults)

    def __repr__(self) -> str:
        return f"<model {self.name}>"

    def complete(self, prompt: Prompt, **options: Any) -> Completion:
        """As `Trunkline.complete`."""
        return self._trunkline.complete(prompt, model=self.name, **(self._defaults | options))

    def stream(self, prompt: Prompt, **options: Any) -> Stream:
        """As `Trunkline.stream`."""
        return self._trunkline.stream(prompt, model=self.name, **(self._defaults | options))

    def embed_text(self, texts: str | Sequence[str], **options: Any) -> Embeddings:
        """As `Trunkline.embed_text`."""
        return self._trunkline.embed_text(texts, model=self.name, **options)


class BoundAsyncModel:
    """The same for asyncio."""

    def __init__(self, trunkline: AsyncTrunkline, name: str, defaults: Mapping[str, Any]) -> None:
        self._trunkline = trunkline
        self.name = name
        self._defaults = dict(defaults)

    def __repr__(self) -> str:
        return f"<model {self.name}>"

    async def complete(self, prompt: Prompt, **options: Any) -> Completion:
        """As `AsyncTrunkline.complete`."""
        return await self._trunkline.complete(prompt, model=self.name, **(self._defaults | options))

    def stream(self, prompt: Prompt, **options: Any) -> AsyncStream:
        """As `AsyncTrunkline.stream`."""
        return self._trunkline.stream(prompt, model=self.name, **(self._defaults | options))

    async def embed_text(self, texts: str | Sequence[str], **options: Any) -> Embeddings:
        """As `AsyncTrunkline.embed_text`."""
        return await self._trunkline.embed_text(texts, model=self.name, **options)
