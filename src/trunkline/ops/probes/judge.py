"""What the outcome of a probe says of an integration. Pure."""

from __future__ import annotations

from typing import NamedTuple

from trunkline.core.flow import Probe
from trunkline.ops.outside import Probed
from trunkline.wire.errors import AddressDenied, WireError


class Outcome(NamedTuple):
    """How a probe went: a status, or what failed. `signed`: the credential went with it."""

    status: int = 0
    failure: Exception | None = None
    took_s: float = 0.0
    signed: bool = False


def judged(outcome: Outcome, probe: Probe, before: Probed | None, now: float) -> Probed:
    """The probe's word, with how many in a row failed."""
    code, reason = _meaning(outcome, probe)
    failures = 0 if not code else 1 + (before.failures if before is not None else 0)
    return Probed(
        at=now,
        every=probe.every,
        ok=not code,
        reason=reason,
        code=code,
        status=outcome.status,
        took_s=round(outcome.took_s, 4),
        failures=failures,
    )


def _meaning(outcome: Outcome, probe: Probe) -> tuple[str, str]:
    """A kind of failure (empty: none) and the reason."""
    status, asked = outcome.status, f"{probe.method} {probe.path}"
    if isinstance(outcome.failure, TimeoutError):
        return "timeout_upstream", f"{asked} had no answer within {probe.timeout:g} s"
    if outcome.failure is not None:
        kind = "misconfigured" if isinstance(outcome.failure, AddressDenied | ValueError) else "network"
        words = (
            str(outcome.failure)
            if isinstance(outcome.failure, WireError | ValueError)
            else type(outcome.failure).__name__
        )
        return kind, f"{asked}: {words}"
    said = f"{asked} answered {status} after {outcome.took_s * 1000:.0f} ms"
    if status >= 500:
        return "server_error", said
    if status == 401 and outcome.signed:
        return "auth_invalid", f"{said}: the credential is refused"
    if status == 404 and probe.path != "/":
        return "misconfigured", f"{said}: this vendor has nothing at the probe's path"
    # A limit or a missing permission is an answer all the same: the vendor is there.
    return "", said
