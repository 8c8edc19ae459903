"""K8: a stored secret gets a new version again and again under load, and the vendor refuses the old one soon after.

Once by `secrets set` alone, and once by the whole procedure of `secrets rotate`: proved, promoted, watched, given up.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.load import QUICK, Load
from tests.battery.served import Served, serving
from tests.support.caller import call
from tests.support.folders import contents
from tests.support.polling import eventually
from tests.support.processes import HANGS_S
from tests.support.simulator import SimulatorProcess
from trunkline.control import kills, rotations, secrets
from trunkline.control.state import State
from trunkline.simulator.ledger import digest

NAME = "OPENAI_KEY"
REF = f"store:{NAME}"
GRACE_S = 5.0
PROOF = "/v1/models"
"""The free call that proves a version is no use of it."""
REGISTRY = """version: 1
defaults:
  breaker: {{volume: 1000000}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: "store:OPENAI_KEY"}}
"""


@dataclass
class Rotated:
    """What the rotations did."""

    calls: int = 0
    bad: list[str] = field(default_factory=list)
    in_use_s: list[float] = field(default_factory=list)
    """From each `set` to the first call with the new value."""
    killed_s: float = 0.0
    leaked: list[str] = field(default_factory=list)
    """Files that hold a value in the open."""
    took_s: list[float] = field(default_factory=list)
    """Of the whole procedure: from its begin to its end."""
    ends: Counter[str] = field(default_factory=Counter)
    """How the rotations ended."""


def value(number: int) -> str:
    return f"sk-test-not-a-real-key-{number:04d}"


def rotate(folder: Path, simulator: SimulatorProcess, *, times: int, apart_s: float, rate: float) -> Rotated:
    """Sets so many versions, each a while after the one before is in use, under calls of an open loop."""
    found = Rotated()
    set_at = {0: time.monotonic()}

    def turn(state: State, number: int) -> None:
        _accept(simulator, set_at, number)
        set_at[number] = time.monotonic()
        secrets.set_secret(state, NAME, value(number))
        found.in_use_s.append(_in_use(simulator, number))
        time.sleep(max(0.0, set_at[number] + apart_s - time.monotonic()))

    return _under_load(folder, simulator, found, turn, times=times, rate=rate)


def rotate_safely(folder: Path, simulator: SimulatorProcess, *, times: int, rate: float) -> Rotated:
    """So many whole procedures, one after the other; the vendor refuses the old version as soon as the new one is in use."""
    found = Rotated()

    def turn(state: State, number: int) -> None:
        simulator.accept("openai", value(number - 1), value(number))
        begun = time.monotonic()
        one = rotations.begin(state, NAME, value(number), quiet_s=1.0)
        found.in_use_s.append(_in_use(simulator, number))
        simulator.accept("openai", value(number))
        ended = eventually(lambda: _ended(state, one.id), f"rotation {number} to end", HANGS_S)
        found.took_s.append(time.monotonic() - begun)
        found.ends[ended] += 1

    return _under_load(folder, simulator, found, turn, times=times, rate=rate)


def _ended(state: State, wanted: str) -> str:
    one = next(one for one in rotations.listed(state, name=NAME) if one.id == wanted)
    return one.state if one.ended_at or one.stuck else ""


def _under_load(
    folder: Path,
    simulator: SimulatorProcess,
    found: Rotated,
    turn: Callable[[State, int], None],
    *,
    times: int,
    rate: float,
) -> Rotated:
    folder.mkdir(parents=True, exist_ok=True)
    given = Served(folder, "").environ
    secrets.set_secret(State(folder / "state", given).create(), NAME, value(0))
    simulator.accept("openai", value(0))
    with serving(folder, REGISTRY.format(simulator=simulator.address())) as served:
        state = State(served.state, served.environ)
        with Load(lambda: served.port, served.key, rate=rate, seed=80, sorts=QUICK) as load:
            eventually(lambda: len(load.asked) > 20, "calls")
            for number in range(1, times + 1):
                turn(state, number)
            asked = load.done()
        found.calls = len(asked)
        found.bad = [f"{one.status} {one.failed} {one.body[-150:]!r}" for one in asked if not one.good]
        found.killed_s = _kill(served, state)
    values = [value(number).encode() for number in range(times + 1)]
    found.leaked = [
        str(path) for path, held in contents(folder).items() if any(one in held for one in values)
    ]
    return found


def _accept(simulator: SimulatorProcess, set_at: dict[int, float], number: int) -> None:
    """The vendor takes the new one, and each older one for a while after its successor was set."""
    now = time.monotonic()
    old = [n for n in set_at if n + 1 not in set_at or now - set_at[n + 1] < GRACE_S]
    simulator.accept("openai", *(value(n) for n in (*old, number)))


def _in_use(simulator: SimulatorProcess, number: int) -> float:
    begun, wanted = time.monotonic(), digest(value(number))
    since = simulator.state()["requests"]
    eventually(
        lambda: any(
            entry.credential == wanted and entry.path != PROOF
            for entry in simulator.ledger(max(0, since - 5))
        ),
        f"version {number} in use",
    )
    return time.monotonic() - begun


def _kill(served: Served, state: State) -> float:
    """Seconds from the kill switch to the first refusal."""
    begun = time.monotonic()
    kills.append(state, "credential", REF)
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}'
    fields = {"authorization": f"Bearer {served.key}", "content-type": "application/json"}
    eventually(
        lambda: call(served.port, "POST", "/v1/chat/completions", fields, body).status == 503,
        "calls to be refused",
    )
    return time.monotonic() - begun
