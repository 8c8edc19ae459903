"""One target's circuit as a value: `now` comes in, decisions come out.

It opens on a share of failures or of slow calls in a sliding window, or on an unbroken run of failures; lets one trial call a second
through; closes after so many good ones, and then lets traffic return bit by bit, because a vendor that has just come back falls
over again under all of it. Counts are running totals, of which a window is a difference: noting a good call is one addition. Not
for: which failures speak of a target (`breaker.py`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from trunkline.core.flow import Breaker as Settings

SLICES = 10
"""Of the sliding window."""
MINUTE_SLICES, MINUTE_SLICE_S = 12, 5.0
PROBE_EVERY_S = 1.0
"""Trial calls are never closer together than this, whatever `open_for` says."""
RUN_S = 1.0
"""An unbroken run of failures opens the circuit only if it lasts so long: a burst of cut connections is no outage."""
FIRST_SHARE = 0.1
MODELS_MAX = 200
"""Models of one credential that have a circuit of their own."""

State = Literal["closed", "returning", "half_open", "open"]
Outcome = Literal["good", "bad", "ailing", "other", "void"]
"""`bad` counts against the target; `ailing` is a failure that does not (a limit, a credential); `other` is the caller's mistake,
which shows that the target answers; `void` says nothing."""


class Counts(NamedTuple):
    """How attempts ended, all told."""

    good: int = 0
    bad: int = 0
    ailing: int = 0
    other: int = 0
    void: int = 0
    slow: int = 0

    def minus(self, earlier: Counts) -> Counts:
        return Counts(*(a - b for a, b in zip(self, earlier, strict=True)))

    @property
    def judged(self) -> int:
        """Attempts that say something about the target."""
        return self.good + self.bad + self.ailing + self.other

    @property
    def failures(self) -> int:
        """What health counts as failed."""
        return self.bad + self.ailing


class Marks:
    """The running counts as they stood at the begin of each of the last slices of time."""

    __slots__ = ("_at", "_marks", "slice_s")

    def __init__(self, slices: int, slice_s: float, counts: Counts) -> None:
        self.slice_s = slice_s
        self._at = -1
        self._marks = [counts] * slices

    def turn(self, now: float, counts: Counts) -> float:
        """Goes on to the slice of `now`; answers its end."""
        at, slices = int(now / self.slice_s), len(self._marks)
        for passed in range(max(self._at + 1, at - slices + 1), at + 1):
            self._marks[passed % slices] = counts
        self._at = max(at, self._at)
        return (self._at + 1) * self.slice_s

    @property
    def oldest(self) -> Counts:
        """The counts when the window began."""
        return self._marks[(self._at + 1) % len(self._marks)]

    def clear(self, counts: Counts) -> None:
        self._marks = [counts] * len(self._marks)


class Circuit:
    """State and counts of one target. Read `held` before asking `allows`, `plain` before counting by `good += 1`."""

    __slots__ = (
        "_back_at",
        "_clean",
        "_credit",
        "_let_at",
        "_minute",
        "_run",
        "_run_at",
        "_window",
        "ailing",
        "bad",
        "error_at",
        "error_code",
        "good",
        "held",
        "models",
        "ok_at",
        "opened",
        "other",
        "plain",
        "probe",
        "probe_at",
        "probing",
        "proved",
        "settings",
        "since",
        "slow",
        "state",
        "until",
        "void",
        "why",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state: State = "closed"
        self.since = 0.0
        """When it came into this state."""
        self.why = ""
        """Why it opened last."""
        self.opened = 0
        self.good = self.bad = self.ailing = self.other = self.void = self.slow = 0
        self.ok_at = self.error_at = 0.0
        self.error_code = ""
        self.probe: object = None
        """The trial call under way, as the policy knows it."""
        self.probing = False
        self.probe_at = -PROBE_EVERY_S
        self.proved = 0
        self.models: dict[str, Circuit] = {}
        """Circuits of single models, while failures speak of those only."""
        self._credit = self._let_at = self._back_at = 0.0
        self._run, self._run_at, self._clean = 0, 0.0, 0
        self._minute = Marks(MINUTE_SLICES, MINUTE_SLICE_S, Counts())
        self._window = Marks(SLICES, settings.window / SLICES, Counts())
        self.held = self.plain = False
        self.until = 0.0
        """End of the present slice: from then on `turn` comes before counting."""
        self.refresh()

    @property
    def counts(self) -> Counts:
        return Counts(self.good, self.bad, self.ailing, self.other, self.void, self.slow)

    def adopt(self, settings: Settings) -> None:
        """A reload brought these."""
        if settings.window != self.settings.window:
            self._window, self.until = Marks(SLICES, settings.window / SLICES, self.counts), 0.0
        self.settings = settings
        self.refresh()

    def refresh(self) -> None:
        """Brings `held` and `plain` in line with everything else."""
        self.held = self.state != "closed" or any(one.held for one in self.models.values())
        self.plain = self.state == "closed" and not self.models and not self.settings.slow_after

    def turn(self, now: float) -> None:
        """Goes on to the slices of `now`."""
        counts = self.counts
        self.until = min(self._window.turn(now, counts), self._minute.turn(now, counts))

    def allows(self, now: float) -> bool:
        """Whether an attempt may be made; it then takes the place that there is."""
        settings = self.settings
        if self.state == "closed":
            return True
        if self.state == "returning":
            return self._returns(now)
        if self.state == "open":
            if now - self.since < settings.open_for:
                return False
            self.proved, self.probing = 0, False
            self._become("half_open", now)
        # A trial call that hangs must not keep the next one away for ever.
        pause = max(PROBE_EVERY_S, settings.open_for) if self.probing else PROBE_EVERY_S
        if now - self.probe_at < pause:
            return False
        self.probing, self.probe_at = True, now
        return True

    def state_at(self, now: float) -> State:
        """The state as it is to be told: all traffic has returned once its time is over, though nobody has called since."""
        return "closed" if self.state == "returning" and self.share(now) >= 1.0 else self.state

    def share(self, now: float) -> float:
        """Which part of traffic may pass now."""
        if self.state == "returning":
            ramp = self.settings.ramp
            gone = (now - self.since) / ramp if ramp else 1.0
            return min(1.0, FIRST_SHARE + (1.0 - FIRST_SHARE) * gone)
        return 1.0 if self.state == "closed" else 0.0

    def free_at(self, now: float) -> float:
        """When it is worth asking again."""
        if self.state == "open":
            return max(self.since + self.settings.open_for, self.probe_at + PROBE_EVERY_S)
        return max(now, self.probe_at + PROBE_EVERY_S) if self.state == "half_open" else now + PROBE_EVERY_S

    def proves(self, now: float) -> None:
        """A trial call went well, or its answer began well."""
        self.probing, self.probe = False, None
        self.proved += 1
        if self.proved >= self.settings.probes:
            self._window.clear(self.counts)
            self._credit, self._let_at, self._back_at, self._run = 0.0, now, now, 0
            self._become("returning" if self.settings.ramp else "closed", now)

    def gives_back(self) -> None:
        """A trial call was not made after all, or told nothing."""
        self.probing, self.probe = False, None

    def note(
        self,
        outcome: Outcome,
        now: float,
        *,
        started: float,
        slow: bool = False,
        probe: bool = False,
        code: str = "",
    ) -> None:
        """An attempt begun at `started` ended. `probe`: it was let through as a trial call."""
        if now >= self.until:
            self.turn(now)
        self._count(outcome, now, started, slow, code)
        if self.state == "half_open":
            if probe and started >= self.since:
                self._tried(outcome, slow, now)
        elif self.state != "open" and (outcome == "bad" or slow) and started >= self._back_at:
            self._judge(now)

    def window(self) -> Counts:
        """What the sliding window holds, as of the last `turn`."""
        return self.counts.minus(self._window.oldest)

    def minute(self, now: float) -> Counts:
        """What the last minute held."""
        if now >= self.until:
            self.turn(now)
        return self.counts.minus(self._minute.oldest)

    def _count(self, outcome: Outcome, now: float, started: float, slow: bool, code: str) -> None:
        if outcome == "bad" and started < self._back_at:
            outcome = "ailing"  # begun in the outage before: it failed, but says nothing about now
        setattr(self, outcome, getattr(self, outcome) + 1)
        self.slow += slow
        if outcome == "good":
            self.ok_at = now
        elif outcome in ("bad", "ailing"):
            self.error_at, self.error_code = now, code
        if outcome == "bad":
            clean = self.good + self.ailing + self.other
            if clean != self._clean or not self._run:
                self._run, self._run_at, self._clean = 0, now, clean
            self._run += 1

    def _tried(self, outcome: Outcome, slow: bool, now: float) -> None:
        if outcome == "bad" or (slow and outcome != "void"):
            self._open(now, "a trial call was too slow" if outcome != "bad" else "a trial call failed")
        elif outcome == "void":
            self.gives_back()
        else:
            self.proves(now)

    def _judge(self, now: float) -> None:
        seen, settings = self.window(), self.settings
        total, volume = seen.judged, settings.volume
        if self.state == "returning":
            volume = max(1, volume // 4)  # it has just been down: a quarter is proof enough
        if total >= volume and seen.bad and seen.bad >= settings.failures * total:
            self._open(now, f"{seen.bad} of {total} attempts within {settings.window:g} s failed")
        elif settings.slow_after and total >= volume and seen.slow >= settings.slow * total:
            text = f"{seen.slow} of {total} attempts within {settings.window:g} s took longer than {settings.slow_after:g} s"
            self._open(now, text)
        elif self._run >= volume and now - self._run_at >= RUN_S:
            self._open(now, f"{self._run} attempts in a row failed")

    def _returns(self, now: float) -> bool:
        share = self.share(now)
        if share >= 1.0:
            self._become("closed", now)
            return True
        self._credit += share
        if self._credit < 1.0 and now - self._let_at < PROBE_EVERY_S:
            return False
        self._credit = max(0.0, self._credit - 1.0)
        self._let_at = now
        return True

    def _open(self, now: float, why: str) -> None:
        self.opened += 1
        self.why = why
        self.probing, self.probe, self._run = False, None, 0
        self._become("open", now)

    def _become(self, state: State, now: float) -> None:
        self.state, self.since = state, now
        self.refresh()

    def __repr__(self) -> str:
        seen = self.window()
        return f"Circuit({self.state}, good={seen.good + seen.ailing + seen.other}, bad={seen.bad})"
