"""What an incident did, from the calls of its time: how many failed, for whom, what answered instead, and what it cost.

Pure over rows that `ledger/impact.py` gives. Not for: what is going on now (`ops/hits.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from trunkline.core.errors import KINDS
from trunkline.ops.health import is_failure

LISTED_MAX = 50
FAILURES = [code for code in KINDS if is_failure(code)]
"""Kinds of failure that speak against an integration, its breaker's refusals among them."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something that was hit."""

    name: str
    failed: int
    calls: int


class IncidentImpact(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the calls that named the integration. Money in USD."""

    calls: int = 0
    failed: int = 0
    """Calls that their callers saw fail."""
    otherwise: int = 0
    """Calls that a fallback has answered."""
    repeated: int = 0
    """Calls that went well at a further attempt."""
    spared: int = 0
    """Calls that the breaker refused at once, instead of letting them wait for the vendor."""
    people: int = 0
    """Distinct subjects among the failed calls, where calls name one."""
    codes: dict[str, int] = {}
    features: list[Hit] = []
    teams: list[Hit] = []
    keys: list[Hit] = []
    wasted_usd: float = 0.0
    """Paid for attempts whose result nobody used."""
    otherwise_usd: float = 0.0
    """What the calls cost that a fallback has answered."""


class Reader(Protocol):
    """`ledger.impact.Impact`."""

    def groups(self, integration: str, since_us: int, until_us: int) -> list[dict[str, Any]]: ...
    def subjects(self, integration: str, since_us: int, until_us: int, codes: list[str]) -> int: ...


def impact(
    reader: Reader,
    integration: str,
    since: float,
    until: float,
    *,
    key_names: Mapping[str, str] | None = None,
) -> IncidentImpact:
    """Between two times, epoch seconds."""
    span = int(since * 1e6), int(until * 1e6)
    rows = reader.groups(integration, *span)
    return summed(rows, reader.subjects(integration, *span, FAILURES), key_names or {})


def summed(rows: Iterable[Mapping[str, Any]], people: int, key_names: Mapping[str, str]) -> IncidentImpact:
    """The sums of the rows. Pure."""
    known = list(rows)
    bad = [row for row in known if row["code"] in FAILURES and row["state"] != "ok"]
    good = [row for row in known if row["state"] == "ok"]
    codes: dict[str, int] = {}
    for row in bad:
        codes[row["code"]] = codes.get(row["code"], 0) + row["calls"]
    return IncidentImpact(
        calls=_count(known),
        failed=_count(bad),
        otherwise=_count(row for row in good if row["otherwise"]),
        repeated=sum(row["repeated"] for row in good if not row["otherwise"]),
        spared=codes.get("circuit_open", 0),
        people=people,
        codes=dict(sorted(codes.items(), key=lambda one: (-one[1], one[0]))),
        features=_hits(known, lambda row: row["feature"]),
        teams=_hits(known, lambda row: row["team"]),
        keys=_hits(known, lambda row: key_names.get(row["key_id"], row["key_id"])),
        wasted_usd=round(sum(row["wasted_usd"] for row in known), 9),
        otherwise_usd=round(sum(row["cost_usd"] for row in good if row["otherwise"]), 9),
    )


def _count(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(int(row["calls"]) for row in rows)


def _hits(rows: list[Mapping[str, Any]], name_of: Any) -> list[Hit]:
    counts: dict[str, list[int]] = {}
    for row in rows:
        slot = counts.setdefault(name_of(row) or "(none)", [0, 0])
        slot[1] += row["calls"]
        slot[0] += row["calls"] if row["code"] in FAILURES and row["state"] != "ok" else 0
    found = [Hit(name=name, failed=failed, calls=calls) for name, (failed, calls) in counts.items() if failed]
    return sorted(found, key=lambda one: (-one.failed, one.name))[:LISTED_MAX]
