"""What was seen of one part of an operation (its replies, its requests, one kind of event), counted: at each place which facts, how often.

The unit is what one caller got within a minute: replies of one caller in a row are alike, and counting each would make chance look like
a change. Bounded: places, words at a place, and what is known of maps. Pure. Not for: judging (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from trunkline.ops.contracts.observe import Seen, is_field, parent_of

PLACES_MAX = 800
WORDS_MAX = 100
"""More different words at a place, and they are no set."""
MAP_NAMES = 24
"""An object with so many names, most of them hardly ever seen, has keys that are data."""
MAP_UNITS = 8
"""Units in which the object itself stood there."""
CALLERS_MAX = 6
LATELY = 50
"""Units."""


class Tally(msgspec.Struct, array_like=True):
    """How often a fact was seen. `first` and `last`: at which unit of those in which it could be seen, from 1."""

    count: int
    first: int = 1
    last: int = 0
    gaps: int = 0
    """How often it was missing in between."""
    by: list[str] = []
    """Callers that saw it, the first few."""
    without: list[str] = []
    """Callers that have missed it since it was last seen, the first few."""


class Place(msgspec.Struct):
    """A place. `n`: units in which it could have been there, because an object stood at its parent."""

    n: int
    facts: dict[str, Tally]
    declared: bool = False
    """Out of a description: what it allows may come at any time, and may never come."""

    def count(self, fact: str) -> int:
        tally = self.facts.get(fact)
        return tally.count if tally is not None else 0

    def population(self, fact: str) -> int:
        """Units in which this fact could have been seen."""
        if fact in ("+", "-"):
            return self.n
        if fact.startswith("t:"):
            return self.count("+")
        return self.count("t:integer" if fact in NUMERIC else "t:string")

    def having(self, family: str) -> dict[str, int]:
        """The facts of a family (`t:`, `f:`, `v:`) without its mark, with how often."""
        return {fact[2:]: tally.count for fact, tally in self.facts.items() if fact.startswith(family)}


NUMERIC = frozenset(("f:epoch-s", "f:epoch-ms", "f:epoch-us", "f:number"))


class Evidence(msgspec.Struct):
    """Everything seen of one part. `units`: how many."""

    units: int = 0
    places: dict[str, Place] = {}
    maps: list[str] = []
    """Places of objects whose keys are data."""
    callers: dict[str, int] = {}
    """Marks of who called -> the last unit in which they did; the latest few."""

    def add(self, seen: Seen, caller: str = "") -> None:
        """Takes in one unit. `caller`: a mark of whoever called, never a key."""
        self.units += 1
        self.callers[caller] = self.units
        if len(self.callers) > CALLERS_MAX:
            del self.callers[min(self.callers, key=lambda each: self.callers[each])]
        fresh = [place for place in seen.places if place not in self.places]
        for place in sorted(fresh, key=len) if fresh else ():
            if len(self.places) < PLACES_MAX:
                self.places[place] = self._begun(place)
        for name, known in self.places.items():
            facts = seen.places.get(name)
            if facts is not None or self._could(name, seen):
                _count(known, facts or MISSING, caller)
        if fresh:
            self._fold()

    def active(self) -> set[str]:
        """Who has called lately."""
        return {caller for caller, last in self.callers.items() if last > self.units - LATELY}

    def _begun(self, place: str) -> Place:
        """A place seen for the first time: until now it was missing wherever its parent was."""
        if not is_field(place):
            return Place(0, {})
        inside = parent_of(place)
        parent = self.places.get(inside)
        before = parent.count("+" if inside.endswith(">") else "t:object") if parent is not None else 0
        return Place(before, {"-": Tally(before, 1, before)} if before else {})

    @staticmethod
    def _could(place: str, seen: Seen) -> bool:
        return parent_of(place) in seen.objects if is_field(place) or place.endswith(">") else False

    def _fold(self) -> None:
        """Turns an object into a map once it has many names, most of which were hardly ever seen."""
        names: dict[str, list[int]] = {}
        for place, known in self.places.items():
            if is_field(place):
                names.setdefault(parent_of(place), []).append(known.count("+"))
        for parent, counts in names.items():
            if (
                len(counts) > MAP_NAMES
                and sum(c <= 2 for c in counts) > 0.7 * len(counts)
                and self._stood(parent) >= MAP_UNITS
            ):
                self.maps = sorted({*self.maps, parent})
                inside = f"{parent}/"
                self.places = {p: known for p, known in self.places.items() if not p.startswith(inside)}

    def _stood(self, place: str) -> int:
        known = self.places.get(place)
        return known.count("+") if known is not None else self.units


MISSING = frozenset("-")
_ORDER = {"+": 0, "-": 0, "t": 1}
"""Populations are counted before what they are the population of."""


def _count(place: Place, facts: Collection[str], caller: str) -> None:
    place.n += 1
    if "~" in facts or sum(fact.startswith("v:") for fact in {*place.facts, *facts}) > WORDS_MAX:
        _open(place)
    for fact in sorted(facts, key=lambda each: _ORDER.get(each[0], 2)):
        if not (fact.startswith("v:") and "~" in place.facts):
            _tally(place, fact, place.population(fact), caller)
    for fact, tally in place.facts.items():
        if fact not in facts and tally.last < place.population(fact):
            _among(tally.without, caller)


def _tally(place: Place, fact: str, now: int, caller: str) -> None:
    tally = place.facts.get(fact)
    if tally is None:
        place.facts[fact] = Tally(1, now, now, 0, [caller])
        return
    tally.count += 1
    tally.gaps += tally.last < now - 1
    tally.last = now
    if tally.without:
        tally.without = []
    _among(tally.by, caller)


def _among(callers: list[str], caller: str) -> None:
    if caller not in callers and len(callers) < CALLERS_MAX:
        callers.append(caller)


def _open(place: Place) -> None:
    """The words here are no set: they are not kept (they may be anybody's), only that they are words."""
    if "~" not in place.facts:
        place.facts = {fact: tally for fact, tally in place.facts.items() if not fact.startswith("v:")}
        place.facts["~"] = Tally(0)
