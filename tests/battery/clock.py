"""K6: the clock on the wall jumps forth and back while calls run. Durations, limits, breakers, budgets and ids must not mind."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.battery.disk import error_of
from tests.battery.jumping_gateway import ANSWER
from tests.battery.load import MIX, Load
from tests.support.gateway import SECRETS, Call, Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

HOUR, DAY = 3600.0, 86400.0
RATE, RATE_PER_S = 10, 20.0
REGISTRY = """version: 1
defaults:
  retry: {{attempts: 2, backoff: 10ms}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}}
  stripe: {{base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}}
  crm: {{base_url: "{simulator}/crm", auth: {{kind: bearer, secret: env:CRM_TOKEN}}}}
  ill:
    base_url: "{simulator}/ill"
    auth: {{kind: bearer, secret: env:CRM_TOKEN}}
    breaker: {{volume: 5, open_for: {open_for}, ramp: 0s}}
  paused: {{base_url: "{simulator}/paused", auth: {{kind: bearer, secret: env:CRM_TOKEN}}}}
"""
CHAT = {"model": "openai/gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}


class Jumping(Trunkline):
    """A gateway whose clock can be set."""

    def spawn(self) -> None:
        self.jump_file = self.folder / "jump"
        script = str(Path(__file__).with_name("jumping_gateway.py"))
        path = os.pathsep.join(filter(None, sys.path))
        self.begin(script, JUMP_FILE=str(self.jump_file), PYTHONPATH=path)

    def jump(self, seconds: float) -> None:
        """From now on the clock is wrong by so much."""
        text = repr(seconds)
        self.jump_file.write_text(text)
        taken = self.jump_file.with_name(self.jump_file.name + ANSWER)
        eventually(lambda: taken.exists() and taken.read_text() == text, "the clock to jump")


@contextmanager
def setting(folder: Path, simulator: SimulatorProcess, *, open_for: str = "1s") -> Iterator[Jumping]:
    folder.mkdir(parents=True, exist_ok=True)
    gateway = Jumping(folder, REGISTRY.format(simulator=simulator.address(), open_for=open_for), SECRETS, {})
    try:
        gateway.start()
        gateway.jump(to_noon())
        yield gateway
    finally:
        gateway.stop()
    gateway.check()


def to_noon() -> float:
    """By how much a clock must be wrong to say noon (UTC) of today, so that no hour of a test crosses midnight."""
    return DAY / 2 - time.time() % DAY


@dataclass
class Jumped:
    """What the load saw."""

    calls: int = 0
    bad: list[str] = field(default_factory=list)
    negative: list[str] = field(default_factory=list)
    """Records with a duration below zero."""
    repeated_ids: int = 0


def jump_under_load(gateway: Jumping, *, jumps: tuple[float, ...], apart_s: float, rate: float) -> Jumped:
    """Mixed calls while the clock jumps to each of these and back."""
    noon = to_noon()
    with Load(lambda: gateway.port, gateway.key, rate=rate, seed=60, sorts=MIX) as load:
        for by in (0.0, *(step for jump in jumps for step in (jump, 0.0))):
            gateway.jump(noon + by)
            time.sleep(apart_s)
        asked = load.done()
    found = Jumped(
        len(asked), [f"{one.status} {one.failed} {one.body[-200:]!r}" for one in asked if not one.good]
    )
    wanted = {one.id for one in asked}

    def ended() -> dict[str, Call] | None:
        calls = {n: c for n, c in gateway.calls().items() if c.begins and c.begin.correlation_id in wanted}
        return calls if len(calls) == len(wanted) and all(c.ends for c in calls.values()) else None

    calls = eventually(ended, "a record of every call")
    begins = Counter(begin.call_id for call in calls.values() for begin in call.begins)
    found.repeated_ids = sum(count > 1 for count in begins.values())
    for name, call in calls.items():
        end = call.end
        spans = [end.duration_us, end.overhead_us, end.first_byte_us, end.queued_us]
        spans += [
            span
            for one in end.tried
            for span in (one.offset_us, one.connect_us, one.first_byte_us, one.duration_us)
        ]
        if min(spans) < 0:
            found.negative.append(f"{name}: {spans}")
    return found


def rate_after(gateway: Jumping, jump: float) -> tuple[int, list[int], int, bool]:
    """A key of ten calls in twenty seconds: how many it got, what it got after the jump, in how many seconds it may come back
    as it is told, and whether it may after that time.
    """
    noon = to_noon()
    gateway.jump(noon)
    key = gateway.new_key(f"few{jump:g}", "*", rate=RATE, rate_per=RATE_PER_S)
    gateway.republish_callers()

    def status() -> int:
        return gateway.call("GET", "/api/proxy/crm/echo", key=key).status

    first = 0
    while status() == 200 and first < 100:
        first += 1
    gateway.jump(noon + jump)
    refused = gateway.call("GET", "/api/proxy/crm/echo", key=key)
    after = [refused.status, status()]
    told = int(refused.field("retry-after") or 0)
    time.sleep(told)  # what is judged is that so long is enough, with the clock of a real process
    back = status() == 200
    gateway.jump(noon)
    return first, after, told, back


def breaker_after(gateway: Jumping, simulator: SimulatorProcess, jump: float) -> tuple[str, float]:
    """A breaker that is open when the clock jumps: its state then, and the seconds until it lets a call through."""
    noon = to_noon()
    gateway.jump(noon)
    rule = simulator.fault("server_error", "ill")

    def code() -> str:
        answer = gateway.call("GET", "/api/proxy/ill/echo")
        return "" if answer.status == 200 else str(error_of(answer).get("code"))

    eventually(lambda: code() == "circuit_open", "the breaker to open")
    simulator.control("DELETE", f"faults/{rule}")
    gateway.jump(noon + jump)
    then, begun = code(), time.monotonic()
    eventually(lambda: code() == "", "the breaker to let a call through")
    took = time.monotonic() - begun
    eventually(lambda: [code(), code(), code()] == [""] * 3, "the breaker to close")
    gateway.jump(noon)
    return then, took


def pause_after(gateway: Jumping, simulator: SimulatorProcess, jump: float) -> float:
    """A vendor asked for a pause of a second, then the clock jumps: the seconds until a call reaches it again."""
    noon = to_noon()
    gateway.jump(noon)
    simulator.fault("rate_limit", "paused", times=1, args={"retry_after": 1})
    gateway.call("GET", "/api/proxy/paused/echo", headers={"x-trunkline-max-attempts": "1"})
    gateway.jump(noon + jump)
    begun = time.monotonic()
    answer = gateway.call("GET", "/api/proxy/paused/echo")
    took = time.monotonic() - begun
    gateway.jump(noon)
    return took if answer.status == 200 else -1.0


def budget_over(gateway: Jumping) -> dict[str, list[int]]:
    """A key with money for three calls a day: what it got at noon, an hour off, a day later, and back at noon."""
    noon = to_noon()
    gateway.jump(noon)
    price = float(gateway.call("POST", "/v1/chat/completions", CHAT).field("x-trunkline-cost-usd") or 0)
    key = gateway.new_key("poor", "*", budget_usd=round(3.2 * price, 9), budget_per="day")
    gateway.republish_callers()

    def calls(count: int) -> list[int]:
        return [gateway.call("POST", "/v1/chat/completions", CHAT, key=key).status for _ in range(count)]

    found = {"noon": calls(5)}
    for name, by in (
        ("an hour later", HOUR),
        ("an hour before", -HOUR),
        ("a day later", DAY),
        ("noon again", 0.0),
    ):
        gateway.jump(noon + by)
        found[name] = calls(5)
    return found
