"""What an OpenAPI description (3.x; 2.0 as far as it is alike) says of its operations, as contracts. Pure.

Descriptions are large, refer to themselves and are not always right: depth and size are bounded, what cannot be followed is left out.
Not for: checking descriptions, nor for what was really seen (`evidence.py`).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from trunkline.ops.contracts.evidence import PLACES_MAX, Evidence, Place, Tally
from trunkline.ops.contracts.formats import is_code, is_word, word_of
from trunkline.ops.contracts.lock import DECLARED, declared_place
from trunkline.ops.contracts.observe import FREE, KIND, OPAQUE, escaped
from trunkline.ops.contracts.watch import Contract

DEPTH_MAX = 9
NESTED_MAX = 12
"""Depth of parts within parts."""
SAME_MAX = 2
"""A schema that lies in itself is followed so often."""
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_FORMATS = {
    "date-time": "date-time",
    "date": "date",
    "unix-time": "epoch-s",
    "unixtime": "epoch-s",
    "uuid": "uuid",
    "email": "email",
    "uri": "uri",
    "date-time-rfc-2822": "http-date",
}
_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))

Schema = Mapping[str, Any]


class DescriptionInvalid(Exception):
    """The file is no description that can be read; says what it is and the cure."""


class Described(NamedTuple):
    """One operation as it is described. `errors`: its part of what all operations share."""

    name: str
    method: str
    path: str
    """With the path of the server before it."""
    contract: Contract
    errors: Contract
    deprecated: bool = False
    sunset: str = ""

    @property
    def ending(self) -> str:
        """The day of its end, `yes` where it is deprecated without a day, else empty."""
        return self.sunset or ("yes" if self.deprecated else "")


def described(
    document: Any, wanted: Callable[[str, str], bool] = lambda method, path: True
) -> Iterator[Described]:
    """The operations that are `wanted` by method and path. Raises DescriptionInvalid."""
    for method, path, item in _operations(document):
        if wanted(method, path):
            shared = _listing(item.get("parameters"))
            yield _Reader(document).operation(method, path, item[method.lower()], shared)


def outline(document: Any) -> Iterator[tuple[str, str]]:
    """Method and path of every operation. Raises DescriptionInvalid."""
    return ((method, path) for method, path, _ in _operations(document))


def _operations(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict) or not ("openapi" in document or "swagger" in document):
        said = "This is no OpenAPI description: it has no `openapi` and `paths`. Give one in JSON or YAML."
        raise DescriptionInvalid(said)
    prefix = _prefix(document)
    for path, item in paths.items():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield method.upper(), f"{prefix}{path}", item


def _prefix(document: Mapping[str, Any]) -> str:
    servers = document.get("servers")
    if isinstance(servers, list) and servers and isinstance(servers[0], dict):
        url = re.sub(r"\{[^}]*\}", "x", str(servers[0].get("url", "")))
        return urlsplit(url).path.rstrip("/")
    return str(document.get("basePath") or "").rstrip("/")


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def operation(self, method: str, path: str, spec: Schema, shared: list[Any]) -> Described:
        contract: Contract = {}
        errors: Contract = {}
        statuses: list[str] = []
        answers = _mapping(spec.get("responses"))
        for status, told in sorted(answers.items(), key=lambda item: str(item[0])):
            answer = self._followed(told)
            if str(status).startswith("2"):
                statuses.append(str(status))
                self._answer(answer, contract)
            elif str(status).startswith(("4", "5")) or status == "default":
                self._into(errors, "error", self._schema_of(answer, "json"))
        codes = [status for status in statuses if status.isdigit()]
        if codes:
            contract["status"] = Evidence(DECLARED, {"": declared_place(True, ["string"], [], codes)})
        self._request(spec, shared, contract)
        sunset = str(spec.get("x-sunset") or "")
        name = str(spec.get("operationId") or f"{method} {path}")
        return Described(name, method, path, contract, errors, spec.get("deprecated") is True, sunset)

    def _answer(self, answer: Schema, contract: Contract) -> None:
        self._into(contract, "reply", self._schema_of(answer, "json"))
        streamed = self._schema_of(answer, "text/event-stream")
        if not streamed:
            return
        for option in self.options(streamed) or [streamed]:
            name = self.kind(option) or "data"
            self._into(contract, f"event {name}", option)

    def _request(self, spec: Schema, shared: list[Any], contract: Contract) -> None:
        body = self._followed(spec.get("requestBody"))
        schema = self._schema_of(body, "json") or self._schema_of(body, "x-www-form-urlencoded")
        self._into(contract, "request", schema)
        for parameter in (*shared, *_listing(spec.get("parameters"))):
            one = self._followed(parameter)
            if one.get("in") == "body":
                self._into(contract, "request", one.get("schema") or {})
            elif one.get("in") == "query" and isinstance(one.get("name"), str):
                evidence = contract.setdefault(
                    "request", Evidence(DECLARED, {"": declared_place(True, ["object"], [], [])})
                )
                place, schema = f"/?{escaped(one['name'])}", one.get("schema") or one
                _Walk(self, evidence.places).write(place, one["name"], schema, one.get("required") is True)

    def _into(self, contract: Contract, part: str, schema: Schema) -> None:
        if not schema:
            return
        evidence = contract.setdefault(part, Evidence(DECLARED))
        _Walk(self, evidence.places).write("", "", schema, True)

    def _schema_of(self, answer: Schema, media: str) -> Schema:
        if media == "json" and isinstance(answer.get("schema"), dict):  # 2.0
            return dict(answer["schema"])
        content = answer.get("content")
        if not isinstance(content, dict):
            return {}
        for name, one in content.items():
            if media in str(name) and isinstance(one, dict):
                schema = one.get("schema") or one.get("itemSchema")
                return schema if isinstance(schema, dict) else {}
        return {}

    def _followed(self, value: Any) -> Schema:
        """What a reference leads to; an empty schema where it leads nowhere."""
        for _ in range(20):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            found = self._found(reference)
            rest = {key: inner for key, inner in value.items() if key != "$ref"}
            value = {**found, **rest} if isinstance(found, dict) else {}
        return {}

    def _found(self, reference: str) -> Any:
        here: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            here = here.get(key) if isinstance(here, dict) else None
        return here

    def plain(self, schema: Any, depth: int = 0) -> Schema:
        """A schema without reference and with the parts of `allOf` joined."""
        plain = self._followed(schema)
        parts = plain.get("allOf")
        if not isinstance(parts, list) or depth > NESTED_MAX:
            return plain
        joined: dict[str, Any] = {key: value for key, value in plain.items() if key != "allOf"}
        for one in parts:
            part = self.plain(one, depth + 1)
            properties = {**_mapping(part.get("properties")), **_mapping(joined.get("properties"))}
            required = [*_listing(part.get("required")), *_listing(joined.get("required"))]
            joined = {**part, **joined, "required": required}
            if properties:
                joined["properties"] = properties
        return joined

    def options(self, schema: Any, depth: int = 0) -> list[Schema]:
        """The alternatives of a schema, those of alternatives included; none where it has none."""
        found: list[Schema] = []
        plain = self.plain(schema)
        if depth <= NESTED_MAX:
            for option in _listing(plain.get("oneOf")) or _listing(plain.get("anyOf")):
                found += self.options(option, depth + 1) or [self.plain(option)]
        return found

    def kind(self, schema: Schema) -> str:
        """How an object of this schema names its kind; empty if it does not."""
        properties = _mapping(schema.get("properties"))
        words = _values(self.plain(properties[KIND])) if KIND in properties else []
        return str(words[0]) if len(words) == 1 and is_word(str(words[0])) else ""


class _Step(NamedTuple):
    place: str
    name: str
    schema: Any
    required: bool
    way: tuple[str, ...]


class _Walk:
    """Writes the places below one schema, the upper ones first: of a description without end those that matter are there."""

    def __init__(self, reader: _Reader, places: dict[str, Place]) -> None:
        self._reader = reader
        self._places = places
        self._queue: deque[_Step] = deque()

    def write(self, place: str, name: str, schema: Any, required: bool) -> None:
        """The places from here on."""
        self._queue.append(_Step(place, name, schema, required, ()))
        while self._queue:
            self._value(*self._queue.popleft())

    def value(self, place: str, name: str, schema: Any, required: bool, way: tuple[str, ...]) -> None:
        """Keeps a place for later. `way`: the references that led to it."""
        self._queue.append(_Step(place, name, schema, required, way))

    def _value(self, place: str, name: str, schema: Any, required: bool, way: tuple[str, ...]) -> None:
        reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
        if len(self._places) >= PLACES_MAX or len(way) > 60 or way.count(reference or "-") >= SAME_MAX:
            return
        way = (*way, reference) if reference else way
        plain = self._reader.plain(schema)
        options = self._reader.options(plain) or [plain]
        types = sorted(
            {kind for option in options for kind in _types(option)}
            | ({"null"} if plain.get("nullable") else set())
        )
        words = [] if name == "{}" else sorted({word for option in options for word in _words(option)})
        formats = sorted({form for option in options for form in _formats(option)})
        self._note(
            place,
            required,
            types,
            formats if len(formats) == 1 else [],
            words if _all_worded(options) else [],
        )
        if place.count("/") >= DEPTH_MAX or name.lower() in OPAQUE:
            return
        for option in options:
            self._inside(place, name, option, way)

    def _note(
        self, place: str, required: bool, types: list[str], formats: list[str], words: list[str]
    ) -> None:
        found = declared_place(required, types, formats, words)
        known = self._places.get(place)
        if known is None:
            self._places[place] = found
            return
        facts = {**known.facts, **found.facts}
        if "-" in known.facts or "-" in found.facts:
            facts |= {"+": Tally(1), "-": Tally(1)}
        if "~" in facts:
            facts = {fact: tally for fact, tally in facts.items() if not fact.startswith("v:")}
        self._places[place] = Place(DECLARED, facts, declared=True)

    def _inside(self, place: str, name: str, schema: Schema, way: tuple[str, ...]) -> None:
        properties = schema.get("properties")
        if isinstance(schema.get("items"), dict):
            self.value(f"{place}/[]", "", schema["items"], False, way)
        free = schema.get("additionalProperties")
        if not isinstance(properties, dict) or not properties or name.lower() in FREE:
            if isinstance(free, dict) and free:
                self.value(f"{place}/{{}}", "{}", free, False, way)
            return
        kind = self._reader.kind(schema) if place else ""
        inside = f"{place}<{kind}>" if kind else place
        if kind:
            self._places.setdefault(inside, declared_place(False, [], [], []))
        required = set(_listing(schema.get("required")))
        for key, inner in properties.items():
            at = place if kind and key == KIND else inside
            self.value(f"{at}/{escaped(str(key))}", str(key), inner, key in required, way)


def _types(schema: Schema) -> set[str]:
    said = schema.get("type")
    types = (
        {said}
        if isinstance(said, str)
        else {one for one in said if isinstance(one, str)}
        if isinstance(said, list)
        else set()
    )
    if schema.get("nullable"):
        types.add("null")
    if not types and ("properties" in schema or "additionalProperties" in schema):
        types = {"object"}
    if not types:
        types = {_type_of(value) for value in _values(schema)}
    return types & _TYPES


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    return names.get(type(value), "object")


def _words(schema: Schema) -> set[str]:
    texts = [value for value in _values(schema) if isinstance(value, str)]
    return {word for text in texts if (word := text if is_code(text, "") else word_of(text))}


def _values(schema: Schema) -> list[Any]:
    """The only values that a schema allows."""
    return _listing(schema.get("enum")) or ([schema["const"]] if "const" in schema else [])


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _all_worded(options: list[Schema]) -> bool:
    """Whether every text that is allowed is one out of a set."""
    texts = [option for option in options if "string" in _types(option)]
    return bool(texts) and all(_words(option) for option in texts)


def _formats(schema: Schema) -> set[str]:
    form = _FORMATS.get(str(schema.get("format") or ""), "")
    return {form} if form else {"text"} if "string" in _types(schema) else set()


def fits(template: str, path: str) -> bool:
    """Whether a path is one that a template stands for."""
    pattern = "[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", template)))
    return bool(re.fullmatch(pattern, path))


def same_path(one: str, other: str) -> bool:
    """Whether two path templates are the same but for the names of their parameters."""
    return _template(one) == _template(other)


def _template(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path).rstrip("/") or "/"
