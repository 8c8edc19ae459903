"""Deferral: a call that is accepted now and run later (`x-trunkline-defer`), answered 202 with its task.

The last call policy before dispatch: whatever refuses a call refuses a deferral, and an answer at hand is given at once.
The same making of a task serves routes that fall back to deferral. Not for: where tasks lie (`journal/deferrals.py`), nor
running them (`tasks/`).
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from trunkline.core.call import Caller
from trunkline.core.codec import to_json
from trunkline.core.deferral import (
    BODY_MAX,
    DEADLINE_S,
    LONGEST_S,
    STATUS_PATH,
    Bearer,
    Deferred,
    first_shown,
    public,
)
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.idempotency import AGAIN
from trunkline.core.ports import Inbound
from trunkline.core.text import HOP_BY_HOP

HEADER = b"x-trunkline-defer"
NOTIFY = b"x-trunkline-notify"
_YES = (b"true", b"1", b"yes")
_NO = (b"false", b"0", b"no")
_SPAN = re.compile(rb"([0-9]{1,7})(s|m|h|d)")
_UNITS = {b"s": 1.0, b"m": 60.0, b"h": 3600.0, b"d": 86400.0}
NOT_KEPT = HOP_BY_HOP | frozenset(
    (
        *(b"host", b"content-length", b"expect", b"cookie", b"cookie2", b"authorization", b"x-api-key"),
        *(b"x-goog-api-key", b"api-key", b"x-trunkline-key", b"idempotency-key", b"x-correlation-id"),
        *(b"origin", b"referer", b"accept-encoding", b"x-forwarded-for", HEADER, NOTIFY),
    )
)
"""Header fields that a task does not carry: the caller's credentials above all; and what the later run sets itself."""

Accept = Callable[[Deferred], Awaitable[None]]
"""Returns once the task would outlive a power cut. Raises CallError `store_unavailable`."""


class Deferral:
    """Holds nothing of a call."""

    def __init__(self, accept: Accept, wall: Callable[[], float]) -> None:
        self._accept = accept
        self._wall = wall

    def concerns(self, exchange: Exchange) -> bool:
        """Whether the call asks to be deferred."""
        return HEADER in exchange.request.fields

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Waits only for a call that asks to be deferred; the run of a task is noted as one.

        Raises `invalid_request`, `request_too_large`, `store_unavailable`.
        """
        asked = exchange.request.fields.get(HEADER)
        if asked is None:
            return None
        caller = exchange.caller
        if caller is not None and caller.task:
            exchange.notes += (f"task={caller.task}",)
            return None
        span_s = asked_span(asked)
        return self._answer(exchange, span_s) if span_s is not None else None

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""

    async def _answer(self, exchange: Exchange, span_s: float) -> None:
        exchange.answer = await self.take(exchange, await whole_body(exchange), span_s)

    async def take(
        self, exchange: Exchange, body: bytes, span_s: float, error: CallError | None = None
    ) -> Answer:
        """Accepts a call as a task that runs at once, or when `error` says that it could succeed.

        Raises `outcome_unknown` for an act that may have happened under its caller's key: the task would have another.
        """
        if AGAIN in exchange.notes:
            text = (
                "an earlier request with this idempotency key may have been carried out, and only under this key does the vendor know it; "
                "a deferred call has a key of its own: send it again without deferral"
            )
            raise CallError("outcome_unknown", text, scope="call")
        now = self._wall()
        run_at = now if error is None or error.retry_at is None else max(now, error.retry_at)
        reason = "asked" if error is None else error.code
        call = deferred(exchange, body, reason, now=now, run_at=run_at, deadline=now + span_s)
        note = (f"deferred={call.id}",)
        queue = error.lines if error is not None else b""
        answer = accepted(call, wait_s=run_at - now if run_at > now and not queue else None)
        answer = answer._replace(fields=answer.fields + queue)
        writing = asyncio.ensure_future(self._accept(call))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # The caller is gone, and the task may lie on the disk: then its idempotency key must lead to it.
            await writing
            exchange.notes += note
            exchange.answer = answer
            raise
        exchange.notes += note
        return answer


def deferred(
    exchange: Exchange, body: bytes, reason: str, *, now: float, run_at: float, deadline: float
) -> Deferred:
    """The task of a call. Raises `invalid_request` for an address that may not be told."""
    request, caller, route = exchange.request, exchange.caller, exchange.route
    assert caller is not None
    assert route is not None
    return Deferred(
        id=f"tsk_{int(now * 1e3):012x}{secrets.token_hex(10)}",
        at=now,
        run_at=run_at,
        deadline=deadline,
        owner=owner_of(caller),
        bearer=Bearer(
            key=caller.id,
            team=caller.key.team,
            token=caller.token_id,
            scopes=caller.key.scopes,
            subject=caller.key.subject,
            spend_usd=caller.spend_usd,
        ),
        method=request.method,
        target=without_credential(request.target).decode("latin-1"),
        headers=kept_headers(request),
        body=body,
        correlation_id=exchange.correlation_id,
        integration=route.live.name,
        model=exchange.model,
        reason=reason,
        notify=notify_address(request.fields.get(NOTIFY, b"")),
    )


def owner_of(caller: Caller) -> str:
    """Who may see the tasks of a caller: its team, or the key alone if it has none; in browsers the token's own subject only."""
    if caller.token_id:
        return f"subject:{caller.id}:{caller.subject}" if caller.subject else f"token:{caller.token_id}"
    return f"team:{caller.key.team}" if caller.key.team else f"key:{caller.id}"


