"""What the regular review looks at and what comes of it, as plain data.

Not for: judging (`judge.py`), nor for gathering (`control/baseline.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trunkline.core.service import Snapshot
from trunkline.ops.findings import FindingRow
from trunkline.ops.rotation_due import Schedule

Verdict = Literal["ok", "finding", "unknown"]
Decision = Literal["keep", "revoke", ""]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route of the gateway or the console."""

    plane: Literal["calls", "console"]
    route: str
    """Method and path."""
    identity: str
    """Who may; `none` for everybody."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody or something that may come in or call."""

    kind: Literal["key", "user", "token"]
    id: str
    name: str
    team: str
    role: str
    state: str
    created_by: str
    last_used_at: str | None
    expires_at: str | None
    decision: Decision = ""
    decided_by: str = ""


class Kill(msgspec.Struct, frozen=True, kw_only=True):
    """How long a killed key still worked."""

    seconds: float | None = None
    why: str = ""
    """Why it was not measured."""


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The audit chain."""

    ok: bool
    rows: int
    problem: str
    anchor: str


class SignOff(msgspec.Struct, frozen=True, kw_only=True):
    """A review that was signed off."""

    at: str
    by: str
    note: str
    findings: int
    digest: str
    due: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the review looks at."""

    now: float
    snapshot: Snapshot
    routes: Sequence[Route]
    findings: Sequence[FindingRow]
    schedules: Sequence[Schedule]
    access: Sequence[Access]
    kill: Kill
    chain: Chain
    keep_days: int
    oldest_day: str
    """The oldest day with calls; empty without any."""
    scanned_at: str
    """When the code was last scanned for credentials; empty: never."""
    began_at: float
    """When the installation was made."""
    last: SignOff | None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question of the review."""

    id: str
    question: str
    verdict: Verdict
    evidence: list[str]
    findings: list[str]
    cure: str


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """The whole review."""

    at: str
    environment: str
    registry: str
    team_size: int
    every: Literal["monthly", "quarterly"]
    due: str
    overdue: bool
    last: SignOff | None
    checks: list[Check]
    access: list[Access]

    @property
    def open(self) -> int:
        """How many findings there are."""
        return sum(len(check.findings) for check in self.checks)
