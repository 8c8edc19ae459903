"""Stops calling what fails: a circuit per credential of an integration, and per model where failures speak of the model only.

Also the one place where attempts are counted, for health and the statistics: each is noted once. Only failures that speak of the
target open a circuit (column `trips` of core/errors.py): a declined card or a bad request never does. It is not bypassed when all
circuits are open; fallbacks are there for that. Not for: the decisions themselves (`circuit.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from trunkline.core.call import UNWATCHED, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.plugins.policies.circuit import MODELS_MAX, Circuit, Outcome, State

FORGOTTEN_S = 900.0
"""A model that was held back and that nobody has called for so long begins anew."""
BEST_FIRST: tuple[State, ...] = ("closed", "returning", "half_open", "open")


class Seen(NamedTuple):
    """How an integration fares: all attempts since the start, and those of the last minute. Times are monotonic, 0: never."""

    attempts: int = 0
    errors: int = 0
    calls: int = 0
    failures: int = 0
    ok_at: float = 0.0
    error_at: float = 0.0
    error_code: str = ""


class Breaker:
    """Circuits by integration and credential; they outlive reloads."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._wall = wall
        self.circuits: dict[str, dict[str, Circuit]] = {}

    def admit(self, attempt: Attempt) -> None:
        """Raises `circuit_open` with the instant from which it is worth trying again."""
        if attempt.target.circuit.held:
            self._ask(attempt)

    def settle(self, attempt: Attempt) -> None:
        circuit, now = attempt.target.circuit, self._clock()
        if attempt.error is None and circuit.plain:
            if now >= circuit.until:
                circuit.turn(now)
            circuit.good += 1
            circuit.ok_at = now
            return
        self._note(attempt, circuit, now)

    def shut(self, target: Target) -> CallError | None:
        """The refusal of whoever would try now, if that is sure: the circuit is open. Takes no trial's place, so that a queue may ask
        before anybody waits in vain.
        """
        circuit: Circuit = target.circuit if target.circuit is not UNWATCHED else self._watch(target)
        if not circuit.held:
            return None
        now, own = self._clock(), circuit.models.get(target.model)
        for one in (own, circuit):
            if one is not None and one.state == "open" and now < one.free_at(now):
                return self._refusal(target, one, model=one is own, now=now)
        return None

    def _ask(self, attempt: Attempt) -> None:
        target, now = attempt.target, self._clock()
        circuit: Circuit = target.circuit if target.circuit is not UNWATCHED else self._watch(target)
        if not circuit.held:
            return
        own = circuit.models.get(target.model)
        for one in (own, circuit):
            if one is None or one.state == "closed":
                continue
            if one.state == "half_open" and _began_well(one.probe):
                one.probe.probe = False  # type: ignore[attr-defined]  # its proof is given; how it ends counts as any other
                one.proves(now)
                circuit.refresh()
            if not one.allows(now):
                if one is circuit and own is not None:
                    own.gives_back()
                raise self._refusal(target, one, model=one is own, now=now)
            if one.state == "half_open":
                one.probe, attempt.probe = attempt, True
        circuit.refresh()

    def _watch(self, target: Target) -> Circuit:
        settings = target.live.spec.breaker
        of_service = self.circuits.setdefault(target.live.name, {})
        circuit = of_service.get(target.member.name)
        if circuit is None:
            circuit = of_service[target.member.name] = Circuit(settings)
        elif circuit.settings != settings:
            for one in (circuit, *circuit.models.values()):
                one.adopt(settings)
            circuit.refresh()
        target.circuit = circuit
        return circuit

    def _refusal(self, target: Target, circuit: Circuit, *, model: bool, now: float) -> CallError:
        name = target.name if model else target.live.name
        text = f"{name} failed too often just now; calls to it are held back"
        if circuit.state == "returning":
            text = f"{name} has just come back; only {circuit.share(now):.0%} of calls are let through yet"
        left = max(0.5, circuit.free_at(now) - now)
        scope = "model" if model else "integration"
        return CallError("circuit_open", text, scope=scope, retry_at=self._wall() + left)

    def _note(self, attempt: Attempt, circuit: Circuit, now: float) -> None:
        outcome, error, target = outcome_of(attempt), attempt.error, attempt.target
        slow = slow_for(attempt, now) > target.live.spec.breaker.slow_after > 0.0
        own = circuit.models.get(target.model)
        if outcome == "void" and attempt.response is None:
            for one in (circuit, own):
                if one is not None and one.probe is attempt:
                    one.gives_back()
            return
        if outcome == "void" and slow:
            outcome = "other"  # somebody lost patience with it: slow it was
        code = error.code if error is not None else ""
        told: dict[str, Any] = {"started": attempt.started, "probe": attempt.probe, "code": code}
        if error is not None and error.scope == "model" and target.model and outcome == "bad":
            if own is None and len(circuit.models) < MODELS_MAX:
                own = circuit.models[target.model] = Circuit(circuit.settings)
            if own is not None:
                own.note("bad", now, **told)
            outcome = "ailing"
        elif own is not None:
            own.note(outcome, now, slow=slow, **told)
        circuit.note(outcome, now, slow=slow, **told)
        if circuit.models:
            self._tidy(circuit, now)
            circuit.refresh()

    @staticmethod
    def _tidy(circuit: Circuit, now: float) -> None:
        """Models that have been well for a minute need no circuit of their own, nor do those that nobody calls any more."""
        for name, one in list(circuit.models.items()):
            well = one.state == "closed" and not one.minute(now).bad
            if well or (one.state != "closed" and now - max(one.since, one.probe_at) > FORGOTTEN_S):
                del circuit.models[name]

    def keep(self, known: Mapping[str, Collection[str]]) -> None:
        """Forgets what the registry no longer has; `known` are the credentials of each integration."""
        kept = {name: self.circuits[name] for name in self.circuits if name in known}
        self.circuits = {
            name: {credential: one for credential, one in of_service.items() if credential in known[name]}
            for name, of_service in kept.items()
        }

    def state(self, name: str) -> State:
        """The best state among an integration's credentials: open only when every one is."""
        now = self._clock()
        states = {one.state_at(now) for one in self.circuits.get(name, {}).values()}
        return next((state for state in BEST_FIRST if state in states), "closed")

    def seen(self, name: str) -> Seen:
        """How an integration fares, over all its credentials."""
        now = self._clock()
        found = Seen()
        for one in self.circuits.get(name, {}).values():
            found = _sum(found, one, now)
        return found

    def told(self, name: str) -> list[dict[str, Any]]:
        """Every circuit of an integration as people are shown it."""
        now, wall = self._clock(), self._wall()
        rows = []
        for credential, circuit in self.circuits.get(name, {}).items():
            for model, one in (("", circuit), *circuit.models.items()):
                count = one.minute(now)
                state = one.state_at(now)
                row: dict[str, Any] = {"credential": credential, "model": model or None, "state": state}
                row |= {
                    "attempts": count.judged + count.void,
                    "failures": count.failures,
                    "opened": one.opened,
                }
                if state != "closed":
                    row |= {
                        "since_s": round(now - one.since, 1),
                        "why": one.why,
                        "share": round(one.share(now), 3),
                    }
                    row["retry_at"] = round(wall + max(0.0, one.free_at(now) - now), 3)
                rows.append(row)
        return rows

    def __repr__(self) -> str:
        held = {(name, c): one for name, some in self.circuits.items() for c, one in some.items() if one.held}
        return f"Breaker({held})"


