"""S13: 10,000 wrong keys. How long each kind of wrong key takes to be refused, what the gateway answers, and what it writes down."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from tests.support.caller import Line, request
from tests.support.gateway import Trunkline
from trunkline.core.errors import CallError
from trunkline.core.service import Callers
from trunkline.plugins.policies.access import Access
from trunkline.testing import KEY, FakeClock, caller_key
from trunkline.testing import request as made_request
from trunkline.testing.trial import PEPPER, TOKEN_KEY


@dataclass
class Guessed:
    """What became of the guesses at a running gateway."""

    statuses: dict[int, int] = field(default_factory=dict)
    log_lines: int = 0
    """Further lines on standard error."""
    records: int = 0
    """Further calls in the journal."""
    right_key: int = 0
    """What the right key got from the same address afterwards."""
    other_bodies: int = 0
    """Refusals whose text told of the key."""


def kinds() -> dict[str, str]:
    """By how near it comes: nothing right, the right beginning, all but the last sign, all but the first, one sign too many."""
    last = "a" if KEY[-1] != "a" else "b"
    return {
        "nothing right": "tl_" + "x" * (len(KEY) - 3),
        "first half right": KEY[: len(KEY) // 2] + "x" * (len(KEY) - len(KEY) // 2),
        "all but the last": KEY[:-1] + last,
        "all but the first": "tl_" + last + KEY[4:],
    }


def timing(rounds: int) -> dict[str, float]:
    """Median microseconds to refuse a key of each kind, asked in turn, each time from another address so that none is locked."""
    clock = FakeClock()
    access = Access(Callers(version="1", keys=[caller_key()]), PEPPER, TOKEN_KEY, wall=clock.wall)
    took: dict[str, list[int]] = {name: [] for name in kinds()}
    for number in range(rounds):
        for at, (name, key) in enumerate(kinds().items()):
            asked: Any = made_request("GET", "/x", key=key)
            asked.peer = f"10.{at}.{number >> 8 & 255}.{number & 255}"
            begun = time.perf_counter_ns()
            try:
                access.identify(asked)
            except CallError:
                took[name].append(time.perf_counter_ns() - begun)
    return {name: statistics.median(some) / 1000 for name, some in took.items()}


def guess(gateway: Trunkline, times: int) -> Guessed:
    """So many wrong keys over kept connections, and the right one at last."""
    found = Guessed()
    lines, records = len(gateway.errors.splitlines()), len(gateway.calls())
    asked = 0
    while asked < times:
        with Line(gateway.port) as line:
            for _ in range(min(500, times - asked)):
                key = f"tl_guess{asked:032d}"
                line.send(request("GET", "/v1/models", {"authorization": f"Bearer {key}"}))
                answer = line.answer()
                found.statuses[answer.status] = found.statuses.get(answer.status, 0) + 1
                found.other_bodies += key.encode() in answer.body
                asked += 1
                if answer.field("connection") == "close":
                    break
    found.right_key = gateway.call("GET", "/v1/models").status
    found.log_lines = len(gateway.errors.splitlines()) - lines
    found.records = len(gateway.calls()) - records
    return found
