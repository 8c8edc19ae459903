"""Blocks requests that hold categories of data which a route does not take, or blots them out; on request also out of answers.

Only routes that ask for it come here (`data: {block: ..., redact: ...}` of an integration, an operation, a named route or a model
name); what detectors cost is stated in docs/explanation/data.md. Short requests are looked at at once, longer ones in a thread,
and those that are still arriving are read to their end first. A fallback leads to another integration with rules of its own only if
the request as it is satisfies them. Not for: finding out what is sent elsewhere (sampled calls, `ops/data/`), nor for the answers
themselves (`data_answer.py`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from trunkline.core.call import Route
from trunkline.core.data.categories import meant_by
from trunkline.core.data.head import telling
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.handling import DataRules
from trunkline.core.service import Snapshot

ON_LOOP = 4 << 10
"""Longer requests are looked at in a thread."""
WHOLE_MAX = 8 << 20
"""A longer request cannot be looked at, and is refused."""
HEADER = b"x-trunkline-redacted"
PROVED = frozenset(("pii.email", "payment.card", "payment.iban"))
_FORM = "application/x-www-form-urlencoded"
_DIGITS = re.compile(rb"[0-9]{4}")
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_UTF8 = ("", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252")


class Guard(NamedTuple):
    """The rules of one route: categories that can be found, not as declared."""

    block: frozenset[str] = frozenset()
    redact: frozenset[str] = frozenset()
    answers: bool = False

    @property
    def any(self) -> bool:
        return bool(self.block or self.redact)

    def joined(self, rules: DataRules | None) -> Guard:
        """With the rules of a part of the route: both hold, and what is blocked need not be blotted out."""
        if rules is None:
            return self
        block = self.block | meant_by(rules.block)
        redact = (self.redact | meant_by(rules.redact)) - block
        return Guard(block, redact, self.answers or rules.answers)


NOTHING = Guard()


class DataGuard:
    """The policy. Rules are swapped by reloads; a call keeps those that it began with."""

    def __init__(self) -> None:
        self._services: dict[str, Guard] = {}
        self._operations: dict[tuple[str, str], Guard] = {}
        self._names: dict[str, Guard] = {}

    def load(self, snapshot: Snapshot) -> None:
        """Takes over the rules of a new registry."""
        services = {one.name: NOTHING.joined(one.privacy.rules) for one in snapshot.services}
        self._operations = {
            (one.name, operation.name): services[one.name].joined(operation.rules)
            for one in snapshot.services
            for operation in one.operations
            if operation.rules is not None
        }
        self._services = {name: guard for name, guard in services.items() if guard.any}
        self._names = {name: NOTHING.joined(rules) for name, rules in snapshot.route_rules.items()}
        if self._services or self._operations or self._names:
            # Their lists and patterns are a sixth of the gateway's start: they are there from the first rule on, not before.
            from trunkline.core.data import rewrite  # noqa: F401

    def concerns(self, exchange: Exchange) -> bool:
        """Whether anything is declared for calls with this head by this route."""
        route = exchange.route
        return route is not None and self._guard(exchange, route).any

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Raises `data_blocked`. Returns an awaitable for a request that takes longer to look at."""
        assert exchange.route is not None
        guard = exchange.guard = self._guard(exchange, exchange.route)
        if guard.answers and guard.redact:
            from trunkline.plugins.policies.data_answer import BlottedReply

            exchange.reply = BlottedReply(exchange.reply, guard.redact)
            exchange.turn = None  # an answer that is blotted on its way is not kept as it was
        _judge_head(exchange, guard)
        _judge_address(exchange, guard)
        if exchange.rest is not None:
            return self._admit_large(exchange, guard)
        if len(exchange.body) > ON_LOOP:
            return self._admit_long(exchange, guard)
        _apply(exchange, guard, _judge(exchange.body, _media(exchange), guard))
        return None

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""

    def may(self, exchange: Exchange, route: Route) -> bool:
        """Whether a call may go on by another route: whether what is still in its request, and in answers, is right there."""
        theirs, ours = self._guard(exchange, route), exchange.guard or NOTHING
        if not theirs.any:
            return True
        if theirs.answers and theirs.redact - (ours.redact if ours.answers else frozenset()):
            return False
        left = (theirs.block | theirs.redact) - ours.block - ours.redact
        if not left:
            return True
        if exchange.rest is not None or len(exchange.body) > WHOLE_MAX:
            return False
        try:
            blocked = _judge(exchange.body, _media(exchange), Guard(block=left)).blocked
        except CallError:
            return False  # what cannot be looked into is not right there
        return not blocked and not _in_address(exchange, left) and not _in_head(exchange, left)

    def _guard(self, exchange: Exchange, route: Route) -> Guard:
        operation = exchange.operation
        guard = self._services.get(route.live.name, NOTHING)
        if operation is not None and self._operations:
            guard = self._operations.get((route.live.name, operation.name), guard)
        named = self._names.get(route.name) if route.name else None
        if named is None:
            return guard
        return Guard(
            guard.block | named.block,
            (guard.redact | named.redact) - named.block - guard.block,
            guard.answers or named.answers,
        )

    async def _admit_long(self, exchange: Exchange, guard: Guard) -> None:
        if len(exchange.body) > WHOLE_MAX:
            raise _too_long(exchange)
        _apply(exchange, guard, await asyncio.to_thread(_judge, exchange.body, _media(exchange), guard))

    async def _admit_large(self, exchange: Exchange, guard: Guard) -> None:
        """A request that is still arriving is read whole; from then on it is one like any other."""
        rest = exchange.rest
        if (rest.length or 0) > WHOLE_MAX:
            raise _too_long(exchange)
        pieces, size = [], 0
        async for piece in rest:
            size += len(piece)
            if size > WHOLE_MAX:
                raise _too_long(exchange)
            pieces.append(piece)
        exchange.rest = exchange.request.stream = None
        exchange.body = exchange.request.body = b"".join(pieces)
        await self._admit_long(exchange, guard)

    def __repr__(self) -> str:
        return f"DataGuard({len(self._services)} integrations, {len(self._operations)} operations, {len(self._names)} names)"


