"""`POST /v1/parallel`: many calls in one request, a few at a time, their answers in order (F10).

Each goes the way of every call, as a call of its own by the same caller: its own limits, record and correlation id (`parent.n`).
One that fails is told in its place and stops no other. Not for: calls that depend on each other.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.ports import Inbound, Outbound
from trunkline.engine import resolve
from trunkline.engine.gateway import METHODS, Told
from trunkline.engine.heading import positive
from trunkline.engine.inside import Asked, Field, Gathered
from trunkline.engine.shape import answer

CALLS_MAX = 64
BODY_MAX = 16 << 20
"""Of the whole request, and of the answer to one call."""
TOTAL_S = 600.0
"""Time for all calls together unless the request asks for less."""
PARSED_MAX = 256 << 10
"""Longer JSON is looked through in a thread."""

JSON = b"content-type: application/json\r\n"
_CREDENTIALS = frozenset((b"x-trunkline-key", b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key"))
_OF_THE_WHOLE = frozenset((b"x-trunkline-timeout", b"x-correlation-id"))
_HANDED_ON = _CREDENTIALS | {b"origin", b"x-forwarded-for"}

Handle = Callable[[Inbound, Outbound], None]


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    id: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw()
    body_base64: str | None = None


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    calls: list[_Call]
    concurrency: int = 8


_asked = json_decoder(_Asked)
_any_json = json_decoder(msgspec.Raw)
_text = json_decoder(str)


async def answered(
    handle: Handle, clock: Callable[[], float], wall: Callable[[], float], exchange: Exchange
) -> Told:
    """The answer to a request with several calls. Raises `invalid_request` or `request_too_large` for what is no such request."""
    asked = read(await _body(exchange))
    given = exchange.request.fields.get(b"x-trunkline-timeout")
    total_s = min(TOTAL_S, positive(given, "x-trunkline-timeout")) if given else TOTAL_S
    many = Many(handle, clock, wall, exchange, exchange.started + total_s)
    replies = await many.run(asked.calls, asked.concurrency)
    results = [
        await _result(call, n, reply)
        for n, (call, reply) in enumerate(zip(asked.calls, replies, strict=True))
    ]
    failed = sum(result["status"] >= 400 or "cut" in result for result in results)
    return 200, JSON, to_json({"results": results, "succeeded": len(results) - failed, "failed": failed})


def read(body: bytes) -> _Asked:
    """What is asked for. Raises CallError `invalid_request`."""
    try:
        asked = _asked.decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise CallError("invalid_request", f"the body of POST /v1/parallel does not fit: {problem}") from None
    if not 1 <= len(asked.calls) <= CALLS_MAX:
        text = f"`calls` takes 1 to {CALLS_MAX} calls, not {len(asked.calls)}"
        raise CallError("invalid_request", text, param="calls")
    if not 1 <= asked.concurrency <= CALLS_MAX:
        text = f"`concurrency` takes 1 to {CALLS_MAX}, not {asked.concurrency}"
        raise CallError("invalid_request", text, param="concurrency")
    ids = [call.id for call in asked.calls if call.id]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise CallError("invalid_request", f"two calls have the id {twice[:100]!r}", param="calls")
    return asked


async def _body(exchange: Exchange) -> bytes:
    """The whole body; a long one is still arriving."""
    pieces, size = [exchange.body], len(exchange.body)
    if exchange.rest is not None:
        async for piece in exchange.rest:
            pieces.append(piece)
            size += len(piece)
            if size > BODY_MAX:
                text = f"POST /v1/parallel takes at most {BODY_MAX >> 20} MB; make fewer calls at once"
                raise CallError("request_too_large", text)
    return b"".join(pieces)


class Many:
    """The calls of one request while they run."""

    def __init__(
        self,
        handle: Handle,
        clock: Callable[[], float],
        wall: Callable[[], float],
        parent: Exchange,
        until: float,
    ) -> None:
        self._handle = handle
        self._clock = clock
        self._wall = wall
        self._parent = parent
        self._until = until
        self._running: set[Gathered] = set()

    async def run(self, calls: list[_Call], concurrency: int) -> list[Gathered]:
        """Makes all calls. When this is cancelled (the caller has hung up), those that run are given up."""
        waiting = iter(enumerate(calls))
        replies: list[Gathered | None] = [None] * len(calls)

        async def work() -> None:
            for n, call in waiting:
                replies[n] = await self._make(n, call)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(calls))):
                    group.create_task(work())
        finally:
            for reply in list(self._running):
                reply.give_up()
        return [reply for reply in replies if reply is not None]

    async def _make(self, n: int, call: _Call) -> Gathered:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reply = Gathered(partial(_set, done), BODY_MAX)
        try:
            request = self._request(n, call)
        except CallError as error:
            self._refuse(reply, n, error)
            return reply
        self._running.add(reply)
        try:
            self._handle(request, reply)
            await done
        finally:
            if reply.closed:
                self._running.discard(reply)
        if reply.outgrown:
            text = f"the answer is longer than {BODY_MAX >> 20} MB; make this call by itself"
            reply = Gathered(lambda: None, BODY_MAX)
            self._refuse(reply, n, CallError("request_too_large", text))
        return reply

    def _request(self, n: int, call: _Call) -> Asked:
        """One call as a request. Raises CallError."""
        left_s = self._until - self._clock()
        if left_s <= 0:
            raise CallError(
                "deadline_exceeded", "the time for all calls was over before this one", never_acted=True
            )
        target = _target(call)
        own = list(_own(call))
        tighter = next((value for name, value in own if name == b"x-trunkline-timeout"), None)
        if tighter is not None:
            left_s = min(left_s, positive(tighter, "x-trunkline-timeout"))
        headers = [field for field in own if field[0] not in _OF_THE_WHOLE]
        headers += [
            *_labels(self._parent.request.headers, own),
            (b"x-trunkline-timeout", b"%.6f" % left_s),
            (b"x-correlation-id", self._correlation(n).encode()),
        ]
        return Asked(call.method, target, headers, _bytes(call, headers), self._parent.request)

    def _correlation(self, n: int) -> str:
        return f"{self._parent.correlation_id[:120]}.{n + 1}"

    def _refuse(self, reply: Gathered, n: int, error: CallError) -> None:
        """A call that was not made, told as the gateway tells it."""
        correlation = self._correlation(n)
        status, fields, body = answer(
            error,
            style="normalized",
            dialect="",
            accept=b"",
            correlation_id=correlation,
            attempts=0,
            spent_usd=None,
            runbook="",
            should_retry=False,
            vendor_same_dialect=False,
            now=self._wall(),
        )
        lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        reply.send(status, lines + b"x-correlation-id: %b\r\n" % correlation.encode(), body)


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _target(call: _Call) -> bytes:
    """The path of a call that may be made here: a model's, or one through the proxy. Raises CallError."""
    if call.method not in METHODS:
        raise CallError("invalid_request", f"{call.method[:40]!r} is no method", param="method")
    target = call.path.encode("ascii", "replace")
    if (
        not call.path.isascii()
        or not call.path.isprintable()
        or not 1 <= len(target) <= 8192
        or b" " in target
    ):
        raise CallError(
            "invalid_request", "the path holds what no path holds; encode it (`%20`)", param="path"
        )
    path = target.partition(b"?")[0]
    if not path.startswith(resolve.PROXY) and resolve.dialect_of(path) is None:
        text = f"{call.path[:200]!r} is no call: give a model's endpoint, e.g. /v1/chat/completions, or /api/proxy/..."
        raise CallError("unknown_route", text, param="path")
    return target


