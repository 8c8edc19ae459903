"""JSON Schema, as vendors publish it -> a contract's shape, with all that a schema does not say drawn by chance: how often what is
optional comes, which values of an enum are frequent, which strings are ids.

What is drawn follows the same distributions whoever's schema it is. Not for: reading files (`published.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from tests.drift.contract import (
    WORDS,
    Choice,
    Constant,
    Either,
    Fields,
    Flag,
    Keyed,
    Many,
    Member,
    Node,
    Number,
    Text,
)

Schema = dict[str, Any]
DEEPEST = 7
MOST = 250
"""Nodes of one schema; beyond, only plain fields are added. Vendors whose objects name each other would fill memory."""
CALLERS = 5
_FORMATS = {
    "date-time": "datetime",
    "date": "date",
    "uuid": "uuid",
    "email": "email",
    "uri": "url",
    "url": "url",
    "date-time-rfc-2822": "httpdate",
}
_MOMENTS = re.compile(r"(_at|_time|timestamp|created|updated|expires|_date)$|^(created|date|arrival_date)$")


class Compiler:
    """Compiles the schemas of one vendor; `resolve` follows a `$ref`."""

    def __init__(self, rng: Random, resolve: Callable[[str], Schema] = lambda _: {}) -> None:
        self._rng = rng
        self._resolve = resolve
        self._groups = 0
        self._made = 0

    def node(self, schema: Schema, name: str = "", depth: int = 0) -> Node:
        """The shape that a schema describes."""
        schema = self.plain(schema)
        self._made = self._made + 1 if depth else 0
        nullable = bool(schema.get("nullable"))
        kind = schema.get("type")
        if isinstance(kind, list):
            nullable = nullable or "null" in kind
            kinds = [each for each in kind if each != "null"]
            kind = kinds[0] if kinds else None
        options = [
            o for o in schema.get("oneOf") or schema.get("anyOf") or [] if self.plain(o) != {"type": "null"}
        ]
        if len(options) < len(schema.get("oneOf") or schema.get("anyOf") or []):
            nullable = True
        made = self._either(options, name, depth) if options else self._of(kind, schema, name, depth)
        made.null = self._rarely_null() if nullable else 0.0
        return made

    def plain(self, schema: Schema) -> Schema:
        """Without references, and with the parts of `allOf` merged."""
        seen = 0
        while "$ref" in schema and seen < 20:
            over = {key: value for key, value in schema.items() if key != "$ref"}
            schema, seen = {**self._resolve(schema["$ref"]), **over}, seen + 1
        if "allOf" not in schema:
            return schema
        merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            part = self.plain(part)
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", []), *part.get("required", [])]
            merged = {**part, **merged, "required": required}
            if properties:
                merged["properties"] = properties
        return merged

    def _of(self, kind: Any, schema: Schema, name: str, depth: int) -> Node:
        values = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
        if values and any(isinstance(value, str) and value for value in values):
            return self._choice([str(value) for value in values if isinstance(value, str) and value])
        if values and len(values) == 1 and not isinstance(values[0], str):
            return Constant(what=values[0])
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            low, high = schema.get("x-length", (0, 4))
            return Many(
                item=self.node(schema.get("items") or {"type": "string"}, name, depth + 1), low=low, high=high
            )
        if kind == "integer":
            return self._integer(schema, name)
        if kind == "number":
            return Number(kind="float")
        if kind == "boolean":
            return Flag(often=self._rng.choice((0.02, 0.3, 0.5, 0.9)))
        return self._text(schema, name)

    def _integer(self, schema: Schema, name: str) -> Node:
        if schema.get("format") == "unix-time" or _MOMENTS.search(name):
            return Number(kind="epoch")
        return Number(low=int(schema.get("minimum", 0)), high=int(schema.get("maximum", 100_000)))

    def _text(self, schema: Schema, name: str) -> Node:
        if "x-words" in schema:
            return self._choice(list(schema["x-words"]), closed=False)
        if "x-prefix" in schema:
            return Text(kind="id", prefix=schema["x-prefix"])
        if schema.get("format") in _FORMATS:
            return Text(kind=_FORMATS[schema["format"]])
        if "x-kind" in schema:
            return Text(kind=schema["x-kind"])
        if name == "id" or name.endswith(("_id", "Id", "sid")):
            return Text(kind="id", prefix=f"{self._rng.choice(WORDS)[:3]}_")
        if name.endswith(("url", "uri", "href")):
            return Text(kind="url")
        if "email" in name:
            return Text(kind="email")
        if _MOMENTS.search(name):
            return Text(kind=self._rng.choice(("datetime", "datetime", "date", "httpdate")))
        # Many strings that no schema calls an enum take few values nevertheless: currencies, countries, plans, names of products.
        if self._rng.random() < 0.25:
            count = self._rng.choice((1, 2, 3, 5, 12, 28))
            return self._choice(self._rng.sample(WORDS, count), closed=False)
        return Text(kind=self._rng.choice(("free", "free", "free", "opaque", "id")), prefix="x_")

    def _choice(self, values: list[str], *, closed: bool = True) -> Choice:
        values = list(dict.fromkeys(values))
        order = self._rng.sample(values, len(values))
        weights = [1.0 / (rank + 1) ** 1.3 for rank in range(len(order))]
        only = {
            caller: self._rng.choice(order)
            for caller in range(CALLERS)
            if len(order) > 1 and self._rng.random() < 0.15
        }
        return Choice(values=order, weights=weights, closed=closed, by_caller=only)

    def _either(self, options: list[Schema], name: str, depth: int) -> Node:
        made = [self.node(option, name, depth) for option in options[:6]]
        if len(made) == 1:
            return made[0]
        return Either(options=made, weights=[1.0 / (rank + 1) ** 1.3 for rank in range(len(made))])

    def _object(self, schema: Schema, depth: int) -> Node:
        properties = schema.get("properties") or {}
        free = schema.get("additionalProperties")
        if not properties and isinstance(free, dict) and free:
            return Keyed(item=self.node(free, "", depth + 1), keys=schema.get("x-keys", "id"))
        required = set(schema.get("required") or ())
        members = {}
        group = 0
        for name, inner in properties.items():
            if (depth >= DEEPEST or self._made > MOST) and not self._is_flat(inner):
                continue
            member = Member(self.node(inner, name, depth + 1))
            if name not in required:
                member.often = self.plain(inner).get("x-often") or self._often()
                member.sticky = self._rng.random() < 0.3
                if self._rng.random() < 0.2:
                    group = group or self._new_group()
                    member.group = group
                member.by_caller = {
                    caller: self._rng.choice((0.0, 1.0))
                    for caller in range(CALLERS)
                    if self._rng.random() < 0.12
                }
            members[name] = member
        return Fields(members=members)

    def _is_flat(self, schema: Schema) -> bool:
        return self.plain(schema).get("type") in ("string", "integer", "number", "boolean")

    def _new_group(self) -> int:
        self._groups += 1
        return self._groups

    def _often(self) -> float:
        """How often an optional field comes: many nearly always, some now and then, some hardly ever."""
        draw = self._rng.random()
        if draw < 0.35:
            return self._rng.uniform(0.97, 1.0)
        if draw < 0.65:
            return self._rng.uniform(0.5, 0.97)
        if draw < 0.85:
            return self._rng.uniform(0.1, 0.5)
        return self._rng.uniform(0.005, 0.1)

    def _rarely_null(self) -> float:
        draw = self._rng.random()
        if draw < 0.15:
            return self._rng.uniform(0.002, 0.03)
        return self._rng.uniform(0.03, 0.97)
