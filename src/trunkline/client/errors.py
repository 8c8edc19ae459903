"""The one error of the Python interface, whoever failed: the vendor, the network, a limit, or Trunkline itself.

Not for: mistakes in using the interface, which are ValueError and TypeError as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.core.codec import DecodeError, from_json

UNREACHABLE = "unreachable"
"""Code of a gateway that did not answer; the only one that does not come from it."""


class IntegrationError(Exception):
    """A call that failed. `source`, `code`, `message`, `retryable`, `correlation_id` are always there."""

    def __init__(
        self,
        message: str,
        *,
        source: str,
        code: str,
        retryable: bool = False,
        correlation_id: str = "",
        status: int = 0,
        fields: Mapping[str, Any] | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.source = source
        """Whose failure it is: an integration's name, or `trunkline`."""
        self.code = code
        """Of docs/reference/errors.md, e.g. `rate_limited`."""
        self.message = message
        self.retryable = retryable
        """Whether the same call could succeed later."""
        self.correlation_id = correlation_id
        """Finds the call: `trunkline logs show ID`."""
        self.status = status
        """HTTP status; 0 without an answer."""
        self.body = body
        """The answer as it came."""
        told = fields or {}
        self.action: str = told.get("action") or ""
        self.retry_at: str = told.get("retryAt") or ""
        """RFC 3339, UTC; empty where nobody knows."""
        self.scope: str = told.get("scope") or ""
        self.upstream_status: int = told.get("upstreamStatus") or 0
        self.upstream_code: str = told.get("upstreamCode") or ""
        self.upstream_request_id: str = told.get("upstreamRequestId") or ""
        self.attempts: int = told.get("attempts") or 0
        self.spent_usd: float | None = told.get("spentUsd")
        self.runbook: str = told.get("runbook") or ""

    @property
    def correlationId(self) -> str:  # noqa: N802 - the field's name in every error of Trunkline's
        """The same as `correlation_id`, under its name on the wire."""
        return self.correlation_id

    def __str__(self) -> str:
        tail = f" [{self.correlation_id}]" if self.correlation_id else ""
        return f"{self.source}: {self.code}: {self.message}{tail}"

    def __repr__(self) -> str:
        return f"IntegrationError({self})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.__dict__,)


def _again(state: dict[str, Any]) -> IntegrationError:
    """Unpickles one: errors cross process borders in pools of workers."""
    error = IntegrationError(state["message"], source=state["source"], code=state["code"])
    error.__dict__.update(state)
    return error


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> IntegrationError:
    """The error in an answer, wherever the asked form put it: at the top, in a dialect's error object, or in headers alone."""
    told = _told(body)
    correlation_id = str(told.get("correlationId") or headers.get("x-correlation-id", ""))
    code = headers.get("x-trunkline-error-code") or told.get("code")
    return IntegrationError(
        str(told.get("message") or f"the answer was HTTP {status}"),
        source=str(told.get("source") or headers.get("x-trunkline-error-source") or "trunkline"),
        code=code if isinstance(code, str) else "internal",
        retryable=told.get("retryable") is True,
        correlation_id=correlation_id,
        status=status,
        fields=told,
        body=body,
    )


def from_event(told: Mapping[str, Any], correlation_id: str) -> IntegrationError:
    """The error event of a stream that broke off."""
    inner = told.get("error")
    merged = {**told, **(inner if isinstance(inner, dict) else {})}
    code = merged.get("code")
    return IntegrationError(
        str(merged.get("message") or "the stream broke off"),
        source=str(merged.get("source") or "trunkline"),
        code=code if isinstance(code, str) else "internal",
        retryable=merged.get("retryable") is True,
        correlation_id=str(merged.get("correlationId") or correlation_id),
        status=200,
        fields=merged,
    )


def unreachable(where: str, why: str, *, sent: bool) -> IntegrationError:
    """No answer came from the gateway. `sent`: it may have got the call all the same."""
    doubt = "; whether it got the call is unknown" if sent else ""
    return IntegrationError(
        f"no answer from Trunkline at {where}: {why}{doubt}",
        source="trunkline",
        code=UNREACHABLE,
        retryable=not sent,
    )


def _told(body: bytes) -> dict[str, Any]:
    try:
        value = from_json(body)
    except DecodeError:
        return {}
    if not isinstance(value, dict):
        return {}
    inner = value.get("error")
    if "correlationId" not in value and isinstance(inner, dict):
        return inner
    # Where a dialect's own `code` is a number, ours stands at the top.
    return value
