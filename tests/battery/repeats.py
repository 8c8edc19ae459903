"""I2 with callers that repeat: acts under idempotency keys, a gateway that is killed again and again, and the vendors' own ledgers.

Half of the callers act at a vendor without keys, half at one that honours them; each repeats an act until it hears something final.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.support.caller import Cut
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess

REGISTRY = """
version: 1
defaults:
  retry: {backoff: 10ms, backoff_max: 20ms}
  breaker: {volume: 1000000}
integrations:
  stripe: {base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}
  crm:
    base_url: "{simulator}/crm/api"
    auth: {kind: bearer, secret: env:CRM_TOKEN}
    operations: [{name: create_item, method: POST, path: /items, repeat: never}]
  site: {base_url: "{site}", auth: {kind: none}}
  payments:
    base_url: "{site}"
    auth: {kind: none}
    idempotency: {header: X-Payment-Id, hours: 48}
    operations: [{name: pay, method: POST, path: /pay, repeat: with_key}]
"""
ITEMS = "/api/proxy/crm/items"
CHARGES = "/api/proxy/stripe/v1/charges"
CHARGE = b"amount=1999&currency=eur&source=tok_visa"
FORM = {"content-type": "application/x-www-form-urlencoded"}
PAUSE_S = 0.02
"""Between the repeats of a caller."""
PATIENCE_S = 60.0

Final = tuple[int, str]
"""Status and code of the last answer that a caller heard about an act."""


class Repeater(threading.Thread):
    """A caller that repeats each act under its key until it hears something final, as good SDKs do."""

    def __init__(
        self, trunkline: Trunkline, target: str, body: Any, headers: dict[str, str], name: str
    ) -> None:
        super().__init__(daemon=True)
        self.trunkline, self.target, self.body, self.headers = trunkline, target, body, headers
        self.label = name
        self.stop = threading.Event()
        self.final: dict[str, Final] = {}

    def run(self) -> None:
        n = 0
        while not self.stop.is_set():
            n += 1
            key = f"{self.label}-{n}"
            self.final[key] = self._act(key)

    def _act(self, key: str) -> Final:
        until = time.monotonic() + PATIENCE_S
        headers = {**self.headers, "Idempotency-Key": key}
        while time.monotonic() < until:
            try:
                answer = self.trunkline.call("POST", self.target, self.body, headers, timeout_s=5.0)
            except (OSError, Cut):
                time.sleep(PAUSE_S)
                continue
            code = answer.json.get("code", "") if answer.status >= 400 else ""
            if answer.status not in (409, 503) or code == "conflict":
                return answer.status, code
            time.sleep(PAUSE_S)
        return 0, "gave up"


@dataclass
class Kept:
    """What callers heard of each key, and what the vendors saw and did."""

    items: dict[str, Final]
    charges: dict[str, Final]
    seen: Counter[str]
    """Requests per key at the vendor without keys."""
    made: Counter[str]
    """Charges made per key."""

    @property
    def twice(self) -> list[str]:
        """Keys under which something was sent or done twice that must not be."""
        return [key for counts in (self.seen, self.made) for key, n in counts.items() if n > 1]

    @property
    def untrue(self) -> list[str]:
        """Keys whose caller was told that it happened, and it did not."""
        told = [key for key, end in self.items.items() if end == (201, "") and self.seen[key] != 1]
        return told + [key for key, end in self.charges.items() if end == (200, "") and self.made[key] != 1]

    @property
    def unknown(self) -> int:
        return sum(end == (502, "outcome_unknown") for end in self.items.values())


def kill_under_repeats(
    trunkline: Trunkline, simulator: SimulatorProcess, *, kills: int, callers: int, seed: int
) -> Kept:
    """Kills at seeded instants; afterwards every caller has heard something final about each of its acts."""
    simulator.latency("crm", first_ms=15)
    simulator.latency("stripe", first_ms=15)
    half = callers // 2
    asking = [
        *[Repeater(trunkline, ITEMS, {"name": "x"}, {}, f"item{n}") for n in range(half)],
        *[Repeater(trunkline, CHARGES, CHARGE, FORM, f"charge{n}") for n in range(half)],
    ]
    for caller in asking:
        caller.start()
    dice = random.Random(seed)
    for _ in range(kills):
        time.sleep(dice.uniform(0.1, 0.5))
        trunkline.kill()
    heard = sum(len(caller.final) for caller in asking)
    eventually(lambda: sum(len(c.final) for c in asking) > heard + callers, "answers after the last kill")
    for caller in asking:
        caller.stop.set()
    for caller in asking:
        caller.join(PATIENCE_S + 10)
        assert not caller.is_alive()
    ledger = simulator.ledger()
    return Kept(
        {key: end for caller in asking[:half] for key, end in caller.final.items()},
        {key: end for caller in asking[half:] for key, end in caller.final.items()},
        Counter(entry.idempotency_key for entry in ledger if entry.vendor == "crm"),
        Counter(entry.idempotency_key for entry in ledger if entry.vendor == "stripe" and entry.acted),
    )
