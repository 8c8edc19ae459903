"""Serves cassettes as if they were the vendor: the same answers, streams with their recorded timing. A local upstream for tests.

Point an integration's `base_url` at it. A request is answered by the cassette of its method, path and query; where several fit, by the
one whose body is most alike, and by each in turn where they are equally so. Not for: making cassettes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.ops.contracts.cassette import Cassette
from trunkline.wire.server import Server

_OWN_LENGTH = frozenset(("content-length", "transfer-encoding", "connection"))


class Missed(NamedTuple):
    """A request that no cassette answers, and what is nearest to it."""

    method: str
    target: str
    nearest: str


class Player:
    """Chooses the cassette for a request. Pure but for whose turn it is."""

    def __init__(self, cassettes: Sequence[Cassette], *, prefix: str = "") -> None:
        """`prefix`: a path before all recorded ones, e.g. `/stripe`."""
        self._cassettes = list(cassettes)
        self._prefix = prefix.rstrip("/")
        self._turns: dict[str, int] = {}
        self.missed: list[Missed] = []
        self.played: list[str] = []

    def choose(self, method: str, target: str, body: bytes) -> Cassette | None:
        """The cassette for a request; None if there is none, which is noted in `missed`."""
        path, _, query = target.partition("?")
        path = path.removeprefix(self._prefix) or "/"
        asked = sorted(parse_qsl(query, keep_blank_values=True))
        fits = [one for one in self._cassettes if one.request.method == method and one.request.path == path]
        fits = [one for one in fits if _query(one) == asked] or [
            one for one in fits if _names(_query(one)) == _names(asked)
        ]
        if not fits:
            self.missed.append(Missed(method, target[:300], self._nearest(method, path)))
            return None
        scores = [_alike(body, one.request.body) for one in fits]
        best = [one for one, score in zip(fits, scores, strict=True) if score == max(scores)]
        key = f"{method} {path} {asked} {[one.name for one in best]}"
        turn = self._turns[key] = self._turns.get(key, -1) + 1
        chosen = best[turn % len(best)]
        self.played.append(chosen.name)
        return chosen

    def _nearest(self, method: str, path: str) -> str:
        import difflib

        known = [f"{one.request.method} {one.request.path}" for one in self._cassettes]
        found = difflib.get_close_matches(f"{method} {path}", known, n=1, cutoff=0.3)
        return found[0] if found else ""


def _query(one: Cassette) -> list[tuple[str, str]]:
    return sorted(parse_qsl(one.request.query, keep_blank_values=True))


def _names(query: list[tuple[str, str]]) -> list[str]:
    return [name for name, _ in query]


def _alike(body: bytes, recorded: str) -> float:
    """How alike two request bodies are: the share of their fields, and of plain values, that they have in common."""
    mine, theirs = set(_leaves(_tree(body))), set(_leaves(_tree(recorded.encode())))
    if not mine and not theirs:
        return 1.0
    return len(mine & theirs) / len(mine | theirs)


def _tree(body: bytes) -> Any:
    try:
        return from_json(body)
    except DecodeError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))


def _leaves(tree: Any, place: str = "") -> Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield f"{place}/{key}"
            yield from _leaves(value, f"{place}/{key}")
    elif isinstance(tree, list):
        for value in tree[:50]:
            yield from _leaves(value, f"{place}/[]")
    elif isinstance(tree, str | int | float | bool):
        yield f"{place}={tree}"


class Replay:
    """The server. `speed`: 1 as recorded, 10 ten times as fast, 0 at once."""

    def __init__(self, player: Player, *, speed: float = 1.0) -> None:
        self.player = player
        self._speed = speed
        self._server = Server(self._handle)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return self._server.port

    async def start(self, host: str, port: int) -> None:
        await self._server.start(host, port)

    async def stop(self) -> None:
        await self._server.drain(1.0)

    def _handle(self, request: Any, reply: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(request, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Any, reply: Any) -> None:
        body = request.body
        if request.stream is not None:
            body += b"".join([piece async for piece in request.stream])
        target = request.target.decode("latin-1")
        chosen = self.player.choose(request.method, target, body)
        if chosen is None:
            missed = self.player.missed[-1]
            told = {
                "error": {
                    "message": f"no cassette answers {missed.method} {missed.target}",
                    "nearest": missed.nearest,
                }
            }
            reply.send(404, b"content-type: application/json\r\n", to_json(told))
            return
        await play(chosen, reply, self._speed, asyncio.sleep)


async def play(cassette: Cassette, reply: Any, speed: float, sleep: Callable[[float], Any]) -> None:
    """Gives an answer with its timing."""
    response, elapsed_ms = cassette.response, 0.0

    async def until(at_ms: float) -> None:
        nonlocal elapsed_ms
        if speed > 0 and at_ms > elapsed_ms:
            await sleep((at_ms - elapsed_ms) / 1e3 / speed)
        elapsed_ms = max(elapsed_ms, at_ms)

    fields = b"".join(
        f"{name}: {value}\r\n".encode("latin-1", "replace")
        for name, value in response.headers.items()
        if name not in _OWN_LENGTH
    )
    fields += b"x-trunkline-cassette: %b\r\n" % cassette.name.encode("ascii", "replace")
    await until(response.at_ms)
    if not response.stream:
        for piece in response.pieces:
            await until(piece.at_ms)
        reply.send(response.status, fields, response.body)
        return
    reply.start(response.status, fields, None)
    for piece in response.pieces:
        await until(piece.at_ms)
        if reply.closed:
            return
        reply.write(piece.content)
    reply.end()
