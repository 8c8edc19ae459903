"""From a request to its route: which integration, which path there, which operation, which model.

Reads the world, changes only the exchange's body where the vendor knows the model by another name. Not for: who may call it
(`plugins/policies/access.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec

from trunkline.core.call import Live, Route
from trunkline.core.codec import DecodeError, ValidationError, decoded, json_decoder, told_shortly
from trunkline.core.dialects import KIND_OF, LINES
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.jsonspan import Members
from trunkline.core.persons import named_by
from trunkline.core.ports import Facts
from trunkline.core.service import Dialect, Operation
from trunkline.core.text import nearest
from trunkline.engine import json_array
from trunkline.engine.body import NEEDED, PERSONS, WANTED, Carried
from trunkline.engine.endpoints import GEMINI, GEMINI_DIALECTS, PROXY, Named
from trunkline.engine.heading import Heading
from trunkline.engine.models import Served
from trunkline.engine.operations import undeclared
from trunkline.engine.paths import checked
from trunkline.engine.translate import Translator
from trunkline.engine.translate_call import gather
from trunkline.engine.virtual import Choice, Virtual, take

if TYPE_CHECKING:
    from trunkline.engine.world import World


PARSED_MAX = 256 << 10
"""Larger bodies are scanned for `model` and `stream` only, never parsed on the loop."""

REMEMBERED = 4096

_ANSWERS = frozenset(dialect for dialect, kind in KIND_OF.items() if kind == "chat")
_COMPLETION = Operation(name="", method="POST", path="", repeat="always")


class _Asked(msgspec.Struct):
    model: str
    stream: bool | None = None
    user: Any = None
    safety_identifier: Any = None
    metadata: Any = None

    @property
    def persons(self) -> tuple[str, ...]:
        """Its end user, as the caller names one to the vendor."""
        if self.user is None and self.safety_identifier is None and self.metadata is None:
            return ()
        return named_by(self.user, self.safety_identifier, self.metadata)


_asked = json_decoder(_Asked)


def located(world: World, exchange: Exchange, heading: Heading, path: bytes) -> None:
    """`/api/proxy/{integration}/{path}`: sets the heading's route, path and operation. Raises `unknown_route` or
    `invalid_request`.
    """
    method = exchange.request.method
    if not path.startswith(PROXY):
        raise CallError("unknown_route", f"there is nothing at {method} {path[:200].decode('latin-1')}")
    name, _, rest = path[len(PROXY) :].partition(b"/")
    route = world.by_path.get(name)
    if route is None:
        known = [n.decode() for n in world.by_path]
        close = nearest(name.decode("ascii", "replace"), known)
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join(sorted(known))[:400] or 'none'}"
        raise CallError(
            "unknown_route",
            f"no integration or route is named {name[:100].decode('ascii', 'replace')!r}; {hint}",
        )
    if name in world.splits:
        route = world.splits[name].of(exchange)
    live = route.live
    heading.route = route
    heading.path = rest = b"/" + checked(rest, encoded_slash=live.spec.encoded_slash)
    found = live.match.find(method, live.path_prefix + rest) or live.match.find(method, rest)
    heading.operation = found or undeclared(method)


def proxied(exchange: Exchange, heading: Heading) -> Route:
    """A call to a path of a vendor, once it is located."""
    route = heading.route
    assert route is not None
    exchange.path, exchange.operation = heading.path, heading.operation
    if exchange.method == b"POST" and route.live.dialects:
        _recognise(exchange, route, heading.world)
    if route.live.tariffs is not None and exchange.adapter is None and exchange.operation is not None:
        exchange.tariffs = route.live.tariffs.get(exchange.operation.name)
    return route


async def proxied_large(exchange: Exchange, heading: Heading) -> Route:
    """The same for a body that is still arriving: to a model's path it is read as far as `model` needs."""
    route = heading.route
    assert route is not None
    body = exchange.rest = carried(exchange)
    if exchange.method == b"POST" and route.live.path_prefix + heading.path in route.live.dialects:
        await body.scan_on()
    return proxied(exchange, heading)


def _recognise(exchange: Exchange, route: Route, world: World) -> None:
    """A proxied call to a path where the vendor speaks a known dialect is read like a model call, so that its usage and
    cost are known and its stream can be ended well. Nothing of it is changed, and a body that does not fit is the vendor's
    to judge.
    """
    path = route.live.path_prefix + exchange.path
    dialect = route.live.dialects.get(path, "")
    if dialect:
        asked = _asked_of(exchange)
        if asked is None:
            return
        model, stream = asked.model, _streams(asked.stream, dialect)
        exchange.persons = asked.persons
    else:
        hit = GEMINI.fullmatch(path)
        if hit is None:
            return
        dialect, model = GEMINI_DIALECTS[hit[3]], unquote(hit[2].decode("ascii", "replace"))
        stream = hit[3] == b"streamGenerateContent"
        if dialect not in route.live.dialects.values():
            return
    exchange.adapter, exchange.dialect = world.adapters.get(dialect), dialect
    exchange.model, exchange.stream = model[:256], stream
    exchange.rates = route.live.rates.get(model)


