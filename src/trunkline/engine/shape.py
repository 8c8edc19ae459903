"""What a caller gets when a call fails: status, extra header fields and body, in the form that was asked for;
pure.

`superset` keeps the vendor's object and adds our fields, `native` leaves the vendor's answer alone and speaks
in headers, `normalized` is our fields alone. Endpoints with a dialect of their own (AI) answer in its error
object, see `dialect_error.py`. Not for: deciding which failure it was (`classify.py`), nor passing on the
vendor's other header fields (`deliver.py`).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.dialects import LINES
from trunkline.core.errors import CallError
from trunkline.engine import dialect_error
from trunkline.engine.scrub import scrub, scrub_bytes

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]

_KEPT_BYTES = 1 << 20
"""A vendor's body longer than this is cut before it goes under `upstream`."""
LONGEST_WAIT_S = 60
"""SDKs obey a long `retry-after` to the second; the real instant stands in `retryAt`."""


def ours(
    error: CallError, *, correlation_id: str, attempts: int, spent_usd: float | None, runbook: str
) -> dict[str, Any]:
    """Our fields of every failure, in their order."""
    return {
        "source": error.source,
        "code": error.code,
        "message": error.message,
        "retryable": error.retryable,
        "correlationId": correlation_id,
        "action": error.kind.action,
        "retryAt": rfc3339(error.retry_at) if error.retry_at is not None else None,
        "scope": error.scope or None,
        "upstreamStatus": error.vendor_status or None,
        "upstreamCode": error.vendor_code or None,
        "upstreamRequestId": error.vendor_request_id or None,
        "attempts": attempts,
        "spentUsd": spent_usd,
        "runbook": runbook or f"docs/runbooks/{error.code}.md",
    }


OUR_NAMES = frozenset(
    ours(CallError("internal", ""), correlation_id="", attempts=0, spent_usd=None, runbook="")
)


def answer(
    error: CallError,
    *,
    style: str,
    dialect: str,
    accept: bytes,
    correlation_id: str,
    attempts: int,
    spent_usd: float | None,
    runbook: str,
    should_retry: bool,
    vendor_same_dialect: bool,
    now: float,
) -> Answer:
    """Status, header fields (each replaces a vendor's field of that name) and body.

    The body was decoded or is ours, so the vendor's content-encoding and content-length must not be passed on.
    """
    record = ours(
        error, correlation_id=correlation_id, attempts=attempts, spent_usd=spent_usd, runbook=runbook
    )
    fields = _fields(error, correlation_id, should_retry, now)
    vendors = bool(error.status) and error.status != 204
    # A failure inside a 200 keeps it where the vendor's own words follow; a caller of another dialect could not tell it from success.
    told = vendors and style != "normalized" and (error.status >= 400 or vendor_same_dialect or not dialect)
    status = error.status if told else error.kind.status
    if style == "native":
        fields += _native_fields(error, record)
        if vendors and (not dialect or vendor_same_dialect):
            kind = [(n, v) for n, v in error.fields if n == b"content-type"][:1]
            return status, fields + kind, scrub_bytes(error.body)
    if dialect:
        body = dialect_error.body(
            dialect, error, record, _vendors_object(error, style, vendor_same_dialect), status
        )
        return status, [*fields, (b"content-type", b"application/json")], to_json(body)
    if b"application/problem+json" in accept.lower():
        return (
            status,
            [*fields, (b"content-type", b"application/problem+json")],
            to_json(_problem(error, record, status, style)),
        )
    return status, [*fields, (b"content-type", b"application/json")], to_json(_plain(error, record, style))


def _plain(error: CallError, record: dict[str, Any], style: str) -> dict[str, Any]:
    """Our fields, with what the vendor said as far as the style wants it."""
    if style == "normalized":
        return record
    if not error.status:
        # Vendors' SDKs look for an `error` object; without one a refusal of ours would be an "invalid response" to them.
        return {"error": dialect_error.generic(error), **record}
    if not error.body.strip():
        return record
    said = _parsed(error.body)
    if isinstance(said, dict) and not OUR_NAMES.intersection(said):
        return {**said, **record}
    return {**record, "upstream": said}


def _problem(error: CallError, record: dict[str, Any], status: int, style: str) -> dict[str, Any]:
    """RFC 9457, with our fields as extension members."""
    problem = {
        "type": _PROBLEM_TYPES.get(error.code, f"urn:trunkline:error:{error.code}"),
        "title": error.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": error.message,
        "instance": f"urn:trunkline:call:{record['correlationId']}",
        **record,
    }
    if style != "normalized" and error.status and error.body.strip():
        problem["upstream"] = _parsed(error.body)
    return problem


_PROBLEM_TYPES = {
    "quota_exhausted": "https://iana.org/assignments/http-problem-types#quota-exceeded",
    "rate_limited": "https://iana.org/assignments/http-problem-types#quota-exceeded",
    "caller_rate_limited": "https://iana.org/assignments/http-problem-types#quota-exceeded",
    "overloaded": "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
}


