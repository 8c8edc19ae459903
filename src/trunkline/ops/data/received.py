"""Sums up what vendors received about a person: who, when, by which calls. Pure.

Not for: finding the calls (`ledger/persons.py`), nor the tasks that follow from it (`control/trace.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from trunkline.core.service import Snapshot
from trunkline.ledger.days import rfc3339
from trunkline.ledger.persons import Received

IDS_MAX = 1000
"""Of one vendor; the newest are told."""


class Quoted(msgspec.Struct, frozen=True):
    """One attempt, as a vendor can find it."""

    at: str
    correlation_id: str
    vendor_request_id: str
    known_by: str
    """`subject`: the caller said whom the call was for; `request`: its request named the person; `sample`, `answer`: the person was
    seen in a sampled request or answer."""


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One integration that received data of a person, or gave some."""

    integration: str
    title: str = ""
    known: bool = True
    """It still stands in the registry."""
    calls: int
    first_at: str
    last_at: str
    first_us: int
    last_us: int
    known_by: dict[str, int]
    """How the calls are known to be the person's, with how many."""
    features: list[str]
    owner: str = ""
    region: str = ""
    retention: str = ""
    dpa: str = ""
    ids: list[Quoted]
    """Newest first."""


def vendors(received: Iterable[Received], snapshot: Snapshot | None) -> list[Vendor]:
    """Those that were really sent something, by name. What the simulator played, and what was never sent, went to nobody."""
    groups: dict[str, list[Received]] = {}
    for one in received:
        if one.target and one.sent and not one.simulated:
            groups.setdefault(one.target.partition("/")[0], []).append(one)
    services = {service.name: service for service in snapshot.services} if snapshot is not None else {}
    found = []
    for name, its in sorted(groups.items()):
        service = services.get(name)
        handling = service.privacy.handling if service is not None else None
        reasons = Counter({one.call_id: one.source for one in its}.values())
        first, last = its[0].at_us, its[-1].at_us
        found.append(
            Vendor(
                integration=name,
                title=service.title if service is not None else "",
                known=service is not None,
                calls=len({one.call_id for one in its}),
                first_at=rfc3339(first),
                last_at=rfc3339(last),
                first_us=first,
                last_us=last,
                known_by=dict(sorted(reasons.items())),
                features=sorted({one.feature for one in its if one.feature}),
                owner=service.owner if service is not None else "",
                region=handling.region if handling is not None else "",
                retention=handling.retention if handling is not None else "",
                dpa=handling.dpa if handling is not None else "",
                ids=[_quoted(one) for one in reversed(its[-IDS_MAX:])],
            )
        )
    return found


def nowhere(received: Iterable[Received]) -> int:
    """Calls that reached no vendor: refused before, answered from what was kept, or played by the simulator."""
    reached: dict[str, bool] = {}
    for one in received:
        reached[one.call_id] = reached.get(one.call_id, False) or (
            bool(one.target) and one.sent and not one.simulated
        )
    return sum(not is_sent for is_sent in reached.values())


def _quoted(one: Received) -> Quoted:
    return Quoted(rfc3339(one.at_us), one.correlation_id, one.vendor_request_id, one.source)
