"""What an incident is: one integration that fails for one cause, from its begin to its end, and the entries of its timeline.

Not for: when it begins and ends (`watch.py`), nor keeping it (`book.py`). Times are epoch seconds, 0: never.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trunkline.core.alerting import Severity
from trunkline.ops.health import Status

Cause = Literal["vendor", "limits", "access"]
"""`vendor`: it fails or cannot be reached; `limits`: its limits are used up; `access`: credential, permission, money or configuration,
which nobody but us can mend."""
CAUSES: dict[Cause, str] = {
    "vendor": "the vendor fails or cannot be reached",
    "limits": "its limits are used up",
    "access": "credential, permission, money or configuration: ours to mend",
}
EntryKind = Literal[
    "opened", "reopened", "closed", "status", "breaker", "vendor", "fallback", "switch", "registry", "gateway", "gap", "alert", "ack",
    "note", "change",
]  # fmt: skip
ENTRIES_MAX = 400
"""Entries that are made by themselves; what people write is always kept."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a timeline."""

    at: float
    kind: EntryKind
    text: str
    by: str = ""
    """Who wrote it; empty: nobody."""
    detail: dict[str, Any] = {}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the timeline told last of the surroundings, so that a change is told also over a restart."""

    status: Status = "down"
    breaker: str = ""
    page: str = ""
    served: str = ""
    off: bool = False


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident."""

    id: str
    integration: str
    cause: Cause
    state: Literal["open", "closed"]
    severity: Severity
    """The worst that it was."""
    status: Status
    """The worst that the integration was."""
    title: str
    """What was seen when it began."""
    reason: str
    """What was seen last."""
    code: str = ""
    """The last kind of failure."""
    criticality: str = ""
    owner: str = ""
    began_at: float
    """When the trouble was seen first."""
    opened_at: float
    closed_at: float = 0.0
    closed_by: str = ""
    """Who closed it; empty: it ended by itself."""
    recovered_at: float = 0.0
    """When the integration was well again, also where somebody had closed it before."""
    acknowledged_at: float = 0.0
    acknowledged_by: str = ""
    reopened: int = 0
    seen: Seen = Seen()
    entries: int = 0
    """Entries that were made by themselves."""


def group(cause: Cause) -> str:
    """What of an integration has at most one open incident: an outage shows as failures and as used-up limits in turn."""
    return "access" if cause == "access" else "service"
