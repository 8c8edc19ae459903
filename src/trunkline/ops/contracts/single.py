"""What one single answer proves against a contract: what is new, of another type, or missing though it was always there. Pure.

For checks, where one answer has to do. Not for: traffic (`judge.py`), which may wait until chance is out of the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from trunkline.core.sample import Sample
from trunkline.core.service import ErrorShape
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts.change import Change, harm_of
from trunkline.ops.contracts.evidence import Evidence, Place
from trunkline.ops.contracts.judge import CODES, is_set
from trunkline.ops.contracts.observe import Seen, is_field, parent_of
from trunkline.ops.contracts.reading import error_parts, parts_of


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer under judgement. Names of header fields are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


def differences(
    answer: Answer, locked: locks.LockedOperation, errors: locks.LockedOperation | None
) -> list[Change]:
    """What one single answer shows that the lock does not know, and what it lacks that the lock has always seen."""
    contract = locks.contract_of(locked)
    sample = _sample(answer)
    if answer.status >= 400:
        contract = locks.contract_of(errors) if errors is not None else {}
        parts = error_parts(sample, _known(contract), _maps(contract), always=True)
    else:
        parts = parts_of(sample, _known(contract), _maps(contract), ErrorShape())
    found: list[Change] = []
    for part, seen in parts.items():
        if part in contract and part != "outcome":
            found += one_answer(part, contract[part], seen)
    return found


def _known(contract: dict[str, Evidence]) -> dict[str, set[str]]:
    return {part: set(evidence.places) for part, evidence in contract.items()}


def _maps(contract: dict[str, Evidence]) -> dict[str, list[str]]:
    return {part: evidence.maps for part, evidence in contract.items()}


def _sample(answer: Answer) -> Sample:
    media = answer.headers.get("content-type", "")
    fields: dict[str, Any] = dict.fromkeys(
        ("call_id", "correlation_id", "integration", "operation", "version", "model", "key_id", "team"), ""
    )
    fields |= dict.fromkeys(("feature", "subject_hash", "request_type", "method", "path"), "")
    return Sample(
        **fields,
        at_us=0,
        status=answer.status,
        request=b"",
        request_cut=False,
        response_type=media,
        response=answer.body,
        response_cut=False,
        stream=media.startswith("text/event-stream"),
    )


def one_answer(part: str, learned: Evidence, seen: Seen) -> Iterator[Change]:
    """Differences that a single answer proves. Whether something that comes and goes should have been there, it cannot tell."""
    for place, facts in sorted(seen.places.items()):
        before = learned.places.get(place)
        parent = learned.places.get(parent_of(place))
        if before is None or not before.count("+"):
            if "+" in facts and (parent is not None or not place) and not place.endswith(("/[]", "/{}")):
                yield _change(part, place, "added" if is_field(place) else "shape added", "", _types(facts))
            continue
        if "-" in facts and is_field(place) and before.count("+") and not before.count("-"):
            yield _change(part, place, "removed", "|".join(sorted(before.having("t:"))), "")
        known = set(before.having("t:"))
        for fact in sorted(fact for fact in facts if fact.startswith("t:")):
            kind = fact[2:]
            if (
                known
                and kind not in known
                and not (kind == "integer" and "number" in known)
                and known != {"null"}
            ):
                name = (
                    "nullable"
                    if kind == "null"
                    else "widened"
                    if (kind, known) == ("number", {"integer"})
                    else "retyped"
                )
                yield _change(part, place, name, "|".join(sorted(known)), kind)
        if part in CODES or is_set(before):
            words = {fact[2:] for fact in facts if fact.startswith("v:")} - set(before.having("v:"))
            for word in sorted(words):
                yield _change(part, place, CODES.get(part, "word added"), "", word)
        yield from _format(part, place, before, facts)


def _format(part: str, place: str, before: Place, facts: set[str]) -> Iterator[Change]:
    known = set(before.having("f:"))
    told = {fact[2:] for fact in facts if fact.startswith("f:")} - {"empty"}
    if len(known) == 1 and known.isdisjoint(("text", "empty")) and told and not told <= known:
        yield _change(part, place, "format", "|".join(known), "|".join(sorted(told - known)))


def _types(facts: set[str]) -> str:
    return "|".join(sorted(fact[2:] for fact in facts if fact.startswith("t:")))


def _change(part: str, place: str, kind: str, was: str, now: str) -> Change:
    return Change(part=part, place=place, kind=kind, was=was, now=now, harm=harm_of(part, kind))
