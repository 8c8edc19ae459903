"""When the last drill was and how it ended: one small file in the state folder, for the schedule and for health.

Pure but for `read`. Not for: the report itself (`report.py`), nor running drills.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.flow import Drills

Result = Literal["pass", "fail", "not run"]

FILE = "drills.json"
FOLDER = "drills"
"""Of the state folder: reports of scheduled drills."""
FIRST_S = 300.0
"""A first drill is made so long after the console has started."""
AGAIN_S = 3600.0
"""One that could not be made is tried again after so long."""
GRACE = 1.1
"""Overdue is what is later than due by a tenth of the interval."""
PRODUCTION = "prod"


KEPT = 24
"""Reports of scheduled drills that are kept."""


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The last drill. `at` is epoch seconds."""

    at: float
    result: Result
    took_s: float = 0.0
    counts: dict[str, int] = {}
    findings: int = 0
    integrations: list[str] = []
    report: str = ""
    """Path of the page."""
    scheduled: bool = False
    problem: str = ""
    """Why it could not be made; then nothing was proved."""


_decoder: msgspec.json.Decoder[Last] = json_decoder(Last)


def read(state: Path) -> Last | None:
    """The last drill of an installation; None if there was none, or its file does not read."""
    try:
        return _decoder.decode((state / FILE).read_bytes())
    except (OSError, DecodeError):
        return None


def runs(drills: Drills, environment: str) -> bool:
    """Whether the schedule holds in this environment."""
    return drills.every > 0 and (drills.production or environment != PRODUCTION)


def due_at(drills: Drills, last: Last | None, started: float) -> float:
    """When the next scheduled drill is to be made, epoch seconds. `started`: since when the schedule is watched."""
    if last is None:
        return started + min(FIRST_S, drills.every)
    return last.at + (min(AGAIN_S, drills.every) if last.problem else drills.every)


def told(drills: Drills, environment: str, last: Last | None, now: float) -> dict[str, Any]:
    """For `/health?detail=1` and the console; empty where nobody drills."""
    scheduled = runs(drills, environment)
    if last is None and not scheduled:
        return {}
    return {
        "every_s": drills.every if scheduled else None,
        "last": None
        if last is None
        else {
            "at": datetime.fromtimestamp(last.at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "result": last.result,
            "counts": last.counts,
            "findings": last.findings,
            "report": last.report,
            "problem": last.problem or None,
        },
        "overdue": overdue(drills, environment, last, now),
    }


def overdue(drills: Drills, environment: str, last: Last | None, now: float) -> bool:
    """Whether a scheduled drill should have been made by now. One that was never made is due when it is first missed."""
    return runs(drills, environment) and last is not None and now - last.at > GRACE * drills.every


def findings(drills: Drills, environment: str, last: Last | None, now: float) -> list[dict[str, str]]:
    """What somebody should look into: a drill that failed, could not be made, or is overdue."""
    if last is None:
        return []
    day = datetime.fromtimestamp(last.at, UTC).strftime("%Y-%m-%d")
    found = []
    if last.problem:
        found.append(("drill-not-made", f"the drill of {day} could not be made: {last.problem}"))
    elif last.result == "fail":
        failed = last.counts.get("fail", 0)
        found.append(("drill-failed", f"{failed} of the drill of {day} failed; the report: {last.report}"))
    if overdue(drills, environment, last, now):
        found.append(("drill-overdue", f"the last drill was made on {day}; `trunkline drill` makes one"))
    return [{"severity": "warning", "code": code, "item": "drills", "message": text} for code, text in found]
