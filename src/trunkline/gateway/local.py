"""What the gateway answers itself: liveness, readiness, health, the model list, browser tokens, CORS preflight.

The table at the end is the list of all such routes; a test fails on an open one that ruling 13 does not name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.service import Snapshot
from trunkline.core.stored import PATH
from trunkline.engine.gateway import Gateway, Local
from trunkline.engine.models import Listed
from trunkline.gateway import ollama_models, parallel
from trunkline.gateway.deferrals import Deferrals
from trunkline.gateway.view import View
from trunkline.ops import health, health_told
from trunkline.plugins.policies import tokens
from trunkline.plugins.policies.access import Access, beyond_minting, may_use_model
from trunkline.plugins.policies.idempotency import HEADER
from trunkline.plugins.policies.idempotency_whole import Whole

if TYPE_CHECKING:
    from trunkline.gateway.explain import Explain
    from trunkline.gateway.responses import Responses
    from trunkline.plugins.policies.breaker import Breaker

JSON = b"content-type: application/json\r\n"
Answer = tuple[int, bytes, bytes]


class LocalRoutes:
    """Answers of the gateway's own. `gateway` is set once it exists."""

    gateway: Gateway
    explain: Explain | None = None
    """Set once there is a gateway."""

    def __init__(
        self,
        access: Access,
        breaker: Breaker,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        reload_state: Callable[[], dict[str, Any]],
        deferrals: Deferrals | None = None,
        view: View | None = None,
        besides: Callable[[Snapshot], dict[str, Any]] = lambda _: {},
        whole: Whole | None = None,
        responses: Responses | None = None,
    ) -> None:
        self._access = access
        self._deferrals = deferrals
        self._clock = clock
        self._wall = wall
        self._reload_state = reload_state
        self._besides = besides
        self._whole = whole
        self._responses = responses
        self._view = view or View(breaker, clock=clock, wall=wall)

    def table(self) -> dict[tuple[str, bytes], Local]:
        """All routes by method and path."""
        routes = {
            ("GET", b"/health/live"): Local(self.live, open=True),
            ("GET", b"/health/ready"): Local(self.ready, open=True),
            ("POST", b"/v1/tokens"): Local(self.token),
            ("POST", b"/v1/parallel"): Local(self.parallel),
            ("POST", b"/v1/explain"): Local(self.explained),
        }
        routes["POST", b"/api/show"] = Local(self.shown)
        for path in (b"/v1/models", b"/v1beta/models", b"/api/tags"):
            routes["GET", path] = Local(self.models)
        return routes

    def find(self, method: str, path: bytes, exchange: Exchange) -> Local | None:
        """The route of a request, those with parameters in their paths and CORS preflight among them."""
        fields = exchange.request.fields
        if method == "OPTIONS" and b"origin" in fields and b"access-control-request-method" in fields:
            return Local(self.preflight, open=True)
        if method == "GET" and path == b"/health":
            return Local(self.health, open=self._health_open(exchange), scope="health:read")
        if method == "GET" and path.startswith((b"/v1/models/", b"/v1beta/models/")):
            return Local(self.model)
        if self._deferrals is not None and path.startswith(b"/v1/tasks"):
            return self._deferrals.find(method, path)
        if self._responses is not None and path.startswith(PATH):
            return self._responses.find(method, path)
        return None

    def parallel(self, exchange: Exchange) -> Awaitable[Answer]:
        keys = None
        if self._whole is not None:
            services = self.gateway.world.services.values()
            keys = parallel.Keys(self._whole, frozenset((HEADER, *(one.key_name for one in services))))
        return parallel.answered(self.gateway.handle, self._clock, self._wall, exchange, keys)

    def explained(self, exchange: Exchange) -> Answer:
        assert self.explain is not None
        return self.explain.answered(exchange)

    def live(self, exchange: Exchange) -> Answer:
        del exchange
        return 200, JSON, b'{"status":"live"}'

    def ready(self, exchange: Exchange) -> Answer:
        del exchange
        if self.gateway.draining:
            return 503, JSON, b'{"status":"draining"}'
        return 200, JSON, to_json({"status": "ready", "config_version": self.gateway.world.version})

    def _health_open(self, exchange: Exchange) -> bool:
        """Declared public, `/health` is open for its two members; its reasons name what is inside, so they need the scope."""
        return self.gateway.world.snapshot.health_public and not _detailed(exchange)

    def health(self, exchange: Exchange) -> Answer:
        now = self._wall()
        fares = self._view.known(self.gateway.world, circuits=_detailed(exchange))
        if b"application/health+json" in exchange.request.fields.get(b"accept", b""):
            body = health_told.health_json(fares, now)
            return (
                health_told.http_status(body["status"]),
                b"content-type: application/health+json\r\n",
                to_json(body),
            )
        body = health.status(fares, now)
        code = health_told.http_status(body["status"])
        if _detailed(exchange):
            body = health_told.detail(
                fares,
                now,
                unknown_open=self._view.unknown_open(),
                reload=self._reload_state(),
                config_version=self.gateway.world.version,
            )
            if self._deferrals is not None:
                body["tasks"] = self._deferrals.standing()
            besides = self._besides(self.gateway.world.snapshot)
            body["findings"] += besides.pop("findings", [])
            body |= besides
        simulated = b"x-trunkline-simulated: true\r\n" if any(one.simulated for one in fares) else b""
        return code, JSON + simulated, to_json(body)

    def models(self, exchange: Exchange) -> Answer:
        caller = beyond_minting(exchange)
        table = self.gateway.world.models
        rows = [
            row
            for row in table.listed
            if caller.everything or may_use_model(caller, row.service, row.id.partition("/")[2], row.id)
        ]
        fields = exchange.request.fields
        if b"anthropic-version" in fields:
            data = [_anthropic(row) for row in rows]
            ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
            return (
                200,
                JSON,
                to_json({"data": data, "has_more": False, "first_id": ends[0], "last_id": ends[1]}),
            )
        if exchange.request.target.startswith(b"/api/"):
            return 200, JSON, to_json({"models": [ollama_models.tag(row) for row in rows]})
        if b"x-goog-api-key" in fields or exchange.request.target.startswith(b"/v1beta/"):
            return 200, JSON, to_json({"models": [_gemini(row) for row in rows]})
        return 200, JSON, to_json({"object": "list", "data": [_openai(row) for row in rows]})

    def model(self, exchange: Exchange) -> Answer:
        from urllib.parse import unquote

        target = exchange.request.target.partition(b"?")[0]
        row = self._row(exchange, unquote(target.split(b"/models/", 1)[1].decode("latin-1")))
        fields = exchange.request.fields
        shaped = (
            _anthropic(row)
            if b"anthropic-version" in fields
            else _gemini(row)
            if b"x-goog-api-key" in fields
            else _openai(row)
        )
        return 200, JSON, to_json(shaped)

    def shown(self, exchange: Exchange) -> Answer:
        row = self._row(exchange, ollama_models.name_in(exchange.body))
        return 200, JSON, to_json(ollama_models.shown(row))

    def _row(self, exchange: Exchange, name: str) -> Listed:
        """A model as the table has it. Raises `unknown_model` or `forbidden`."""
        caller = beyond_minting(exchange)
        table = self.gateway.world.models
        served = table.find(name)
        if not caller.everything and not may_use_model(caller, served.service, served.model, name):
            raise CallError("forbidden", f"this key may not use the model {name!r}", scope="key")
        return Listed(name, served.service, table.model(served.service, served.model))

    def preflight(self, exchange: Exchange) -> Answer:
        """Answered from the union of the origins of live keys; the real request is checked against its own (ruling 13)."""
        fields = exchange.request.fields
        origin = fields[b"origin"]
        if origin.decode("latin-1") not in self._access.origins:
            return (
                403,
                JSON,
                b'{"source":"trunkline","code":"forbidden","message":"no key allows calls from this browser origin","retryable":false}',
            )
        asked = fields.get(b"access-control-request-headers", b"authorization, content-type")
        lines = (
            b"access-control-allow-origin: %b\r\nvary: origin\r\naccess-control-allow-methods: GET, POST, PUT, PATCH, DELETE\r\n"
            b"access-control-allow-headers: %b\r\naccess-control-max-age: 600\r\n" % (origin, asked)
        )
        return 204, lines, b""

    def token(self, exchange: Exchange) -> Answer:
        """Mints a browser token (W4, ruling 14)."""
        caller = exchange.caller
        assert caller is not None
        if caller.kind != "browser" or caller.token_id:
            raise CallError(
                "forbidden",
                "only a key of kind browser mints tokens (`trunkline keys create --kind browser`)",
                scope="key",
            )
        try:
            asked = _token_request.decode(exchange.body or b"{}")
        except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise CallError(
                "invalid_request", f"the body of POST /v1/tokens does not fit: {problem}"
            ) from None
        origin = asked.origin or (caller.key.origins[0] if len(caller.key.origins) == 1 else "")
        if origin not in caller.key.origins:
            known = ", ".join(caller.key.origins) or "none"
            raise CallError(
                "invalid_request",
                f"origin {origin!r} is not one of this key's origins ({known})",
                param="origin",
            )
        if caller.subject and asked.subject and asked.subject != caller.subject:
            raise CallError("forbidden", "this key is bound to another subject", scope="key")
        if not 1 <= asked.ttl_s <= tokens.LONGEST_S:
            raise CallError(
                "invalid_request",
                f"ttl_s takes 1 to {tokens.LONGEST_S:g} seconds, not {asked.ttl_s:g}",
                param="ttl_s",
            )
        text, token = tokens.minted(
            caller,
            origin=origin,
            subject=asked.subject or caller.subject,
            scopes=asked.scopes,
            spend_usd=max(0.0, asked.spend_usd),
            ttl_s=asked.ttl_s,
            token_key=self._access.token_key,
            now=self._wall(),
        )
        body = {
            "token": text,
            "id": token.id,
            "expires_at": _rfc3339(token.expires_at),
            "origin": token.origin,
            "scopes": token.scopes,
        }
        return 201, JSON + b"cache-control: no-store\r\n", to_json(body)


