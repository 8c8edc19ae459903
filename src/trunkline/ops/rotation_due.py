"""When each credential has to be replaced, by the registry's schedule and what was done; and the small file that health reads it from.

The day of the registry counts, and every replacement that Trunkline saw itself. Written by the console, read by the gateway. Pure but for
`read` and `write`. Not for: replacing one (`control/rotation.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from trunkline.core.codec import DecodeError, json_decoder, to_json
from trunkline.core.outside import is_outside
from trunkline.core.service import Snapshot

FILE = "rotations.json"
SOON_SHARE = 0.15
SOON_MOST_S = 14 * 86_400.0
"""A rotation is due in the last 15 % of its time, at most the last two weeks."""

DueState = Literal["fresh", "due", "overdue", "unknown", "unscheduled"]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One credential of one integration. Times are epoch seconds, 0: not known."""

    integration: str
    ref: str
    owner: str = ""
    every_s: float = 0.0
    last_at: float = 0.0
    due_at: float = 0.0
    state: DueState
    rotating: str = ""
    """State of the rotation that is under way."""


def schedules(
    snapshot: Snapshot, replaced: Mapping[str, float], rotating: Mapping[str, str], now: float
) -> list[Schedule]:
    """Every credential in use. `replaced`: reference -> when Trunkline saw it replaced last; `rotating`: -> state of its rotation."""
    found = []
    for service in snapshot.services:
        if not service.enabled or service.simulated:
            continue
        for credential in service.credentials:
            ref = credential.ref
            last_at = max(day_start(service.rotation_last), replaced.get(ref, 0.0))
            due_at = last_at + service.rotation_every if last_at and service.rotation_every else 0.0
            found.append(
                Schedule(
                    integration=service.name,
                    ref=ref,
                    owner=service.owner,
                    every_s=service.rotation_every,
                    last_at=last_at,
                    due_at=due_at,
                    state=state_of(service.rotation_every, last_at, now),
                    rotating=rotating.get(ref, ""),
                )
            )
    return found


def state_of(every_s: float, last_at: float, now: float) -> DueState:
    """How it stands with one schedule."""
    if every_s <= 0:
        return "unscheduled"
    if last_at <= 0:
        return "unknown"
    due_at = last_at + every_s
    if now > due_at:
        return "overdue"
    return "due" if now > due_at - min(SOON_MOST_S, every_s * SOON_SHARE) else "fresh"


def day_start(text: str) -> float:
    """A day of the registry as epoch seconds; 0 for none, or one that no calendar has."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return 0.0
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def day_of(at: float) -> str:
    """An instant as a day; empty for 0."""
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at else ""


def sentence(one: Schedule) -> str:
    """For people."""
    if one.state == "overdue":
        return (
            f"The credential {one.ref} of {one.integration} was due to be replaced on {day_of(one.due_at)}."
        )
    return f"The credential {one.ref} of {one.integration} is to be replaced by {day_of(one.due_at)}."


def cure(one: Schedule) -> str:
    """What to do about one that is due."""
    if one.rotating:
        return f"A rotation is under way ({one.rotating})."
    if one.ref.startswith("store:"):
        return f"Run: trunkline secrets rotate {one.ref.removeprefix('store:')}"
    if is_outside(one.ref):
        return f"Run: trunkline secrets rotate {one.ref}, then put the new value into its store"
    return "Replace it where it is kept, then set `rotation: {last: ...}` in the registry."


def told(known: Iterable[Schedule]) -> list[dict[str, Any]]:
    """The member `rotations` of `/health?detail=1`: those with a schedule, and those under way."""
    return [
        {
            "integration": one.integration,
            "credential": one.ref,
            "state": one.state,
            "last": day_of(one.last_at) or None,
            "due": day_of(one.due_at) or None,
            "rotating": one.rotating or None,
        }
        for one in known
        if one.state != "unscheduled" or one.rotating
    ]


def findings(known: Iterable[Schedule]) -> list[dict[str, str]]:
    """Those that are due or overdue, for health."""
    return [
        {
            "severity": "warning" if one.state == "overdue" else "info",
            "code": f"rotation-{one.state}",
            "item": f"integrations.{one.integration}",
            "message": f"{sentence(one)} {cure(one)}".rstrip("."),
        }
        for one in known
        if one.state in ("due", "overdue")
    ]


_decoder: msgspec.json.Decoder[list[Schedule]] = json_decoder(list[Schedule])


def read(state: Path) -> list[Schedule]:
    """What the console wrote last; nothing before that."""
    try:
        return _decoder.decode((state / FILE).read_bytes())
    except (OSError, DecodeError):
        return []


def write(state: Path, known: list[Schedule]) -> None:
    """Replaces the file in one step, if it says something else."""
    path, content = state / FILE, to_json(known) + b"\n"
    if path.exists() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(path)
