"""Makes the ASGI application of the console from the declared endpoints: routes, roles, parameters, errors.

Handlers are plain functions that run in a thread, because they read databases.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
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

from trunkline.console import landing
from trunkline.console.context import Console
from trunkline.console.declare import Endpoint, may
from trunkline.console.endpoints import ENDPOINTS
from trunkline.console.failure import correlation_of, failure
from trunkline.console.guard import Guard
from trunkline.core.codec import to_json
from trunkline.core.errors import CallError

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
        refused = await _refuse(console, endpoint, request, correlation)
        if refused:
            return refused
        given = {
            "accept": request.headers.get("accept", ""),
            "last_event_id": request.headers.get("last-event-id", ""),
        }
        more = {name: value for name, value in given.items() if name in accepted}
        try:
            query = _query(endpoint, request)
            if endpoint.is_async:
                found = endpoint.handler(console, query, **more)
            else:
                found = await run_in_threadpool(endpoint.handler, console, query, **more)
        except CallError as fault:
            return failure(fault.code, fault.message, correlation)
        except DBAPIError as fault:
            return failure("store_unavailable", f"the ledger cannot be read now: {fault.orig}", correlation)
        response = (
            found if isinstance(found, Response) else Response(to_json(found), media_type=endpoint.media)
        )
        response.headers["x-correlation-id"] = correlation
        return response

    return answer


async def _refuse(
    console: Console, endpoint: Endpoint, request: Request, correlation: str
) -> Response | None:
    """The refusal for who may not; None for who may."""
    if endpoint.role == "open" or (console.open_metrics and endpoint.name == "metrics"):
        return None
    role = console.access.role(request.headers)
    if may(role, endpoint.role) and role:
        return None
    if endpoint.scope:
        has_scope: Callable[..., bool] = console.access.has_scope
        if await run_in_threadpool(has_scope, request.headers, endpoint.scope):
            return None
    if role:
        return failure("forbidden", f"this needs the role {endpoint.role}, and yours is {role}", correlation)
    if endpoint.media == "text/html":
        return Response(landing.refused(), 401, media_type="text/html; charset=utf-8")
    return failure("unauthenticated", "the admin API needs a valid admin token", correlation)


def _query(endpoint: Endpoint, request: Request) -> Any:
    """The declared parameters. Raises CallError for one that is unknown, missing, given twice, or of a wrong form."""
    given = dict(request.path_params)
    for name, value in request.query_params.multi_items():
        if name in given:
            raise CallError("invalid_request", f"the parameter {name!r} is given twice")
        given[name] = value
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