def _asked_of(exchange: Exchange) -> _Asked | None:
    """What a body to a model's path asks for; None where that cannot be said: no JSON, no model, or several."""
    body = exchange.body
    if exchange.rest is None and len(body) <= PARSED_MAX and not _ambiguous(body):
        try:
            return decoded(_asked, body)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return None
    if exchange.rest is not None:
        members = exchange.rest.members
    else:
        members = Members(*WANTED)
        members.feed(body)
    model = _found(members, "model")
    if members.broken or members.twice & NEEDED or not isinstance(model, str):
        return None
    return _Asked(model, _flag(members), *(_found(members, name) for name in PERSONS))


def _found(members: Members, name: str) -> object:
    return members.found.get(name, (0, 0, None))[2]


def _flag(members: Members) -> bool | None:
    said = _found(members, "stream")
    return said if isinstance(said, bool) else None


def _streams(said: bool | None, dialect: str) -> bool:
    """Whether a stream is asked for; in dialects of lines one is unless the caller says otherwise."""
    return said is True or (said is None and dialect in LINES)


def _ambiguous(body: bytes) -> bool:
    """Whether `model` may stand in it more than once, or under a spelling with escapes."""
    return body.count(b'"model"') > 1 or body.find(b"\\u00") >= 0


def modelled(world: World, exchange: Exchange, named: Named) -> Route:
    """A model endpoint with the whole body at hand. Raises `invalid_request` or `unknown_model`."""
    if named.gemini_model:
        return _gemini(world, exchange, named)
    body = exchange.body
    if len(body) > PARSED_MAX or _ambiguous(body):
        whole = Carried([body], None, len(body))
        whole.scan()
        return _scanned(world, exchange, named, whole)
    try:
        asked = decoded(_asked, body)
    except ValidationError as problem:
        member = "stream" if str(problem).endswith("$.stream`") else "model"
        raise CallError("invalid_request", f"the body does not fit: {problem}", param=member) from None
    except DecodeError as problem:
        raise CallError("invalid_request", f"the body is no valid JSON: {problem}") from None
    except (UnicodeDecodeError, RecursionError) as problem:
        raise CallError("invalid_request", f"the body is no valid JSON: {told_shortly(problem)}") from None
    exchange.stream, exchange.persons = _streams(asked.stream, named.dialect), asked.persons
    return _route(world, exchange, named, asked.model)


async def modelled_large(world: World, exchange: Exchange, named: Named) -> Route:
    """The same for a body that is still arriving: reads only as far as `model` needs."""
    body = exchange.rest = carried(exchange)
    if named.dialect == "gemini-embed":
        await gather(exchange)
    if named.gemini_model:
        return _gemini(world, exchange, named)
    await body.scan_on()
    return _scanned(world, exchange, named, body)


def carried(exchange: Exchange) -> Carried:
    """The whole of a body that is still arriving: what is here already, then the rest as it comes."""
    held, rest = exchange.body, exchange.rest
    exchange.body = b""
    return Carried([held] if held else [], rest, None if rest.length is None else len(held) + rest.length)


def _scanned(world: World, exchange: Exchange, named: Named, body: Carried) -> Route:
    members = body.members
    if members.twice & NEEDED:
        raise CallError("invalid_request", "the body names `model` or `stream` more than once", param="model")
    model = _found(members, "model")
    if members.broken or not isinstance(model, str) or not model:
        raise CallError(
            "invalid_request", "the body is no JSON object with a `model` that is a string", param="model"
        )
    exchange.stream = _streams(_flag(members), named.dialect)
    exchange.persons = named_by(*(_found(members, name) for name in PERSONS))
    return _route(world, exchange, named, model)


def _route(world: World, exchange: Exchange, named: Named, asked: str) -> Route:
    if world.virtual and asked in world.virtual:
        route = take(exchange, chosen(world, exchange, named, asked, look=exchange.look))
    else:
        route = world.model_routes.get((named.dialect, asked, named.gemini_method)) or shared(
            world, named, asked
        )
    if route.translator is not None:
        route = route.streamed if exchange.stream else route
        exchange.query, exchange.translator = route.query, route.translator
    exchange.path, exchange.operation = route.path, route.operation
    exchange.adapter, exchange.dialect = route.adapter, route.dialect
    exchange.model, exchange.rates = route.model_asked, route.rates
    return route


def chosen(world: World, exchange: Exchange, named: Named, asked: str, *, look: bool = False) -> Choice:
    """What a virtual model means for this call. Raises CallError."""
    virtual = world.virtual[asked]
    key = named.dialect, asked, named.gemini_method
    routes = world.virtual_routes.get(key)
    if routes is None:
        routes = world.virtual_routes[key] = _candidates(world, named, virtual)
    return virtual.choose(exchange, routes, look=look)


