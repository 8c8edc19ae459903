"""Follows the contracts of all integrations: takes in sampled calls, says what has changed, keeps what was learned.

Called in a thread, one sample after the other. Judges only once there is something to judge by: what the lock says, or what was
learned from enough calls. Not for: how samples come (`console/looking.py`), nor for what people accept (`control/contracts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.sample import Sample
from trunkline.core.service import ErrorShape, Service
from trunkline.ops import findings
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts import store
from trunkline.ops.contracts.change import SEVERITY, Change, worst
from trunkline.ops.contracts.lock import ERRORS, Lock, LockInvalid
from trunkline.ops.contracts.reading import events
from trunkline.ops.contracts.skeleton import skeleton
from trunkline.ops.contracts.watch import LEARNED_UNITS, UNIT_US, Watch
from trunkline.ops.findings import Finding, Store

KIND = "contract.drift"
CHANGES_TOLD = 30
SAVE_S = 10.0
AGAIN_S = 3600.0
"""A change that goes on is noted again so often."""


class Drift:
    """The contracts of one installation. `lock`: where the accepted ones stand; `services` gives what is declared now."""

    def __init__(
        self,
        folder: Path,
        state: Store,
        lock: Path,
        services: Callable[[], Iterable[Service]],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._state = state
        self._path = lock
        self._services = services
        self._clock = clock
        self._books: dict[str, store.Book] = {}
        self._watches: dict[tuple[str, str], Watch] = {}
        self._dirty: set[str] = set()
        self._saved_at = 0.0
        self._told: dict[tuple[str, str], tuple[frozenset[str], float]] = {}
        """What was said of an operation, and when."""
        self._lock = Lock()
        self._mark: object = None
        self.problem = ""
        """Why the lock cannot be read; then what held before holds on."""

    @property
    def accepted(self) -> Lock:
        """The lock as it was read last."""
        return self._lock

    def __call__(self, sample: Sample) -> None:
        """Takes in one call."""
        self._look_at_lock()
        name = self._name(sample)
        watch = self._watch(sample.integration, name)
        counted = watch.add(sample)
        if sample.status >= 400 and self._watch(sample.integration, ERRORS).add(sample):
            self._judge(sample.integration, ERRORS, sample)
        self._dirty.add(sample.integration)
        if counted:
            self._judge(sample.integration, name, sample)

    def flush(self) -> None:
        """Counts minutes that are over, and keeps what is new; called again and again."""
        self._look_at_lock()
        now = self._clock()
        for (integration, name), watch in self._watches.items():
            if watch.close(int(now * 1e6) - UNIT_US):
                self._dirty.add(integration)
                self._judge(integration, name, None)
        if self._dirty and now - self._saved_at >= SAVE_S:
            self.save()

    def save(self) -> None:
        """Keeps everything now."""
        for integration in sorted(self._dirty):
            store.write(self._folder, integration, self._books[integration])
        self._dirty.clear()
        self._saved_at = self._clock()

    def _watch(self, integration: str, name: str) -> Watch:
        found = self._watches.get((integration, name))
        if found is not None and self._books[integration].operations.get(name) is found.operation:
            return found
        book = self._books.get(integration)
        if book is None:
            book = self._books[integration] = store.read(self._folder, integration)
        operation = book.operation(name)
        self._adopt(integration, name)
        watch = Watch(operation, self._shape(integration), errors=name == ERRORS)
        self._watches[integration, name] = watch
        return watch

    def _name(self, sample: Sample) -> str:
        """The operation; a caller that asks for another version than the pinned one has contracts of its own."""
        name = store.called(sample.operation, sample.method, sample.path)
        service = self._service(sample.integration)
        pinned = service.api_version.value if service is not None and service.api_version is not None else ""
        return f"{name}@{sample.version[:40]}" if pinned and sample.version not in ("", pinned) else name

    def _service(self, integration: str) -> Service | None:
        return next((one for one in self._services() if one.name == integration), None)

    def _shape(self, integration: str) -> ErrorShape:
        service = self._service(integration)
        return service.error_shape if service is not None else ErrorShape()

    def _look_at_lock(self) -> None:
        """Takes over a lock that has changed."""
        try:
            stat = self._path.stat()
            mark: object = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        except OSError:
            mark = ()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._lock = locks.read(self._path)
            self.problem = ""
        except LockInvalid as problem:
            self.problem = str(problem)
            return
        for integration, book in self._books.items():
            for name in list(book.operations):
                if self._adopt(integration, name):
                    self._dirty.add(integration)
                    self._judge(integration, name, None)
        for watch in self._watches.values():
            watch.refresh()

    def _adopt(self, integration: str, name: str) -> bool:
        """Has an operation judged by what the lock says of it, if that is something new."""
        locked = locks.found(self._lock, integration, name)
        operation = self._books[integration].operations[name]
        if locked is None or (mark := locks.mark_of(locked)) == operation.accepted:
            return False
        operation.accept(locks.contract_of(locked), mark)
        return True

    def _judge(self, integration: str, name: str, sample: Sample | None) -> None:
        watch = self._watches.get((integration, name))
        operation = self._books[integration].operations[name]
        if operation.learning:
            if operation.units() >= LEARNED_UNITS:
                operation.accept(operation.recent, "")
                if watch is not None:
                    watch.refresh()
            return
        self._tell(integration, name, operation.changes(), sample)

    def _tell(self, integration: str, name: str, changes: list[Change], sample: Sample | None) -> None:
        now, key = self._clock(), (integration, name)
        said = frozenset(change.key for change in changes)
        before, at = self._told.get(key, (frozenset(), 0.0))
        if not said:
            if before or at == 0.0:
                findings.resolve(
                    self._state, KIND, integration, name or "errors", "it is as it was learned", now
                )
                self._told[key] = (said, now)
            return
        if said == before and now - at < AGAIN_S:
            return
        if not said <= before and before:  # more has changed: whoever looked must look again
            findings.resolve(self._state, KIND, integration, name or "errors", "more has changed", now)
        self._told[key] = (said, now)
        findings.note(self._state, finding(integration, name, changes, sample), now)


def finding(integration: str, name: str, changes: list[Change], sample: Sample | None) -> Finding:
    """What is said of an operation that has changed."""
    what = name or "errors"
    harm = worst(changes)
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    words = f"{integration} {what}" if name else f"the errors of {integration}"
    detail: dict[str, Any] = {
        "operation": what,
        "harm": harm,
        "changes": [
            {
                "where": f"{one.part} {one.place}".strip(),
                "change": one.title,
                "harm": one.harm,
                "evidence": one.evidence,
            }
            for one in changes[:CHANGES_TOLD]
        ],
        "diff": f"trunkline contracts diff {integration}",
        "accept": f"trunkline contracts accept {integration}",
    }
    calls = []
    if sample is not None:
        detail["sample"] = shown(sample)
        calls = [sample.correlation_id]
    return Finding(
        kind=KIND,
        integration=integration,
        subject=what,
        severity=SEVERITY[harm],
        title=f"The contract of {words} has changed: {changes[0].title}{more}",
        detail=detail,
        correlation_ids=calls,
    )


def shown(sample: Sample) -> Any:
    """The shape of what was answered, with nothing of anybody in it."""
    try:
        if sample.stream:
            return [{"event": name, "data": _tree(data)} for name, data in events(sample.response)[:6]]
        return {"status": sample.status, "body": skeleton(from_json(sample.response))}
    except DecodeError:
        return {"status": sample.status, "body": f"<{len(sample.response)} bytes>"}


def _tree(data: str) -> Any:
    try:
        return skeleton(from_json(data))
    except DecodeError:
        return "<text>"
