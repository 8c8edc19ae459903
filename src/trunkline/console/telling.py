"""Tells the registry's targets of what the budgets say, in a thread of its own: each thing once, and again until it is heard.

Not for: what is worth telling (`ops/alerts.py`), nor how it is sent (`ops/notify.py`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from trunkline.console.money import live
from trunkline.console.published import Published
from trunkline.console.watching import Secrets
from trunkline.control.state import State
from trunkline.core.flow import Notify
from trunkline.ops.alerts import alerts
from trunkline.ops.notify import Delivery, send
from trunkline.ops.outbox import Notice, Outbox

EVERY_S = 1.0
TIDY_EVERY_S = 3600.0


class Telling:
    """One state folder's notices. What fails is said once and tried again: the console must outlive it."""

    def __init__(
        self,
        state_dir: Path,
        published: Published,
        *,
        clock: Callable[[], float] = time.time,
        environ: Mapping[str, str] = os.environ,
        send: Callable[..., Delivery] = send,
    ) -> None:
        self._published = published
        self._clock = clock
        self._send = send
        self._outbox = Outbox(state_dir)
        self._secrets = Secrets(State(state_dir, environ))
        self._told: set[str] = set()
        self._tidied_at = float("-inf")
        self._said = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends after the notice at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def turn(self) -> None:
        """Looks at the budgets, then sends what is due."""
        now = self._clock()
        for alert in alerts(live(self._published, now) or ()):
            if alert.key not in self._told:
                self._outbox.put(alert.event, alert.payload, key=alert.key, now=now)
                self._told.add(alert.key)
        for notice in self._outbox.due(now):
            self._outbox.note(notice, self._tell(notice), self._clock())
        if now - self._tidied_at >= TIDY_EVERY_S:
            self._outbox.tidy(now)
            self._tidied_at = now

    def _tell(self, notice: Notice) -> Delivery:
        snapshot = self._published.snapshot()
        notify = snapshot.notify if snapshot is not None else Notify()
        return self._send(
            notify,
            notice.event,
            notice.payload,
            secret=self._secret,
            message_id=notice.id,
            skip=notice.told,
            wall=self._clock,
        )

    def _secret(self, ref: str) -> str:
        self._secrets.look()
        return self._secrets.value(ref)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.turn()
            except Exception as problem:
                text = f"telling of budgets failed ({type(problem).__name__}: {problem}); it goes on"
                if text != self._said:
                    sys.stderr.write(f"trunkline console: {text}\n")
                self._said = text
