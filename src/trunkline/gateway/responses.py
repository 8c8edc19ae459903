"""Stored responses by id: `GET` and `DELETE /v1/responses/{id}`, `.../input_items`, `.../cancel`, for every model.

What a vendor keeps is asked of that vendor, at the account that made it; what is kept here is answered here. Sources:
platform.openai.com/docs/api-reference/responses. Not for: what is kept (`plugins/policies/stored_responses.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from trunkline.core.codec import from_json, to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.handling import StoredBounds
from trunkline.core.stored import DIALECT, PATH, Kept
from trunkline.engine.endpoints import PROXY
from trunkline.engine.gateway import Local, Told
from trunkline.engine.translate_call import gather
from trunkline.engine.world import World
from trunkline.gateway.log import say
from trunkline.journal import answer_segment
from trunkline.journal.answers import Answers
from trunkline.plugins.policies.access import beyond_minting
from trunkline.plugins.policies.stored_responses import StoredResponses, output_of

if TYPE_CHECKING:
    from trunkline.engine.gateway import Gateway

FOLDER = "responses"
JSON = b"content-type: application/json\r\ncache-control: no-store\r\n"
LONGEST_PAGE = 100
_METHODS = {"GET": ("", "input_items"), "DELETE": ("",), "POST": ("cancel",)}
_NO_IDS = ("", "input_tokens", "compact")
_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs", "function_call_output": "fco"}


class Responses:
    """The policy with its store, and the routes. `gateway` is set once it exists."""

    gateway: Gateway

    def __init__(
        self, state: Path, answer_key: bytes, wall: Callable[[], float], bounds: StoredBounds
    ) -> None:
        self._folder = state / FOLDER
        self._wall = wall
        self._has_key = bool(answer_key)
        self.store = Answers(self._folder, answer_key or b"none", max_bytes=bounds.bytes, rolls=True)
        self.policy = StoredResponses(self.store, wall, gather, bounds.keep)

    def open(self) -> None:
        """Once the journal is open, which keeps other processes out. What fails here costs what was stored, and no call."""
        try:
            if self._has_key:
                self.store.open(self._wall())
        except OSError as problem:
            say(f"the store of responses does not open, so none is found: {problem}")

    def load(self, bounds: StoredBounds) -> None:
        """Takes over what a new registry says."""
        self.policy.keep_s = bounds.keep
        self.store.max_bytes = bounds.bytes

    def find(self, method: str, path: bytes) -> Local | None:
        """The route of a path below `/v1/responses/`; None if there is none."""
        id_, part = _named(path)
        if id_ in _NO_IDS or part not in _METHODS.get(method, ()):
            return None
        return Local(self.response, recorded=True)

    def response(self, exchange: Exchange) -> Told | bytes:
        """What is kept here, or the path at the vendor that keeps it. Raises CallError `not_found`."""
        exchange.ingress = DIALECT
        beyond_minting(exchange)
        target, _, query = exchange.request.target.partition(b"?")
        id_, part = _named(target)
        kept = self.policy.find(exchange, id_)
        if kept is None:
            raise CallError(
                "not_found",
                f"Response with id {id_[:100]!r} not found. Known are those that your team made with `/v1/responses` and `store`, "
                "while they are kept; others are at /api/proxy/{integration}/v1/responses/{id}",
                scope="response",
                param="response_id",
            )
        if kept.place is not None:
            exchange.home = kept.place
            return self._path(self.gateway.world, kept.place.integration, target[len(PATH) :])
        exchange.model = kept.by[2]
        exchange.notes += ("stored=deleted" if exchange.request.method == "DELETE" else "stored=read",)
        fields = JSON + (b"x-trunkline-simulated: true\r\n" if kept.simulated else b"")
        return 200, fields, to_json(self._told(exchange, id_, part, kept, query.decode("latin-1")))

    def _path(self, world: World, integration: str, rest: bytes) -> bytes:
        route = world.by_path.get(integration.encode())
        paths = route.live.dialects if route is not None else {}
        own = next((path for path, dialect in paths.items() if dialect == DIALECT), None)
        if route is None or own is None:
            raise CallError(
                "not_found",
                f"this response is kept by {integration!r}, which is not in the registry any more",
                scope="integration",
            )
        below = own.removeprefix(route.live.path_prefix)
        return b"%b%b%b/%b" % (PROXY, integration.encode(), below, rest)

    def _told(self, exchange: Exchange, id_: str, part: str, kept: Kept, query: str) -> Any:
        asked = parse_qs(query)
        if part == "input_items":
            return self._input_items(exchange, id_, kept, asked)
        if exchange.request.method == "DELETE":
            return self._deleted(exchange, id_)
        if part == "cancel":
            raise _unfit(
                "Only responses created with `background: true` can be cancelled; this one has ended."
            )
        if asked.get("stream") == ["true"]:
            raise _unfit("Only responses created with `background: true` can be streamed again.", "stream")
        return from_json(kept.response)

    def _deleted(self, exchange: Exchange, id_: str) -> dict[str, Any]:
        call_id = id_.removeprefix("resp_")
        try:
            self.policy.forget(exchange, id_)
            answer_segment.blot(self._folder, {call_id}, act=True)
        except OSError as problem:
            raise CallError("store_unavailable", f"the response could not be deleted: {problem}") from None
        return {"id": id_, "object": "response", "deleted": True}

    def _input_items(
        self, exchange: Exchange, id_: str, kept: Kept, asked: dict[str, list[str]]
    ) -> dict[str, Any]:
        """All items that the model was given, those of earlier turns too."""
        order, after = asked.get("order", ["desc"])[-1], asked.get("after", [""])[-1]
        limit = asked.get("limit", ["20"])[-1]
        if order not in ("asc", "desc"):
            raise _unfit("`order` takes asc or desc.", "order")
        if not limit.isdecimal() or not 1 <= int(limit) <= LONGEST_PAGE:
            raise _unfit(f"`limit` takes 1 to {LONGEST_PAGE}.", "limit")
        items: list[Any] = []
        for turn in (self.policy.turns(exchange, kept.previous) or []) if kept.previous else []:
            items += [*from_json(turn.input), *output_of(turn)]
        items += from_json(kept.input)
        shown = [_item(item, id_, n) for n, item in enumerate(items) if isinstance(item, dict)]
        if order == "desc":
            shown.reverse()
        if after:
            at = next((n for n, item in enumerate(shown) if item["id"] == after), None)
            if at is None:
                raise _unfit(f"No item has the id {after[:100]!r}.", "after")
            shown = shown[at + 1 :]
        page = shown[: int(limit)]
        ends = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        return {
            "object": "list",
            "data": page,
            "first_id": ends[0],
            "last_id": ends[1],
            "has_more": len(shown) > len(page),
        }


def _named(path: bytes) -> tuple[str, str]:
    """Id and what comes after it."""
    name, _, part = path[len(PATH) :].partition(b"/")
    return unquote(name.decode("latin-1")), part.decode("latin-1")


def _item(item: dict[str, Any], response: str, n: int) -> dict[str, Any]:
    """An input item as it is listed: with an id, a type, and parts in place of bare text."""
    kind = str(item.get("type") or "message")
    out = {"id": f"{_PREFIXES.get(kind, 'item')}_{response.removeprefix('resp_')}_{n}", **item, "type": kind}
    if kind == "message":
        if isinstance(out.get("content"), str):
            what = "output_text" if out.get("role") == "assistant" else "input_text"
            out["content"] = [{"type": what, "text": out["content"]}]
        out.setdefault("status", "completed")
    return out


def _unfit(text: str, param: str = "") -> CallError:
    return CallError("invalid_request", text, scope="response", param=param)
