"""What is done instead when a call fails: another target, an older answer, a declared one, or the same call later (spec F4).

Which of them, and when, is decided in `plan.py`; here they are compiled from what is declared, found for a call, and made. Never
silent: a header, a note in the record. Not for: repeats at the same target.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from trunkline.core.call import Link, Route, Target
from trunkline.core.errors import KINDS, CallError
from trunkline.core.exchange import Answer, Attempt, Exchange
from trunkline.core.flow import Fallback
from trunkline.core.jsonspan import replace_model
from trunkline.core.ports import Codec
from trunkline.core.service import Repeat
from trunkline.engine import resolve
from trunkline.engine.declared import spoken
from trunkline.engine.embeddings import renamed
from trunkline.engine.operations import undeclared
from trunkline.engine.paths import checked
from trunkline.engine.pool import has_room
from trunkline.engine.shape import rfc3339
from trunkline.engine.template import Template
from trunkline.engine.translate_call import exact_enough

May = Callable[[Exchange, Route], bool]
"""Whether the caller of a call may use a route that it did not name."""
Affords = Callable[[Exchange, Route, bool], bool]
"""Whether there is money for one more attempt of a running call, by this route, beside one that still runs (True) or not; then it
is set aside."""
Shut = Callable[[Target], "CallError | None"]
"""The refusal that awaits whoever would go to a target now, if that is sure."""
Stale = Callable[[Exchange, float | None], Answer | None]
"""An older answer to the same request, if there is one: of at most so many seconds, or (None) as its cache says."""
Defer = Callable[[Exchange, CallError, Fallback], "Answer | Awaitable[Answer | None] | None"]
"""Takes the call over to run it later; the 202, or None if it cannot."""

# RFC 5861 means failures of the server: that something is gone, say, is an answer.
_FAILED = frozenset(code for code, kind in KINDS.items() if kind.elsewhere and kind.who != "caller")
_AS_CACHED = Link("stale", Fallback(kind="stale"), _FAILED)
_STRICTNESS: tuple[Repeat, ...] = ("always", "with_key", "never")
_BOUND = re.compile(rb'"(?:previous_response_id|encrypted_content|conversation)"\s*:\s*["{]')


def compiled(declared: Sequence[Fallback]) -> tuple[Link, ...]:
    """A declared chain, ready for use."""
    return tuple(
        Link(
            one.kind,
            one,
            frozenset(one.on),
            Template(one.body, one.content_type) if one.kind == "template" else None,
        )
        for one in declared
    )


def declared_for(exchange: Exchange) -> tuple[Link, ...]:
    """The chain of a call: of a virtual model its other targets come first; an alias's own goes before the operation's, the named
    route's, the integration's.
    """
    route, operation = exchange.route, exchange.operation
    assert route is not None
    if exchange.ranked:
        return (*exchange.ranked, *route.chain)
    aliased = bool(route.dialect and route.name)
    if operation is None or operation.fallback is None or aliased:
        return route.chain
    return route.live.chains.get(operation.name, ())


class Fallbacks:
    """Finds and makes fallbacks. What other parts must do for it is handed in; without them their kinds are passed over."""

    def __init__(
        self,
        *,
        may: May = lambda _exchange, _route: True,
        affords: Affords = lambda _exchange, _route, _beside: True,
        stale: Stale | None = None,
        defer: Defer | None = None,
        shut: Shut = lambda _target: None,
        wall: Callable[[], float],
        codecs: Mapping[str, Codec] = MappingProxyType({}),
    ) -> None:
        self._may = may
        self.affords = affords
        self._stale = stale
        self._defer = defer
        self._shut = shut
        self._wall = wall
        self._codecs = codecs

    def chain(self, exchange: Exchange) -> tuple[Link, ...]:
        """What can still be done instead for this call and this caller. A cache with `stale_if_error` comes after all other targets."""
        if exchange.chain is None:
            exchange.chain = self._chain(exchange)
        return exchange.chain

    def ready(self, attempt: Attempt, code: str) -> bool:
        """Whether another target could take a call at once whose attempt else waits, and fails with this code if it waits in vain."""
        exchange = attempt.exchange
        if exchange.repeat != "always" and exchange.tried:
            return False  # its key is known here alone
        error = CallError(code, "", never_acted=True)
        routes = [link.route for link in self.chain(exchange) if link.route is not None and link.holds(error)]
        return any(has_room(route.live, route.model, self._shut) for route in routes)

    def _chain(self, exchange: Exchange) -> tuple[Link, ...]:
        if exchange.merged:
            return ()
        links = [found for link in declared_for(exchange) if (found := self._usable(exchange, link))]
        route = exchange.route
        if route is not None and route.live.caches and self._stale is not None:
            first = next((n for n, link in enumerate(links) if link.kind != "target"), len(links))
            links.insert(first, _AS_CACHED)
        return tuple(links)

    def _usable(self, exchange: Exchange, link: Link) -> Link | None:
        if link.kind == "target":
            route = self.route(exchange, link.spec.target)
            return link._replace(route=route) if route is not None else None
        if (link.kind == "stale" and self._stale is None) or (link.kind == "defer" and self._defer is None):
            return None
        return link

    def route(self, exchange: Exchange, target: str) -> Route | None:
        """The route to another target that this caller may use, if there is one."""
        return None if bound(exchange) else self.home(exchange, target)

    def home(self, exchange: Exchange, target: str) -> Route | None:
        """The same for a call that goes on with what this target has stored or encrypted."""
        asked = exchange.route
        assert asked is not None
        route = _model_route(exchange, asked, target) if asked.dialect else _proxy_route(exchange, target)
        if route is not None and route.translator is not None and not exact_enough(exchange, route):
            return None
        return route if route is not None and self._may(exchange, route) else None

    def answer(
        self, exchange: Exchange, link: Link, error: CallError
    ) -> Answer | Awaitable[Answer | None] | None:
        """The answer of a link that asks no vendor; None if there is none after all."""
        spec = link.spec
        if link.kind == "stale":
            return self._stale(exchange, spec.max_age or None) if self._stale is not None else None
        if link.kind == "defer":
            return self._defer(exchange, error, spec) if self._defer is not None else None
        fields = f"content-type: {spec.content_type}\r\n".encode("latin-1", "replace")
        if link.text is None:
            return spoken(exchange, Answer(spec.status, fields, spec.body.encode()), self._codecs)
        request = exchange.request.body if exchange.rest is None else b""
        facts = facts_of(exchange, error, self._wall())
        return spoken(exchange, Answer(spec.status, fields, link.text.fill(request, facts)), self._codecs)


def bound(exchange: Exchange) -> bool:
    """Whether a call only makes sense where an earlier one was answered: it goes on with what that account has stored or
    encrypted.
    """
    return exchange.dialect == "openai-responses" and _BOUND.search(exchange.body) is not None


def _model_route(exchange: Exchange, asked: Route, target: str) -> Route | None:
    """`integration/model`, an alias, or the same model at another integration (a named route stands for its integration)."""
    heading = exchange.heading
    world, named = heading.world, heading.named
    target = world.snapshot.routes.get(target, target)
    name = f"{target}/{asked.model}" if target in world.services else target
    try:
        route = resolve.shared(world, named, name)
    except CallError:
        return None
    if route.guess is not None:
        return None
    return route.streamed if exchange.stream else route


def _proxy_route(exchange: Exchange, target: str) -> Route | None:
    """Another integration or named route that takes the same path."""
    route: Route | None = exchange.heading.world.by_path.get(target.encode())
    if route is None:
        return None
    try:
        checked(exchange.path.lstrip(b"/"), encoded_slash=route.live.spec.encoded_slash)
    except CallError:
        return None
    return route


def lead(exchange: Exchange, route: Route, original: bytes) -> None:
    """From now on attempts go by `route`. `original` is the body as it was before any repair."""
    exchange.via = route
    operation = route.operation
    if route.dialect:
        exchange.path, exchange.rates, exchange.adapter = route.path, route.rates, route.adapter
        exchange.translator, exchange.translation = route.translator, None
        if route.translator is not None:
            exchange.query, exchange.body = route.query, original
        else:
            exchange.query = exchange.heading.query
            _rename(exchange, route, original)
    else:
        exchange.body = original
        live, method = route.live, exchange.request.method
        operation = live.match.find(method, live.path_prefix + exchange.path) or undeclared(method)
        exchange.rates = live.rates.get(exchange.model)
        if live.tariffs is not None or exchange.tariffs is not None:
            exchange.tariffs = (live.tariffs or {}).get(operation.name) if exchange.adapter is None else None
    if operation is not None:
        exchange.repeat = max(exchange.repeat, operation.repeat, key=_STRICTNESS.index)
    if not route.live.key_name:
        exchange.idempotency_key = b""


def _rename(exchange: Exchange, route: Route, original: bytes) -> None:
    """The body with the model's name at the new target."""
    exchange.rewritten = True
    name = route.model.encode()
    if exchange.dialect == "gemini-embed":
        exchange.body = renamed(original, route.model)
    elif exchange.heading.named.gemini_method:
        exchange.body = original
    elif exchange.rest is None:
        exchange.body = replace_model(original, "", name)
    elif "model" in exchange.rest.members.found:
        exchange.rest.put(name)


def told(link: Link) -> str:
    """A link as header and record name it."""
    route = link.route
    if route is None:
        return link.kind
    name = f"{route.live.name}/{route.model}" if route.dialect else route.live.name
    return "target=" + name.encode("ascii", "replace").decode().replace(";", ",")


def facts_of(exchange: Exchange, error: CallError, wall: float) -> Mapping[str, Any]:
    """What `{{ name }}` stands for (core/template.py)."""
    route = exchange.route
    assert route is not None
    return {
        "call_id": exchange.call_id,
        "code": error.code,
        "correlation_id": exchange.correlation_id,
        "integration": route.live.name,
        "message": error.message,
        "model": exchange.model,
        "operation": exchange.operation.name if exchange.operation is not None else "",
        "retry_at": rfc3339(error.retry_at) if error.retry_at is not None else None,
        "route": route.name,
        "time": datetime.fromtimestamp(int(wall), UTC).isoformat().replace("+00:00", "Z"),
    }
