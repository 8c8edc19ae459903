"""Stops calling a target that fails: opens on a share of failures in a sliding window, probes, and closes again.

Only failures that speak of the target count (column `trips` of core/errors.py): a declined card or a bad request never does.
Slow calls and gradual return come with the issue 'Flow and failure'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from trunkline.core.call import Attempt
from trunkline.core.errors import CallError
from trunkline.core.service import Breaker as Settings

SLICES = 10
_PROBE_OK = 2

State = Literal["closed", "open", "half_open"]


class Circuit:
    """One target's breaker as a value: `now` comes in, decisions come out."""

    __slots__ = ("_at", "_bad", "_good", "_until", "opened_at", "probing", "proved", "state")

    def __init__(self) -> None:
        self.state: State = "closed"
        self.opened_at = 0.0
        self.probing = False
        self.proved = 0
        self._at = -1
        self._until = 0.0
        self._good = [0] * SLICES
        self._bad = [0] * SLICES

    def allows(self, settings: Settings, now: float) -> bool:
        """Whether an attempt may be made; a probe takes the one place there is."""
        if self.state == "closed":
            return True
        if self.state == "open" and now - self.opened_at >= settings.open_for:
            self.state, self.probing, self.proved = "half_open", False, 0
        if self.state == "half_open" and not self.probing:
            self.probing = True
            return True
        return False

    def note(self, bad: bool | None, settings: Settings, now: float) -> None:
        """An admitted attempt ended: well, badly, or (None) without saying anything about the target."""
        if self.state == "half_open":
            self.probing = False
            if bad:
                self._open(now)
            elif bad is not None:
                self.proved += 1
                if self.proved >= _PROBE_OK:
                    self._close()
            return
        if bad is None or self.state == "open":
            return
        slot = self._slot(settings, now)
        if not bad:
            self._good[slot] += 1
            return
        self._bad[slot] += 1
        failures, total = sum(self._bad), sum(self._bad) + sum(self._good)
        if total >= settings.volume and failures >= settings.failures * total:
            self._open(now)

    def _slot(self, settings: Settings, now: float) -> int:
        if now < self._until:
            return self._at % SLICES
        slice_s = settings.window / SLICES
        turn = int(now / slice_s)
        self._until = (turn + 1) * slice_s
        if turn != self._at:
            for passed in range(max(self._at + 1, turn - SLICES + 1), turn + 1):
                self._good[passed % SLICES] = self._bad[passed % SLICES] = 0
            self._at = turn
        return turn % SLICES

    def _open(self, now: float) -> None:
        self.state, self.opened_at = "open", now

    def _close(self) -> None:
        self.state, self._at, self._until = "closed", -1, 0.0
        self._good, self._bad = [0] * SLICES, [0] * SLICES

    def __repr__(self) -> str:
        return f"Circuit({self.state}, good={sum(self._good)}, bad={sum(self._bad)})"


class Breaker:
    """Circuits by (integration, credential); they outlive reloads."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self.circuits: dict[tuple[str, str], Circuit] = {}

    def admit(self, attempt: Attempt) -> None:
        """Raises `circuit_open` with the instant of the next probe."""
        target = attempt.target
        circuit = self.circuits.get(target.key)
        if circuit is None:
            circuit = self.circuits[target.key] = Circuit()
        settings = target.live.spec.breaker
        if circuit.state == "closed" or circuit.allows(settings, self._clock()):
            return
        left = max(0.5, circuit.opened_at + settings.open_for - self._clock())
        text = f"{target.live.name} failed too often just now; calls to it are held back"
        raise CallError("circuit_open", text, scope="integration", retry_at=self._wall() + left)

    def settle(self, attempt: Attempt) -> None:
        error, target = attempt.error, attempt.target
        bad: bool | None = False
        if error is None:
            bad = None if attempt.exchange.gone else False
        elif attempt.exchange.gone or error.source == "trunkline":
            bad = None
        else:
            bad = error.kind.trips
        self.circuits[target.key].note(bad, target.live.spec.breaker, self._clock())

    def state(self, name: str) -> State:
        """The worst state of an integration's circuits that is common to all of them: open only when every one is."""
        states = [c.state for (service, _), c in self.circuits.items() if service == name]
        if not states or "closed" in states:
            return "closed"
        return "half_open" if "half_open" in states else "open"

    def __repr__(self) -> str:
        return f"Breaker({ {k: c for k, c in self.circuits.items() if c.state != 'closed'} })"
