"""The error objects of the AI dialects, with our fields inside: what unmodified SDKs turn into their own
exceptions; pure.

A body begins with `error`, since google-genai finds an error in a stream only there. Where a name of ours is
taken by the dialect (OpenAI's and Gemini's `code`), the dialect's meaning stands in the error object and ours
at the top level of the body.
"""

from __future__ import annotations

import re
from typing import Any

from trunkline.core.errors import CallError

_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_THREAD_REFUSED = {"error_code": "thread_unsupported_request", "unsupported": ["model"]}
"""Told so, the vendor's SDK goes on without a thread and sends all turns (`lib/threads` of `anthropic`)."""
_GEMINI_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def body(
    dialect: str, error: CallError, record: dict[str, Any], said: dict[str, Any] | None, status: int
) -> dict[str, Any]:
    """The whole body of a failure in a dialect. `said` is the vendor's object where caller and vendor speak
    the same dialect.
    """
    if dialect.startswith("anthropic"):
        inner = anthropic(error, record)
        frame: dict[str, Any] = {
            "type": "error",
            "request_id": error.vendor_request_id or record["correlationId"],
        }
    elif dialect.startswith("ollama"):
        return ollama(error, record, said)
    elif dialect.startswith("gemini"):
        inner, frame = gemini(error, record, status), {}
    else:
        inner, frame = openai(error, record), {}
    if said is None:
        return {"error": inner, **frame, **record}
    vendors = said.get("error")
    kept = {**inner, **vendors} if isinstance(vendors, dict) else inner
    rest = {k: v for k, v in said.items() if k != "error"}
    return {"error": kept, **frame, **rest, **{k: v for k, v in record.items() if k not in rest}}


def openai(error: CallError, record: dict[str, Any]) -> dict[str, Any]:
    """`{message, type, param, code}` and ours."""
    kind = _OPENAI_TYPES.get(
        error.kind.status, "server_error" if error.kind.status >= 500 else "invalid_request_error"
    )
    return {
        **record,
        "message": error.message,
        "type": kind,
        "param": error.param or None,
        "code": error.code,
    }


def anthropic(error: CallError, record: dict[str, Any]) -> dict[str, Any]:
    """`{type, message}` and ours."""
    details = {"details": _THREAD_REFUSED} if error.param == "thread" else {}
    return {
        **details,
        "type": _ANTHROPIC_TYPES.get(
            error.kind.status, "api_error" if error.kind.status >= 500 else "invalid_request_error"
        ),
        **record,
    }


def gemini(error: CallError, record: dict[str, Any], status: int) -> dict[str, Any]:
    """`{code, message, status}` and ours; `code` is the HTTP status."""
    name = _GEMINI_STATUSES.get(
        error.kind.status, "INTERNAL" if error.kind.status >= 500 else "FAILED_PRECONDITION"
    )
    return {**record, "code": status, "message": error.message, "status": name, "details": []}


def ollama(error: CallError, record: dict[str, Any], said: dict[str, Any] | None) -> dict[str, Any]:
    """`error` is a text there, so that ours stand beside it."""
    told = said.get("error") if said is not None else None
    rest = {name: value for name, value in (said or {}).items() if name not in record}
    return {**rest, "error": told if isinstance(told, str) else error.message, **record}


def generic(error: CallError) -> dict[str, Any]:
    """The error object that most REST SDKs look for."""
    kind = _OPENAI_TYPES.get(
        error.kind.status, "api_error" if error.kind.status >= 500 else "invalid_request_error"
    )
    return {"type": kind, "code": error.code, "message": error.message, "param": error.param or None}


_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,128}")
_DIGITS = re.compile(r"\d{6,}")


def anonymous(text: str) -> str:
    """A text without mail addresses and long numbers."""
    return _DIGITS.sub("#", _MAIL.sub("#@#", text))
