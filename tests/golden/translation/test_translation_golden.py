"""One conversation in every pair of dialects: what the vendor gets, what the caller gets, what is recorded."""

from __future__ import annotations

import json

import pytest

from tests.golden.translation.play import (
    CASES,
    INGRESS,
    MODEL_IN_PATH,
    VENDORS,
    Case,
    call,
    golden,
    pairs,
    played,
)

PAIRS = [
    pytest.param(case, ingress, name, id=f"{case.name}-{ingress}-to-{name}")
    for case in CASES
    for ingress, name in pairs(case)
]
SAME = [
    pytest.param(case, name, id=f"{case.name}-{name}")
    for case in CASES
    for name, vendor in VENDORS.items()
    if vendor.dialect in INGRESS and vendor.dialect in case.requests and vendor.dialect in case.replies
]


@pytest.mark.row("A2", "E1", "F7")
@pytest.mark.parametrize(("case", "ingress", "name"), PAIRS)
async def test_a_conversation_comes_through_as_it_did(case: Case, ingress: str, name: str) -> None:
    path = golden(case, ingress, name)
    assert path.exists(), f"python -m tests.golden.translation.play {case.name}"
    assert await played(case, ingress, name) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.row("A2", "P1")
@pytest.mark.parametrize(("case", "name"), SAME)
async def test_bytes_pass_unchanged_where_both_speak_the_same(case: Case, name: str) -> None:
    vendor = VENDORS[name]
    trial, sent, heard = await call(case, vendor.dialect, vendor, stream=False)

    assert sent is not None
    named = {} if vendor.dialect in MODEL_IN_PATH else {"model": json.loads(sent.body)["model"]}
    body = {**named, **case.requests[vendor.dialect]}
    assert sent.body == json.dumps(body, ensure_ascii=False).encode()
    if trial.ends[0].state == "ok":
        assert heard.body == json.dumps(case.replies[vendor.dialect], ensure_ascii=False).encode()
    assert heard.field(b"x-trunkline-translation") is None


def test_there_is_no_golden_file_without_its_case() -> None:
    known = {golden(case, ingress, name) for case in CASES for ingress, name in pairs(case)}
    found = {path for case in CASES for path in golden(case, "a", "b").parent.glob("*.json")}
    assert found == known
