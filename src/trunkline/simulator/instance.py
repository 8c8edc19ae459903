"""A value that is valid under a JSON Schema, for structured answers and tool arguments. Deterministic.

Not for: validating. It covers what the AI vendors accept (objects, arrays, enums, unions, references, ranges, formats, Gemini's
upper-case types); `pattern` only for digits-and-letters classes, `not` and conditionals are passed over.
"""

from __future__ import annotations

import math
import re
from typing import Any

DEPTH = 12
"""How deep optional parts are filled in; below, only what is required, so that recursive schemas end."""

_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "uri": "https://example.com/sim",
    "url": "https://example.com/sim",
    "hostname": "example.com",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "uuid": "00000000-0000-4000-8000-00000000051a",
}
_BY_NAME = {
    "city": "Paris", "location": "Paris", "country": "France", "name": "Ada Lovelace", "email": "ada@example.com",
    "currency": "eur", "language": "en", "unit": "celsius", "date": "2026-01-15", "url": "https://example.com/sim",
    "query": "simulated query", "title": "A simulated title", "summary": "A simulated summary.", "description": "A simulated text.",
}  # fmt: skip


def instance(schema: Any, hints: list[str] | None = None, seed: int = 0) -> Any:
    """A valid value. `hints` are words (from the prompt) preferred for free strings."""
    return _Filler(schema, hints or [], seed).fill(schema, "", 0)


class _Filler:
    def __init__(self, root: Any, hints: list[str], seed: int) -> None:
        self._root = root
        self._hints = hints
        self._seed = seed

    def fill(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):
            return "simulated"
        schema = self._resolved(schema)
        for fixed in ("const", "default"):
            if fixed in schema:
                return schema[fixed]
        if schema.get("enum"):
            return schema["enum"][self._seed % len(schema["enum"])]
        for union in ("anyOf", "oneOf"):
            if schema.get(union):
                return self.fill(self._chosen(schema[union], depth), name, depth + 1)
        kind = self._kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in ("integer", "number"):
            return _number(schema, kind)
        if kind == "boolean":
            return True
        return None if kind == "null" else self._string(schema, name)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(20):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            target: Any = self._root
            for step in reference.lstrip("#/").split("/") if reference != "#" else ():
                target = target.get(step, {}) if isinstance(target, dict) else {}
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**target, **rest} if isinstance(target, dict) else rest
        for part in schema.get("allOf", ()):
            schema = _merged(schema, self._resolved(part))
        return schema

    def _chosen(self, options: list[Any], depth: int) -> Any:
        if depth >= DEPTH:
            return next(
                (option for option in options if isinstance(option, dict) and option.get("type") == "null"),
                options[0],
            )
        return next(
            (option for option in options if not (isinstance(option, dict) and option.get("type") == "null")),
            options[0],
        )

    def _kind(self, schema: dict[str, Any]) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = next((item for item in kind if item != "null"), "null")
        if isinstance(kind, str):
            return kind.lower()
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        wanted = (
            properties if depth < DEPTH else {key: properties[key] for key in required if key in properties}
        )
        if depth > 3:
            wanted = {
                key: value for key, value in wanted.items() if key in required or not self._recursive(value)
            }
        made = {key: self.fill(value, key, depth + 1) for key, value in wanted.items()}
        for key in required:
            made.setdefault(key, "simulated")
        for index in range(len(made), schema.get("minProperties", 0)):
            made[f"key_{index}"] = "simulated"
        return made

    def _recursive(self, schema: Any) -> bool:
        return isinstance(schema, dict) and (
            "$ref" in schema or any("$ref" in str(schema.get(key, "")) for key in ("items", "anyOf"))
        )

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        items = schema.get("items", {})
        prefix = [self.fill(item, name, depth + 1) for item in schema.get("prefixItems", ())]
        least = int(schema.get("minItems", 0))
        count = max(least, 0 if depth >= DEPTH or (depth > 3 and self._recursive(items)) else 1)
        count = min(count, int(schema.get("maxItems", count)))
        rest = []
        for index in range(len(prefix), count):
            value = self.fill(items, name, depth + 1)
            if schema.get("uniqueItems") and value in rest and isinstance(value, str):
                value = f"{value}-{index}"
            rest.append(value)
        return prefix + rest

    def _string(self, schema: dict[str, Any], name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if isinstance(schema.get("pattern"), str) and (made := _from_pattern(schema["pattern"])) is not None:
            return made
        known = _BY_NAME.get(name.lower())
        text = (
            self._hints[self._seed % len(self._hints)]
            if self._hints and known != "celsius"
            else known or "simulated"
        )
        text = text.ljust(int(schema.get("minLength", 0)), "x")
        return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _merged(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    merged = {**one, **two}
    if "properties" in one or "properties" in two:
        merged["properties"] = {**one.get("properties", {}), **two.get("properties", {})}
    if "required" in one or "required" in two:
        merged["required"] = [*one.get("required", ()), *two.get("required", ())]
    return merged


def _number(schema: dict[str, Any], kind: str) -> float | int:
    """The first of some likely numbers that meets the limits; 7 where there are none."""
    step = schema.get("multipleOf") or (1 if kind == "integer" else None)
    low = max((schema[name] for name in ("minimum", "exclusiveMinimum") if name in schema), default=None)
    high = min((schema[name] for name in ("maximum", "exclusiveMaximum") if name in schema), default=None)
    tried: list[float] = [7]
    for limit in (low, high):
        if limit is not None:
            tried += [limit, limit + 1, limit - 1]
            tried += (
                [math.ceil(limit / step) * step, (limit // step + 1) * step, (limit // step - 1) * step]
                if step
                else []
            )
    if low is not None and high is not None:
        tried.append((low + high) / 2)
    found = next((value for value in tried if _allowed(value, schema, step)), low if low is not None else 7)
    return int(found) if found == int(found) else found


def _allowed(value: float, schema: dict[str, Any], step: float | None) -> bool:
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and (not step or value % step == 0)
    )


_PATTERN = re.compile(r"(\\d|\\w|\[[^\]]+\]|[\w \-:/.@#])(?:\{(\d+)(?:,\d*)?\}|([+*?]))?")


def _from_pattern(pattern: str) -> str | None:
    """A text for simple patterns (`^[A-Z]{3}-[0-9]{4}$`), or None."""
    made, position = "", 0
    body = pattern.removeprefix("^").removesuffix("$")
    while position < len(body):
        match = _PATTERN.match(body, position)
        if match is None:
            return None
        unit, count, mark = match.groups()
        char = {"\\d": "1", "\\w": "a"}.get(unit) or (unit[1] if unit.startswith("[") else unit)
        made += char * (int(count) if count else 0 if mark in ("*", "?") else 1)
        position = match.end()
    return made if re.fullmatch(body, made) else None
