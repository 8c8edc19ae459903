"""One body -> what it shows of its shape: at which places something was or was missing, of which type, format and value.

A place is a path: `/data/[]/status`; items of an array under `[]`, values of an object whose keys are data under `{}`, objects that
name their own kind under `<kind>`: `/content/[]<text>/text`. Bodies may be enormous or hostile: what is looked at is bounded.
Pure. Not for: counting over bodies (`evidence.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from trunkline.ops.contracts.formats import (
    PERSONAL,
    SECRET,
    WRITTEN,
    is_code,
    is_random_key,
    is_word,
    number_format,
    text_format,
    word_of,
)

NODES_MAX = 20_000
DEPTH_MAX = 16
ITEMS_MAX = 60
FIELDS_MAX = 400
NAME_CHARS = 80
VALUES_MAX = 64
"""Different words at one place of one body; more are no set."""
KIND = "type"
"""The field by which objects in an array, or below one, say which of several shapes they have."""
MODEL = "model"
"""Dated names of models are what callers chose, however few they use."""
MAP = "{}"
"""Stands as name for the values of a map."""
FREE = frozenset(
    ("metadata", "meta_data", "labels", "custom_fields", "customfields", "properties", "variables", "user_data", "userdata", "custom_data",
     "custom_attributes", "unknown_fields")
)  # fmt: skip
"""Names of objects whose keys are whoever's who uses the API."""
OPAQUE = frozenset(
    ("input", "args", "arguments", "parameters", "input_schema", "json_schema", "schema", "inputschema",
     "payload_json", "previous_attributes")
)  # fmt: skip
"""Names of objects whose whole content is the user's; they are not looked into."""

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,80}")

Word = tuple[str, str]
"""A text of a request, with the bare name under which it stood."""
Facts = set[str]
"""Of a place: `+` there, `-` missing, `t:string`, `f:date-time`, `v:succeeded`; `~` for words too many to be a set."""


