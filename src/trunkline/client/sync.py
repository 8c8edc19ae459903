"""`Trunkline`: the same for code without asyncio. One event loop in a thread of its own does the work.

May be used by several threads. Not for: code that runs in an event loop, which would stand still; use `AsyncTrunkline` there.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from trunkline.client import chat
from trunkline.client.aio import PARALLEL, AsyncIntegration, AsyncStream, AsyncTrunkline
from trunkline.client.answers import Chunk, Completion, Embeddings, Metrics, Reply
from trunkline.client.errors import IntegrationError
from trunkline.client.models import BoundModel
from trunkline.client.transport import Transport

T = TypeVar("T")


class _Loop:
    """An event loop in a daemon thread, begun at first need."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = 0
        self.stopped = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for it. Raises RuntimeError inside a running event loop, after `stop`, and in a child forked after the first call."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            why = self._gone()
        else:
            why = "Trunkline blocks; inside an event loop use AsyncTrunkline"
        if why:
            work.close()
            raise RuntimeError(why)
        with self._lock:
            if self._loop is None:
                self._begin()
            loop = self._loop
        assert loop is not None
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def leave(self, work: Coroutine[Any, Any, None]) -> None:
        """What is done when somebody goes, wherever that is: not at all where there is nothing to leave any more."""
        if self._gone() or self._loop is None:
            work.close()
            return
        left = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            left.result()

    def _gone(self) -> str:
        # Before the lock is asked for: a fork may have come while another thread held it.
        if self.forked:
            return "this Trunkline was made before a fork; make one in the child"
        return "this Trunkline is closed; make a new one" if self.stopped else ""

    @property
    def forked(self) -> bool:
        """Whether this is a child of the process in which it began."""
        return self._pid not in (0, os.getpid())

    def _begin(self) -> None:
        self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
        self._thread = threading.Thread(target=self._loop.run_forever, name="trunkline", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread. Nothing may run any more."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            self.stopped = True
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class Trunkline:
    """As AsyncTrunkline, blocking. Use it with `with`, or `close()` at the end."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        config: str | Path | None = None,
        state_dir: str | Path | None = None,
        env: str | None = None,
        ca_file: str | None = None,
        feature: str = "",
        subject: str = "",
        tags: str = "",
        timeout_s: float | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._loop = _Loop()
        self._inner = AsyncTrunkline(
            url,
            key=key,
            config=config,
            state_dir=state_dir,
            env=env,
            ca_file=ca_file,
            feature=feature,
            subject=subject,
            tags=tags,
            timeout_s=timeout_s,
            transport=transport,
        )

    def __enter__(self) -> Self:
        self._loop.run(self._inner.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._inner).replace("Async", "", 1)

    def __reduce__(self) -> str:
        return self._inner.__reduce__()

    def close(self) -> None:
        """Keeps nothing open. Once more, or in a forked child, there is nothing to do."""
        if self._loop.stopped or self._loop.forked:
            return
        self._loop.run(self._inner.close())
        self._loop.stop()

    def complete(self, prompt: chat.Prompt, *, model: str, **options: Any) -> Completion:
        """A model's answer; options as `AsyncTrunkline.complete` has them. Raises IntegrationError."""
        return self._loop.run(self._inner.complete(prompt, model=model, **options))

    def stream(self, prompt: chat.Prompt, *, model: str, **options: Any) -> Stream:
        """Piece by piece: `for chunk in trunkline.stream(...)`; then `.completion` is the whole answer."""
        return Stream(self._loop, self._inner.stream(prompt, model=model, **options))

    def embed_text(self, texts: str | Sequence[str], *, model: str, **options: Any) -> Embeddings:
        """Vectors of one or more texts, in their order. Raises IntegrationError."""
        return self._loop.run(self._inner.embed_text(texts, model=model, **options))

    def integration(self, name: str) -> Integration:
        """An integration or named route, e.g. `trunkline.integration("stripe")`."""
        return Integration(self._loop, self._inner.integration(name))

    def model(self, name: str, **defaults: Any) -> BoundModel:
        """A model as an object that fits `AIModel`, for code that should not know where it comes from."""
        return BoundModel(self, name, defaults)

    def parallel(
        self, calls: Iterable[Callable[[], T]], *, at_once: int = PARALLEL
    ) -> list[T | IntegrationError]:
        """Runs calls, `at_once` at a time, and returns answers in their order; a failed one is its IntegrationError.

        `trunkline.parallel([lambda: trunkline.complete("a", model=m), lambda: stripe.get("/v1/customers")])`
        """
        if at_once < 1:
            raise ValueError(f"at_once must be 1 or more, not {at_once}")

        def one(call: Callable[[], T]) -> T | IntegrationError:
            try:
                return call()
            except IntegrationError as error:
                return error

        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(one, calls))

    def usage_metrics(self, *, reset: bool = False) -> list[Metrics]:
        """How the calls of this object fared, by integration and model."""
        return self._inner.usage_metrics(reset=reset)


class Stream:
    """A streamed answer; iterate it once. Leaving it early cuts the vendor's call."""

    def __init__(self, loop: _Loop, inner: AsyncStream) -> None:
        self._loop = loop
        self._inner = inner

    @property
    def completion(self) -> Completion:
        """The whole answer, once iteration has come to its end."""
        return self._inner.completion

    def __iter__(self) -> Iterator[Chunk]:
        pieces = aiter(self._inner)
        try:
            while True:
                try:
                    yield self._loop.run(_next(pieces))
                except _Over:
                    return
        finally:
            self._loop.leave(_leave(pieces))


class Integration:
    """One integration: any path of the vendor's; options as `AsyncIntegration.request` has them."""

    def __init__(self, loop: _Loop, inner: AsyncIntegration) -> None:
        self._loop = loop
        self._inner = inner
        self.name = inner.name

    def __repr__(self) -> str:
        return f"<Integration {self.name}>"

    def request(self, method: str, path: str, **options: Any) -> Reply:
        """One call. Raises IntegrationError."""
        return self._loop.run(self._inner.request(method, path, **options))

    def get(self, path: str, **options: Any) -> Reply:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        """POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Reply:
        """PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Reply:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        """DELETE."""
        return self.request("DELETE", path, **options)


async def _next(pieces: AsyncIterator[Chunk]) -> Chunk:
    try:
        return await anext(pieces)
    except StopAsyncIteration:
        raise _Over from None


async def _leave(pieces: AsyncIterator[Chunk]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()


class _Over(Exception):
    """StopAsyncIteration cannot leave a coroutine."""
