"""What somebody should look at about credentials, as findings: due and overdue rotations, stuck ones, stores that do not answer, keys that
may do more than their use. Also writes when each is due, for health.

Not for: moving rotations on (`rotating.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.console.published import Published
from trunkline.console.steadily import Steadily
from trunkline.console.watching import Secrets
from trunkline.control import rotation, rotations
from trunkline.control.periods import instant
from trunkline.control.secrets import list_secrets
from trunkline.control.state import State
from trunkline.core.alerting import Severity
from trunkline.core.service import Snapshot
from trunkline.ledger.usage import Rollups
from trunkline.ops import broad, rotation_due, stores
from trunkline.ops import findings as ops_findings
from trunkline.ops.findings import Finding
from trunkline.registry import catalog

EVERY_S = 5.0
BROAD_EVERY_S = 3600.0
LATELY_US = 7 * 86_400 * 1_000_000
KINDS = (
    "rotation.due",
    "rotation.overdue",
    "rotation.stuck",
    "rotation.revoke",
    "secret.store",
    "secret.broad",
)


class SecretWatch:
    """One installation's credentials, in a thread of its own."""

    def __init__(
        self,
        state_dir: Path,
        published: Published,
        *,
        environ: Mapping[str, str] = os.environ,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._folder = state_dir
        self._state = State(state_dir, environ)
        self._published = published
        self._wall = wall
        self._secrets = Secrets(self._state)
        self._noted: dict[tuple[str, str, str], tuple[str, str]] | None = None
        """What is open by our word: (kind, integration, subject) -> (severity, title)."""
        self._broad: list[Finding] = []
        self._broad_at = float("-inf")
        self._broad_for = ""
        steadily = Steadily(self.turn, name="secrets", what="looking after credentials", every_s=EVERY_S)
        self.start, self.stop = steadily.start, steadily.stop

    def turn(self) -> None:
        """One look at everything."""
        snapshot, now = self._published.snapshot(), self._wall()
        if snapshot is None:
            return
        running = rotations.listed(self._state, running=True)
        known = rotation_due.schedules(
            snapshot, self._replaced(), {one.ref: one.state for one in running}, now
        )
        rotation_due.write(self._folder, known)
        found = [_due(one) for one in known if one.state in ("due", "overdue")]
        found += [finding for one in running if (finding := _moving(one, snapshot, now)) is not None]
        found += [_store(one, snapshot, now) for one in stores.read(self._folder) if one.problem]
        self._tell([*found, *self._broad_now(snapshot, now)], now)

    def _replaced(self) -> dict[str, float]:
        """Reference -> when it was replaced last, as far as Trunkline saw it."""
        later = {f"store:{one.name}": one for one in list_secrets(self._state) if one.version > 1}
        made = {ref: instant(one.created_at, 0.0) for ref, one in later.items() if one.created_at}
        changed = {one.ref: one.changed_at for one in stores.read(self._folder) if one.changed_at}
        return {**made, **changed, **rotations.last_done(self._state)}

    def _broad_now(self, snapshot: Snapshot, now: float) -> list[Finding]:
        """Looked at when the registry or the credentials change, and once an hour."""
        self._secrets.look()
        mark = f"{snapshot.version} {self._secrets.version}"
        if mark != self._broad_for or now - self._broad_at >= BROAD_EVERY_S:
            self._broad = [*self._keys_too_broad(snapshot), *self._shared(snapshot, now)]
            self._broad_for, self._broad_at = mark, now
        return self._broad

    def _keys_too_broad(self, snapshot: Snapshot) -> list[Finding]:
        found = []
        for service in snapshot.services:
            if not service.vendor or service.simulated or not service.enabled:
                continue
            entry = catalog.entry(service.vendor)
            for credential in service.credentials:
                try:
                    instead = catalog.broad_key(entry, self._secrets.value(credential.ref))
                except ValueError:
                    continue
                if instead:
                    title = f"The key of {service.name} may do more than is needed: use {instead}."
                    found.append(_finding("secret.broad", service.name, credential.ref, "info", title))
        return found

    def _shared(self, snapshot: Snapshot, now: float) -> list[Finding]:
        rollups = Rollups(self._folder / "ledger")
        try:
            rows = rollups.usage(["integration", "key_id", "operation"], int(now * 1e6) - LATELY_US)
        finally:
            rollups.close()
        names = {key.id: key.name for key in self._published.caller_keys()}
        used: dict[str, dict[str, set[str]]] = {}
        for row in rows:
            if row["key_id"]:
                key = names.get(row["key_id"], row["key_id"])
                used.setdefault(row["integration"], {}).setdefault(key, set()).add(row["operation"])
        return [
            _finding("secret.broad", one.integration, f"{one.ref} read and write", "info", one.said)
            for one in broad.shared(snapshot.services, used)
        ]

    def _tell(self, found: list[Finding], now: float) -> None:
        """Notes what is new or has changed its words, resolves what is no longer so."""
        if self._noted is None:
            rows = [row for kind in KINDS for row in ops_findings.listed(self._state, kind=kind)]
            self._noted = {
                (row.kind, row.integration, row.subject): (row.severity, row.title) for row in rows
            }
        there = {(one.kind, one.integration, one.subject): one for one in found}
        for key, one in there.items():
            if self._noted.get(key) != (one.severity, one.title):
                ops_findings.note(self._state, one, now)
                self._noted[key] = (one.severity, one.title)
        for key in [key for key in self._noted if key not in there]:
            ops_findings.resolve(self._state, *key, "it is no longer so", now)
            del self._noted[key]


def _finding(
    kind: str, integration: str, subject: str, severity: Severity, title: str, due: str = ""
) -> Finding:
    return Finding(
        kind=kind, integration=integration, subject=subject, severity=severity, title=title, due=due
    )


def _due(one: rotation_due.Schedule) -> Finding:
    severity: Severity = "warning" if one.state == "overdue" else "info"
    title = f"{rotation_due.sentence(one)} {rotation_due.cure(one)}"
    due = rotation_due.day_of(one.due_at)
    return _finding(f"rotation.{one.state}", one.integration, one.ref, severity, title, due)


def _moving(one: rotation.Rotation, snapshot: Snapshot, now: float) -> Finding | None:
    """A rotation that waits for a person."""
    kind = "rotation.stuck" if one.stuck else "rotation.revoke" if one.state == "idle" else ""
    if not kind:
        return None
    title = f"Rotation of {one.name}: {rotation.words(one, now)}"
    return _finding(kind, _user(snapshot, one.ref), one.ref, "warning" if one.stuck else "info", title)


def _store(one: stores.Seen, snapshot: Snapshot, now: float) -> Finding:
    """Without the age, which would make new words at each look."""
    if one.has_value:
        title = f"{one.ref} is used as it was known last: {one.problem}. {one.cure}"
        return _finding("secret.store", _user(snapshot, one.ref), one.ref, "warning", title)
    title = f"{one.ref} has no value: {one.problem}. {one.cure}"
    return _finding("secret.store", _user(snapshot, one.ref), one.ref, "critical", title)


def _user(snapshot: Snapshot, ref: str) -> str:
    """The first integration that uses a reference."""
    return next((s.name for s in snapshot.services if any(c.ref == ref for c in s.credentials)), "")
