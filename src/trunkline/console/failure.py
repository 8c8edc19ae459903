"""Failures of the admin API in the product's one error shape."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trunkline.console.shapes import ErrorShape
from trunkline.core.codec import to_json
from trunkline.core.errors import KINDS
from trunkline.core.text import correlation_id


def correlation_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's correlation id, or a new one."""
    return correlation_id(dict(headers)) or uuid.uuid4().hex


def failure(code: str, message: str, correlation: str, status: int = 0) -> Response:
    """The answer for one kind of failure of `core/errors.py`."""
    kind = KINDS[code]
    body = ErrorShape("trunkline", code, message, kind.later, correlation, kind.action)
    if code == "unauthenticated":
        body = ErrorShape("trunkline", code, message, kind.later, correlation, ADMIN_ACTION)
    response = Response(to_json(body), status or kind.status, media_type="application/json")
    response.headers["x-correlation-id"] = correlation
    if response.status_code == 401:
        response.headers["www-authenticate"] = 'Bearer realm="trunkline"'
    return response


def refusal(code: str, message: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An application that refuses whatever it is asked."""

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await failure(code, message, correlation_of(scope["headers"]))(scope, receive, send)

    return refuse


ADMIN_ACTION = (
    "Send the admin token (file admin.token in the state folder) or a key with a role as `Authorization: Bearer ...`, or sign in "
    "(`trunkline console open`)."
)
