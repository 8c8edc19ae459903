"""What `/health?detail=1` tells beside the integrations: faults that are set on purpose, and when it was last proved that fallbacks work.

Not for: the health of integrations (`view.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trunkline.core.service import Snapshot
from trunkline.gateway.faults import findings as of_faults
from trunkline.gateway.watch import Watched
from trunkline.ops.drill import last


class Besides:
    """`faults` tells those in force; the last drill is followed by its file."""

    def __init__(
        self, state: Path, faults: Callable[[], list[dict[str, Any]]], wall: Callable[[], float]
    ) -> None:
        self._state = state
        self._faults = faults
        self._wall = wall
        self._last = last.read(state)
        self.watched = Watched(state / last.FILE, self._take)

    def _take(self) -> None:
        self._last = last.read(self._state)

    def told(self, snapshot: Snapshot) -> dict[str, Any]:
        """Members of the body; `findings` come to those of the integrations."""
        now, faults = self._wall(), self._faults()
        drills = last.told(snapshot.drills, snapshot.environment, self._last, now)
        found = [*of_faults(faults), *last.findings(snapshot.drills, snapshot.environment, self._last, now)]
        return {
            "findings": found,
            **({"faults": faults} if faults else {}),
            **({"drills": drills} if drills else {}),
        }
