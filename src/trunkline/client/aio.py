"""`AsyncTrunkline`: calls of models and integrations from asyncio, in process or through a running gateway.

Not for: how a call gets there (`transport.py` and what implements it), nor its dialect (`chat.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

from trunkline.client import chat, labels
from trunkline.client.answers import About, Chunk, Completion, Embeddings, Metrics, Reply, Usage
from trunkline.client.errors import IntegrationError, from_answer
from trunkline.client.labels import LABELS
from trunkline.client.metrics import Meter
from trunkline.client.models import BoundAsyncModel
from trunkline.client.place import Place, open_transport
from trunkline.client.transport import Arriving, Ask, Field, Transport
from trunkline.wire.sse import Splitter

T = TypeVar("T")
PARALLEL = 8
_CHAT, _EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"
_JSON, _FORM = b"application/json", b"application/x-www-form-urlencoded"


class AsyncTrunkline:
    """Use it with `async with`, or `await close()` at the end. Belongs to the event loop of its first call.

    Without `url` (or TRUNKLINE_URL) it attaches to the Trunkline that runs on `state_dir`; where none runs it works in
    process, with the registry `config` and a journal of its own. `feature`, `subject`, `tags` and `timeout_s` hold for all
    its calls unless a call says otherwise. Nothing is opened before the first call.
    """

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
        self._place = Place(url, key, config, state_dir, env, ca_file)
        self._transport = transport
        self._opening: asyncio.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._labels = {"feature": feature, "subject": subject, "tags": tags, "timeout_s": timeout_s}
        self._meter = Meter()

    async def __aenter__(self) -> Self:
        await self._opened()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncTrunkline {self._transport.where if self._transport else 'not opened yet'}>"

    def __reduce__(self) -> str:
        raise TypeError(
            "a Trunkline holds connections and a key, and cannot be copied or pickled; make one in each process"
        )

    async def close(self) -> None:
        """Lets running calls of other tasks fail, and keeps nothing open. Once more, there is nothing to do."""
        if self._closed:
            return
        if self._transport is not None:
            self._at_home()
        self._closed = True
        if self._transport is not None:
            await self._transport.close()

    async def complete(
        self,
        prompt: chat.Prompt,
        *,
        model: str,
        system: str | None = None,
        schema: chat.Schema | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> Completion:
        """A model's answer. `options` are OpenAI Chat's own (`max_tokens`, `temperature`, `reasoning_effort`, ...), whichever vendor
        serves, and LABELS; what that vendor cannot do stands in `about.translation`. With `schema` the answer is structured and
        `parsed`. Raises IntegrationError.
        """
        if options.pop("stream", None):
            raise TypeError("complete() gives whole answers; use stream(...) for one in pieces")
        told = self._fields(_JSON, options)
        body = chat.request(model, prompt, system=system, schema=schema, tools=tools, **options)
        began = time.monotonic()
        arriving = await self._ask(Ask("POST", _CHAT, told, body), model, began)
        about = About.of(arriving.headers)
        try:
            answer = chat.completion(await arriving.read(), about, schema)
        except IntegrationError as error:
            self._count(arriving, model, began, code=error.code)
            raise
        self._count(arriving, model, began, about=about, usage=answer.usage)
        return answer

    def stream(
        self,
        prompt: chat.Prompt,
        *,
        model: str,
        system: str | None = None,
        schema: chat.Schema | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> AsyncStream:
        """The same, piece by piece: `async for chunk in trunkline.stream(...)`; then `.completion` is the whole answer.

        The call is made when iteration begins. Leaving it early cuts the vendor's call.
        """
        told = self._fields(_JSON, options)
        body = chat.request(model, prompt, system=system, schema=schema, tools=tools, stream=True, **options)
        return AsyncStream(self, Ask("POST", _CHAT, told, body), model, schema)

    async def embed_text(
        self,
        texts: str | Sequence[str],
        *,
        model: str,
        dimensions: int | None = None,
        **options: Any,
    ) -> Embeddings:
        """Vectors of one or more texts, in their order. Raises IntegrationError."""
        told = self._fields(_JSON, options)
        body = chat.embedding_request(
            model, [texts] if isinstance(texts, str) else list(texts), dimensions, **options
        )
        began = time.monotonic()
        arriving = await self._ask(Ask("POST", _EMBEDDINGS, told, body), model, began)
        about = About.of(arriving.headers)
        answer = chat.embeddings(await arriving.read(), about)
        self._count(arriving, model, began, about=about, usage=answer.usage)
        return answer

    def integration(self, name: str) -> AsyncIntegration:
        """An integration or named route, e.g. `trunkline.integration("stripe")`."""
        if not name or "/" in name:
            raise ValueError(f"an integration is named as in the registry, e.g. 'stripe', not {name!r}")
        return AsyncIntegration(self, name)

    def model(self, name: str, **defaults: Any) -> BoundAsyncModel:
        """A model as an object that fits `AsyncAIModel`, for code that should not know where it comes from."""
        return BoundAsyncModel(self, name, defaults)

    async def parallel(
        self, calls: Iterable[Awaitable[T]], *, at_once: int = PARALLEL
    ) -> list[T | IntegrationError]:
        """Runs calls, `at_once` at a time, and returns answers in their order; a failed one is its IntegrationError."""
        if at_once < 1:
            raise ValueError(f"at_once must be 1 or more, not {at_once}")
        room = asyncio.Semaphore(at_once)

        async def one(call: Awaitable[T]) -> T | IntegrationError:
            async with room:
                try:
                    return await call
                except IntegrationError as error:
                    return error

        return list(await asyncio.gather(*(one(call) for call in calls)))

    def usage_metrics(self, *, reset: bool = False) -> list[Metrics]:
        """How the calls of this object fared, by integration and model."""
        return self._meter.told(reset=reset)

    async def _opened(self) -> Transport:
        if self._closed:
            raise RuntimeError("this Trunkline is closed; make a new one")
        self._at_home()
        if self._transport is None:
            self._opening = self._opening or asyncio.Lock()
            async with self._opening:
                if self._transport is None:
                    self._transport = await open_transport(self._place)
        return self._transport

    def _at_home(self) -> None:
        """Connections belong to an event loop, and asyncio.run makes a new one each time."""
        here = asyncio.get_running_loop()
        self._loop = self._loop or here
        if self._loop is not here:
            raise RuntimeError(
                "this AsyncTrunkline belongs to the event loop of its first call; make one within each asyncio.run, or use Trunkline"
            )

    async def _ask(self, ask: Ask, model: str, began: float, integration: str = "") -> Arriving:
        """Sends; an answer that is a failure is raised and counted."""
        transport = await self._opened()
        try:
            arriving = await transport.send(ask)
        except IntegrationError as error:
            self._meter.count(
                integration or "trunkline", model, time.monotonic() - began, {}, code=error.code
            )
            raise
        if arriving.status < 400:
            return arriving
        failure = from_answer(arriving.status, arriving.headers, await arriving.read())
        self._count(arriving, model, began, code=failure.code, integration=integration)
        raise failure

    def _count(
        self,
        arriving: Arriving,
        model: str,
        began: float,
        *,
        code: str = "",
        about: About | None = None,
        usage: Usage | None = None,
        integration: str = "",
    ) -> None:
        headers = arriving.headers
        name = headers.get("x-trunkline-integration") or integration or "trunkline"
        self._meter.count(name, model, time.monotonic() - began, headers, code=code, about=about, usage=usage)

    def _fields(self, kind: bytes, options: dict[str, Any]) -> list[Field]:
        return labels.fields(kind, options, self._labels)


class AsyncStream:
    """A streamed answer; iterate it once."""

    def __init__(self, trunkline: AsyncTrunkline, ask: Ask, model: str, schema: chat.Schema | None) -> None:
        self._trunkline = trunkline
        self._ask = ask
        self._model = model
        self._schema = schema
        self._whole: Completion | None = None
        self._pieces: AsyncIterator[Chunk] | None = None

    @property
    def completion(self) -> Completion:
        """The whole answer, once iteration has come to its end."""
        if self._whole is None:
            raise RuntimeError("the stream has not ended; iterate it first")
        return self._whole

    def __aiter__(self) -> AsyncIterator[Chunk]:
        if self._pieces is not None:
            raise RuntimeError("a stream is iterated once; ask anew for another answer")
        self._pieces = self._run()
        return self._pieces

    async def _run(self) -> AsyncIterator[Chunk]:
        owner, began = self._trunkline, time.monotonic()
        arriving = await owner._ask(self._ask, self._model, began)
        about = About.of(arriving.headers)
        gathering, splitter = chat.Gathering(about, self._schema), Splitter()
        try:
            async for piece in arriving.pieces():
                for event in splitter.feed(piece):
                    chunk = gathering.take(event.data)
                    if chunk is not None:
                        yield chunk
            if not gathering.ended:
                raise chat.malformed(about, "the stream ended without its last event")
            self._whole = gathering.whole()
        except IntegrationError as error:
            owner._count(arriving, self._model, began, code=error.code)
            raise
        finally:
            await arriving.close()
        owner._count(arriving, self._model, began, about=about, usage=gathering.usage)


class AsyncIntegration:
    """One integration: any path of the vendor's, with the credential, limits, retries and records of Trunkline."""

    def __init__(self, trunkline: AsyncTrunkline, name: str) -> None:
        self._trunkline = trunkline
        self.name = name

    def __repr__(self) -> str:
        return f"<AsyncIntegration {self.name}>"

    async def get(self, path: str, **options: Any) -> Reply:
        """GET; see `request`."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        """POST; see `request`."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Reply:
        """PUT; see `request`."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> Reply:
        """PATCH; see `request`."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Reply:
        """DELETE; see `request`."""
        return await self.request("DELETE", path, **options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        content: bytes | str | None = None,
        content_type: str = "",
        **options: Any,
    ) -> Reply:
        """One call, e.g. `request("POST", "/v1/charges", form={"amount": 500})`. At most one of `json`, `form`, `content`; `options`
        are LABELS. A 202 with a `task` was deferred and runs later. Redirects are answers, not followed. Raises IntegrationError.
        """
        try:
            body, kind = _body(json, form, content, content_type)
            target = f"/api/proxy/{quote(self.name)}/{quote(path.lstrip('/'), safe=_PATH)}"
            if params:
                target += ("&" if "?" in target else "?") + urlencode(_pairs(params))
        except UnicodeEncodeError as problem:
            raise chat.half_character(problem) from None
        owner = self._trunkline
        told = owner._fields(kind, options)
        if options:
            raise TypeError(f"unknown option {min(options)!r}; a call takes {', '.join(LABELS)}")
        began = time.monotonic()
        arriving = await owner._ask(Ask(method.upper(), target, told, body), "", began, self.name)
        answer = Reply(arriving.status, arriving.headers, await arriving.read(), About.of(arriving.headers))
        owner._count(arriving, "", began, about=answer.about, integration=self.name)
        return answer


