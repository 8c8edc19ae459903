"""Whether an answer that was to follow a JSON Schema does. Vendors enforce schemas to different degrees: some leave out keywords, some are
only told of the schema. What they answer is checked here, and a misfit is told.

The keywords that vendors' structured outputs know, and a few more; others are passed over, so that nothing is called a misfit that is none.
Pure and bounded: at most MOST values are looked at. Not for: the schemas of arguments of tools, which the caller's own code must check
anyway, nor whether a text is JSON at all where no schema was given (`repair.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from trunkline.core.codec import DecodeError, from_json

MOST = 5_000
_DEEPEST = 64
_LISTED_AS_ONE = 64
"""So many comparisons with listed values cost as much as looking at a value."""
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def misfit(text: str, schema: Any) -> str:
    """What is wrong with an answer, in words that hold nothing of it; empty if it fits, or if that would take too long to say."""
    try:
        value = from_json(text)
    except DecodeError:
        return "no JSON"
    checker = _Checker(schema)
    try:
        return next(checker.wrong(value, schema, 0), "")
    except (_TooMuch, RecursionError, TypeError, ValueError):  # the caller's schema may be none
        return ""


class _TooMuch(Exception):
    """There is more to look at than is worth the time."""


class _Checker:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._left = MOST

    def wrong(self, value: Any, schema: Any, depth: int) -> Iterator[str]:
        """What does not fit, one after the other."""
        self._left -= 1 + _listed(schema) // _LISTED_AS_ONE
        if self._left < 0 or depth > _DEEPEST:
            raise _TooMuch
        if schema is False:
            yield "a member that is not allowed"
        if not isinstance(schema, dict):
            return
        if isinstance(schema.get("$ref"), str):
            yield from self.wrong(value, self._at(schema["$ref"]), depth + 1)
        yield from _kind(value, schema)
        yield from _bounds(value, schema)
        yield from self._choices(value, schema, depth)
        if isinstance(value, dict):
            yield from self._members(value, schema, depth)
        elif isinstance(value, list):
            for one in value if "items" in schema else ():
                yield from self.wrong(one, schema["items"], depth + 1)

    def _members(self, value: dict[str, Any], schema: dict[str, Any], depth: int) -> Iterator[str]:
        inner = _object(schema.get("properties"))
        if any(name not in value for name in schema.get("required") or ()):
            yield "a member is missing"
        for name, one in value.items():
            if name in inner:
                yield from self.wrong(one, inner[name], depth + 1)
            elif "patternProperties" not in schema and "additionalProperties" in schema:
                yield from self.wrong(one, schema["additionalProperties"], depth + 1)

    def _choices(self, value: Any, schema: dict[str, Any], depth: int) -> Iterator[str]:
        for one in schema.get("allOf") or ():
            yield from self.wrong(value, one, depth + 1)
        for name in ("anyOf", "oneOf"):
            listed = schema.get(name)
            if isinstance(listed, list) and all(any(self.wrong(value, one, depth + 1)) for one in listed):
                yield "none of the forms that it may have"

    def _at(self, ref: str) -> Any:
        """What a reference within the schema leads to; what leads elsewhere is not known."""
        if not ref.startswith("#"):
            return True
        found = self._root
        for part in ref[1:].split("/")[1:]:
            found = _object(found).get(part.replace("~1", "/").replace("~0", "~"), True)
        return found


def _listed(schema: Any) -> int:
    """How many values and names a schema lists: each value is compared with them."""
    lists = (_object(schema).get(name) for name in ("enum", "required"))
    return sum(len(one) for one in lists if isinstance(one, list))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _kind(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    named = schema.get("type")
    kinds = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    known = [kind.lower() for kind in kinds if isinstance(kind, str) and kind.lower() in _TYPES]
    if known and len(known) == len(kinds) and not any(_is(value, kind) for kind in known):
        yield "a value of another type"
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        yield "a value that is not one of those listed"
    if "const" in schema and value != schema["const"]:
        yield "a value that is not the one given"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _bounds(value: Any, schema: dict[str, Any]) -> Iterator[str]:
    size: Any = None
    if isinstance(value, str):
        size, least, most = len(value), "minLength", "maxLength"
    elif isinstance(value, list):
        size, least, most = len(value), "minItems", "maxItems"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        size, least, most = value, "minimum", "maximum"
        for name, beyond in (("exclusiveMinimum", value.__le__), ("exclusiveMaximum", value.__ge__)):
            if _beyond(schema.get(name), beyond):
                yield "a value beyond its bounds"
    if size is None:
        return
    if _beyond(schema.get(least), lambda bound: size < bound) or _beyond(
        schema.get(most), lambda bound: size > bound
    ):
        yield "a value beyond its bounds"
    pattern = schema.get("pattern")
    if (
        isinstance(value, str)
        and isinstance(pattern, str)
        and _plain(pattern)
        and not re.search(pattern, value)
    ):
        yield "a text that is not as its pattern says"


def _beyond(bound: Any, tells: Callable[[Any], Any]) -> bool:
    return isinstance(bound, int | float) and not isinstance(bound, bool) and tells(bound) is True


_PLAIN = re.compile(
    r"(?:\^(?:\[[^\]\\]+\]|[A-Za-z0-9_ -])(?:\{\d{1,3}(?:,\d{0,3})?\}|[+*?])?|(?:\[[^\]\\]+\]|[A-Za-z0-9_ -]))\$?"
)


def _plain(pattern: str) -> bool:
    """Only patterns that cannot take long: one class of characters, repeated only from the begin; anywhere else each place is a new try."""
    if _PLAIN.fullmatch(pattern) is None:
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
