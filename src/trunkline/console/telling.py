"""Sends the notices that wait in the outbox, in a thread of its own, and again until they are heard or given up.

Not for: what is worth telling (`attending.py`), nor how it is sent (`ops/notify.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.console.published import Published
from trunkline.console.steadily import Steadily
from trunkline.console.watching import Secrets
from trunkline.control.state import State
from trunkline.core.alerting import targets_of
from trunkline.ops.alerting.condition import INCIDENT
from trunkline.ops.alerting.message import of_payload
from trunkline.ops.incidents import book
from trunkline.ops.incidents.incident import Entry
from trunkline.ops.notify import Delivery, tell
from trunkline.ops.outbox import Notice, Outbox

TIDY_EVERY_S = 3600.0


class Telling:
    """One state folder's notices."""

    def __init__(
        self,
        state_dir: Path,
        published: Published,
        *,
        clock: Callable[[], float] = time.time,
        environ: Mapping[str, str] = os.environ,
        tell: Callable[..., Delivery] = tell,
    ) -> None:
        self._published = published
        self._clock = clock
        self._tell_targets = tell
        self._outbox = Outbox(state_dir)
        self._state = State(state_dir, environ)
        self._secrets = Secrets(self._state)
        self._tidied_at = float("-inf")
        steadily = Steadily(self.turn, name="telling", what="telling notices")
        self.start, self.stop = steadily.start, steadily.stop

    def turn(self) -> None:
        """Sends what is due."""
        now = self._clock()
        for notice in self._outbox.due(now):
            after = self._outbox.note(notice, self._tell(notice), self._clock())
            self._in_timelines(notice, after)
        if now - self._tidied_at >= TIDY_EVERY_S:
            self._outbox.tidy(now)
            self._tidied_at = now

    def _tell(self, notice: Notice) -> Delivery:
        snapshot = self._published.snapshot()
        targets = []
        if snapshot is not None:
            rules = {rule.name: rule for rule in snapshot.alerts}
            if not notice.rule:
                targets = targets_of(snapshot.notify)
            elif notice.rule in rules:
                targets = rules[notice.rule].targets
        return self._tell_targets(
            targets,
            notice.event,
            notice.payload,
            secret=self._secret,
            message_id=notice.id,
            skip=notice.told,
            wall=self._clock,
        )

    def _in_timelines(self, before: Notice, after: Notice) -> None:
        """Whom an alert about incidents has reached stands in their timelines."""
        reached = sorted(set(after.told) - set(before.told))
        told = of_payload(after.payload) if reached else None
        if told is None or told.phase == "test":
            return
        ids = [item.key.removeprefix(INCIDENT) for item in told.items if item.key.startswith(INCIDENT)]
        if ids:
            what = {"firing": "Alert", "reminder": "Reminder", "resolved": "Its end"}[told.phase]
            text = f"{what} told to {', '.join(reached)} (rule {told.rule})."
            book.tell(
                self._state,
                ids,
                Entry(at=self._clock(), kind="alert", text=text, detail={"notice": after.id}),
            )

    def _secret(self, ref: str) -> str:
        self._secrets.look()
        return self._secrets.value(ref)