def outcome_of(attempt: Attempt) -> Outcome:
    """What the end of an attempt says about its target."""
    error = attempt.error
    if error is None:
        return "good"
    if attempt.exchange.gone or error.source == "trunkline":
        return "void"
    kind = error.kind
    if kind.trips:
        return "bad"
    return "ailing" if kind.elsewhere and kind.who != "caller" else "other"


def slow_for(attempt: Attempt, now: float) -> float:
    """Seconds that the vendor took, or has taken so far, to its first byte; waiting for a place of ours is not its time."""
    return (attempt.first_byte_at or now) - attempt.sent_at if attempt.sent_at else 0.0


def _began_well(probe: object) -> bool:
    """A stream may last for minutes; that its answer began well is proof enough."""
    return (
        isinstance(probe, Attempt)
        and bool(probe.first_byte_at)
        and probe.error is None
        and 0 < probe.status < 400
    )


def _sum(found: Seen, one: Circuit, now: float) -> Seen:
    total, minute = one.counts, one.minute(now)
    later = one.error_at > found.error_at
    return Seen(
        found.attempts + total.judged + total.void,
        found.errors + total.failures,
        found.calls + minute.judged + minute.void,
        found.failures + minute.failures,
        max(found.ok_at, one.ok_at),
        max(found.error_at, one.error_at),
        one.error_code if later else found.error_code,
    )
