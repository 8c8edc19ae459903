"""Finds runbooks that are old, half written or gone, now and then, for the list of findings.

Not for: what is wrong with one in detail (`trunkline runbook lint`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from trunkline.core.alerting import Severity
from trunkline.core.service import Service, Snapshot
from trunkline.ops.findings import Finding
from trunkline.registry import runbooks

EVERY_S = 300.0
FOUND: dict[str, tuple[str, Severity]] = {
    "runbook-stale": ("runbook.stale", "warning"),
    "runbook-incomplete": ("runbook.incomplete", "info"),
    "runbook-contact": ("runbook.incomplete", "info"),
}
"""Code of a problem -> kind and severity of the finding."""


class RunbookWatch:
    """Looks at most every five minutes, and at once when the registry has changed."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._seen: tuple[str, float] = ("", float("-inf"))
        self._found: list[Finding] = []

    def __call__(self, snapshot: Snapshot) -> list[Finding]:
        """The findings as of the last look."""
        version, at = self._seen
        now = self._clock()
        if version != snapshot.version or not 0 <= now - at < EVERY_S:
            self._seen = (snapshot.version, now)
            today = datetime.fromtimestamp(now, UTC).date()
            self._found = [
                one for service in snapshot.services if service.enabled for one in self._of(service, today)
            ]
        return self._found

    def _of(self, service: Service, today: date) -> list[Finding]:
        path = service.runbook
        if not path or re.match(r"https?://", path):
            return []
        try:
            text = (self._folder / path).read_text("utf-8", "replace")
        except OSError:
            title = f"The runbook of {service.name} ({path}) cannot be read"
            return [_finding("runbook.missing", "warning", service, title)]
        told: dict[str, Finding] = {}
        for problem in runbooks.problems(text, today=today):
            if problem.code in FOUND:
                kind, severity = FOUND[problem.code]
                title = f"The runbook of {service.name} ({path}): {problem.message}"
                told.setdefault(kind, _finding(kind, severity, service, title))
        return list(told.values())


def _finding(kind: str, severity: Severity, service: Service, title: str) -> Finding:
    detail = {"command": f"trunkline runbook lint {service.name}", "owner": service.owner}
    return Finding(
        kind=kind,
        integration=service.name,
        subject=service.runbook,
        severity=severity,
        title=title,
        detail=detail,
    )
