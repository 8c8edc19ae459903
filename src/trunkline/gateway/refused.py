"""The answer to a request that the wire refuses before it is a call. Not for: refusals of calls (`engine/refusal.py`)."""

from __future__ import annotations

import secrets
import time

from trunkline.core.errors import CallError
from trunkline.engine.shape import answer


def refused_by_wire(status: int, code: str, reason: str) -> tuple[bytes, bytes]:
    """The error shape for a request that was refused before it was a call."""
    kind = "request_too_large" if status == 413 else "invalid_request"
    correlation = secrets.token_hex(16)
    error = CallError(kind, f"{reason} ({code})", scope="request")
    _, fields, body = answer(
        error,
        style="normalized",
        dialect="",
        accept=b"",
        correlation_id=correlation,
        attempts=0,
        spent_usd=None,
        runbook="",
        should_retry=False,
        vendor_same_dialect=False,
        now=time.time(),
    )
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    return lines + b"x-correlation-id: %b\r\n" % correlation.encode(), body
