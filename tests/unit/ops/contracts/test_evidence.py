"""Counting what bodies show."""

from typing import Any

from trunkline.ops.contracts.evidence import PLACES_MAX, WORDS_MAX, Evidence, Place, Tally
from trunkline.ops.contracts.observe import Seen


def seen(tree: Any, evidence: Evidence) -> Seen:
    one = Seen(evidence.maps)
    one.body(tree, set(evidence.places))
    return one


def counted(*bodies: Any) -> Evidence:
    evidence = Evidence()
    for n, body in enumerate(bodies):
        evidence.add(seen(body, evidence), f"caller{n % 3}")
    return evidence


def test_facts_are_counted_where_they_could_be_seen() -> None:
    found = counted({"a": 1, "b": {"c": "x"}}, {"a": None}, {"a": 2, "b": {}}).places
    assert {
        name: (place.n, {fact: tally.count for fact, tally in place.facts.items()})
        for name, place in found.items()
    } == {
        "": (3, {"+": 3, "t:object": 3}),
        "/a": (3, {"+": 3, "t:integer": 2, "t:null": 1}),
        "/b": (3, {"+": 2, "-": 1, "t:object": 2}),
        "/b/c": (2, {"+": 1, "-": 1, "t:string": 1, "f:text": 1, "v:x": 1}),
    }


def test_a_place_that_comes_late_was_missing_before() -> None:
    place = counted({}, {}, {}, {"new": 1}).places["/new"]
    assert (place.n, place.facts["-"].count, place.facts["+"]) == (4, 3, Tally(1, 4, 4, 0, ["caller0"]))


def test_gaps_and_who_missed_it_since() -> None:
    place = counted({"a": 1}, {}, {"a": 1}, {}, {}).places["/a"]
    assert place.facts["+"] == Tally(2, 1, 3, 1, ["caller0", "caller2"], ["caller0", "caller1"])


def test_many_names_that_are_hardly_ever_seen_are_keys() -> None:
    names = [f"item{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)]
    evidence = counted(*({"by": {name: 1}} for name in names))
    assert (evidence.maps, [place for place in evidence.places if place.startswith("/by/")]) == (
        ["/by"],
        ["/by/{}"],
    )


def test_an_object_that_hardly_ever_comes_is_no_map_for_having_many_names() -> None:
    names = [f"item{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)]
    bodies = [{} for _ in range(50)] + [{"by": dict.fromkeys(names, 1)}, {"by": dict.fromkeys(names, 2)}]
    assert counted(*bodies).maps == []


def test_many_different_words_are_not_kept() -> None:
    words = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(WORDS_MAX + 1)]
    place = counted(*({"plan": word} for word in words)).places["/plan"]
    assert "~" in place.facts
    assert not place.having("v:")


def test_it_is_bounded() -> None:
    evidence = counted(
        *({f"f{n}_{m}x": {f"g{k}y": k for k in range(20)} for m in range(20)} for n in range(10))
    )
    assert len(evidence.places) <= PLACES_MAX
    assert len(counted(*({"a": 1} for _ in range(200))).callers) <= 6


def test_populations() -> None:
    place = Place(9, {"+": Tally(8), "t:string": Tally(6), "t:integer": Tally(2)})
    facts = ("+", "-", "t:null", "v:x", "f:uuid", "f:epoch-s")
    assert [place.population(fact) for fact in facts] == [9, 9, 8, 6, 6, 2]
