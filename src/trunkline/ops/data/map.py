"""The data map: which integration may receive and did receive which categories of data, for what, where, for how long. Pure.

Not for: its written forms (`map_text.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from trunkline.core.data.categories import any_covers
from trunkline.core.handling import DataRules
from trunkline.core.service import Service, Snapshot
from trunkline.ledger.days import rfc3339
from trunkline.ops.data.judge import FORBIDDEN, REQUEST, enough, verdict

DAYS = 30
"""The calls, features and teams told are of so many days."""
PLACES_MAX = 20
GAPS = ("owner", "data", "purpose", "region", "retention", "dpa")


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """A category that was seen in sampled calls."""

    category: str
    side: Literal["request", "answer"]
    """`request`: the vendor received it; `answer`: it gave it."""
    state: Literal["declared", "undeclared", "forbidden", "unsure"]
    """`unsure`: seen too seldom to be believed."""
    samples: int
    first_at: str
    last_at: str
    places: list[str]
    """Operations and JSON paths where it stood."""


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """One integration. An empty text is what nobody has declared."""

    integration: str
    title: str = ""
    in_registry: bool = True
    enabled: bool = True
    owner: str = ""
    purpose: str = ""
    declared: list[str] | None = None
    """Categories that it may receive; null: nobody has said; `[]`: none."""
    forbidden: list[str] = []
    blocked: list[str] = []
    redacted: list[str] = []
    """Blotted out of requests before they are sent."""
    observed: list[Observed] = []
    unseen: list[str] = []
    """Declared, and not observed so far."""
    region: str = ""
    retention: str = ""
    trains: bool | None = None
    """Whether it trains models on it; null: nobody has said."""
    dpa: str = ""
    source: str = ""
    """Where what is said of the vendor was read, and when."""
    from_catalog: bool = False
    """It is what the catalog says, not the registry."""
    sampled: bool = True
    """Its calls are looked at; else nothing can be observed."""
    calls: int = 0
    simulated_calls: int = 0
    """Played by the simulator: nobody received anything."""
    features: list[str] = []
    teams: list[str] = []
    not_declared: list[str] = []
    """What a record of processing needs and nobody has declared."""


class DataMap(msgspec.Struct, frozen=True, kw_only=True):
    """Every integration, by name."""

    at: str
    environment: str
    config_version: str
    days: int = DAYS
    integrations: list[Mapped]


def data_map(
    snapshot: Snapshot, rows: Iterable[Any], usage: Iterable[Mapping[str, Any]], now: float
) -> DataMap:
    """`rows`: of `ledger/data_tables.py`; `usage`: sums by integration, feature, team and simulated."""
    seen: dict[str, list[Any]] = {}
    for row in rows:
        seen.setdefault(row["integration"], []).append(row)
    used: dict[str, list[Mapping[str, Any]]] = {}
    for row in usage:
        if row["integration"]:
            used.setdefault(str(row["integration"]), []).append(row)
    services = {service.name: service for service in snapshot.services}
    names = sorted({*services, *seen, *used})
    return DataMap(
        at=rfc3339(int(now * 1e6)),
        environment=snapshot.environment,
        config_version=snapshot.version,
        integrations=[
            _mapped(name, services.get(name), seen.get(name, []), used.get(name, [])) for name in names
        ],
    )


def _mapped(name: str, service: Service | None, rows: list[Any], usage: list[Mapping[str, Any]]) -> Mapped:
    traffic: dict[str, Any] = {
        "integration": name,
        "calls": sum(int(row["calls"]) for row in usage if not row["simulated"]),
        "simulated_calls": sum(int(row["calls"]) for row in usage if row["simulated"]),
        "features": sorted({str(row["feature"]) for row in usage if row["feature"]}),
        "teams": sorted({str(row["team"]) for row in usage if row["team"]}),
    }
    observed = _observed(service, rows)
    if service is None:
        return Mapped(in_registry=False, observed=observed, not_declared=list(GAPS), **traffic)
    privacy, handling = service.privacy, service.privacy.handling
    declared = list(service.data) if privacy.declared else None
    told: dict[str, Any] = {
        "owner": service.owner,
        "purpose": handling.purpose,
        "region": handling.region,
        "retention": handling.retention,
        "dpa": handling.dpa,
    }
    received = {one.category for one in observed if one.side == REQUEST}
    return Mapped(
        title=service.title,
        enabled=service.enabled,
        declared=declared,
        forbidden=list(privacy.forbid),
        blocked=_ruled(service, lambda rules: rules.block),
        redacted=_ruled(service, lambda rules: rules.redact),
        observed=observed,
        unseen=[one for one in declared or [] if not any(any_covers([one], seen) for seen in received)],
        trains=handling.trains,
        source=" ".join(filter(None, (handling.source, handling.date))),
        from_catalog=handling.from_catalog,
        sampled=service.samples.enabled,
        not_declared=[gap for gap in GAPS if (declared is None if gap == "data" else not told[gap])],
        **told,
        **traffic,
    )


def _observed(service: Service | None, rows: list[Any]) -> list[Observed]:
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["side"], row["category"]), []).append(row)
    found = []
    for (side, category), its in sorted(groups.items(), key=lambda item: (item[0][0] != REQUEST, item[0][1])):
        samples = sum(row["samples"] for row in its)
        found.append(
            Observed(
                category=category,
                side=side,  # type: ignore[arg-type]
                state=_state(service, category, samples),
                samples=samples,
                first_at=rfc3339(int(min(row["first_at"] for row in its) * 1e6)),
                last_at=rfc3339(int(max(row["last_at"] for row in its) * 1e6)),
                places=sorted({f"{row['operation']} {row['path']}".strip() for row in its})[:PLACES_MAX],
            )
        )
    return found


def _state(
    service: Service | None, category: str, samples: int
) -> Literal["declared", "undeclared", "forbidden", "unsure"]:
    kind = verdict(service, category) if service is not None else "gone"
    if not kind:
        return "declared"
    if not enough(category, samples):
        return "unsure"
    return "forbidden" if kind == FORBIDDEN else "undeclared"


def _ruled(service: Service, part: Any) -> list[str]:
    """What is done for the whole integration, and for single operations with their name."""

    def of(rules: DataRules | None) -> list[str]:
        return list(part(rules)) if rules is not None else []

    own = [f"{one} ({operation.name})" for operation in service.operations for one in of(operation.rules)]
    return [*of(service.privacy.rules), *own]
