"""Watches contracts in the console: takes in sampled calls, and turns what vendors said, models that end and readings that are due into
findings.

Not for: judging any of it (`ops/contracts/`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trunkline import settings
from trunkline.control import contracts
from trunkline.core.codec import DecodeError, from_json
from trunkline.core.errors import CallError
from trunkline.core.sample import Sample
from trunkline.core.service import Service
from trunkline.ops.contracts import dated, lifecycle, notices, reviews, shutdowns
from trunkline.ops.contracts.lifecycle import day_in
from trunkline.ops.contracts.looker import Drift
from trunkline.ops.findings import Finding

if TYPE_CHECKING:
    from trunkline.console.context import Console

EVERY_S = 30.0
LATELY_US = 30 * 86_400 * 1_000_000
KINDS = (lifecycle.KIND, lifecycle.VERSION_KIND, shutdowns.KIND, reviews.KIND)
_MODELS_MAX = 2000


class Contracts:
    """A looker at sampled calls that also keeps dated tasks."""

    def __init__(
        self, console: Console, *, lock: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._console = console
        path = lock or lock_file(environ)
        self.drift = Drift(console.state_dir, console.state, path, self._services, clock=console.clock)
        self._dated: dict[tuple[str, str], str] = {}
        """Days of shutdown that vendors told in their lists of models."""
        self._at = 0.0
        self._noted: object = None
        """Which file of notices was looked at last."""

    def __call__(self, sample: Sample) -> None:
        """Takes in one call."""
        if sample.method == "GET" and sample.status == 200 and sample.path.rstrip("/").endswith("/models"):
            self._read_models(sample)
        self.drift(sample)

    def flush(self) -> None:
        """After each batch of samples, and while there are none."""
        self.drift.flush()
        now, noted = self._console.clock(), notices.mark(self._console.state_dir)
        if now - self._at >= EVERY_S or noted != self._noted:
            self._at, self._noted = now, noted
            self.look()

    def look(self) -> None:
        """Brings dated tasks up to date."""
        console, now = self._console, self._console.clock()
        snapshot = console.published.snapshot()
        if snapshot is None:
            return
        today = datetime.fromtimestamp(now, UTC).date()
        known = {service.name for service in snapshot.services}
        # What a vendor says in its answers comes after what its description says, and holds.
        found = [one for one in lifecycle.described(self.drift.accepted, today) if one.integration in known]
        found += self._said(known, today, now)
        found += shutdowns.findings(snapshot, self._called(now), today, self._dated)
        last = contracts.latest(console.state)
        found += reviews.findings(reviews.standings(snapshot, last, today), today)
        dated.settle(console.state, KINDS, found, "it is no longer so", now)

    def _said(self, known: set[str], today: date, now: float) -> list[Finding]:
        """What vendors say in header fields; of several words about one thing the newest."""
        newest: dict[tuple[str, str, str], tuple[float, Finding]] = {}
        for notice in notices.read(self._console.state_dir):
            if notice.integration not in known or now - notice.last_at > notices.SAID_S:
                continue
            for finding in lifecycle.findings(notice, today):
                key = (finding.kind, finding.integration, finding.subject)
                if key not in newest or newest[key][0] < notice.last_at:
                    newest[key] = (notice.last_at, finding)
        return [finding for _, finding in newest.values()]

    def _called(self, now: float) -> Iterable[tuple[str, str]]:
        try:
            rows = self._console.rollups.usage(("integration", "model"), int(now * 1e6) - LATELY_US)
        except CallError:
            return []
        return [(str(row["integration"]), _bare(str(row["integration"]), str(row["model"]))) for row in rows]

    def _services(self) -> Iterable[Service]:
        snapshot = self._console.published.snapshot()
        return snapshot.services if snapshot is not None else ()

    def _read_models(self, sample: Sample) -> None:
        """Some vendors say in their list of models when each ends: OpenAI `shutdown_date`, Mistral `deprecation`."""
        try:
            tree = from_json(sample.response)
        except DecodeError:
            return
        for model, day in ended_models(tree):
            if len(self._dated) < _MODELS_MAX:
                self._dated[sample.integration, model] = day


def lock_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the lock of this installation lies."""
    return contracts.lock_path(settings.read(environ).config_path)


def ended_models(tree: Any) -> list[tuple[str, str]]:
    """Model and day of shutdown, as far as a list of models tells."""
    items = tree.get("data") if isinstance(tree, dict) else None
    found = []
    for item in items if isinstance(items, list) else ():
        told = (item.get("shutdown_date") or item.get("deprecation")) if isinstance(item, dict) else None
        day = day_in(told) if isinstance(told, str) else ""
        if day and isinstance(item.get("id"), str):
            found.append((item["id"], day))
    return found


def _bare(integration: str, model: str) -> str:
    """A model's name at its vendor."""
    return model.removeprefix(f"{integration}/")
