"""Readings of vendors' changelogs: when each is due, by the registry's schedule and what was recorded. Pure.

Not for: recording one (`control/contracts.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from trunkline.core.alerting import Severity
from trunkline.core.service import Service, Snapshot
from trunkline.ops.findings import Finding

KIND = "review.due"
ReviewState = Literal["fresh", "due", "never", "unscheduled"]


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a changelog. `at` is epoch seconds."""

    integration: str
    at: float
    who: str
    note: str = ""
    version: str = ""
    """The API version that was pinned then."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with the readings of one integration. Days are `YYYY-MM-DD`."""

    integration: str
    changelog: str
    every_days: int
    last: str = ""
    who: str = ""
    note: str = ""
    due: str = ""
    state: ReviewState


def standings(snapshot: Snapshot, last: Mapping[str, Review], today: date) -> list[Standing]:
    """Every integration that has a changelog or a schedule. `last`: its latest reading."""
    return [
        _standing(service, last.get(service.name), today)
        for service in snapshot.services
        if service.enabled and (service.changelog or service.review_every)
    ]


def _standing(service: Service, review: Review | None, today: date) -> Standing:
    every = timedelta(seconds=service.review_every)
    read = _day(review.at) if review is not None else None
    due = read + every if read is not None and every else today if every else None
    state: ReviewState = "fresh"
    if not every:
        state = "unscheduled"
    elif read is None:
        state = "never"
    elif due is not None and due <= today:
        state = "due"
    return Standing(
        integration=service.name,
        changelog=service.changelog,
        every_days=every.days,
        last=read.isoformat() if read else "",
        who=review.who if review else "",
        note=review.note if review else "",
        due=due.isoformat() if due else "",
        state=state,
    )


def findings(known: list[Standing], today: date) -> list[Finding]:
    """Those that are due. One that was never made is due from the beginning."""
    return [
        Finding(
            kind=KIND,
            integration=one.integration,
            subject="changelog",
            severity=_severity(one, today),
            title=_title(one),
            detail={
                "changelog": one.changelog,
                "last": one.last,
                "by": one.who,
                "command": f"trunkline contracts review {one.integration} --note ...",
            },
            due=one.due,
        )
        for one in known
        if one.state in ("due", "never")
    ]


def _title(one: Standing) -> str:
    if one.state == "never":
        return f"Nobody has read the changelog of {one.integration} yet"
    return f"The changelog of {one.integration} was to be read again on {one.due}; it was read last on {one.last}"


def _severity(one: Standing, today: date) -> Severity:
    late = (
        bool(one.due) and date.fromisoformat(one.due) + timedelta(days=max(14, one.every_days // 3)) < today
    )
    return "warning" if late else "info"


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()
