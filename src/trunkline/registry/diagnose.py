"""Says everything that is wrong with the form of some data, each fault with its place and cure.

msgspec decides whether data fits a shape, but it stops at the first fault and cannot name a mapping's key; so only when it
refused is the data walked here, along the same types. Not for: what values mean together (`verify.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from .document import Place
from .findings import did_you_mean, one_of
from .references import FORMS, looks_secret


class Fault(NamedTuple):
    """One fault of form. `at_key`: the key is wrong, not its value."""

    place: Place
    code: str
    message: str
    cure: str
    value: str = ""
    at_key: bool = False


def faults(data: Any, shape: Any) -> list[Fault]:
    """All faults of `data` against a type; empty when it fits."""
    return [_veiled(fault) for fault in _walk(data, inspect.type_info(shape), ())]


_REFERENCES = {"secret", "ref", "refresh", "webhook_secret", "smtp_secret"}


def _veiled(fault: Fault) -> Fault:
    """The fault without its value wherever that could be a secret."""
    if _REFERENCES.isdisjoint(fault.place) and not looks_secret(f"{fault.message} {fault.value}"):
        return fault
    if fault.code in ("unknown-key", "missing-key") and not looks_secret(fault.message):
        return fault
    return fault._replace(
        value="", message="This is not what is needed here (the value is not shown).", cure=f"Write {FORMS}."
    )


_NAMES: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}
_WANTED: dict[type, str] = {
    inspect.StrType: "text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.ListType: "a list",
    inspect.DictType: "a mapping",
    inspect.StructType: "a mapping",
    inspect.NoneType: "nothing",
}


def _walk(data: Any, kind: inspect.Type, place: Place) -> Iterator[Fault]:
    title, example = "", ""
    if isinstance(kind, inspect.Metadata):
        extra = kind.extra_json_schema or {}
        title, example = str(extra.get("title", "")), ", ".join(f"`{x}`" for x in extra.get("examples", []))
        kind = kind.type
    if isinstance(kind, inspect.AnyType):
        return
    if isinstance(kind, inspect.UnionType):
        kind = _member(data, kind)
    if isinstance(kind, inspect.NoneType) and data is None:
        return
    if isinstance(kind, inspect.LiteralType):
        yield from _literal(data, kind, place)
    elif isinstance(kind, inspect.StructType) and isinstance(data, dict):
        yield from _struct(data, kind, place)
    elif isinstance(kind, inspect.DictType) and isinstance(data, dict):
        for key, value in data.items():
            if isinstance(kind.key_type, inspect.LiteralType):
                yield from _literal(key, kind.key_type, (*place, key), at_key=True)
            yield from _walk(value, kind.value_type, (*place, key))
    elif isinstance(kind, inspect.ListType) and isinstance(data, list):
        for n, value in enumerate(data):
            yield from _walk(value, kind.item_type, (*place, n))
    else:
        yield from _scalar(data, kind, place, title, example)


def _member(data: Any, union: inspect.UnionType) -> inspect.Type:
    """The member of a union that the data seems to mean."""
    for member in union.types:
        plain = member.type if isinstance(member, inspect.Metadata) else member
        if data is None and isinstance(plain, inspect.NoneType):
            return member
        if isinstance(data, list) and isinstance(plain, inspect.ListType):
            return member
        if isinstance(data, dict) and isinstance(plain, inspect.StructType | inspect.DictType):
            return member
        if isinstance(data, str) and isinstance(plain, inspect.StrType | inspect.LiteralType):
            return member
    return next((m for m in union.types if not isinstance(m, inspect.NoneType)), union.types[0])


def _struct(data: dict[str, Any], kind: inspect.StructType, place: Place) -> Iterator[Fault]:
    known = {field.encode_name: field for field in kind.fields}
    for key, value in data.items():
        if key in known:
            yield from _walk(value, known[key].type, (*place, key))
            continue
        cure = did_you_mean(key, known) or one_of(known)
        yield Fault((*place, key), "unknown-key", f"`{key}` is not known here.", cure, at_key=True)
    for name, field in known.items():
        if field.required and name not in data:
            yield Fault(place, "missing-key", f"`{name}` is missing.", f"Add `{name}:`.")


def _literal(data: Any, kind: inspect.LiteralType, place: Place, at_key: bool = False) -> Iterator[Fault]:
    if data in kind.values and not isinstance(data, bool):
        return
    known = [str(value) for value in kind.values]
    cure = (did_you_mean(str(data), known) + " " + one_of(known)).strip()
    yield Fault(
        place, "bad-value", f"{_shown(data)} is not one of the known values.", cure, str(data), at_key
    )


def _scalar(data: Any, kind: inspect.Type, place: Place, title: str, example: str) -> Iterator[Fault]:
    wanted = title or _WANTED.get(type(kind), "another value")
    cure = f"Write e.g. {example}." if example else ""
    if isinstance(kind, inspect.StrType) and isinstance(data, str):
        if kind.pattern and not re.search(kind.pattern, data):
            yield Fault(place, "bad-value", f"{_shown(data)} is no {wanted}.", cure, data)
    elif isinstance(kind, inspect.IntType | inspect.FloatType) and _numeric(data, kind):
        yield from _bounds(data, kind, place)
    elif not (isinstance(kind, inspect.BoolType) and isinstance(data, bool)):
        if (
            isinstance(kind, inspect.StrType)
            and isinstance(data, int | float)
            and not isinstance(data, bool)
            and not title
        ):
            cure = f'Put it in quotes: "{data}".'
        said = (
            "It is empty" if data is None else f"{_shown(data)} is {_NAMES.get(type(data), 'something else')}"
        )
        yield Fault(
            place, "bad-type", f"{said}; {wanted} is needed here.", cure, "" if data is None else str(data)
        )


def _numeric(data: Any, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.IntType) and isinstance(data, float):
        return data.is_integer()  # msgspec takes 2.0 for 2
    return isinstance(data, int | float) and not isinstance(data, bool)


def _bounds(data: float, kind: inspect.IntType | inspect.FloatType, place: Place) -> Iterator[Fault]:
    for bad, sign, bound in (
        (kind.ge is not None and data < kind.ge, "at least", kind.ge),
        (kind.gt is not None and data <= kind.gt, "more than", kind.gt),
        (kind.le is not None and data > kind.le, "at most", kind.le),
        (kind.lt is not None and data >= kind.lt, "less than", kind.lt),
    ):
        if bad:
            yield Fault(place, "bad-value", f"{data} is out of range.", f"Give {sign} {bound}.", str(data))


def _shown(data: Any) -> str:
    if isinstance(data, dict | list):
        return "This"
    text = str(data).lower() if isinstance(data, bool) else str(data)
    return f"`{text[:60]}`"


def fits(data: Any, shape: Any) -> Any:
    """The data as `shape`. Raises msgspec.ValidationError, upon which `faults` tells all."""
    return msgspec.convert(data, shape)
