"""Everything that can go wrong between us and a vendor, one class per cause.

`sent` answers the only question that a repeat depends on: may any byte of the request have reached the vendor?
`stage` says where it happened. What a failure means for the call (retry, breaker, status) is decided in
`core/errors.py`, not here. Texts name hosts, limits and reasons, never a header value or a byte of a body.
"""

from __future__ import annotations


class WireError(Exception):
    """A vendor could not be reached, or its reply could not be read to the end."""

    stage = "wire"

    def __init__(self, detail: str, *, sent: bool = False, stage: str | None = None) -> None:
        super().__init__(detail)
        self.sent = sent
        if stage is not None:
            self.stage = stage


class DnsError(WireError):
    """The name has no address, or the answer did not come in time."""

    stage = "dns"


class AddressDenied(WireError):
    """The name leads only to addresses that this integration may not reach."""

    stage = "dns"


class ConnectRefused(WireError):
    """No address of the vendor accepted a connection."""

    stage = "connect"


class ConnectTimeout(WireError):
    """No connection was ready within the connect timeout (`stage` says what it was waiting for)."""

    stage = "connect"


class TlsError(WireError):
    """No trusted TLS session: certificate, name, version, or a file of ours that cannot be read."""

    stage = "tls"


class ProxyError(WireError):
    """The outgoing proxy did not open a tunnel."""

    stage = "proxy"


class PoolExhausted(WireError):
    """Every connection to this origin is busy, and the wait was too long or the line too full."""

    stage = "pool"


class ResetBeforeReply(WireError):
    """The vendor closed the connection before the first byte of a reply."""

    stage = "reply"


class ReplyCut(WireError):
    """The vendor closed the connection in the middle of a reply."""

    stage = "reply"


class BadReply(WireError):
    """The reply breaks HTTP's framing or our limits, so that where it ends cannot be trusted."""

    stage = "reply"


class ReplyTooLarge(WireError):
    """The reply's body is longer than the caller of `read` wanted to hold."""

    stage = "reply"


class WriteFailed(WireError):
    """The connection broke while the request was still being sent, and nothing was answered."""

    stage = "request"


class BodyFailed(WireError):
    """The request body itself failed: its source raised, or did not match the length announced. Not the vendor's fault."""

    stage = "request"


class Aborted(WireError):
    """We gave up on this exchange ourselves."""

    stage = "abort"
