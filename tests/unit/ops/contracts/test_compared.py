"""Two contracts of one operation, both known for sure."""

import copy
from typing import Any

import pytest

from tests.unit.ops.contracts.test_openapi import DOCUMENT, one
from tests.unit.ops.contracts.test_watch import BODY, told, watch
from trunkline.ops.contracts.compared import compared


def edited(change: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    change(document["components"]["schemas"], document["paths"]["/charges/{id}"]["post"])
    return document


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("change", "wanted", "harm"),
    [
        (lambda s, o: s["Charge"]["properties"].pop("status"), ("reply", "/status", "removed", ""), "breaking"),
        (lambda s, o: s["Charge"]["properties"].update(fresh={"type": "string"}), ("reply", "/fresh", "added", "string"), "harmless"),
        (lambda s, o: s["Charge"]["required"].remove("status"), ("reply", "/status", "optional", ""), "breaking"),
        (lambda s, o: s["Charge"]["properties"]["status"]["enum"].append("late"), ("reply", "/status", "word added", "late"), "risky"),
        (lambda s, o: s["Charge"]["properties"]["status"]["enum"].remove("paid"), ("reply", "/status", "word removed", ""), "harmless"),
        (lambda s, o: s["Charge"]["properties"].update(id={"type": "integer"}), ("reply", "/id", "retyped", "integer"), "breaking"),
        (lambda s, o: s["Charge"]["properties"]["id"].update(nullable=True), ("reply", "/id", "nullable", "null|string"), "breaking"),
        (lambda s, o: s["Charge"]["properties"]["created"].pop("format"), None, None),
        (lambda s, o: s["Change"]["required"].append("note"), ("request", "/note", "required", ""), "breaking"),
        (lambda s, o: s["Change"]["properties"].update(more={"type": "string"}), ("request", "/more", "added", "string"), "harmless"),
        (lambda s, o: s["Change"].update(required=["amount", "more"], properties={**s["Change"]["properties"], "more": {"type": "string"}}),
         ("request", "/more", "required", "string"), "breaking"),
        (lambda s, o: s["Change"]["properties"].pop("note"), ("request", "/note", "removed", ""), "risky"),
        (lambda s, o: s["Change"]["properties"]["amount"].update(type="string"), ("request", "/amount", "retyped", "string"), "breaking"),
        (lambda s, o: s["Change"]["properties"]["amount"].update(type="number"), None, None),
        (lambda s, o: o["responses"].update({"201": {"description": "x"}}), ("status", "", "status", "201"), "risky"),
    ],
)  # fmt: skip
def test_what_a_newer_description_changes(change: Any, wanted: Any, harm: str | None) -> None:
    found = [
        each
        for each in compared(one().contract, one(edited(change)).contract)
        if not each.place.startswith("/parent")
    ]
    assert (told(found), [each.harm for each in found]) == (([wanted], [harm]) if wanted else ([], []))


def test_the_same_is_no_change() -> None:
    assert compared(one().contract, one().contract) == []


def test_a_description_that_allows_more_than_was_seen_is_no_change() -> None:
    seen = watch(
        {"id": "x", "status": "open", "created": 1_764_000_000}, asked={"amount": 5}
    ).operation.learned
    assert compared(seen, one().contract) == []


def test_what_was_seen_and_is_not_described_is_told_softly_and_other_types_loudly() -> None:
    found = compared(watch({**BODY, "id": 5}, asked={"other": 1}).operation.learned, one().contract)
    assert {(change.part, change.place, change.kind, change.harm) for change in found} == {
        ("reply", "/amount", "undocumented", "harmless"),
        ("reply", "/card", "undocumented", "harmless"),
        ("reply", "/id", "retyped", "breaking"),
        ("request", "/other", "undocumented", "risky"),
        ("request", "/amount", "required", "breaking"),
    }


def test_events_that_a_description_no_longer_has() -> None:
    old, new = one(name="POST /v1/chat").contract, dict(one(name="POST /v1/chat").contract)
    new["event fresh"] = new.pop("event delta")
    assert told(compared(old, new)) == [("event delta", "", "removed", ""), ("event fresh", "", "added", "")]
