"""Has the contract changed? What was learned against what was seen since, fact by fact. Pure.

A fact that was never seen (a type, null, a word of a set, a field, its absence) counts as a change once `odds.appeared` is strong
enough; one that was there counts as gone once `odds.ceased` is. How strong is enough depends on how unusual it is that a stable API
shows such a thing late. What only one of several callers meets is that caller's doing, and waits. Not for: comparing two
descriptions (`compared.py`), where nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.ops.contracts.change import Change, harm_of
from trunkline.ops.contracts.evidence import PLACES_MAX, Evidence, Place, Tally
from trunkline.ops.contracts.observe import is_field, parent_of
from trunkline.ops.contracts.odds import appeared, ceased
from trunkline.ops.contracts.reading import ACCEPTED, REFUSED

USUAL = 1e4
"""At most one fact in so many is ever called changed by chance."""
UNUSUAL = 1e3
"""For what stable APIs hardly ever do late: another type, null, another format, another status. And for a word that is not used any
more, which harms nobody who reads it and is seldom by nature."""
ENOUGH = {
    "retyped": UNUSUAL,
    "nullable": UNUSUAL,
    "format": UNUSUAL,
    "widened": UNUSUAL,
    "status": UNUSUAL,
    "refused": UNUSUAL,
    "word removed": UNUSUAL,
}
UNITS_MIN = 3
"""Fewer are never a change, however long was watched before."""
CALLERS_MIN = 2
SET_UNITS = 10
SET_WORDS = 80
"""So many words at most are a set, after so many units."""
CODES = {"status": "status", "error status": "status", "outcome": "refused"}
"""Parts that hold nothing but codes, which are sets from the begin."""
FREE_FORMATS = frozenset(("text", "empty"))
_NOT_SEEN = Tally(0)


def judged(part: str, learned: Evidence, recent: Evidence) -> list[Change]:
    """The changes of one part, by place."""
    judge = _Judge(part, learned, recent)
    places = {**recent.places, **dict(_kinds_not_met(learned, recent))}
    found = [change for name, now in sorted(places.items()) for change in judge.place(name, now)]
    return renamed(found, learned, recent)


def _kinds_not_met(learned: Evidence, recent: Evidence) -> Iterator[tuple[str, Place]]:
    """Known kinds of objects that never came where objects did: nothing notes that they are missing, as it is noted of fields.

    Where no more places were taken in, nobody knows; nor in maps, whose values are not told apart.
    """
    if len(recent.places) >= PLACES_MAX:
        return
    for name in learned.places:
        inside = parent_of(name)
        if not name.endswith(">") or name in recent.places or inside in (*learned.maps, *recent.maps):
            continue
        if parent := recent.places.get(inside):
            yield name, Place(parent.count("t:object"), {})


class _Judge:
    """One part under judgement."""

    def __init__(self, part: str, learned: Evidence, recent: Evidence) -> None:
        self._part = part
        self._learned = learned
        self._active = recent.active()
        self._callers = min(CALLERS_MIN, len(self._active))

    def place(self, name: str, now: Place) -> Iterator[Change]:
        """What has changed at one place."""
        if self._in_map(name) or self._below_news(name):
            return
        before = self._learned.places.get(name)
        if before is None or not before.count("+"):
            yield from self._news(name, now)
            return
        for look in (self._presence, self._types, self._formats, self._words):
            yield from look(name, before, now)

    def _in_map(self, name: str) -> bool:
        return any(
            name.startswith(f"{place}/") and not name.startswith(f"{place}/{{}}")
            for place in self._learned.maps
        )

    def _below_news(self, name: str) -> bool:
        """Whether the parent itself is unknown, so that what lies in it is no news of its own."""
        parent = self._learned.places.get(parent_of(name))
        return bool(name) and (parent is None or not parent.count("+"))

    def _change(self, place: str, kind: str, was: str, now: str, evidence: str) -> Change:
        harm = harm_of(self._part, kind)
        return Change(part=self._part, place=place, kind=kind, was=was, now=now, harm=harm, evidence=evidence)

    def _come(self, kind: str, quiet: int, tally: Tally, population: int) -> bool:
        """Whether a fact that was never seen in `quiet` units is a change by now."""
        if tally.count < UNITS_MIN or len(tally.by) < self._callers:
            return False
        among = population - tally.first + 1
        return appeared(quiet, tally.first - 1, tally.count, among) >= ENOUGH.get(kind, USUAL)

    def _novel(self, kind: str, before: Place, now: Place, fact: str) -> str:
        """In words how a fact came that was never seen, if that is a change by now; else empty."""
        tally, quiet = now.facts[fact], before.population(fact)
        if not self._come(kind, quiet, tally, now.population(fact)):
            return ""
        return _told(quiet, tally, now.population(fact))

    def _gone(self, kind: str, before: Place, now: Place, fact: str) -> int:
        """In how many units a fact that was there has been missing, if that is a change by now; else 0."""
        old, tally = before.facts[fact], now.facts.get(fact, _NOT_SEEN)
        population = now.population(fact)
        missed = population - tally.last
        if missed < UNITS_MIN or not self._missed_by_many(fact, {*old.by, *tally.by}, tally, now):
            return 0
        had, of = old.count, before.population(fact)
        if before.declared and (fact != "+" or before.count("-")):
            had = of = 0  # what a description only allows is missed once it was there
        odds = ceased(had + tally.count, of + tally.last, missed, tally.gaps)
        return missed if odds >= ENOUGH.get(kind, USUAL) else 0

    def _missed_by_many(self, fact: str, had: set[str], tally: Tally, now: Place) -> bool:
        """Whether those who miss it are not one alone, and among them somebody who had it, if such still call."""
        instead = "-" if fact == "+" else "+" if fact.startswith("t:") else "t:string"
        lacking = now.facts.get(instead, _NOT_SEEN)
        missing = set(tally.without) if tally.count else set(lacking.by) or self._active
        still = had & self._active
        return len(missing) >= self._callers and (not still or not still.isdisjoint(missing))

    def _news(self, name: str, now: Place) -> Iterator[Change]:
        """A field, or a kind of object, that is not known. Items of arrays that were always empty are no news."""
        tally = now.facts.get("+")
        inside = parent_of(name)
        parent = self._learned.places.get(inside)
        if tally is None or parent is None or name.endswith(("/[]", "/{}")):
            return
        quiet = parent.count("+" if inside.endswith(">") else "t:object")
        kind = "added" if is_field(name) else "shape added"
        if self._come(kind, quiet, tally, now.n):
            yield self._change(name, kind, "", _types_of(now), _told(quiet, tally, now.n))

    def _presence(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        if not name or name.endswith(("/[]", "/{}")):
            return
        before_told = f"in {before.count('+')} of {before.n}, then"
        gone = self._gone("removed", before, now, "+")
        absent = now.facts.get("-")
        if gone:
            kind = "shape removed" if name.endswith(">") else "removed"
            yield self._change(name, kind, _types_of(before), "", f"{before_told} in none of {gone}")
        elif (
            is_field(name) and absent and not before.count("-") and self._novel("optional", before, now, "-")
        ):
            there, among = now.facts.get("+", _NOT_SEEN), now.n - absent.first + 1
            if there.last < absent.first:
                yield self._change(
                    name, "removed", _types_of(before), "", f"{before_told} in none of {among}"
                )
            else:
                told = f"{before_told} missing in {absent.count} of {among}"
                yield self._change(name, "optional", "", "", told)

    def _types(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        known = before.having("t:")
        if set(known) == {"null"}:
            return  # what comes where nothing ever came is no change
        for each in sorted(now.having("t:")):
            if each in known or (each == "integer" and "number" in known):
                continue
            kind = "nullable" if each == "null" else "retyped"
            if each == "number" and "integer" in known:
                kind = "widened"
            if told := self._novel(kind, before, now, f"t:{each}"):
                yield self._change(name, kind, _types_of(before), each, told)
        if "null" in known and set(now.having("t:")) <= set(known):
            yield from self._emptied(name, before, now)

    def _emptied(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        """What was null now and then, and has been nothing else since."""
        others = [f"t:{each}" for each in before.having("t:") if each != "null"]
        gone = [self._gone("emptied", before, now, fact) for fact in others]
        if gone and all(gone):
            told = f"null in {before.count('t:null')} of {before.count('+')}, then in all of {min(gone)}"
            yield self._change(name, "emptied", _types_of(before), "null", told)

    def _formats(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        """Only where every value had one and the same format, and one that says something."""
        known = before.having("f:")
        if len(known) != 1 or not FREE_FORMATS.isdisjoint(known):
            return
        (was,) = known
        for each in sorted(now.having("f:")):
            if (
                each not in known
                and each != "empty"
                and (told := self._novel("format", before, now, f"f:{each}"))
            ):
                yield self._change(name, "format", was, each, told)
                return

    def _words(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        kind = CODES.get(self._part, "word added")
        if self._part not in CODES and not is_set(before):
            return
        known = before.having("v:")
        for word in sorted(now.having("v:")):
            if word in known or (self._part == "outcome" and word in (ACCEPTED, REFUSED)):
                continue
            if told := self._novel(kind, before, now, f"v:{word}"):
                yield self._change(name, kind, "", word, told)
        if self._part == "outcome":
            yield from self._refused(name, before, now)
        for word, count in sorted(known.items()) if self._part not in CODES else ():
            gone = self._gone("word removed", before, now, f"v:{word}")
            if gone:
                told = f"in {count} of {before.count('t:string')}, then in none of {gone}"
                yield self._change(name, "word removed", word, "", told)

    def _refused(self, name: str, before: Place, now: Place) -> Iterator[Change]:
        """Refusals that do not say what they want are anybody's mistake, until nothing is accepted any more."""
        if not before.count(f"v:{ACCEPTED}"):
            return
        gone = self._gone("accepted", before, now, f"v:{ACCEPTED}")
        if gone and now.count(f"v:{REFUSED}"):
            had = f"{before.count(f'v:{ACCEPTED}')} of {before.count('t:string')}"
            yield self._change(
                name, "refused", ACCEPTED, REFUSED, f"accepted in {had}, then in none of {gone}"
            )


