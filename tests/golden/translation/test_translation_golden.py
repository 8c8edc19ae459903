"""One conversation in every pair of dialects: what the vendor gets, what the caller gets, what is recorded."""

from __future__ import annotations

import json

import pytest

from tests.golden.translation.play import (
    CASES,
    EMBED_MATRIX,
    MATRIX,
    MODEL_IN_PATH,
    Case,
    call,
    framed,
    golden,
    pairs,
    played,
    said_of_streams,
    unframed,
)
from tests.golden.translation.vendors import INGRESS, VENDORS, meet
from trunkline.core.dialects import KIND_OF

ASKED = [
    pytest.param(case, ingress, id=f"{case.name}-{ingress}")
    for case in CASES
    for ingress in dict(pairs(case))
]
SAME = [
    pytest.param(case, name, id=f"{case.name}-{name}")
    for case in CASES
    for name, vendor in VENDORS.items()
    if vendor.dialect in INGRESS and vendor.dialect in case.requests and case.reply(vendor) is not None
]
SAME_STREAMS = [
    pytest.param(case, name, id=f"{case.name}-{name}")
    for case in CASES
    for name, vendor in VENDORS.items()
    if vendor.dialect in INGRESS and vendor.dialect in case.requests and case.stream(vendor) is not None
]


@pytest.mark.row("A2", "E1", "F7")
@pytest.mark.parametrize(("case", "ingress"), ASKED)
async def test_a_conversation_comes_through_as_it_did(case: Case, ingress: str) -> None:
    for name in [name for one, name in pairs(case) if one == ingress]:
        path = golden(case, ingress, name)
        assert path.exists(), f"python -m tests.golden.translation.play {case.name}"
        assert await played(case, ingress, name) == json.loads(path.read_text(encoding="utf-8")), name


@pytest.mark.row("A2", "P1")
@pytest.mark.parametrize(("case", "name"), SAME)
async def test_bytes_pass_unchanged_where_both_speak_the_same(case: Case, name: str) -> None:
    vendor = VENDORS[name]
    trial, sent, heard = await call(case, vendor.dialect, vendor, stream=False)

    assert sent is not None
    named = {} if vendor.dialect in MODEL_IN_PATH else {"model": json.loads(sent.body)["model"]}
    body = {**named, **case.requests[vendor.dialect], **said_of_streams(vendor.dialect, stream=False)}
    assert sent.body == json.dumps(body, ensure_ascii=False).encode()
    if trial.ends[0].state == "ok":
        assert heard.body == json.dumps(case.reply(vendor), ensure_ascii=False).encode()
    assert heard.field(b"x-trunkline-translation") is None


@pytest.mark.row("A2", "F7")
@pytest.mark.parametrize(("case", "name"), SAME_STREAMS)
async def test_events_pass_unchanged_where_both_speak_the_same(case: Case, name: str) -> None:
    vendor = VENDORS[name]
    trial, sent, heard = await call(case, vendor.dialect, vendor, stream=True)

    assert sent is not None
    given = framed(vendor.dialect, case.stream(vendor) or [])
    if trial.ends[0].state == "ok":
        assert heard.body == given
    else:
        events, told = unframed(given), unframed(heard.body)
        assert told[: len(events) - 1] == events[:-1]
        assert len(told) == len(events)
        assert "error" in json.dumps(told[-1])


@pytest.mark.row("A2")
def test_no_cell_of_the_matrix_is_missing() -> None:
    unchanged = {(param.values[0].name, param.values[1]) for param in (*SAME, *SAME_STREAMS)}
    cells = [
        (case, ingress, name)
        for case in CASES
        for ingress in INGRESS
        for name, vendor in VENDORS.items()
        if meet(ingress, vendor) and case.name in (EMBED_MATRIX if KIND_OF[ingress] == "embed" else MATRIX)
    ]
    missing = [
        (case.name, ingress, name)
        for case, ingress, name in cells
        if not (
            (case.name, name) in unchanged
            if ingress == VENDORS[name].dialect
            else golden(case, ingress, name).exists()
        )
    ]

    assert missing == []
    assert {case.name for case in CASES} >= {*MATRIX, *EMBED_MATRIX}


def test_there_is_no_golden_file_without_its_case() -> None:
    known = {golden(case, ingress, name) for case in CASES for ingress, name in pairs(case)}
    found = {path for case in CASES for path in golden(case, "a", "b").parent.glob("*.json")}
    assert found == known
