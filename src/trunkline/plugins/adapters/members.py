"""Taking members out of a caller's or vendor's JSON: of the expected type, or Untranslatable that names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trunkline.core.codec import DecodeError, from_json, to_json
from trunkline.core.conversation import Request, Untranslatable


def whole_object(body: bytes) -> dict[str, Any]:
    """A body that is one JSON object. Raises Untranslatable."""
    try:
        value = from_json(body)
    except DecodeError as problem:
        raise Untranslatable(f"it is no valid JSON: {problem}") from None
    if not isinstance(value, dict):
        raise Untranslatable("it is no JSON object")
    return value


def take_text(value: dict[str, Any], name: str) -> str:
    """Takes a member that is a string; empty where it is missing or null."""
    found = value.pop(name, None)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise Untranslatable(f"`{name}` is no string")
    return found


def take_list(value: dict[str, Any], name: str) -> list[Any]:
    """Takes a member that is a list; empty where it is missing or null."""
    found = value.pop(name, None)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Untranslatable(f"`{name}` is no list")
    return found


def take_object(value: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Takes a member that is an object; None where it is missing or null."""
    found = value.pop(name, None)
    if found is not None and not isinstance(found, dict):
        raise Untranslatable(f"`{name}` is no object")
    return found


def take_number(value: dict[str, Any], name: str) -> float | None:
    """Takes a member that is a number; an integer stays one."""
    found = value.pop(name, None)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Untranslatable(f"`{name}` is no number")
    return found


def take_int(value: dict[str, Any], name: str) -> int | None:
    """Takes a member that is a whole number."""
    found = take_number(value, name)
    if found is None:
        return None
    if found != int(found):
        raise Untranslatable(f"`{name}` is no whole number")
    return int(found)


def take_bool(value: dict[str, Any], name: str) -> bool | None:
    """Takes a member that is true or false."""
    found = value.pop(name, None)
    if found is not None and not isinstance(found, bool):
        raise Untranslatable(f"`{name}` is neither true nor false")
    return found


def beyond(said: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """The members of an object that are not known, in their order."""
    if said.keys() <= known:
        return {}
    return {name: value for name, value in said.items() if name not in known}


def an_object(value: Any, name: str) -> dict[str, Any]:
    """An element that must be an object; a copy, so that taking members leaves the caller's alone."""
    if not isinstance(value, dict):
        raise Untranslatable(f"`{name}` is no object")
    return dict(value)


def json_text(value: Any) -> str:
    """Compact JSON as text."""
    return to_json(value).decode()


Plain = Mapping[str, tuple[str, type | tuple[type, ...]]]
"""A dialect's member -> the member of Request that it is, and what type its value must have."""
NUMBER = (int, float)


def read_members(
    said: dict[str, Any],
    request: Request,
    plain: Plain,
    special: Mapping[str, Callable[[Any, Request], None]],
) -> list[str]:
    """Puts each member of a request where it belongs, unknown ones into `extra`; returns those that are null, which say nothing."""
    nulls = []
    for name, value in said.items():
        if value is None:
            nulls.append(name)
            continue
        known = plain.get(name)
        if known is not None:
            attribute, types = known
            if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
                raise Untranslatable(f"`{name}` has the wrong type")
            setattr(request, attribute, value)
        elif name in special:
            special[name](value, request)
        else:
            request.extra[name] = value
    return nulls
