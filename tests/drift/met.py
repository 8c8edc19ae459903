"""How often callers meet the place that a mutant changes: what hardly any reply holds can neither hurt many nor be told from chance.

Counted over calls drawn for this alone. Knows nothing of the detector. Not for: choosing the place (`mutations.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.drift.contract import Contract
from tests.drift.mutations import Mutant
from tests.drift.traffic import Traffic
from trunkline.ops.contracts.reading import events

CALLS = 300
MET = 0.025
"""Of the calls: ten of those that are learned from, fifteen of those that follow."""

Reply = dict[str, list[Any]]
"""By part, what came in one reply."""


def drawn(contract: Contract, seed: int) -> list[Reply]:
    """Replies to some calls."""
    traffic = Traffic(contract, Random(f"met {contract.label} {seed}"))
    return [
        _parts(sample.response, stream=sample.stream)
        for sample in traffic.samples(CALLS)
        if sample.status < 400
    ]


def _parts(body: bytes, *, stream: bool) -> Reply:
    if not stream:
        return {"reply": [json.loads(body)]}
    found: Reply = {}
    for name, data in events(body):
        if data.startswith("{"):
            found.setdefault(f"event:{'' if name == 'message' else name}", []).append(json.loads(data))
    return found


def share(replies: Sequence[Reply], mutant: Mutant) -> float:
    """In what share of the replies the mutant's place is met, with the value that it takes away if it does."""
    if mutant.part != "reply" and not mutant.part.startswith("event:"):
        return 1.0
    steps = mutant.places[0].split("/")[1:] if mutant.places[0] else []
    if mutant.operator == "add_field":
        steps = steps[:-1]
    there = sum(
        any(_met(tree, steps, mutant.value) for tree in reply.get(mutant.part, ())) for reply in replies
    )
    return there / len(replies)


def _met(tree: Any, steps: Sequence[str], value: str) -> bool:
    return any(not value or found == value for found in at(tree, steps))


def at(tree: Any, steps: Sequence[str]) -> Iterator[Any]:
    """The values at a place that are not null."""
    if tree is None:
        return
    if not steps:
        yield tree
        return
    step, *rest = steps
    if isinstance(tree, list):
        inner = tree if step == "[]" else []
    elif isinstance(tree, dict):
        inner = list(tree.values()) if step == "{}" else [tree.get(step)]
    else:
        inner = []
    for item in inner:
        yield from at(item, rest)
