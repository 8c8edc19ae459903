"""What differs between two contracts of one operation, where both are known for sure: two descriptions, or two locks. Pure.

Nothing is left to chance here. Not for: what was seen by and by (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.ops.contracts.change import Change, harm_of
from trunkline.ops.contracts.evidence import Evidence, Place
from trunkline.ops.contracts.judge import is_set
from trunkline.ops.contracts.observe import is_field, parent_of
from trunkline.ops.contracts.watch import Contract


def compared(old: Contract, new: Contract) -> list[Change]:
    """The changes from one to the other, by part and place. A part that only one of them knows is not compared."""
    found: list[Change] = []
    for part in sorted({*old, *new}):
        if part in old and part in new:
            found += _part(part, old[part], new[part])
        elif part.startswith("event ") and any(each.startswith("event ") for each in new) and part in old:
            found.append(_change(part, "", "removed", "", ""))
        elif part.startswith("event ") and any(each.startswith("event ") for each in old):
            found.append(_change(part, "", "added", "", ""))
    return found


def _part(part: str, old: Evidence, new: Evidence) -> Iterator[Change]:
    for place in sorted({*old.places, *new.places}):
        before, after = old.places.get(place), new.places.get(place)
        inside = parent_of(place)
        if place and (inside not in old.places or inside not in new.places):
            continue  # what lies in something that came or went is no change of its own
        if (
            before is not None
            and before.count("+")
            and not before.declared
            and (after is None or after.declared)
        ):
            yield from _seen_and_described(part, place, before, after)
        elif after is None or not after.count("+"):
            if before is not None and before.count("+") and not place.endswith(("/[]", "/{}")):
                kind = "removed" if is_field(place) else "shape removed"
                yield _change(part, place, kind, _types(before), "")
        elif before is None or not before.count("+"):
            yield from _came(part, place, after, described=after.declared and not _described(old))
        else:
            yield from _place(part, place, before, after)


def _described(evidence: Evidence) -> bool:
    return any(place.declared for place in evidence.places.values())


def _came(part: str, place: str, after: Place, *, described: bool) -> Iterator[Change]:
    """`described`: only the description knows it, so that it need not be new at all."""
    demanded = part == "request" and is_field(place) and not after.count("-")
    if place.endswith(("/[]", "/{}")) or (described and not demanded):
        return
    kind = "required" if demanded else "added" if is_field(place) else "shape added"
    yield _change(part, place, kind, "", _types(after))


def _seen_and_described(part: str, place: str, before: Place, after: Place | None) -> Iterator[Change]:
    """What was seen in calls against what a description allows: that it allows more says nothing."""
    if after is None:
        if is_field(place):
            yield _change(part, place, "undocumented", _types(before), "")
        return
    was, allowed = set(before.having("t:")), set(after.having("t:"))
    if "number" in allowed:
        allowed.add("integer")
    if allowed and not was <= allowed:
        yield _change(part, place, "retyped", _types(before), _types(after))
    if part == "request" and before.count("-") and not after.count("-") and is_field(place):
        yield _change(part, place, "required", "", "")
    if part == "request" and is_set(after):
        for word in sorted(set(before.having("v:")) - set(after.having("v:"))):
            yield _change(part, place, "word removed", word, "")


def _place(part: str, place: str, before: Place, after: Place) -> Iterator[Change]:
    if is_field(place) and bool(before.count("-")) != bool(after.count("-")):
        if part == "request" and before.count("-"):
            yield _change(part, place, "required", "", "")
        elif part != "request" and after.count("-"):
            yield _change(part, place, "optional", "", "")
    was, now = set(before.having("t:")), set(after.having("t:"))
    come, gone = now - was, was - now
    if "number" in was:
        come -= {"integer"}
    if part == "request":  # what is no longer taken hurts; what is taken too does not
        come = gone if gone and not (gone == {"integer"} and "number" in now) else set()
    if come and was and now:
        yield _change(
            part, place, "nullable" if come == {"null"} else "retyped", _types(before), _types(after)
        )
    yield from _formats(part, place, before, after)
    yield from _words(part, place, before, after)


def _formats(part: str, place: str, before: Place, after: Place) -> Iterator[Change]:
    was, now = set(before.having("f:")), set(after.having("f:"))
    if len(was) == 1 and len(now) == 1 and was != now and was != {"text"}:
        yield _change(part, place, "format", was.pop(), now.pop())


def _words(part: str, place: str, before: Place, after: Place) -> Iterator[Change]:
    if not is_set(before) or not is_set(after):
        return
    was, now = set(before.having("v:")), set(after.having("v:"))
    kind = "status" if part == "status" else "word added"
    for word in sorted(now - was):
        yield _change(part, place, kind, "", word)
    for word in sorted(was - now):
        yield _change(part, place, "word removed", word, "")


def _change(part: str, place: str, kind: str, was: str, now: str) -> Change:
    return Change(part=part, place=place, kind=kind, was=was, now=now, harm=harm_of(part, kind))


def _types(place: Place) -> str:
    return "|".join(sorted(place.having("t:")))