def _candidates(world: World, named: Named, virtual: Virtual) -> dict[int, Route]:
    """The routes of a virtual model's targets that serve a dialect. Raises CallError when none does."""
    routes: dict[int, Route] = {}
    refusal: CallError | None = None
    for one in virtual.candidates:
        try:
            route = _made(world, named, one.spec.target)
        except CallError as problem:
            refusal = problem
            continue
        for each in (route, route.streamed):
            each.name = each.model_asked = virtual.name
            each.chain = world.alias_chains.get(virtual.name, each.live.chain)
        routes[one.n] = route
    if not routes and refusal is not None:
        raise refusal
    return routes


def shared(world: World, named: Named, asked: str) -> Route:
    """The route that all calls of a model as it was asked for share; made at its first call. Raises CallError."""
    route = world.model_routes.get((named.dialect, asked, named.gemini_method))
    if route is None:
        route = _made(world, named, asked)
        if len(world.model_routes) < REMEMBERED:
            world.model_routes[named.dialect, asked, named.gemini_method] = route
    return route


def _made(world: World, named: Named, asked: str) -> Route:
    if not asked:
        raise CallError("invalid_request", "the body names no `model`", param="model")
    served = world.models.find(asked)
    live = world.services[served.service]
    if served.model in (".", "..") or not served.model.isprintable():
        # It goes into a path and into header lines of the answer.
        raise CallError("invalid_request", "the model's name holds what no name holds", param="model")
    offered = spoken(live, named.dialect, world)
    if offered is None:
        return _guessed(world, named, served, asked)
    route = _route_to(world, offered, named, served, asked)
    if offered.name == named.dialect:
        route.path = _path(offered, served.model, named.gemini_method)
        if served.model != asked and (not named.gemini_method or named.dialect == "gemini-embed"):
            route.rewrite = served.model.encode()
        route.operation = live.match.find("POST", route.path) or _COMPLETION
        return route
    asks, serves = world.codecs[named.dialect], world.codecs[offered.name]
    facts = Facts(served.model, live.name, live.spec.vendor, live.longest.get(served.model, 0))
    translator = Translator(asks, serves, facts)
    route.streamed = _route_to(world, offered, named, served, asked)
    for each, stream in ((route, False), (route.streamed, True)):
        each.translator = translator
        method, each.query = serves.method(stream)
        each.path = _path(offered, served.model, method)
        each.operation = live.match.find("POST", each.path) or _COMPLETION
    return route


def _guessed(world: World, named: Named, served: Served, asked: str) -> Route:
    """Counts of tokens where the vendor has none for us (engine/guess.py)."""
    route = _route_to(world, None, named, served, asked)
    route.guess, route.operation = world.codecs[named.dialect], _COMPLETION
    return route


def _route_to(world: World, offered: Dialect | None, named: Named, served: Served, asked: str) -> Route:
    live = world.services[served.service]
    route = Route(live, named.dialect, world.adapters.get(offered.name) if offered is not None else None)
    route.model, route.model_asked, route.name = served.model, asked, served.alias
    route.rates = live.rates.get(served.model)
    route.answer_fields += b"x-trunkline-model: %b\r\n" % f"{live.name}/{served.model}".encode(
        "ascii", "replace"
    )
    route.chain = world.alias_chains.get(served.alias, live.chain)
    return route


def _path(offered: Dialect, model: str, method: str) -> bytes:
    return offered.path.replace("{model}", quote(model, safe="")).replace("{method}", method).encode()


def _gemini(world: World, exchange: Exchange, named: Named) -> Route:
    exchange.stream = named.gemini_method == "streamGenerateContent"
    if exchange.stream and json_array.wanted(exchange.query):
        exchange.array = json_array.JsonArray()
    return _route(world, exchange, named, named.gemini_model)


def spoken(live: Live, dialect: str, world: World) -> Dialect | None:
    """The dialect in which this integration serves callers of a dialect: the one that the registry wants spoken, the same, or the
    first of its own that this one can be translated to; None for counts that must be guessed. Raises `invalid_request` naming
    those that it does serve.
    """
    preferred = live.spec.speak if KIND_OF.get(dialect) == KIND_OF.get(live.spec.speak) else ""
    for offered in live.spec.dialects:
        if offered.name == (preferred or dialect):
            return offered
    asks = world.codecs.get(dialect)
    for offered in live.spec.dialects:
        serves = world.codecs.get(offered.name)
        if asks is not None and serves is not None and asks.kind == serves.kind:
            return offered
    if asks is not None and asks.kind == "count" and any(d.name in _ANSWERS for d in live.spec.dialects):
        return None
    offers = ", ".join(d.name for d in live.spec.dialects) or "none"
    raise CallError(
        "invalid_request",
        f"integration {live.name!r} does not speak {dialect!r}; it speaks: {offers}",
        scope="model",
        param="model",
    )
