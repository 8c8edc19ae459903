"""Hands each sampled call to those who look at contents, in a thread of low priority, a bounded number at a time.

    looking = Looking(state, [contracts, categories])

A sample is deleted once all of them have seen it. A looker that fails is told of once and does not keep the others from looking. Not
for: what is looked for (`ops/`), nor how samples are taken (`gateway/sampler.py`).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from trunkline.control.state import State
from trunkline.core.codec import DecodeError, pack_decoder
from trunkline.core.sample import Gathers, Looker, Sample
from trunkline.journal.bodies import FOLDER, Reader
from trunkline.journal.priority import low_priority

BATCH = 16
IDLE_S = 1.0
PAUSE_S = 0.05
"""After a batch, so that the console's other work goes first."""
TROUBLE_S = 10.0


class Looking:
    """One state folder's samples. What fails is said once and tried again: the console must outlive it."""

    def __init__(
        self, state: State, lookers: Sequence[Looker], *, clock: Callable[[], float] = time.time
    ) -> None:
        self.looked = 0
        self.failed = 0
        """Times that a looker failed on a sample."""
        self._state = state
        self._lookers = lookers
        self._clock = clock
        self._decode = pack_decoder(Sample).decode
        self._reader: Reader | None = None
        self._unreadable = 0
        self._newest_us = 0
        self._behind = False
        self._said: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="looking", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends after the batch at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def turn(self) -> int:
        """Looks at one batch; how many samples that were."""
        reader = self._reader = self._reader or Reader(
            self._state.path / FOLDER, self._state.keys["answer_key"]
        )
        payloads = reader.read(BATCH)
        for payload in payloads:
            self._look(payload)
        for looker in self._lookers:
            if isinstance(looker, Gathers):
                self._try(looker, looker.flush)
        reader.settle()
        self._behind = len(payloads) == BATCH
        return len(payloads)

    def stats(self) -> dict[str, Any]:
        """How looking fares: `lag_s` is the age of the sample looked at last while more wait, else 0."""
        reader = self._reader
        return {
            "looked": self.looked,
            "failed": self.failed,
            "damaged": self._unreadable + (reader.damaged if reader is not None else 0),
            "waiting_bytes": reader.waiting() if reader is not None else 0,
            "lag_s": max(0.0, self._clock() - self._newest_us / 1e6) if self._behind else 0.0,
        }

    def _look(self, payload: bytes) -> None:
        try:
            sample = self._decode(payload)
        except DecodeError:
            self._unreadable += 1
            return
        self.looked += 1
        self._newest_us = sample.at_us
        for looker in self._lookers:
            self._try(looker, lambda look=looker: look(sample))  # type: ignore[misc]

    def _try(self, looker: Looker, act: Callable[[], None]) -> None:
        """A failure is told by its kind only: its text could hold what stood in a body."""
        try:
            act()
        except Exception as defect:
            self.failed += 1
            self._say(f"{type(looker).__name__} failed on a sample ({type(defect).__name__})")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            sys.stderr.write(f"trunkline console: {text}; looking goes on\n")

    def _run(self) -> None:
        low_priority()
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            try:
                wait_s = PAUSE_S if self.turn() else IDLE_S
            except Exception as problem:
                self._say(f"samples cannot be looked at ({type(problem).__name__}: {problem})")
                wait_s = TROUBLE_S
