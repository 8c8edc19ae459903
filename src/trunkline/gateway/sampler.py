"""Takes samples of calls with their bodies, so that other processes can look at contents: contracts, categories of data.

On the loop a call costs one look-up and one count, and the few that are taken cost references to what is in memory anyway. A thread of
low priority cuts, unpacks, seals and writes (`journal/bodies.py`). What it cannot keep up with is dropped and counted; nothing here
can fail a call. A caller's `x-trunkline-samples: off` leaves its call out. Not for: looking at samples (`console/looking.py`).
"""

from __future__ import annotations

import contextlib
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from trunkline.core.call import Live
from trunkline.core.codec import to_pack
from trunkline.core.exchange import Attempt
from trunkline.core.handling import Samples, SampleStore
from trunkline.gateway.log import say
from trunkline.gateway.taking import Bodies, Taking, finished, operation_of
from trunkline.journal.bodies import FOLDER, Writer
from trunkline.journal.priority import low_priority

PENDING = 64
"""Samples that wait for the thread at most."""
PENDING_BYTES = 16 << 20
MINUTE_S = 60.0
OFF = b"x-trunkline-samples"


class Tap:
    """How many calls of one operation pass until the next is taken. The dispatcher counts `left` down."""

    __slots__ = ("left", "taken")

    def __init__(self) -> None:
        self.left = 0
        self.taken = 0
        """In this minute."""


class Taps(dict[str, Tap]):
    """The taps of an integration's operations, by name; undeclared ones share one."""

    __slots__ = ("spec", "take")

    def __init__(self, spec: Samples, take: Callable[[Attempt, Any], None]) -> None:
        super().__init__()
        self.spec = spec
        self.take = take
        """Begins the sample of an attempt with its body (bytes, or what is still arriving), or not."""


class Sampler:
    """All taps of a process, and the thread behind them. Taps outlive reloads."""

    def __init__(
        self,
        state: Path,
        key: bytes,
        store: SampleStore,
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        chance: Callable[[], float] = random.random,
        background: bool = True,
    ) -> None:
        """Without `background` nothing is written unless you call `turn`."""
        self.taken = 0
        self.dropped = 0
        """Samples that found no room, in memory or on the disk."""
        self._clock = clock
        self._wall = wall
        self._chance = chance
        self._taps: dict[str, Taps] = {}
        self._minute = clock()
        self._waiting: deque[Bodies] = deque()
        self._put_bytes = self._done_bytes = 0
        # A sealed file of an older version has no such key; nothing is sampled then.
        self._usable = bool(key)
        self._writer = Writer(state / FOLDER, key or b"none", max_bytes=store.bytes, keep_s=store.keep)
        self._told = ""
        self._clear = threading.Event()
        self._cleared = threading.Event()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True) if background else None

    def open(self) -> None:
        """Once the journal is open, which keeps other processes out."""
        try:
            self._writer.open()
        except OSError as problem:
            self._usable = False
            say(f"calls are not sampled: {problem}")
        if self._thread is not None and self._usable:
            self._thread.start()

    def adopt(self, services: Iterable[Live], store: SampleStore | None = None) -> None:
        """A new world is live: its services get their taps."""
        if store is not None:
            self._writer.max_bytes, self._writer.keep_s = store.bytes, store.keep
        for live in services:
            spec = live.spec.samples
            if not spec.enabled or not self._usable:
                live.taps = None
                continue
            taps = self._taps.get(live.name)
            if taps is None or taps.spec != spec:
                taps = self._taps[live.name] = Taps(spec, self._take)
            live.taps = taps

    def _take(self, attempt: Attempt, body: Any) -> None:
        """A tap has run out, or there is none yet for this operation. `body` is about to be sent."""
        taps: Taps = attempt.target.live.taps
        tap = taps.setdefault(operation_of(attempt.exchange), Tap())
        if tap.left:
            tap.left -= 1
            return
        if attempt.exchange.request.fields.get(OFF, b"").lower() == b"off":
            return
        spec = taps.spec
        tap.taken += 1
        tap.left = self._gap(spec.share) if tap.taken < spec.per_minute else sys.maxsize
        if len(self._waiting) >= PENDING or self._put_bytes - self._done_bytes > PENDING_BYTES:
            self.dropped += 1
            return
        attempt.sample = Taking(attempt, body, spec, self.put, self.failed)

    def _gap(self, share: float) -> int:
        """Calls that pass until the next is taken, so spread that no rhythm of calls escapes."""
        return round(self._chance() * 2.0 * (1.0 / share - 1.0)) if share > 0 else sys.maxsize

    def failed(self, problem: Exception) -> None:
        """A sample that could not be made or kept; said once."""
        self.dropped += 1
        why = problem.strerror if isinstance(problem, OSError) else problem
        text = f"samples are not kept: {type(problem).__name__}: {why}"
        if text != self._told:
            self._told = text
            say(text)

    def put(self, bodies: Bodies) -> None:
        """On the loop: hands a sample to the thread."""
        self._put_bytes += bodies.bytes
        self._waiting.append(bodies)
        self._wake.set()

    def stats(self) -> dict[str, int]:
        """For the console, once a second on the loop; a minute's end lets the first call of each operation be taken again."""
        now = self._clock()
        if now - self._minute >= MINUTE_S:
            self._minute = now
            for taps in self._taps.values():
                for tap in taps.values():
                    tap.left = tap.taken = 0
        return {
            "taken": self.taken,
            "dropped": self.dropped,
            "waiting": len(self._waiting),
            "unseen": self._writer.unseen,
        }

    def clear(self, timeout_s: float = 5.0) -> bool:
        """Has the thread delete everything that lies there, looked at or not; whether that was done in time. Blocks."""
        self._cleared.clear()
        self._clear.set()
        self._wake.set()
        if self._thread is None:
            self.turn()
        return self._cleared.wait(timeout_s)

    def turn(self) -> None:
        """Writes what waits; in the thread."""
        if self._clear.is_set():
            self._forget()
        while self._waiting:
            bodies = self._waiting.popleft()
            try:
                self._writer.append(to_pack(finished(bodies)), self._wall())
                self.taken += 1
                self._told = ""
            except Exception as problem:
                self.failed(problem)
            finally:
                self._done_bytes += bodies.bytes
        with contextlib.suppress(OSError):
            self._writer.tend(self._wall())

    def _forget(self) -> None:
        self._clear.clear()
        while self._waiting:
            self._done_bytes += self._waiting.popleft().bytes
        with contextlib.suppress(OSError):
            self._writer.clear()
            self._cleared.set()

    def close(self) -> None:
        """Writes what waits and completes the segment."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        if self._usable:
            self.turn()  # what came after the thread's last look
            self._writer.seal()

    def _run(self) -> None:
        low_priority()
        while not self._stop.is_set():
            self._wake.wait(1.0)
            self._wake.clear()
            self.turn()
