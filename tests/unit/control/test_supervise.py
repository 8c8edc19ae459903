"""The supervisor's own decisions, with children that are no processes. What it does with real ones: `tests/flows/test_cli_serve.py`."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path
from typing import Any

import pytest

from trunkline.control import supervise
from trunkline.control.state import State
from trunkline.control.supervise import Supervisor
from trunkline.core import codec
from trunkline.settings import Settings


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self._seconds = itertools.count(1.0)

    def monotonic(self) -> float:
        return next(self._seconds)


class Puppet:
    """A child that lives until it is killed, or ends at once when it is told to."""

    def __init__(self, name: str, *, deaf: bool = False) -> None:
        self.name, self.deaf = name, deaf
        self.pid, self.process, self.environ = 7, object(), dict[str, str]()
        self.restart_at, self.resting, self.wanted = 0.0, False, False
        self.heard: list[str] = []

    def start(self) -> None:
        self.heard.append("start")

    def signal(self, number: signal.Signals) -> None:
        self.heard.append(number.name)

    def ended(self) -> int | None:
        if self.deaf or "SIGTERM" not in self.heard:
            return None
        self.process = None
        return 0

    def kill(self) -> None:
        self.heard.append("kill")
        self.process = None


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(state: State, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    def ready(_: State, settings: Settings) -> None:
        said.append(f"serves on {settings.port}")

    made = Supervisor(Settings(state_dir=str(state.path), port=0), {}, say=said.append, ready=ready)
    monkeypatch.setattr(supervise, "time", Clock())
    monkeypatch.setattr(made, "_sleep", lambda *_: None)
    made._children = [Puppet("gateway"), Puppet("console"), Puppet("simulator")]  # type: ignore[list-item]
    return made


def test_a_gateway_that_is_ready_only_after_it_was_given_up_is_announced_all_the_same(
    supervisor: Supervisor, state: State, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rest: list[Any] = []
    monkeypatch.setattr(supervisor, "_child", lambda name, *_, **__: rest.append(name) or Puppet(name))
    turns = itertools.count()

    def turn(_: object) -> None:
        number = next(turns)
        if number == 40:
            state.write(state.gateway, codec.to_json({"pid": 7, "port": 4711}) + b"\n")
        if number == 43:
            supervisor._asked_to_stop = 1

    monkeypatch.setattr(supervisor, "_follow_sources", turn)
    supervisor._watch(None, -1)  # type: ignore[arg-type]
    assert said == [
        "The gateway has not been ready for 20 s; see what it wrote above.",
        "serves on 4711",
    ]
    assert rest == ["console", "worker", "egress"]


def test_a_simulator_that_does_not_end_is_killed_and_the_stop_was_in_order_all_the_same(
    supervisor: Supervisor,
) -> None:
    gateway, console, simulator = supervisor._children
    simulator.deaf = True  # type: ignore[attr-defined]
    assert supervisor._stop(-1) is False
    assert [child.heard for child in (gateway, console, simulator)] == [  # type: ignore[attr-defined]
        ["SIGTERM"],
        ["SIGTERM"],
        ["SIGTERM", "kill"],
    ]


@pytest.mark.parametrize("deaf", ["gateway", "console"])
def test_a_child_that_keeps_something_and_does_not_end_makes_it_a_forced_stop(
    supervisor: Supervisor, deaf: str
) -> None:
    for child in supervisor._children:
        child.deaf = child.name == deaf  # type: ignore[attr-defined]
    assert supervisor._stop(-1) is True
    assert all(child.process is None for child in supervisor._children)


def test_whoever_asks_twice_waits_for_nobody(supervisor: Supervisor) -> None:
    for child in supervisor._children:
        child.deaf = True  # type: ignore[attr-defined]
    supervisor._asked_to_stop = 2
    assert supervisor._stop(-1) is True


def test_a_killed_child_starts_again_at_once_however_slow_the_machine_looks(
    supervisor: Supervisor, said: list[str]
) -> None:
    """A second goes by between any two looks at the clock."""
    gateway: Any = supervisor._children[0]

    def killed() -> int:
        gateway.process, gateway.restart_at = None, supervise.time.monotonic()
        return -signal.SIGKILL

    gateway.ended, gateway.wanted = killed, True
    supervisor._bring_back()
    assert said == ["The gateway ended (killed by SIGKILL); starting it again at once."]
    assert gateway.heard == ["start"]
