"""What `/health?detail=1` tells beside the integrations: faults that are set on purpose, when it was last proved that fallbacks work, and
how old what is known of outside stores is, and which credentials are due to be replaced; and the
incidents that are open.

Not for: the health of integrations (`view.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trunkline.core.service import Snapshot
from trunkline.gateway.faults import findings as of_faults
from trunkline.gateway.watch import Watched
from trunkline.ops import rotation_due, stores
from trunkline.ops.drill import last
from trunkline.ops.incidents import published as incidents


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
        self._stores = stores.read(state)
        self._rotations = rotation_due.read(state)
        self.more = [
            Watched(state / stores.FILE, self._take_stores),
            Watched(state / rotation_due.FILE, self._take_rotations),
            Watched(state / incidents.FILE, self._take_incidents),
        ]
        self._incidents = incidents.read(state)

    def _take(self) -> None:
        self._last = last.read(self._state)

    def _take_stores(self) -> None:
        self._stores = stores.read(self._state)

    def _take_rotations(self) -> None:
        self._rotations = rotation_due.read(self._state)

    def _take_incidents(self) -> None:
        self._incidents = incidents.read(self._state)

    def told(self, snapshot: Snapshot) -> dict[str, Any]:
        """Members of the body; `findings` come to those of the integrations."""
        now, faults = self._wall(), self._faults()
        drills = last.told(snapshot.drills, snapshot.environment, self._last, now)
        found = [*of_faults(faults), *last.findings(snapshot.drills, snapshot.environment, self._last, now)]
        return {
            "findings": [
                *found,
                *stores.findings(self._stores, now),
                *rotation_due.findings(self._rotations),
            ],
            **({"stores": stores.told(self._stores, now)} if self._stores else {}),
            **({"rotations": rotations} if (rotations := rotation_due.told(self._rotations)) else {}),
            **({"incidents": incidents.told(self._incidents)} if self._incidents else {}),
            **({"faults": faults} if faults else {}),
            **({"drills": drills} if drills else {}),
        }
