"""Values made for schemas are valid under them."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.instance import instance

LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "enum": ["c", "f"]},
        {"type": "string", "minLength": 20, "maxLength": 22},
        {"type": "integer", "minimum": 10, "maximum": 12},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5},
        {"type": "integer", "exclusiveMaximum": 0},
        {"type": "boolean"},
        {"type": "null"},
        {"const": 4},
        {"type": ["string", "null"]},
        {"type": "STRING"},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
            st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        ),
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least},
            inner,
            st.integers(0, 3),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


def valid(value: Any, schema: dict[str, Any]) -> bool:
    """A validator of just what these schemas use."""
    if "anyOf" in schema:
        return any(valid(value, option) for option in schema["anyOf"])
    if "const" in schema:
        return bool(value == schema["const"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = next((kind.lower() for kind in kinds if _is(value, kind.lower())), None)
    if kind is None:
        return False
    if kind == "object":
        wanted = schema["properties"]
        return set(value) == set(wanted) and all(valid(value[name], inner) for name, inner in wanted.items())
    if kind == "array":
        return len(value) >= schema["minItems"] and all(valid(item, schema["items"]) for item in value)
    if kind == "string":
        return value in schema.get("enum", [value]) and schema.get("minLength", 0) <= len(
            value
        ) <= schema.get("maxLength", 999)
    if kind in ("integer", "number"):
        over, under = schema.get("exclusiveMinimum", value - 1), schema.get("exclusiveMaximum", value + 1)
        return bool(
            over < value < under
            and value % schema.get("multipleOf", value or 1) == 0
            and schema.get("minimum", value) <= value <= schema.get("maximum", value)
        )
    return True


def _is(value: Any, kind: str) -> bool:
    shapes: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None),
    }  # fmt: skip
    return isinstance(value, shapes[kind]) and not (kind in ("integer", "number") and isinstance(value, bool))


@given(SCHEMAS)
def test_an_instance_is_valid(schema: dict[str, Any]) -> None:
    assert valid(instance(schema), schema)


def test_references_are_followed_and_recursion_ends() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["next"],
    }
    made = instance({"$defs": {"node": node}, "$ref": "#/$defs/node"})
    depth = 0
    while made is not None:
        made, depth = made["next"], depth + 1
    assert 1 < depth < 40


@pytest.mark.parametrize("pattern", [r"^[A-Z]{3}-\d{4}$", r"^\d+$", r"^sim-[a-f]{2}$"])
def test_simple_patterns_are_met(pattern: str) -> None:
    assert re.fullmatch(pattern.strip("^$"), instance({"type": "string", "pattern": pattern}))


def test_names_from_the_prompt_fill_free_strings() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "when": {"type": "string", "format": "date"}},
    }
    assert instance(schema, ["Oslo"]) == {"city": "Oslo", "when": "2026-01-15"}