def accepted(call: Deferred, *, wait_s: float | None) -> Answer:
    """The 202."""
    path = STATUS_PATH + call.id
    body = {"task": public(first_shown(call), answer=False), "correlationId": call.correlation_id}
    lines = b"content-type: application/json\r\nlocation: %b\r\n" % path.encode()
    if wait_s is not None:
        lines += b"x-trunkline-queue-wait: %d\r\n" % math.ceil(wait_s)
    return Answer(202, lines, to_json(body))


def asked_span(value: bytes) -> float | None:
    """Seconds until the deadline that `x-trunkline-defer` asks for: `true`, or a span such as `2h`; None for `false`."""
    word = value.strip().lower()
    if word in _YES:
        return DEADLINE_S
    if word in _NO:
        return None
    span = _SPAN.fullmatch(word)
    seconds = int(span[1]) * _UNITS[span[2]] if span is not None else 0.0
    if not 0 < seconds <= LONGEST_S:
        shown = value[:40].decode("latin-1")
        raise CallError(
            "invalid_request",
            f"x-trunkline-defer takes true, false, or how long it may take (30s, 10m, 2h, at most 7d), not {shown!r}",
            param="x-trunkline-defer",
        )
    return seconds


async def whole_body(exchange: Exchange) -> bytes:
    """The request's body as the caller sent it. Raises `request_too_large` beyond BODY_MAX."""
    if exchange.rest is None:
        return exchange.request.body
    parts, size = [exchange.body], len(exchange.body)
    async for part in exchange.rest:
        parts.append(part)
        size += len(part)
        if size > BODY_MAX:
            raise CallError(
                "request_too_large",
                f"a call with more than {BODY_MAX >> 20} MB cannot be deferred; send it without x-trunkline-defer",
            )
    return b"".join(parts)


def kept_headers(request: Inbound) -> list[tuple[str, str]]:
    """The header fields that a task carries; a batch call unless the caller said otherwise."""
    found = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers
        if name not in NOT_KEPT
    ]
    if b"x-trunkline-priority" not in request.fields:
        found.append(("x-trunkline-priority", "batch"))
    return found


def without_credential(target: bytes) -> bytes:
    """The target without a Trunkline key in its query (Gemini's SDKs put it there)."""
    path, mark, query = target.partition(b"?")
    if b"key=tl" not in query:
        return target
    parts = [part for part in query.split(b"&") if not part.startswith(b"key=tl")]
    return path + mark + b"&".join(parts) if parts else path


def notify_address(value: bytes) -> str:
    """Where the caller wants to be told: HTTPS at a name or a public address. Empty if nowhere.

    What the name leads to is judged when it is told, by the wire, as for every vendor.
    """
    text = value.decode("latin-1").strip()
    if not text:
        return ""
    problem = ""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit("https:"), ""
    if parts.scheme != "https":
        problem = "is not https"
    elif not host or len(text) > 2000 or not text.isascii() or not text.isprintable() or " " in text:
        problem = "is no address"
    elif parts.username or parts.password:
        problem = "holds a user name or password"
    elif _is_inside(host):
        problem = "leads to this machine or a private network"
    if problem:
        raise CallError(
            "invalid_request",
            f"x-trunkline-notify {problem}; give an https address that the public internet can reach",
            param="x-trunkline-notify",
        )
    return text


def _is_inside(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
