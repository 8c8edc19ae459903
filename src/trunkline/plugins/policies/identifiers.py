"""Reads out of requests whom they are about, where the registry or the catalog says that they name persons (`identifiers`).

So `trunkline trace` finds a person's calls even where callers say no subject. What is found is kept as keyed hashes
(`core/persons.py`), written beside the begin of the call. Only calls to integrations with such places come here; a request without
one of the keys pays a search for each. Longer requests are read in a thread; those that are still arriving are not read. Not for:
the end user of a model call, which is read with the model (`engine/resolve.py`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from trunkline.core.call import Route
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.data.leaves import ELEMENT, leaves
from trunkline.core.exchange import Exchange
from trunkline.core.persons import LONGEST, MOST

ON_LOOP = 16 << 10
"""Longer requests are read in a thread."""
READ_MAX = 8 << 20
ANY = "*"
_BLOTTED = re.compile(r"\[(?:pii|payment)\.[a-z_]+\]")
"""What stands in the place of an identifier that was redacted: nobody."""


class Places(NamedTuple):
    """Where requests by one route name persons."""

    pointers: tuple[tuple[str, ...], ...] = ()
    query: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    needles: tuple[bytes, ...] = ()
    """A body with none of these has none of the pointers' keys."""


@lru_cache(maxsize=1024)
def places(identifiers: tuple[str, ...]) -> Places:
    """As the registry writes them: `/customer/email`, `query:email`, `path:id`."""
    pointers: list[tuple[str, ...]] = []
    query: list[str] = []
    path: list[str] = []
    for one in identifiers:
        if one.startswith("/"):
            pointers.append(tuple(key.replace("~1", "/").replace("~0", "~") for key in one[1:].split("/")))
        else:
            where, _, name = one.partition(":")
            (query if where == "query" else path).append(name)
    # An element of a list has no key in the body; where there is none at all, every body is read.
    keys = {
        next((key for key in reversed(one) if key != ANY and not key.isdigit()), "").encode()
        for one in pointers
    }
    needles = sorted(key for key in keys if not any(other in key for other in keys - {key}))
    return Places(tuple(pointers), tuple(query), tuple(path), tuple(needles))


class Identifiers:
    """The policy."""

    def concerns(self, exchange: Exchange) -> bool:
        """Whether requests with this head by this route may name persons."""
        return exchange.route is not None and any(wanted_of(exchange, exchange.route))

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Never refuses. Returns an awaitable for a request that takes longer to read."""
        assert exchange.route is not None
        wanted = wanted_of(exchange, exchange.route)
        route, body = exchange.route, exchange.body
        found = [*_in_query(exchange.query, wanted.query), *_in_path(exchange, route, wanted.path)]
        if exchange.rest is None and any(needle in body for needle in wanted.needles):
            if len(body) > ON_LOOP:
                return self._read_long(exchange, wanted, found)
            found += in_body(body, _media(exchange), wanted)
        _keep(exchange, found)
        return None

    def settle(self, exchange: Exchange) -> None:
        """Nothing is held."""

    async def _read_long(self, exchange: Exchange, wanted: Places, found: list[str]) -> None:
        body = exchange.body[:READ_MAX]
        found += await asyncio.to_thread(in_body, body, _media(exchange), wanted)
        _keep(exchange, found)


def wanted_of(exchange: Exchange, route: Route) -> Places:
    """The places of a call: its operation's, else its integration's."""
    own = exchange.operation.identifiers if exchange.operation is not None else None
    return places(tuple(route.live.spec.privacy.identifiers if own is None else own))


def in_body(body: bytes, media: str, wanted: Places) -> list[str]:
    """The values at these places of a body. Pure; of bytes that are not what their media type says it finds fewer."""
    if "json" in media or (not media and body[:1] == b"{"):
        try:
            tree = from_json(body)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return []
        return [value for pointer in wanted.pointers for value in _walked(tree, pointer)]
    if media.startswith("application/x-www-form-urlencoded"):
        # Most of a form need not be decoded.
        pairs = (pair for pair in body.split(b"&") if _may_name(pair.partition(b"=")[0], wanted.needles))
        body = b"&".join(pairs)
    keys = {tuple(ELEMENT if key == ANY else key for key in pointer) for pointer in wanted.pointers}
    return [leaf.value for leaf in leaves(body, media) if leaf.keys in keys]


def _may_name(name: bytes, needles: tuple[bytes, ...]) -> bool:
    return any(needle in name for needle in needles) or b"%" in name


def _walked(node: Any, pointer: tuple[str, ...]) -> Iterator[str]:
    if not pointer:
        if isinstance(node, str) or (isinstance(node, int) and not isinstance(node, bool)):
            yield str(node)
        return
    key, rest = pointer[0], pointer[1:]
    if isinstance(node, dict):
        for value in node.values() if key == ANY else [node[key]] if key in node else []:
            yield from _walked(value, rest)
    elif isinstance(node, list) and (key == ANY or (key.isdigit() and int(key) < len(node))):
        for value in node if key == ANY else [node[int(key)]]:
            yield from _walked(value, rest)


def _in_query(query: bytes, names: tuple[str, ...]) -> Iterator[str]:
    if not names or not any(name.encode() in query for name in names):
        return
    for name, value in parse_qsl(query.decode("latin-1").lstrip("?")):
        if name in names:
            yield value


def _in_path(exchange: Exchange, route: Route, names: tuple[str, ...]) -> Iterator[str]:
    """The parts of the path that the operation's template names so."""
    if not names or exchange.operation is None:
        return
    template, path, prefix = exchange.operation.path, exchange.path, route.live.path_prefix
    if prefix and template.encode().startswith(prefix + b"/"):
        path = prefix + path
    segments = path.decode("latin-1").split("/")
    for n, part in enumerate(template.split("/")):
        if part[:1] == "{" and part.strip("{}+") in names and n < len(segments):
            yield unquote("/".join(segments[n:]) if part.endswith("+}") else segments[n])


def _keep(exchange: Exchange, found: Iterable[str]) -> None:
    some = tuple(
        dict.fromkeys(one for one in found if 0 < len(one) <= LONGEST and not _BLOTTED.fullmatch(one))
    )
    if some:
        exchange.persons = (*exchange.persons, *some[:MOST])


def _media(exchange: Exchange) -> str:
    return exchange.request.fields.get(b"content-type", b"").decode("latin-1").lower()
