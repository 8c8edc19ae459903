"""Vendors that serve another model than the one that a call pins: found in calls that become final, told as findings.

A pinned name ends in a date or a number of a version (`gpt-4o-2024-08-06`, `gemini-2.0-flash-001`); others may be moved by their
vendor, which `trunkline check` tells (`floating-model`). Told again at most once an hour. Not for: what a call costs, which follows the
price of the model that was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trunkline.core.record import Begin, End
from trunkline.ops.findings import Finding

KIND = "model.served"
AGAIN_US = 3_600_000_000
KNOWN_MAX = 1000
_PINNED = re.compile(r".*[-@.](\d{8}|20\d\d-\d\d-\d\d|\d\d-20\d\d|\d{4}|00\d)(-v\d+(:\d+)?)?")


class Served:
    """What was told of late, by integration, model asked for and model served."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], int] = {}

    def seen(self, ended: Iterable[tuple[Begin, End]]) -> list[Finding]:
        """What these calls show and was not told within the last hour."""
        found = []
        for begin, end in ended:
            if begin.simulated or end.state != "ok" or not end.served_model or not end.tried:
                continue
            integration, _, asked = end.tried[-1].target.partition("/")
            if not is_another(asked, end.served_model):
                continue
            key = integration, asked, end.served_model
            if end.at_us - self._told.get(key, -AGAIN_US) < AGAIN_US:
                continue
            if len(self._told) >= KNOWN_MAX:
                self._told.clear()
            self._told[key] = end.at_us
            found.append(_finding(integration, asked, end.served_model, begin.correlation_id))
        return found


def is_another(asked: str, served: str) -> bool:
    """Whether a model that is pinned was answered by one of another name. A shorter form of the name proves nothing."""
    if not _PINNED.fullmatch(asked):
        return False
    one, other = (name.lower().rpartition("/")[2] for name in (asked, served))
    return not (one.startswith(other) or other.startswith(one))


def _finding(integration: str, asked: str, served: str, correlation_id: str) -> Finding:
    return Finding(
        kind=KIND,
        integration=integration,
        subject=asked,
        severity="warning",
        title=f"{integration} serves {served[:100]} where {asked[:100]} is pinned",
        detail={
            "asked": asked[:200],
            "served": served[:200],
            "command": f"trunkline models show {integration}/{asked[:100]}",
        },
        correlation_ids=[correlation_id],
    )
