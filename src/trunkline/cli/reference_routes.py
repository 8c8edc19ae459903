"""The reference page of the gateway's routes, made from its own tables: what it answers itself, and the model endpoints.

A route without words here is an error, so that none is added in silence. Not for: the console's routes, whose page the
console makes (`console/openapi.py`).
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from trunkline.core.handling import StoredBounds
from trunkline.engine.endpoints import ENDPOINTS, GEMINI, PROXY, dialect_of
from trunkline.engine.gateway import Local
from trunkline.gateway.deferrals import Deferrals
from trunkline.gateway.local import LocalRoutes
from trunkline.gateway.responses import Responses

ANY_KEY = "any live key or token"
OPEN = "none"
MODEL_SCOPE = "`model:...` that covers the model, or `integration:...`"

WORDS = {
    "live": "Answers 200 while the process runs.",
    "ready": "200 once calls can be served, 503 while it stops.",
    "health": "Status of the whole and of each integration; 503 when it is down. `?detail=1` adds reasons.",
    "token": "Mints a browser token; only with a key of kind `browser`.",
    "explained": "Tells what would become of a call, without making it: route, candidates, prices, translation, limits, budgets, cache.",
    "parallel": "Makes up to 64 calls, a few at a time, and answers them in order; each needs the scope of its own route.",
    "models": "The models that the key may use, in the format of the asking SDK.",
    "model": "One of them.",
    "shown": "One of them, as clients of Ollama ask for it.",
    "tasks": "Deferred calls of the same team, newest first; `?state=`, `?limit=`, `?before=`.",
    "task": "How far one is, and its answer once there is one.",
    "answer": "Its answer alone, as the call itself would have got it; 202 until there is one.",
    "cancel": "Has it cancelled: 202, or 200 if it has ended already.",
    "response": "A stored response by its id, its input items, deleted, cancelled: at the vendor that keeps it, or kept here.",
    "signing_secret": "The secret under which the webhooks that this key asks for are signed.",
    "preflight": "CORS preflight, answered from the origins of live keys.",
}
DIALECTS = {
    "openai-chat": "OpenAI Chat Completions, JSON and stream",
    "openai-embeddings": "OpenAI Embeddings",
    "openai-responses": "OpenAI Responses, JSON and stream",
    "openai-input-tokens": "OpenAI token counting",
    "openai-compact": "OpenAI compaction of a conversation, at vendors that have it",
    "anthropic-messages": "Anthropic Messages, JSON and stream",
    "anthropic-count-tokens": "Anthropic token counting",
    "ollama-chat": "Ollama chat, JSON and stream of lines; unless it says otherwise it streams",
    "ollama-embed": "Ollama embeddings",
    "gemini-generate": "Gemini generateContent, JSON and stream",
    "gemini-embed": "Gemini embeddings",
    "gemini-count": "Gemini token counting",
}


GEMINI_GROUP = re.compile(rb"\(([A-Za-z0-9|]+)\)")
"""The alternatives within the pattern of Gemini's paths: versions, then methods."""


class Row(NamedTuple):
    """One line of the page."""

    method: str
    path: str
    identity: str
    scope: str
    words: str


def markdown() -> str:
    """The whole page."""
    lines = [
        "# Routes of the gateway\n",
        "This page is made from the source by `python -m trunkline.cli.reference`; do not edit it.\n",
        "All on the data plane's port (4000). A key is sent as `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key` or",
        "`x-trunkline-key`, on Gemini's paths also as `?key=`. The console's routes are on [a page of their own](admin-api.md); with",
        "`--one-port` they stand below `/console`, with the console's own login.\n",
        "| method | path | identity | scope | what it does |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in rows()]
    return "\n".join([*lines, "", *_notes()]) + "\n"


def rows() -> list[Row]:
    """Every route of the gateway."""
    return [*_proxied(), *_modelled(), *_local()]


def _proxied() -> list[Row]:
    path = f"`{PROXY.decode()}{{integration}}/{{path}}`"
    scope = "`integration:NAME`, `integration:NAME:OPERATION`, or `route:NAME`"
    return [Row("any", path, ANY_KEY, scope, "Passes the call on, with the vendor's credential.")]


def _modelled() -> list[Row]:
    found = [*ENDPOINTS, *_gemini()]
    return [
        Row("POST", f"`{path.decode()}`", ANY_KEY, MODEL_SCOPE, DIALECTS[_dialect(path)]) for path in found
    ]


def _dialect(path: bytes) -> str:
    named = dialect_of(path)
    assert named is not None, path
    return named.dialect


def _gemini() -> list[bytes]:
    """Gemini's paths, taken out of the pattern that the gateway knows them by."""
    versions, methods = (group.split(b"|") for group in (GEMINI_GROUP.findall(GEMINI.pattern)))
    return [b"/%b/models/{model}:%b" % (version, method) for version in versions for method in methods]


def _local() -> list[Row]:
    routes = _table()
    found = [_row(method, path.decode(), local) for (method, path), local in routes.table().items()]
    for method, path, fields in (
        ("GET", "/health", {}),
        ("GET", "/v1/models/{model}", {}),
        ("GET", "/v1beta/models/{model}", {}),
        ("GET", "/v1/responses/{id}", {}),
        ("DELETE", "/v1/responses/{id}", {}),
        ("GET", "/v1/responses/{id}/input_items", {}),
        ("POST", "/v1/responses/{id}/cancel", {}),
        ("GET", "/v1/tasks", {}),
        ("GET", "/v1/tasks/{id}", {}),
        ("GET", "/v1/tasks/{id}/answer", {}),
        ("DELETE", "/v1/tasks/{id}", {}),
        ("GET", "/v1/tasks/signing-secret", {}),
        ("OPTIONS", "any path", {b"origin": b"", b"access-control-request-method": b""}),
    ):
        asked: Any = SimpleNamespace(request=SimpleNamespace(fields=fields))
        local = routes.find(method, path.replace("{id}", "tsk_" + "0" * 32).encode(), asked)
        assert local is not None, f"{method} {path} is gone"
        found.append(_row(method, path, local))
    return found


def _row(method: str, path: str, local: Local) -> Row:
    identity = OPEN if local.open else ANY_KEY
    if local.serve.__name__ == "health":
        identity = f"{ANY_KEY}; none with `health: {{public: true}}`, but for `?detail=1`"
    scope = f"`{local.scope}`" if local.scope else ""
    shown = f"`{path}`" if path.startswith("/") else path
    return Row(method, shown, identity, scope, WORDS[local.serve.__name__])


def _table() -> LocalRoutes:
    """The gateway's own routes without a gateway: only their table is asked for."""
    nothing = cast(Any, None)
    deferrals = Deferrals(Path(), b"none", nothing, time.time)
    routes = LocalRoutes(
        nothing,
        nothing,
        clock=time.monotonic,
        wall=time.time,
        reload_state=dict,
        deferrals=deferrals,
        responses=Responses(Path(), b"none", time.time, StoredBounds()),
    )
    routes.gateway = cast(
        Any, SimpleNamespace(world=SimpleNamespace(snapshot=SimpleNamespace(health_public=False)))
    )
    return routes


def _notes() -> list[str]:
    return [
        "Whatever stands at no route here is answered with 404 `unknown_route`, once the caller is known; an unknown caller gets 401",
        "first. Model endpoints take POST only. In the Gemini paths `{model}` may hold a slash (`openai/...`).",
    ]
