"""Does something again and again in a thread of its own, as the console does beside its admin API.

What fails is said once and tried again: the console must outlive it. Not for: what is done.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

EVERY_S = 1.0


class Steadily:
    """`turn` is called every second; `name` is what the thread is called, `what` stands in the sentence when it fails."""

    def __init__(self, turn: Callable[[], object], *, name: str, what: str, every_s: float = EVERY_S) -> None:
        self._turn = turn
        self._what = what
        self._every_s = every_s
        self._said = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends after the turn at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._turn()
            except Exception as problem:
                text = f"{self._what} failed ({type(problem).__name__}: {problem}); it goes on"
                if text != self._said:
                    sys.stderr.write(f"trunkline console: {text}\n")
                self._said = text
