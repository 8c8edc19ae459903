"""Makes the ASGI application of the console from the declared endpoints: routes, roles, parameters, errors.

Handlers are plain functions that run in a thread, because they read databases.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trunkline.console import landing, sign_in
from trunkline.console.body import SAFE, read_form, shaped
from trunkline.console.context import Console
from trunkline.console.declare import Endpoint, may
from trunkline.console.endpoints import ENDPOINTS
from trunkline.console.failure import correlation_of, failure
from trunkline.console.guard import Guard
from trunkline.console.identity import NOBODY, Identity, came
from trunkline.control.lockout import LockedOut
from trunkline.core.codec import to_json
from trunkline.core.errors import KINDS, CallError

Answer = Callable[[Request], Awaitable[Response]]


def build(console: Console, hosts: frozenset[str], endpoints: Iterable[Endpoint] = ENDPOINTS) -> ASGIApp:
    """The application, behind its guard."""
    routes = [
        Route(one.path, _answer(console, one), methods=[one.method], name=one.name) for one in endpoints
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unrouted, Exception: _defect})
    app.router.redirect_slashes = False
    return Guard(app, hosts, landing.style())


def _answer(console: Console, endpoint: Endpoint) -> Answer:
    accepted = set(inspect.signature(endpoint.handler).parameters)

    async def answer(request: Request) -> Response:
        correlation = correlation_of(request.headers.raw)
        try:
            form = await read_form(request) if request.method not in SAFE else {}
            who = await _let_in(console, endpoint, request, form)
            came_by = came(request.headers, _address(console, request), request.method)
            given = {
                "who": who,
                "came": came_by,
                "body": shaped(form, endpoint.body, endpoint.path) if endpoint.body is not None else None,
                "accept": request.headers.get("accept", ""),
                "last_event_id": request.headers.get("last-event-id", ""),
                "still": partial(console.access.still, who, request.headers, came_by.address),
            }
            more = {name: value for name, value in given.items() if name in accepted}
            query = _query(endpoint, request)
            if endpoint.is_async:
                found = endpoint.handler(console, query, **more)
            else:
                found = await run_in_threadpool(endpoint.handler, console, query, **more)
        except CallError as fault:
            return _failed(console, endpoint, fault, correlation)
        except DBAPIError as fault:
            return failure("store_unavailable", f"the ledger cannot be read now: {fault.orig}", correlation)
        response = (
            found if isinstance(found, Response) else Response(to_json(found), media_type=endpoint.media)
        )
        response.headers["x-correlation-id"] = correlation
        return response

    return answer


async def _let_in(console: Console, endpoint: Endpoint, request: Request, form: dict[str, Any]) -> Identity:
    """Who asks, if they may. Raises CallError."""
    if endpoint.role == "open" or (console.open_metrics and endpoint.name == "metrics"):
        return NOBODY
    access, address = console.access, _address(console, request)
    try:
        who = await run_in_threadpool(access.identify, request.headers, address)
    except LockedOut as locked:
        raise CallError("caller_rate_limited", str(locked), retry_at=locked.until) from None
    if who is None or not may(who.role, endpoint.role):
        has_scope: Callable[..., bool] = access.has_scope
        scope = endpoint.scope.format(**request.path_params)
        if await run_in_threadpool(has_scope, request.headers, scope, address):
            return who or NOBODY
        if who is None:
            raise CallError("unauthenticated", "the admin API needs a valid admin token, key or session")
        raise CallError("forbidden", f"this needs the role {endpoint.role}, and yours is {who.role}")
    if who.teams is not None and endpoint.reach == "refused":
        raise CallError(
            "forbidden",
            f"this is about every team, and {who.name} is bound to {', '.join(who.teams) or 'none'}",
        )
    if who.session and request.method not in SAFE:
        given = request.headers.get("x-csrf-token") or str(form.pop("csrf", ""))
        if not access.is_csrf(who, given):
            raise CallError(
                "forbidden", "the CSRF token is missing or not this session's (`GET /api/session` tells it)"
            )
    return who


def _address(console: Console, request: Request) -> str:
    return console.access.address(request.headers, request.client.host if request.client else "")


def _failed(console: Console, endpoint: Endpoint, fault: CallError, correlation: str) -> Response:
    """The failure as whoever asks can read it."""
    if endpoint.media == "text/html":
        why = "" if fault.code == "unauthenticated" else fault.message
        return sign_in.refused(console, why, KINDS[fault.code].status)
    response = failure(fault.code, fault.message, correlation)
    if fault.retry_at:
        response.headers["retry-after"] = str(max(1, math.ceil(fault.retry_at - time.time())))
    return response


def _query(endpoint: Endpoint, request: Request) -> Any:
    """The declared parameters. Raises CallError for one that is unknown, missing, given twice, or of a wrong form."""
    given = dict(request.path_params)
    for name, value in request.query_params.multi_items():
        if name in given:
            raise CallError("invalid_request", f"the parameter {name!r} is given twice")
        given[name] = value
    for name, value in given.items():
        if isinstance(value, str) and "\0" in value:  # SQLite would take the text to end there
            raise CallError("invalid_request", f"the parameter {name!r} holds a NUL character")
    try:
        return msgspec.convert(given, endpoint.query, strict=False)
    except msgspec.ValidationError as fault:
        known = ", ".join(endpoint.query.__struct_encode_fields__) or "none"
        raise CallError(
            "invalid_request", f"{fault}; the parameters of {endpoint.path} are: {known}"
        ) from None


async def _unrouted(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    correlation = correlation_of(request.headers.raw)
    if fault.status_code == 405:
        response = failure("unknown_route", f"{request.method} is not served at this path", correlation, 405)
        response.headers.update(fault.headers or {})
        return response
    return failure("unknown_route", "there is nothing at this path; see /api/openapi.json", correlation)


async def _defect(request: Request, fault: Exception) -> Response:
    """What nobody foresaw: told by its kind only, because its text could hold anything."""
    return failure(
        "internal",
        f"the console failed on this request ({type(fault).__name__})",
        correlation_of(request.headers.raw),
    )