class Seen:
    """What one body shows, or several that count as one."""

    __slots__ = ("_echo", "_left", "_maps", "_open", "_times", "objects", "places")

    def __init__(self, maps: Collection[str] = (), echo: Collection[Word] = ()) -> None:
        """`maps`: places of objects whose keys are known to be data. `echo`: words of the request, which
        are nobody's news where they come back under their name.
        """
        self.places: dict[str, Facts] = {}
        self.objects: dict[str, int] = {}
        """How many objects with fields stood at a place."""
        self._times: dict[str, int] = {}
        self._maps = maps
        self._echo = echo
        self._open: Collection[int] = ()
        self._left = NODES_MAX

    def body(self, tree: Any, known: Collection[str] = (), incomplete: Collection[int] = ()) -> None:
        """Takes in one body. Of the places that are `known`, those are noted as missing that an object at their parent lacks;
        objects whose `id` is among the `incomplete` lack nothing.
        """
        self._left = NODES_MAX
        self._open = incomplete
        self._value("", "", tree, 0)
        if self._left < 0:
            return  # what was not looked at is not missing
        for place in known:
            there = self.objects.get(parent_of(place), 0)
            if there > self._times.get(place, 0) and is_field(place):
                self.fact(place, "-")

    def merge(self, other: Seen) -> None:
        """Takes in what another body shows."""
        for place, facts in other.places.items():
            for fact in facts:
                self.fact(place, fact)
        for place, times in other.objects.items():
            self.objects[place] = self.objects.get(place, 0) + times

    def fact(self, place: str, fact: str) -> None:
        """Notes one fact; of words only so many."""
        facts = self.places.setdefault(place, set())
        if fact.startswith("v:") and len(facts) > VALUES_MAX and fact not in facts:
            fact = "~"
        facts.add(fact)

    def _value(self, place: str, name: str, value: Any, depth: int) -> None:
        self._left -= 1
        self.fact(place, "+")
        if self._left < 0:
            return
        match value:
            case None:
                self.fact(place, "t:null")
            case bool():
                self.fact(place, "t:boolean")
            case int():
                self.fact(place, "t:integer")
                form = number_format(value, name)
                if form:
                    self.fact(place, f"f:{form}")
            case float():
                self.fact(place, "t:number")
            case str():
                self.fact(place, "t:string")
                self._text(place, name, value)
            case list():
                self.fact(place, "t:array")
                self._items(place, name, value, depth)
            case dict():
                self.fact(place, "t:object")
                if depth < DEPTH_MAX and name.lower() not in OPAQUE:
                    self._object(place, name, value, depth)

    def _text(self, place: str, name: str, value: str) -> None:
        form = text_format(value)
        self.fact(place, f"f:{form}")
        if (form == "text" or is_code(value, name)) and (
            not self._echo or (bare(name), value) not in self._echo
        ):
            word = "" if self._private(name) else value if form != "text" else word_of(value)
            self.fact(place, f"v:{word}" if word and not (word != value and MODEL in bare(name)) else "~")

    @staticmethod
    def _private(name: str) -> bool:
        """Whether words under this name may be anybody's, or open something."""
        return name == MAP or bool(PERSONAL.search(name) or SECRET.search(name) or WRITTEN.search(name))

    def _items(self, place: str, name: str, value: list[Any], depth: int) -> None:
        if depth >= DEPTH_MAX:
            return
        for item in spread(value):
            # What is said of an object by its name (`metadata`) is not said of the objects in an array of that name.
            self._value(f"{place}/[]", "" if isinstance(item, dict) else name, item, depth + 1)

    def _object(self, place: str, name: str, value: dict[str, Any], depth: int) -> None:
        if place in self._maps or len(value) > FIELDS_MAX or looks_like_map(name, value):
            for item in spread(list(value.values())):
                self._value(f"{place}/{{}}", MAP, item, depth + 1)
            return
        inside = place
        kind = value.get(KIND) if depth else None
        if isinstance(kind, str) and is_word(kind):
            inside = f"{place}<{kind}>"
            self.fact(inside, "+")
            self._field(place, KIND, kind, depth)
        if id(value) not in self._open:
            for one in {place, inside}:
                self.objects[one] = self.objects.get(one, 0) + 1
        for key, item in value.items():
            if is_data(key):
                self._value(f"{inside}/{{}}", MAP, item, depth + 1)
            elif (inside == place or key != KIND) and _NAME.fullmatch(key):
                self._field(inside, key, item, depth)

    def _field(self, inside: str, key: str, item: Any, depth: int) -> None:
        place = f"{inside}/{escaped(key)}"
        self._times[place] = self._times.get(place, 0) + 1
        self._value(place, key, item, depth + 1)


@lru_cache(maxsize=1 << 16)
def is_field(place: str) -> bool:
    """Whether a place is a named field, rather than an item, a value of a map, or one of several shapes."""
    return not place.endswith(("/[]", "/{}", ">")) and place != ""


def is_data(key: str) -> bool:
    """Whether one key among names of fields is data all the same, e.g. an address or an id."""
    return (len(key) > 12 or not key.isidentifier()) and is_random_key(key)


def looks_like_map(name: str, value: dict[str, Any]) -> bool:
    """Whether the keys of an object are data by the look of it."""
    if name.lower() in FREE:
        return True
    return bool(value) and all(is_random_key(key) for key in value)


def spread(items: list[Any]) -> list[Any]:
    """At most `ITEMS_MAX` of them: from the begin, and evenly from the rest."""
    if len(items) <= ITEMS_MAX:
        return items
    first = ITEMS_MAX // 2
    step = (len(items) - first) / (ITEMS_MAX - first)
    return [*items[:first], *(items[first + int(n * step)] for n in range(ITEMS_MAX - first))]


def escaped(key: str) -> str:
    """A key as part of a place (RFC 6901), with what has a meaning in places escaped too."""
    key = key.replace("~", "~0").replace("/", "~1")
    return key.replace("<", "~3").replace(">", "~4") if "<" in key or ">" in key else key


@lru_cache(maxsize=1 << 14)
def bare(name: str) -> str:
    """A name without how it is written: `VoiceMethod` and `voice_method` are one."""
    return name.replace("_", "").replace("-", "").lower()


@lru_cache(maxsize=1 << 16)
def parent_of(place: str) -> str:
    """The place that holds this one."""
    if place.endswith(">"):
        return place[: place.rindex("<")]
    return place.rpartition("/")[0]
