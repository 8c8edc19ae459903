"""Calls to an operation as they happen: callers of unequal weight, sessions, pauses; each answered by the contract that then holds.

Gives samples as the gateway keeps them. Not for: what stands in a reply (`contract.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.drift.contract import EPOCH, Constant, Context, Contract, Event, Fields, Member, Text
from trunkline.core.sample import Sample

WEIGHTS = (0.5, 0.25, 0.13, 0.07, 0.05)
PAUSE_S = 90.0
WITHIN_S = 9.0
STAYS = 0.72
FAILS = 0.03


@dataclass
class Traffic:
    """The calls to one operation. `newcomer`: the last caller begins only when `let_in` is called."""

    contract: Contract
    rng: Random
    newcomer: bool = False
    at: datetime = EPOCH
    count: int = 0
    _caller: int = -1
    _memory: dict[int, Any] = field(default_factory=dict)

    def samples(self, count: int) -> Iterator[Sample]:
        """The next calls."""
        for _ in range(count):
            yield self.sample()

    def let_in(self) -> None:
        """From now on the newcomer calls, too."""
        self.newcomer = False

    def sample(self) -> Sample:
        """The next call."""
        self._next_caller()
        self.count += 1
        context = Context(self.rng, self._caller, self.at, self._memory)
        asked = self.contract.request.draw(context) if self.contract.request is not None else None
        status, media, body = self._answer(context)
        return Sample(
            call_id=f"call-{self.count}",
            at_us=int(self.at.timestamp() * 1e6),
            correlation_id=f"corr-{self.count}",
            integration=self.contract.vendor,
            operation=self.contract.name,
            method=self.contract.method,
            path=self.contract.path,
            version="",
            model="",
            status=status,
            key_id=f"key-{self._caller}",
            team="",
            feature="",
            subject_hash="",
            request_type="application/json" if asked is not None else "",
            request=json.dumps(asked).encode() if asked is not None else b"",
            request_cut=False,
            response_type=media,
            response=body,
            response_cut=False,
            stream=media.startswith("text/event-stream"),
        )

    def _next_caller(self) -> None:
        if self._caller >= 0 and self.rng.random() < STAYS:
            self.at += timedelta(seconds=self.rng.expovariate(1 / WITHIN_S))
            return
        self.at += timedelta(seconds=self.rng.expovariate(1 / PAUSE_S))
        weights = WEIGHTS[:-1] if self.newcomer else WEIGHTS
        self._caller = self.rng.choices(range(len(weights)), weights)[0]
        self._memory = {}

    def _answer(self, context: Context) -> tuple[int, str, bytes]:
        contract, rng = self.contract, self.rng
        if contract.refuses is not None and rng.random() < contract.refuses[0]:
            return contract.refuses[1], "application/json", _json(contract.refuses[2].draw(context))
        if contract.errors and rng.random() < FAILS:
            status, shape, _ = rng.choices(contract.errors, [often for _, _, often in contract.errors])[0]
            return status, "application/json", _json(shape.draw(context))
        if contract.stream:
            return contract.status, "text/event-stream", streamed(contract.stream, context)
        return contract.status, "application/json", _json(contract.reply.draw(context))


def _json(tree: Any) -> bytes:
    return json.dumps(tree).encode()


def streamed(events: list[Event], context: Context) -> bytes:
    """A stream of server-sent events."""
    lines = []
    for event in events:
        for _ in range(context.rng.randint(event.low, event.high)):
            tree = event.node.draw(context)
            data = tree if isinstance(event.node, Constant) else json.dumps(tree)
            lines.append(f"event: {event.name}\ndata: {data}\n\n" if event.named else f"data: {data}\n\n")
    return "".join(lines).encode()


def refusal(code: str, message: str, like: Fields) -> Fields:
    """An error of a vendor's usual shape that says something else."""
    members = {}
    for name, member in like.members.items():
        node = member.node
        if isinstance(node, Fields):
            node = refusal(code, message, node)
        elif name in ("code", "type"):
            node = Constant(what=code)
        elif name in ("message", "detail", "error") and isinstance(node, Text):
            node = Constant(what=message)
        members[name] = Member(node, member.often)
    return Fields(members=members)
