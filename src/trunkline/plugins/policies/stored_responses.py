"""Stored responses with every vendor: what OpenAI's Responses API keeps for its clients, kept here where a vendor keeps nothing.

A vendor that speaks Responses stores its own; of those only the place is written down, so that calls by id find it, also after a
restart. Answers translated from other dialects are kept sealed with their input; a call that names one as `previous_response_id`
gets the turns before it put before its own, ahead of every policy that looks into bodies. Ids are known within a team only. Not for:
the routes by id (`gateway/responses.py`), nor for files (`journal/answers.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from trunkline.core.codec import DecodeError, from_json, pack_decoder, to_json, to_pack
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.idempotency import ANSWER, FREED, AnswerStore
from trunkline.core.idempotency import Kept as Sealed
from trunkline.core.stored import BOUND, Kept, Turn
from trunkline.plugins.policies.access import may_use_model

PLACES_S = 30 * 86400.0
"""As long as OpenAI keeps responses: platform.openai.com/docs/guides/your-data."""
MOST_TURNS = 1000
MOST_BYTES = 32 << 20
"""Of the turns that are put before one."""
_OFF = (b'"store":false', b'"store": false')
_LAST = (b'{"type":"response.completed"', b'{"type":"response.incomplete"')

_kept = pack_decoder(Kept)


class StoredResponses:
    """`keep_s`: how long answers are kept here; 0: nothing is. `gather` takes in a body that is still arriving."""

    def __init__(
        self,
        store: AnswerStore,
        wall: Callable[[], float],
        gather: Callable[[Exchange], Awaitable[None]],
        keep_s: float,
    ) -> None:
        self._store = store
        self._wall = wall
        self._gather = gather
        self.keep_s = keep_s

    def concerns(self, exchange: Exchange) -> bool:
        """Whether the caller speaks Responses."""
        return self.keep_s > 0 and exchange.dialect in BOUND

    def admit(self, exchange: Exchange) -> Awaitable[None] | None:
        """Waits only for a long body that must be translated anyway. Raises `invalid_request` for turns that are no more."""
        if not self.concerns(exchange):
            return None
        if exchange.rest is not None:
            return self._gathered(exchange) if exchange.translator is not None else None
        self._begin(exchange)
        return None

    async def _gathered(self, exchange: Exchange) -> None:
        await self._gather(exchange)
        self._begin(exchange)

    def settle(self, exchange: Exchange) -> None:
        """Writes down what was answered, or where. What cannot be stored is only not found later."""
        turn: Turn | None = exchange.turn
        if turn is None or exchange.state != "ok" or exchange.answer is not None:
            return
        if exchange.translation is not None:
            if turn.begun and exchange.kept is not None:
                self._keep_here(exchange, turn, exchange.kept.body)
        elif exchange.home is not None and exchange.reading is not None and exchange.reading.binding:
            kept = Kept(by=_by(exchange), place=exchange.home)
            self._put(exchange, exchange.reading.binding[0], kept, PLACES_S)

    def find(self, exchange: Exchange, id_: str) -> Kept | None:
        """What the caller's team knows by this id, if the caller may use the model that made it."""
        mark = self._mark(exchange, id_)
        held = self._store.find(mark, self._wall())
        if held is None or held.kind != ANSWER:
            return None
        sealed = self._store.read(held)
        try:
            kept = _kept.decode(sealed.body) if sealed is not None else None
        except DecodeError:
            return None
        caller = exchange.caller
        if kept is None or caller is None:
            return None
        return kept if caller.everything or may_use_model(caller, *kept.by) else None

    def forget(self, exchange: Exchange, id_: str) -> None:
        """It is found no more. Raises OSError when that cannot be stored."""
        now = self._wall()
        mark = self._mark(exchange, id_)
        held = self._store.find(mark, now)
        if held is not None:
            intent = self._store.begin(mark, mark, held.call_id, now, held.expires_us / 1e6)
            self._store.end(intent, FREED)

    def turns(self, exchange: Exchange, last: str) -> list[Kept] | None:
        """The turns up to and with one that is kept here, the first first; None where one of them is gone."""
        found: list[Kept] = []
        name, size = last, 0
        while name:
            kept = self.find(exchange, name)
            if kept is None or kept.place is not None:
                return None
            size += len(kept.input) + len(kept.response)
            if len(found) == MOST_TURNS or size > MOST_BYTES:
                raise CallError(
                    "request_too_large",
                    f"the turns before this one are more than {MOST_TURNS}, or more than {MOST_BYTES >> 20} MB: begin anew with "
                    "what matters of them in `input`",
                    scope="call",
                    param="previous_response_id",
                    never_acted=True,
                )
            found.append(kept)
            name = kept.previous
        found.reverse()
        return found

    def _begin(self, exchange: Exchange) -> None:
        body = exchange.body
        turn = Turn(f"resp_{exchange.call_id}")
        if b'"previous_response_id"' in body:
            self._go_on(exchange, turn)
        if not any(off in body for off in _OFF):
            exchange.turn = turn

    def _go_on(self, exchange: Exchange, turn: Turn) -> None:
        """A turn after one that is known here: put behind it, or sent to where that one is."""
        try:
            said = from_json(exchange.body)
        except DecodeError:
            return
        previous = said.get("previous_response_id") if isinstance(said, dict) else None
        if not isinstance(previous, str) or not previous:
            return
        kept = self.find(exchange, previous)
        if kept is None:
            return  # made elsewhere: its vendor may know it
        if kept.place is not None:
            exchange.home = kept.place
            return
        before = self.turns(exchange, previous)
        if before is None:
            raise CallError(
                "invalid_request",
                f"a turn before `previous_response_id` {previous!r} is kept no more: send the turns themselves in `input`",
                scope="call",
                param="previous_response_id",
                never_acted=True,
            )
        turn.previous = previous
        native = exchange.translator is None
        earlier = [item for one in before for item in _said(one, native)]
        turn.before = len(earlier)
        del said["previous_response_id"]
        said["input"] = [*earlier, *items_of(said.get("input"))]
        exchange.body = to_json(said)
        exchange.notes += (f"turns={len(before)}",)

    def _keep_here(self, exchange: Exchange, turn: Turn, body: bytes) -> None:
        response = _last_response(body) if exchange.stream else body
        try:
            # As it went out: what a route redacts is not kept either.
            given = to_json(items_of(from_json(exchange.body).get("input"))[turn.before :])
        except (DecodeError, AttributeError):
            return
        if response:
            route = exchange.via or exchange.route
            played = route is not None and route.live.spec.simulated
            kept = Kept(
                by=_by(exchange), input=given, response=response, previous=turn.previous, simulated=played
            )
            self._put(exchange, turn.id, kept, self.keep_s)

    def _put(self, exchange: Exchange, id_: str, kept: Kept, keep_s: float) -> None:
        mark, now = self._mark(exchange, id_), self._wall()
        with contextlib.suppress(OSError):
            self._store.keep(mark, exchange.call_id, now, now + keep_s, Sealed(b"", to_pack(kept)))

    def _mark(self, exchange: Exchange, id_: str) -> bytes:
        caller = exchange.caller
        assert caller is not None
        person = caller.subject if caller.token_id else ""
        return self._store.mark(b"response", caller.key.team.encode(), person.encode(), id_.encode())


def _by(exchange: Exchange) -> tuple[str, str, str]:
    route = exchange.via or exchange.route
    assert route is not None
    return route.live.name, route.model, exchange.model


def items_of(given: Any) -> list[Any]:
    """`input` as a list of items."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return given if isinstance(given, list) else []


def output_of(kept: Kept) -> list[Any]:
    """The output items of a response that is kept here."""
    output = from_json(kept.response).get("output")
    return output if isinstance(output, list) else []


def _said(kept: Kept, native: bool) -> list[Any]:
    """A turn as input. A vendor of Responses does not know the ids of our items, and other vendors' thoughts it could not read."""
    items: list[Any] = [*from_json(kept.input), *output_of(kept)]
    if not native:
        return items
    return [
        {name: value for name, value in item.items() if name != "id"}
        for item in items
        if isinstance(item, dict) and item.get("type") != "reasoning"
    ]


def _last_response(stream: bytes) -> bytes:
    """The response object in the last event of a stream; empty where it has none."""
    at = max(stream.rfind(mark) for mark in _LAST)
    if at < 0:
        return b""
    end = stream.find(b"\n", at)
    event = from_json(stream[at : end if end >= 0 else None])
    return to_json(event.get("response"))
