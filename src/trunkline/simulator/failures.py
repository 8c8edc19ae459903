"""How each vendor dresses a failure: one `Failure`, many shapes, in JSON bodies and inside streams.

Not for: which failures a vendor knows (`corpus.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trunkline.core import codec
from trunkline.simulator.reply import Reply, data_event, named_event


class Failure(msgspec.Struct, frozen=True):
    """What went wrong, in the vendor's own codes. `body` is the exact body where the vendor's usual shape cannot say it."""

    status: int
    message: str
    code: str = ""
    type: str = ""
    param: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    body: Any = None
    extra: dict[str, Any] = {}


class Refusal(Exception):
    """Raised by a vendor's code to answer with a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def refuse(status: int, message: str, code: str = "", kind: str = "", param: str = "") -> Refusal:
    """A refusal in one line; `kind` is the vendor's `type`."""
    return Refusal(Failure(status, message, code, kind, param))


_GOOGLE = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_OPENAI = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "invalid_request_error",
    429: "rate_limit_error",
}  # fmt: skip
_ANTHROPIC = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 409: "conflict_error", 413: "request_too_large",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip


def _openai(it: Failure) -> Any:
    kind = it.type or _OPENAI.get(it.status, "invalid_request_error" if it.status < 500 else "server_error")
    return {
        "error": {"message": it.message, "type": kind, "param": it.param or None, "code": it.code or None}
    }


def _anthropic(it: Failure) -> Any:
    error = {"type": it.type or _ANTHROPIC.get(it.status, "api_error"), "message": it.message, **it.extra}
    return {"type": "error", "error": error, "request_id": "req_sim_error"}


def _gemini(it: Failure) -> Any:
    error = {"code": it.status, "message": it.message, "status": it.code or _GOOGLE.get(it.status, "UNKNOWN")}
    return {"error": {**error, **it.extra}}


def _stripe(it: Failure) -> Any:
    error: dict[str, Any] = {
        "message": it.message,
        "type": it.type or ("invalid_request_error" if it.status < 500 else "api_error"),
    }
    if it.code:
        error["code"] = it.code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{it.code.replace('_', '-')}"
    if it.param:
        error["param"] = it.param
    return {"error": {**error, **it.extra}}


def _mistral(it: Failure) -> Any:
    kind = it.type or _OPENAI.get(it.status, "server_error" if it.status >= 500 else "invalid_request_error")
    return {
        "object": "error",
        "message": it.message,
        "type": kind,
        "param": it.param or None,
        "code": it.code or None,
    }


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


_GRPC = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED", 500: "UNKNOWN", 503: "UNAVAILABLE",
}  # fmt: skip

_SLACK = {401: "invalid_auth", 403: "missing_scope", 429: "ratelimited", 503: "service_unavailable"}
_NOTION = {
    401: "unauthorized", 403: "restricted_resource", 404: "object_not_found", 409: "conflict_error", 429: "rate_limited",
    500: "internal_server_error", 503: "service_unavailable",
}  # fmt: skip
_DEEPGRAM = {
    401: "INVALID_AUTH", 403: "INSUFFICIENT_PERMISSIONS", 429: "TOO_MANY_REQUESTS", 500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
}  # fmt: skip

SHAPES: dict[str, Callable[[Failure], Any]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "stripe": _stripe,
    "mistral": _mistral,
    "azure-openai": lambda it: {
        "error": {"code": it.code or str(it.status), "message": it.message, **it.extra}
    },
    "cohere": lambda it: {"id": "sim-00000000", "message": it.message},
    "twilio": lambda it: {
        "code": _number(it.code, 20000 + it.status),
        "message": it.message,
        "more_info": f"https://www.twilio.com/docs/errors/{it.code or 20000 + it.status}",
        "status": it.status,
    },
    "github": lambda it: {
        "message": it.message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(it.status),
        **it.extra,
    },
    "slack": lambda it: {
        "ok": False,
        "error": it.code or _SLACK.get(it.status, "internal_error"),
        **it.extra,
    },
    "notion": lambda it: {
        "object": "error",
        "status": it.status,
        "code": it.code or _NOTION.get(it.status, "validation_error"),
        "message": it.message,
        "request_id": "sim-00000000",
        **it.extra,
    },
    "sendgrid": lambda it: {"errors": [{"message": it.message, "field": it.param or None, "help": None}]},
    "elevenlabs": lambda it: {"detail": {"status": it.code or "error", "message": it.message}},
    "deepgram": lambda it: {
        "err_code": it.code or _DEEPGRAM.get(it.status, "Bad Request"),
        "err_msg": it.message,
        "request_id": "sim-00000000",
    },
    "pinecone": lambda it: {
        "error": {"code": it.code or _GRPC.get(it.status, "UNKNOWN"), "message": it.message},
        "status": it.status,
    },
    "qdrant": lambda it: {"status": {"error": it.message}, "time": 0.0001},
    "infinisynapse": lambda it: {"code": _number(it.code, it.status), "message": it.message, "data": None},
    "gotenberg": lambda it: it.message,
    "generic": lambda it: {"error": {"code": it.code or str(it.status), "message": it.message}},
}


def body_of(shape: str, failure: Failure) -> Any:
    """The vendor's error body: a JSON value, or a string for vendors that answer in plain text."""
    return failure.body if failure.body is not None else SHAPES[shape](failure)


def failure_reply(shape: str, failure: Failure) -> Reply:
    """The whole error answer of a vendor."""
    body = body_of(shape, failure)
    status = failure.status
    if isinstance(body, str):
        kind = "text/html; charset=utf-8" if body.startswith("<!") else "text/plain; charset=utf-8"
        kind = "application/xml" if body.startswith("<?xml") else kind
        return Reply(status, body.encode(), kind, failure.fields, acted=False)
    return Reply(status, codec.to_json(body), fields=failure.fields, acted=False)


def in_stream(form: str, body: Any) -> bytes:
    """A failure as an event after the head of a stream. Forms: `data`, `anthropic`, `responses`, `json` (an array element), `line`."""
    if form == "anthropic":
        return named_event("error", body)
    if form == "responses":
        error = body.get("error", {}) if isinstance(body, dict) else {}
        event = {
            "type": "error",
            "code": error.get("code"),
            "message": error.get("message"),
            "param": error.get("param"),
        }
        return named_event("error", event)
    if form == "line":
        error = body.get("error", body) if isinstance(body, dict) else body
        text = error.get("message") if isinstance(error, dict) else error
        return codec.to_json({"error": text}) + b"\n"
    if form == "json":
        return b",\n" + codec.to_json(body)
    return data_event(body)
