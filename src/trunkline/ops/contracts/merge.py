"""What holds once changes are accepted: the learned contract with what was seen since. Pure.

Only the places that changed are written anew, so that accepting one change is a small difference; `relearned` takes over everything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.evidence import Evidence, Place, Tally
from trunkline.ops.contracts.observe import parent_of
from trunkline.ops.contracts.watch import Contract, Operation


def accepted(operation: Operation, changes: Sequence[Change]) -> Contract:
    """The contract with these changes taken over and nothing else."""
    out = {
        part: Evidence(one.units, dict(one.places), list(one.maps)) for part, one in operation.learned.items()
    }
    for change in changes:
        recent = operation.recent.get(change.part)
        if recent is not None and change.part in out:
            _take(change, out[change.part], recent)
    return out


def relearned(operation: Operation, changes: Sequence[Change]) -> Contract:
    """Everything that was seen, summed up; what has ended by a change is left out."""
    out = {}
    for part in {*operation.learned, *operation.recent}:
        old, new = operation.learned.get(part, Evidence()), operation.recent.get(part, Evidence())
        gone = {
            change.place
            for change in changes
            if change.part == part and change.kind in ("removed", "renamed")
        }
        places = {
            place: _sum(old.places.get(place), new.places.get(place))
            for place in {*old.places, *new.places}
            if not _below(place, gone)
        }
        out[part] = Evidence(old.units + new.units, places, sorted({*old.maps, *new.maps}))
    return out


def _take(change: Change, into: Evidence, recent: Evidence) -> None:
    place = change.place
    if change.kind in ("removed", "renamed", "shape removed"):
        into.places = {name: known for name, known in into.places.items() if not _below(name, {place})}
        place = f"{parent_of(place)}/{change.now}" if change.kind == "renamed" else ""
        if not place:
            return
    for name in [each for each in recent.places if _below(each, {place})]:
        if name == place or name not in into.places:
            into.places[name] = _sum(into.places.get(name), recent.places[name])


def _below(place: str, tops: Iterable[str]) -> bool:
    return any(place == top or place.startswith((f"{top}/", f"{top}<")) for top in tops)


def _sum(old: Place | None, new: Place | None) -> Place:
    if old is None or new is None:
        only = old or new
        assert only is not None
        return only
    if old.declared:
        return _declared(old, new)
    facts, later = dict(_still(old, new)), _later(old, new)
    if old.having("t:") and not any(fact.startswith("t:") for fact in facts):
        return Place(
            later.n + old.count("-"), {**later.facts, **{f: t for f, t in facts.items() if f == "-"}}
        )
    for fact, tally in later.facts.items():
        facts[fact] = Tally(facts[fact].count + tally.count if fact in facts else tally.count)
    if "~" in facts:
        facts = {fact: tally for fact, tally in facts.items() if not fact.startswith("v:")}
    return Place(old.n + new.n, facts)


def _declared(old: Place, new: Place) -> Place:
    """A description's place, widened by what was seen."""
    facts = {**new.facts, **old.facts}
    if "~" not in old.facts:
        facts.pop("~", None)
    return Place(old.n, {fact: Tally(max(1, tally.count)) for fact, tally in facts.items()}, declared=True)


def _later(old: Place, new: Place) -> Place:
    """What was seen since, without the time before a fact of old was replaced."""
    over = {
        fact: new.facts[fact].count for fact in old.facts if fact in new.facts and _replaced(fact, old, new)
    }
    units = sum(count for fact, count in over.items() if fact.startswith("t:"))
    facts = {fact: tally for fact, tally in new.facts.items() if fact not in over}
    if units and "+" in facts:
        facts["+"] = Tally(max(0, facts["+"].count - units))
    return Place(max(0, new.n - units), facts)


def _still(old: Place, new: Place) -> Iterable[tuple[str, Tally]]:
    """The old facts without those that a newer one of their family has replaced."""
    for fact, tally in old.facts.items():
        if not _replaced(fact, old, new) and not _ended(fact, tally, new):
            yield fact, tally


def _replaced(fact: str, old: Place, new: Place) -> bool:
    """Whether a type or format has not come since another one came that is new."""
    family = fact[:2]
    if family not in ("t:", "f:") or fact == "t:null":
        return False
    fresh = [one.first for name, one in new.facts.items() if name[:2] == family and name not in old.facts]
    return bool(fresh) and (new.facts[fact].last if fact in new.facts else 0) < min(fresh)


def _ended(fact: str, tally: Tally, new: Place) -> bool:
    """A word that was there and never came again, though many others did."""
    return fact.startswith("v:") and fact not in new.facts and new.population(fact) > 10 * max(3, tally.count)


def difference(before: str, after: str, name: str) -> str:
    """A unified difference of two texts, without the lines about files."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
