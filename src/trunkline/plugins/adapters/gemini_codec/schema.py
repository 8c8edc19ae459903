"""JSON Schema as Gemini takes it, and Gemini's own schemas as JSON Schema.

Tools take Google's subset of OpenAPI (ai.google.dev/api/caching#Schema), answers another subset of JSON Schema
(ai.google.dev/api/generate-content, responseJsonSchema). What neither has is left out and told.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.conversation import Change

TOOL = frozenset(
    ("type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
     "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default",
     "items", "minimum", "maximum")
)  # fmt: skip
ANSWER = frozenset(
    ("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems",
     "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required", "propertyOrdering")
)  # fmt: skip
_MAPS = ("properties", "$defs")
_LISTS = ("anyOf", "oneOf", "prefixItems")
_ONES = ("items", "additionalProperties")
_DEPTH = 24


class Fitting:
    """One schema for Gemini: only these keywords."""

    def __init__(self, keywords: frozenset[str], field: str, changes: list[Change], root: Any) -> None:
        self._keywords = keywords
        self._field = field
        self._changes = changes
        self._root = root

    def fit(self, schema: Any, depth: int = 0) -> Any:
        """The schema without what Gemini refuses."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema and "$ref" not in self._keywords:
            return self._referred(schema, depth)
        out: dict[str, Any] = {}
        for name, value in schema.items():
            if name == "const" and "enum" not in schema and isinstance(value, str):
                out["enum"] = [value]
            elif name == "oneOf" and name not in self._keywords:
                out["anyOf"] = [self.fit(one, depth + 1) for one in value]
                self._told("changed", name, "anyOf")
            elif name == "type" and isinstance(value, list) and "nullable" in self._keywords:
                self._types(value, out)
            elif name not in self._keywords:
                if name not in ("$defs", "definitions", "$schema"):
                    self._told("dropped", name)
            elif name in _MAPS and isinstance(value, dict):
                out[name] = {key: self.fit(inner, depth + 1) for key, inner in value.items()}
            elif name in _LISTS and isinstance(value, list):
                out[name] = [self.fit(inner, depth + 1) for inner in value]
            elif name in _ONES:
                out[name] = self.fit(value, depth + 1)
            else:
                out[name] = value
        return out

    def _types(self, types: list[Any], out: dict[str, Any]) -> None:
        rest = [one for one in types if one != "null"]
        if len(rest) < len(types):
            out["nullable"] = True
        if len(rest) == 1:
            out["type"] = rest[0]
        else:
            out["anyOf"] = [{"type": one} for one in rest]

    def _referred(self, schema: dict[str, Any], depth: int) -> Any:
        """What a `$ref` within the schema points at, put in its place."""
        found = self._root
        for step in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        if not isinstance(found, dict) or depth > _DEPTH:
            self._told("dropped", "$ref", "it cannot be put in place")
            return {"type": "object"}
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return self.fit({**found, **rest}, depth + 1)

    def _told(self, act: Any, name: str, how: str = "not in the vendor's subset") -> None:
        self._changes.append(Change(act, f"{self._field}.{name}", how))


def fit(schema: Any, keywords: frozenset[str], field: str, changes: list[Change]) -> Any:
    """A schema for Gemini; adds to `changes` what is left out."""
    return Fitting(keywords, field, changes, schema).fit(schema)


def plain(schema: Any) -> Any:
    """Gemini's own schema as JSON Schema: types in lower case, `nullable` as a type, whole numbers as numbers."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "type" and isinstance(value, str):
            out[name] = value.lower()
        elif name == "properties" and isinstance(value, dict):
            out[name] = {key: plain(inner) for key, inner in value.items()}
        elif name in ("items", "anyOf"):
            out[name] = plain(value)
        elif name in ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"):
            out[name] = int(value) if isinstance(value, str) and value.isdigit() else value
        elif name not in ("nullable", "propertyOrdering"):
            out[name] = value
    if schema.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    return out