def _labels(headers: list[Field], own: list[Field]) -> Iterator[Field]:
    """What of the request holds for each of its calls: who asks, and our own header fields unless the call has them itself."""
    named = _OF_THE_WHOLE | {name for name, _ in own}
    return (
        (n, v) for n, v in headers if n in _HANDED_ON or (n.startswith(b"x-trunkline-") and n not in named)
    )


def _own(call: _Call) -> Iterator[Field]:
    """The header fields of one call. Raises CallError."""
    for name, value in call.headers.items():
        lowered = name.lower()
        if (
            not lowered.isascii()
            or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in lowered)
            or not lowered
        ):
            raise CallError("invalid_request", f"{name[:100]!r} is no name of a header", param="headers")
        if any(ord(c) < 32 or ord(c) > 255 or ord(c) == 127 for c in value):
            raise CallError(
                "invalid_request", f"the value of {name[:100]!r} holds what no header holds", param="headers"
            )
        if lowered.encode() in _HANDED_ON:
            text = f"{name[:100]!r} stands at the request, not at a call: all calls are its caller's"
            raise CallError("invalid_request", text, param="headers")
        yield lowered.encode(), value.strip().encode("latin-1")


def _bytes(call: _Call, headers: list[Field]) -> bytes:
    """The body of a call, as it stands; adds the content type of JSON. Raises CallError."""
    if call.body_base64 is not None:
        try:
            return base64.b64decode(call.body_base64, validate=True)
        except ValueError:
            raise CallError("invalid_request", "`body_base64` is no base64", param="body_base64") from None
    body = bytes(call.body)
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    if not body or (body == b"null" and not kind):
        return b""
    if not kind:
        headers.append((b"content-type", b"application/json"))
    elif body[:1] == b'"' and b"json" not in kind:
        return _plain(body)
    return body


def _plain(body: bytes) -> bytes:
    try:
        return _text.decode(body).encode()
    except (DecodeError, UnicodeError):
        raise CallError("invalid_request", "`body` holds what no text holds", param="body") from None


async def _result(call: _Call, n: int, reply: Gathered) -> dict[str, Any]:
    """What is told of one call. The body is JSON where it is JSON, else text, else base64."""
    headers: dict[str, str] = {}
    for name, value in reply.fields:
        text = value.decode("latin-1")
        known = headers.get(name.decode())
        headers[name.decode()] = text if known is None else f"{known}, {text}"
    result: dict[str, Any] = {"id": call.id or str(n), "status": reply.status, "headers": headers}
    if not reply.whole:
        result["cut"] = True
    body, kind = reply.body, headers.get("content-type", "")
    if not body:
        return result
    if "json" in kind and await _is_json(body):
        return {**result, "body": msgspec.Raw(body)}
    if "json" in kind or kind.startswith("text/") or "charset=utf-8" in kind.lower():
        try:
            return {**result, "body": body.decode()}
        except UnicodeDecodeError:
            pass
    return {**result, "body_base64": base64.b64encode(body).decode()}


async def _is_json(body: bytes) -> bool:
    return await asyncio.to_thread(_valid, body) if len(body) > PARSED_MAX else _valid(body)


def _valid(body: bytes) -> bool:
    try:
        _any_json.decode(body)
        body.decode()
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