class Verdict(NamedTuple):
    """What was found in a request."""

    blocked: frozenset[str]
    body: bytes
    counts: Mapping[str, int]


def _judge(body: bytes, media: str, guard: Guard) -> Verdict:
    """Pure; also in a thread. Raises CallError for a body that cannot be looked at to its end."""
    from trunkline.core.data.leaves import Unreadable

    try:
        return _looked(body, media, guard)
    except Unreadable as why:
        text = f"the request cannot be looked into ({why}), and this route looks into requests"
        raise CallError("data_blocked", text, scope="request") from None


def _looked(body: bytes, media: str, guard: Guard) -> Verdict:
    from trunkline.core.data.rewrite import blotted, found_in

    blocked = frozenset(found_in(body, media, guard.block)) if guard.block else frozenset()
    if blocked or not guard.redact:
        return Verdict(blocked, body, {})
    return Verdict(blocked, *blotted(body, media, guard.redact))


def _judge_head(exchange: Exchange, guard: Guard) -> None:
    """Of header fields that callers make up only what is proved by itself; nothing is blotted out there."""
    blocked = _in_head(exchange, guard.block)
    if blocked:
        _apply(exchange, guard, Verdict(blocked, b"", {}))


def _in_head(exchange: Exchange, wanted: frozenset[str]) -> frozenset[str]:
    fields = telling(exchange.request.headers) if wanted & PROVED else []
    if not fields:
        return frozenset()
    from trunkline.core.data.text import find

    found = (find(unquote(value), key=name, wanted=wanted & PROVED) for name, value in fields)
    return frozenset(hit.category for hits in found for hit in hits)


def _judge_address(exchange: Exchange, guard: Guard) -> None:
    """The query as the body; of the path only what is proved by itself, for the rest of it is made of numbers and names."""
    if (
        not exchange.query
        and b"%" not in exchange.path
        and b"@" not in exchange.path
        and not _DIGITS.search(exchange.path)
    ):
        return
    blocked = _in_address(exchange, guard.block)
    if blocked or not guard.redact:
        _apply(exchange, guard, Verdict(blocked, b"", {}))
        return
    mark, query = exchange.query[:1], exchange.query[1:]
    verdict = _looked(query, _FORM, Guard(redact=guard.redact))
    if verdict.counts:
        body = exchange.body
        _apply(exchange, guard, verdict)
        exchange.query, exchange.body = mark + verdict.body, body
        if exchange.heading is not None:
            exchange.heading.query = exchange.query


def _in_address(exchange: Exchange, wanted: frozenset[str]) -> frozenset[str]:
    from trunkline.core.data.rewrite import found_in
    from trunkline.core.data.text import find

    if not wanted:
        return frozenset()
    path = unquote(exchange.path.decode("latin-1"))
    found = {hit.category for hit in find(path, wanted=wanted & PROVED)}
    return frozenset(found | found_in(exchange.query[1:], _FORM, wanted))


def _apply(exchange: Exchange, guard: Guard, verdict: Verdict) -> None:
    assert exchange.route is not None
    if verdict.blocked:
        what = ", ".join(sorted(verdict.blocked))
        text = f"the request holds {what}, which {exchange.route.name or exchange.route.live.name!r} does not take"
        raise CallError("data_blocked", text, scope="integration")
    if verdict.counts:
        exchange.body = verdict.body
        told = ", ".join(f"{name}={count}" for name, count in sorted(verdict.counts.items()))
        exchange.extra += b"%b: %b\r\n" % (HEADER, told.encode())
        exchange.notes += ("redacted=" + told.replace(", ", ",").replace("=", ":"),)


def _media(exchange: Exchange) -> str:
    """Raises CallError for a request that is packed: it cannot be looked at, and to look away would be no guard."""
    fields = exchange.request.fields
    packed = fields.get(b"content-encoding", b"identity").lower()
    if packed != b"identity":
        text = f"the request is packed ({packed[:20].decode('ascii', 'replace')}), and this route looks into requests; send it plain"
        raise CallError("data_blocked", text, scope="content-encoding", param="content-encoding")
    media = fields.get(b"content-type", b"").decode("latin-1")
    said = _CHARSET.search(media)
    if said is not None and said[1].lower() not in _UTF8:
        text = (
            f"the request is written in {said[1][:20]}, and this route looks into requests; send it in UTF-8"
        )
        raise CallError("data_blocked", text, scope="content-type", param="content-type")
    return media


def _too_long(exchange: Exchange) -> CallError:
    text = f"the request is longer than {WHOLE_MAX >> 20} MB, and this route looks into requests; send it in parts"
    return CallError("request_too_large", text, scope="request")