def _detailed(exchange: Exchange) -> bool:
    return b"detail=1" in exchange.request.target.partition(b"?")[2].split(b"&")


class _TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    origin: str = ""
    subject: str = ""
    scopes: list[str] = []
    spend_usd: float = 0.0
    ttl_s: float = tokens.DEFAULT_S


_token_request = json_decoder(_TokenRequest)


def _rfc3339(epoch_s: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _title(row: Listed) -> str:
    return (row.model.title if row.model is not None else "") or row.id


def _created(row: Listed) -> int:
    return row.model.created if row.model is not None else 0


def _openai(row: Listed) -> dict[str, Any]:
    """Readable by the OpenAI and the Anthropic SDK alike (reference: client-compat)."""
    created = _created(row)
    return {
        "id": row.id,
        "object": "model",
        "created": created,
        "owned_by": row.service,
        "type": "model",
        "display_name": _title(row),
        "created_at": _rfc3339(created),
    }


def _anthropic(row: Listed) -> dict[str, Any]:
    return {"type": "model", "id": row.id, "display_name": _title(row), "created_at": _rfc3339(_created(row))}


def _gemini(row: Listed) -> dict[str, Any]:
    kind = row.model.kind if row.model is not None else "chat"
    methods = ["embedContent"] if kind == "embedding" else ["generateContent", "countTokens"]
    context = row.model.context if row.model is not None else 0
    return {
        "name": f"models/{row.id}",
        "displayName": _title(row),
        "inputTokenLimit": context,
        "supportedGenerationMethods": methods,
    }
