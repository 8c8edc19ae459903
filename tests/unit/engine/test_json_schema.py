"""Which answers fit a JSON Schema, and what is said of those that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.engine.json_schema import misfit

pytestmark = pytest.mark.row("A2")

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "exclusiveMaximum": 200},
        "mood": {"enum": ["glad", "sad"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "pet": {"anyOf": [{"$ref": "#/$defs/pet"}, {"type": "null"}]},
        "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"pet": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}}}},
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ann"},
        {"name": "Ann", "age": 3.0, "mood": "sad", "tags": ["a"], "pet": {"kind": "cat"}, "code": "ABC"},
        {"name": "Ann", "pet": None},
    ],
)
def test_what_fits_is_let_be(value: Any) -> None:
    assert misfit(json.dumps(value), PERSON) == ""


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({}, "a member is missing"),
        ([], "a value of another type"),
        ({"name": 3}, "a value of another type"),
        ({"name": ""}, "a value beyond its bounds"),
        ({"name": "Ann", "age": True}, "a value of another type"),
        ({"name": "Ann", "age": 3.5}, "a value of another type"),
        ({"name": "Ann", "age": 200}, "a value beyond its bounds"),
        ({"name": "Ann", "age": -1}, "a value beyond its bounds"),
        ({"name": "Ann", "mood": "odd"}, "a value that is not one of those listed"),
        ({"name": "Ann", "tags": ["a", "b", "c"]}, "a value beyond its bounds"),
        ({"name": "Ann", "tags": [1]}, "a value of another type"),
        ({"name": "Ann", "pet": {"kind": "dog"}}, "none of the forms that it may have"),
        ({"name": "Ann", "code": "abc"}, "a text that is not as its pattern says"),
        ({"name": "Ann", "more": 1}, "a member that is not allowed"),
    ],
)
def test_what_does_not_fit_is_said_in_words_without_the_value(value: Any, says: str) -> None:
    assert misfit(json.dumps(value), PERSON) == says


def test_a_text_that_is_no_json_is_said_to_be_none() -> None:
    assert misfit("Here you are: {}", PERSON) == "no JSON"


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        None,
        {"type": "sprocket"},
        {"$ref": "other.json"},
        {"$ref": "#/nowhere"},
        {"pattern": "(a+)+$"},
        {"minimum": "3"},
        {"$ref": "#"},
    ],
)
def test_what_is_not_understood_is_no_misfit(schema: Any) -> None:
    assert misfit('"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"', schema) == ""


def test_it_gives_up_on_what_is_too_much() -> None:
    assert misfit(json.dumps([1] * 30_000), {"items": {"type": "integer"}}) == ""


def test_a_pattern_that_takes_the_square_of_the_text_is_not_tried() -> None:
    text = json.dumps("a" * 2_000 + "!")
    assert misfit(text, {"pattern": "[a-z]+$"}) == ""
    assert misfit(text, {"pattern": "^[a-z]+$"}) == "a text that is not as its pattern says"
    assert misfit(text, {"pattern": "[A-Z]"}) == "a text that is not as its pattern says"


def test_it_gives_up_on_long_lists_that_many_values_are_compared_with() -> None:
    listed = {"items": {"enum": list(range(5_000))}}
    assert misfit(json.dumps([4_999] * 10 + [-1]), listed) == "a value that is not one of those listed"
    assert misfit(json.dumps([4_999] * 1_000 + [-1]), listed) == ""


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "properties", "required", "items", "enum", "anyOf", "$ref", "minimum", "a"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(value=ANY, schema=ANY)
def test_no_schema_makes_it_fail(value: Any, schema: Any) -> None:
    assert isinstance(misfit(json.dumps(value), schema), str)
