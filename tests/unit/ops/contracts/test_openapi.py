"""OpenAPI descriptions as contracts."""

import copy
from typing import Any

import pytest

from tests.support.sampled import sample
from trunkline.core.service import ErrorShape
from trunkline.ops.contracts.openapi import Described, DescriptionInvalid, described, fits, outline, same_path
from trunkline.ops.contracts.reading import parts_of
from trunkline.ops.contracts.watch import Operation, Watch

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://api.example.com/v1"}],
    "paths": {
        "/charges/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {
                "operationId": "update_charge",
                "deprecated": True,
                "x-sunset": "2027-01-01",
                "parameters": [{"name": "expand", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}},
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Charge"}}}},
                    "202": {"description": "later"},
                    "default": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                },
            },
        },
        "/chat": {
            "post": {
                "responses": {
                    "200": {"content": {"text/event-stream": {"schema": {"oneOf": [
                        {"type": "object", "required": ["type"], "properties": {"type": {"const": "start"}, "n": {"type": "integer"}}},
                        {"type": "object", "required": ["type", "text"],
                         "properties": {"type": {"enum": ["delta"]}, "text": {"type": "string"}}},
                    ]}}}},
                }
            }
        },
    },
    "components": {
        "schemas": {
            "Charge": {
                "type": "object",
                "required": ["id", "status", "created"],
                "properties": {
                    "id": {"type": "string"},
                    "status": {"type": "string", "enum": ["open", "paid"]},
                    "created": {"type": "integer", "format": "unix-time"},
                    "customer": {"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/Customer"}, {"type": "null"}]},
                    "lines": {"type": "array", "items": {"oneOf": [
                        {"type": "object", "required": ["type", "price"],
                         "properties": {"type": {"const": "item"}, "price": {"type": "number"}}},
                        {"type": "object", "required": ["type"], "properties": {"type": {"const": "note"}}},
                    ]}},
                    "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
                    "parent": {"$ref": "#/components/schemas/Charge"},
                },
            },
            "Customer": {"allOf": [
                {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                {"properties": {"email": {"type": ["string", "null"]}}},
            ]},
            "Change": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}}},
            "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
        }
    },
}  # fmt: skip


def one(document: Any = DOCUMENT, name: str = "update_charge") -> Described:
    return next(each for each in described(document) if each.name == name)


@pytest.mark.row("C2")
def test_a_description_says_what_is_required_of_which_type_and_which_words() -> None:
    found = one()
    assert (found.method, found.path, found.deprecated, found.sunset) == (
        "POST",
        "/v1/charges/{id}",
        True,
        "2027-01-01",
    )
    places = found.contract["reply"].places
    outer = {name: place for name, place in places.items() if name.count("/") < 2}
    assert {name: (sorted(one.having("t:")), sorted(one.having("v:")), "-" in one.facts) for name, one in outer.items()} == {
        "": (["object"], [], False),
        "/id": (["string"], [], False),
        "/status": (["string"], ["open", "paid"], False),
        "/created": (["integer"], [], False),
        "/customer": (["null", "object", "string"], [], True),
        "/lines": (["array"], [], True),
        "/metadata": (["object"], [], True),
        "/parent": (["object"], [], True),
    }  # fmt: skip
    assert list(places["/created"].having("f:")) == ["epoch-s"]
    assert {
        "/customer/id",
        "/customer/email",
        "/lines/[]<item>/price",
        "/lines/[]<note>",
        "/metadata/{}",
    } <= set(places)


def test_request_query_statuses_and_errors() -> None:
    found = one()
    request = found.contract["request"].places
    assert {name: "-" in place.facts for name, place in request.items()} == {
        "": False, "/amount": False, "/note": True, "/?expand": True, "/?expand/[]": True,
    }  # fmt: skip
    assert sorted(found.contract["status"].places[""].having("v:")) == ["200", "202"]
    assert "/error" in found.errors["error"].places