_PATH = "/?&=%:@!$'()*+,;~-._[]"
"""Characters of a path and a query that stay as they are (RFC 3986); others, such as blanks, are encoded."""


def _body(json: Any, form: Any, content: bytes | str | None, kind: str) -> tuple[bytes, bytes]:
    if sum(one is not None for one in (json, form, content)) > 1:
        raise ValueError("give one of json, form and content")
    if json is not None:
        return chat.encoded(json), kind.encode() or _JSON
    if form is not None:
        return urlencode(_pairs(form)).encode(), kind.encode() or _FORM
    if content is not None:
        return content.encode() if isinstance(
            content, str
        ) else content, kind.encode() or b"application/octet-stream"
    return b"", b""


def _pairs(fields: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Form fields as vendors read them: `{"metadata": {"a": 1}, "items": [..]}` becomes `metadata[a]`, `items[0]`; None is left out."""
    told: list[tuple[str, str]] = []
    for name, value in fields.items() if isinstance(fields, Mapping) else fields:
        _flatten(name, value, told)
    return told


def _flatten(name: str, value: Any, told: list[tuple[str, str]]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(f"{name}[{key}]", inner, told)
    elif isinstance(value, list | tuple):
        for n, inner in enumerate(value):
            _flatten(f"{name}[{n}]", inner, told)
    elif isinstance(value, bool):
        told.append((name, "true" if value else "false"))
    elif value is not None:
        told.append((name, str(value)))