def is_set(place: Place) -> bool:
    """Whether the words at a place look like a closed set: few, repeated, hardly any of them seen only once."""
    words = place.having("v:")
    if place.declared:
        return bool(words)
    if "~" in place.facts or not words or len(words) > SET_WORDS or place.count("t:string") < SET_UNITS:
        return False
    times, once = sum(words.values()), sum(count == 1 for count in words.values())
    # Words seen once tell how many there are that were not seen yet: one in twenty at most is as good as closed.
    return len(words) <= times / 4 and once <= max(len(words) / 3, times / 20)


def _told(quiet: int, tally: Tally, population: int) -> str:
    among = population - tally.first + 1
    return f"never in {quiet + tally.first - 1}, then in {tally.count} of {among}"


def _types_of(place: Place) -> str:
    return "|".join(sorted(place.having("t:")))


def renamed(changes: list[Change], learned: Evidence, recent: Evidence) -> list[Change]:
    """A field that went and one of its type that came in the same object are one change."""
    out = list(changes)
    for gone in [change for change in changes if change.kind == "removed"]:
        for come in [change for change in out if change.kind == "added"]:
            if parent_of(come.place) == parent_of(gone.place) and _alike(
                gone.place, come.place, learned, recent
            ):
                out = [change for change in out if change not in (gone, come)]
                was, now = (each.place.rpartition("/")[2] for each in (gone, come))
                told = f"{was} {gone.evidence}; {now} {come.evidence}"
                harm = harm_of(gone.part, "renamed")
                out.append(
                    Change(
                        part=gone.part,
                        place=gone.place,
                        kind="renamed",
                        was=was,
                        now=now,
                        harm=harm,
                        evidence=told,
                    )
                )
                break
    return out


def _alike(old: str, new: str, learned: Evidence, recent: Evidence) -> bool:
    """Whether what came looks like what went: the same types and formats."""
    was, now = learned.places[old], recent.places[new]
    kinds, formats = set(now.having("t:")), set(now.having("f:"))
    return kinds <= set(was.having("t:")) and formats <= set(was.having("f:")) | FREE_FORMATS
