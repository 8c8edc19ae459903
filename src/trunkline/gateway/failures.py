"""What a failure of the wire means for a call: one row per wire error; a test fails when one has none."""

from __future__ import annotations

from trunkline.core.errors import CallError
from trunkline.wire import errors

CODES: dict[type[Exception], str] = {
    errors.DnsError: "network",
    errors.AddressDenied: "misconfigured",
    errors.ConnectRefused: "network",
    errors.ConnectTimeout: "network",
    errors.TlsError: "network",
    errors.ProxyError: "network",
    errors.PoolExhausted: "queue_full",
    errors.ResetBeforeReply: "network",
    errors.ReplyCut: "network",
    errors.BadReply: "malformed_response",
    errors.ReplyTooLarge: "malformed_response",
    errors.WriteFailed: "network",
    errors.BodyFailed: "invalid_request",
    errors.Aborted: "network",
    errors.WireError: "network",
}


def call_error(problem: Exception) -> CallError:
    """The failure of the call; anything that is no wire error is passed on as it is."""
    if not isinstance(problem, errors.WireError):
        raise problem
    code = CODES.get(type(problem), "network")
    # A reply that was too long once will be so again.
    again = False if isinstance(problem, errors.ReplyTooLarge) else None
    return CallError(code, str(problem), scope="integration", never_acted=not problem.sent, again=again)