def _vendors_object(error: CallError, style: str, same_dialect: bool) -> dict[str, Any] | None:
    """The vendor's own object where the caller speaks its dialect and wants to see it."""
    if style == "normalized" or not same_dialect or not error.status:
        return None
    said = _parsed(error.body)
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    return said if isinstance(said, dict) else None


def _parsed(body: bytes) -> Any:
    """The vendor's body as JSON where it is JSON, else as text; without anything that looks like a
    credential.
    """
    body = scrub_bytes(body)
    if len(body) <= _KEPT_BYTES:
        try:
            said = from_json(body)
        except (DecodeError, RecursionError, UnicodeError):
            said = None
        if said is not None and _shallow(said):
            return said
    return body[:_KEPT_BYTES].decode("utf-8", "replace")


def _shallow(value: Any, depth: int = 0) -> bool:
    """Whether a value can be written again: one nested without end is passed on as text."""
    if depth > 64:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_shallow(v, depth + 1) for v in inner)


def _fields(
    error: CallError, correlation_id: str, should_retry: bool, now: float
) -> list[tuple[bytes, bytes]]:
    identity = _clean(error.vendor_request_id or correlation_id)
    fields = [
        (b"x-should-retry", b"true" if should_retry else b"false"),
        # Stripe's SDKs read their own name of it and nothing else; without it they would multiply our attempts.
        (b"stripe-should-retry", b"true" if should_retry else b"false"),
        (b"request-id", identity),
        (b"x-request-id", identity),
    ]
    if error.retry_at is not None:
        wait_s = min(max(0.0, error.retry_at - now), float(LONGEST_WAIT_S))
        fields.append((b"retry-after", b"%d" % math.ceil(wait_s)))
        fields.append((b"retry-after-ms", b"%d" % math.ceil(wait_s * 1000)))
    return fields


def _native_fields(error: CallError, record: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    told = {
        b"source": error.source,
        b"code": error.code,
        b"retryable": "true" if error.retryable else "false",
        b"retry-at": record["retryAt"] or "",
        b"action": error.kind.action,
        b"scope": error.scope,
    }
    return [(b"x-trunkline-error-" + name, _clean(value)) for name, value in told.items() if value]


def _clean(text: str) -> bytes:
    """A text as a header value: printable ASCII only."""
    return "".join(c if " " <= c <= "~" else "?" for c in text).strip().encode("ascii")[:500]


def rfc3339(at: float) -> str:
    """An instant in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stream_error(
    error: CallError,
    *,
    dialect: str,
    correlation_id: str,
    attempts: int,
    spent_usd: float | None,
    runbook: str,
    sequence_number: int = 0,
) -> bytes:
    """The event that ends a stream in which content was already sent. Nothing must follow it, least of all
    `[DONE]`.
    """
    record = ours(
        error, correlation_id=correlation_id, attempts=attempts, spent_usd=spent_usd, runbook=runbook
    )
    status = error.kind.status
    if dialect.startswith("anthropic"):
        return (
            b"event: error\ndata: "
            + to_json(dialect_error.body(dialect, error, record, None, status))
            + b"\n\n"
        )
    if dialect in LINES:
        return to_json(dialect_error.ollama(error, record, None)) + b"\n"
    if dialect.startswith("gemini"):
        return b"data: " + to_json({"error": dialect_error.gemini(error, record, status)}) + b"\r\n\r\n"
    if dialect == "openai-responses":
        inner = dialect_error.openai(error, record)
        event = {
            "type": "error",
            "code": inner["code"],
            "message": error.message,
            "param": error.param or None,
        }
        return (
            b"event: error\ndata: "
            + to_json({**event, "sequence_number": sequence_number, "error": inner})
            + b"\n\n"
        )
    if dialect.startswith(("openai", "mistral")):
        return b"data: " + to_json({"error": dialect_error.openai(error, record)}) + b"\n\n"
    return b"event: error\ndata: " + to_json({"error": dialect_error.generic(error), **record}) + b"\n\n"


def sample(error: CallError, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    """One line of JSON from which a person can write a rule: the answer with secrets, addresses, numbers and
    long texts taken out.
    """
    kept = {
        n.decode("latin-1"): scrub(v.decode("latin-1"))[:200] if _telling(n) else "..."
        for n, v in headers
        if n not in (b"set-cookie", b"authorization")
    }
    said = _parsed(body[: 64 << 10])
    return (
        to_json(
            {
                "source": error.source,
                "code": error.code,
                "status": status,
                "headers": kept,
                "body": _redacted(said, 0),
            }
        )
        + b"\n"
    )


def _telling(name: bytes) -> bool:
    return name in (b"content-type", b"retry-after", b"retry-after-ms", b"server", b"cf-mitigated") or any(
        w in name for w in (b"error", b"limit", b"retry")
    )


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, dict):
        return {k[:80]: _redacted(v, depth + 1) for k, v in list(value.items())[:40]} if depth < 8 else "..."
    if isinstance(value, list):
        return [_redacted(v, depth + 1) for v in value[:5]] if depth < 8 else ["..."]
    return dialect_error.anonymous(scrub(value))[:400] if isinstance(value, str) else value
