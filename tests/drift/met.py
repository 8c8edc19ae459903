"""How often callers meet what a mutant changes: what hardly any reply holds can neither hurt many nor be told from chance.

Told twice: how often they meet the place, and how often the change itself where it does not show in every reply that has the place.

Counted over calls drawn for this alone. Knows nothing of the detector. Not for: choosing the place (`mutations.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tests.drift.contract import Contract
from tests.drift.mutations import NEW_WORD, Mutant
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


def shows(mutant: Mutant, seed: int) -> float:
    """In what share of the mutant's replies its change is to be seen, for operators by which only some of them change."""
    test = PARTLY.get(mutant.operator)
    if test is None:
        return 1.0
    *above, last = mutant.places[0].split("/")[1:]
    replies = drawn(mutant.contract, seed)
    there = sum(
        any(
            isinstance(holder, dict) and test(holder, last)
            for tree in reply.get(mutant.part, ())
            for holder in at(tree, above)
        )
        for reply in replies
    )
    return there / len(replies)


PARTLY: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "add_field": lambda holder, name: name in holder,
    "make_nullable": lambda holder, name: holder.get(name, "") is None,
    "make_optional": lambda holder, name: name not in holder,
    "new_enum_value": lambda holder, name: holder.get(name) == NEW_WORD,
}


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
