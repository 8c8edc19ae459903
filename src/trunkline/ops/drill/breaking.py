"""Whether a breaker did its duty in a drill: opened soon, held back, tried now and then, closed again. Pure.

Not for: playing the outage (`cli/drilling/breaker.py`), nor the breaker itself (`plugins/policies/circuit.py`).
"""

from __future__ import annotations

import msgspec

from trunkline.core.flow import Breaker
from trunkline.core.service import Service
from trunkline.ops.drill.verdict import Check

OPENS_S = 5.0
FAILURES_MAX = 20
PROBES_MAX = 2
OPEN_FOR_S, RAMP_S = 2.0, 2.0
VOLUME_MAX = 200
"""A breaker that needs more calls than this is not drilled: it would not open in a drill."""


class Breaking(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one outage. Times are seconds since it began, or since it ended; -1: never."""

    opened_s: float
    failures: int
    """Attempts that failed before it was seen open."""
    held_s: float
    """For so long it was watched while the outage went on."""
    let_through: int
    """Requests that reached the vendor in that time."""
    closed_s: float
    proofs: int
    """Requests that reached the vendor between the end of the outage and the closing."""
    refused: int
    """Calls that were refused or served otherwise meanwhile, without asking the vendor."""


def shortened(service: Service) -> Breaker:
    """The breaker of the copy: as declared, but for the times that a drill would have to sit through."""
    own = service.breaker
    return msgspec.structs.replace(
        own, open_for=min(own.open_for, OPEN_FOR_S), ramp=min(own.ramp, RAMP_S), slow_after=0.0
    )


def judged(it: Breaking, settings: Breaker) -> list[Check]:
    """What was to be proved."""
    most = max(FAILURES_MAX, settings.volume)
    opened = 0 <= it.opened_s <= OPENS_S or (it.opened_s >= 0 and it.failures <= most)
    said = f"after {it.opened_s:.1f} s and {it.failures} failures" if it.opened_s >= 0 else "never"
    checks = [Check("opened", opened, said)]
    if it.opened_s < 0:
        return checks
    allowed = int(it.held_s / 1.0) + 1
    said = f"{it.let_through} requests in {it.held_s:.1f} s of outage, {it.refused} calls answered without asking"
    checks.append(Check("held back", it.let_through <= allowed and it.refused > 0, said))
    most = max(PROBES_MAX, settings.probes)
    said = f"{it.closed_s:.1f} s after the outage, by {it.proofs} requests" if it.closed_s >= 0 else "never"
    checks.append(Check("closed again", it.closed_s >= 0 and it.proofs <= most, said))
    return checks