def test_events_of_a_stream_are_told_apart_by_their_type() -> None:
    found = one(name="POST /v1/chat")
    assert {part for part in found.contract if part.startswith("event")} == {"event start", "event delta"}
    assert "/text" in found.contract["event delta"].places


def test_what_lies_in_itself_has_an_end() -> None:
    assert max(place.count("/parent") for place in one().contract["reply"].places) == 1
    endless: dict[str, Any] = copy.deepcopy(DOCUMENT)
    endless["components"]["schemas"]["Charge"] = {
        "allOf": [{"$ref": "#/components/schemas/Charge"}],
        "oneOf": [{"$ref": "#/components/schemas/Charge"}],
    }
    assert one(endless).name == "update_charge"


def test_only_wanted_operations_are_read() -> None:
    assert [each.path for each in described(DOCUMENT, lambda method, path: path == "/v1/chat")] == [
        "/v1/chat"
    ]
    assert list(outline(DOCUMENT)) == [("POST", "/v1/charges/{id}"), ("POST", "/v1/chat")]


def test_version_2_is_read_as_far_as_it_is_alike() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "required": True}}}
    paths = {"/x": {"get": {"responses": {"200": {"schema": schema}}}}}
    (found,) = described({"swagger": "2.0", "basePath": "/v3", "paths": paths})
    assert (found.path, set(found.contract["reply"].places)) == ("/v3/x", {"", "/a"})


@pytest.mark.parametrize(
    "document", [None, [], {}, {"openapi": "3.0.0"}, {"paths": {}}, {"openapi": "3.0.0", "paths": []}]
)
def test_what_is_no_description_is_refused_with_the_cure(document: Any) -> None:
    with pytest.raises(DescriptionInvalid, match="no OpenAPI description"):
        list(described(document))


@pytest.mark.parametrize(
    "broken",
    [
        {"$ref": "#/nowhere"},
        {"allOf": "x"},
        {"properties": []},
        {"required": True, "properties": {"a": 1}},
        {"enum": {}},
    ],
)
def test_a_description_that_is_wrong_somewhere_is_read_as_far_as_it_goes(broken: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["Charge"]["properties"]["customer"] = broken
    assert "/status" in one(document).contract["reply"].places


@pytest.mark.row("C2")
def test_answers_that_fit_a_description_are_no_changes_and_others_are() -> None:
    watch = Watch(Operation())
    watch.operation.accept(one().contract, "described")
    watch.refresh()
    body = {
        "id": "x",
        "status": "open",
        "created": 1_764_000_000,
        "customer": None,
        "lines": [{"type": "item", "price": 5}],
    }
    for n in range(80):
        watch.add(sample(body, key="ab"[n % 2], minute=2 * n))
    watch.close(1 << 60)
    assert watch.operation.changes() == []
    for n in range(24):
        changed = {**body, "status": ("late", "open")[n % 2], "created": "2026-11-21"}
        watch.add(sample(changed, key="ab"[n // 2 % 2], minute=1000 + 2 * n))
    watch.close(1 << 60)
    assert {(change.place, change.kind) for change in watch.operation.changes()} == {
        ("/status", "word added"),
        ("/created", "retyped"),
    }


def test_a_call_and_its_description_name_the_same_places() -> None:
    body = {
        "id": "x",
        "status": "open",
        "created": 1,
        "lines": [{"type": "item", "price": 5}],
        "metadata": {"order": "1"},
    }
    seen = set(parts_of(sample(body), {}, {}, ErrorShape())["reply"].places)
    assert seen <= set(one().contract["reply"].places)


def test_paths() -> None:
    assert same_path("/v1/charges/{charge}", "/v1/charges/{id}")
    assert not same_path("/v1/charges", "/v1/charges/{id}")
    assert fits("/v1/charges/{id}", "/v1/charges/ch_1")
    assert not fits("/v1/charges/{id}", "/v1/charges/ch_1/capture")
