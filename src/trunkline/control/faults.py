"""Sets and clears faults on demand (F12): the file in the state folder that a gateway outside of production plays. Each change is audited.

Not for: what a vendor would say (the simulator knows that; `cli/faults.py` asks it), nor playing (`gateway/faults.py`).
"""

from __future__ import annotations

from pathlib import Path

from trunkline.control import audit
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.faults import FILE, Fault, Faults, read


class FaultProblem(Exception):
    """What was asked of faults cannot be done; says the value and the cure."""


def path(state: State) -> Path:
    """Where they stand."""
    return state.path / FILE


def listed(state: State, now: float) -> list[Fault]:
    """What is in force."""
    try:
        return [fault for fault in read(path(state)) if fault.holds(now)]
    except codec.DecodeError as problem:
        raise FaultProblem(
            f"{path(state)} cannot be read ({problem}). `trunkline faults clear` writes it anew."
        ) from None


def put(state: State, fault: Fault, now: float, *, actor: str = "cli") -> None:
    """Puts a fault in force; one of the same name at the same integration gives way."""
    same = (fault.integration, fault.fault)
    kept = [one for one in listed(state, now) if (one.integration, one.fault) != same]
    _write(state, [*kept, fault])
    detail = {"fault": fault.fault, "share": fault.share, "until": fault.until}
    audit.append(state, actor, "fault.set", fault.integration, detail)


def clear(state: State, integration: str, now: float, *, actor: str = "cli") -> int:
    """Lifts the faults of an integration, or all with an empty name; answers how many."""
    try:
        there = listed(state, now)
    except FaultProblem:
        there = []
    kept = [one for one in there if integration and one.integration != integration]
    _write(state, kept)
    if len(kept) < len(there):
        audit.append(state, actor, "fault.clear", integration or "*", {"lifted": len(there) - len(kept)})
    return len(there) - len(kept)


def _write(state: State, found: list[Fault]) -> None:
    # Written even when empty: a file that is gone is no change to those who watch it.
    state.write(path(state), codec.to_json(Faults(found)) + b"\n")
