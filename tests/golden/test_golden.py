"""One input in every dialect: what the vendor gets and what the caller gets, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.play import cases, files, played
from trunkline.testing import SECRET

CASES = [
    pytest.param(case, id=f"{path.stem}-{name}") for path in files() for name, case in cases(path).items()
]
INGRESS = {
    "openai-chat",
    "openai-responses",
    "openai-embeddings",
    "anthropic-messages",
    "gemini-generate",
    "proxy",
}


@pytest.mark.row("A1", "P1", "P2", "E1")
@pytest.mark.parametrize("case", CASES)
async def test_bytes_are_as_they_were(case: dict[str, Any]) -> None:
    assert await played(case) == {"vendor_gets": case["vendor_gets"], "caller_gets": case["caller_gets"]}


def test_there_is_a_file_for_each_way_in_and_none_is_empty() -> None:
    assert {path.stem for path in files()} == INGRESS
    assert all(cases(path) for path in files())


@pytest.mark.row("S1")
@pytest.mark.parametrize("case", CASES)
def test_the_credential_goes_to_the_vendor_alone(case: dict[str, Any]) -> None:
    assert json.dumps(case["vendor_gets"]).count(SECRET) == 1
    assert SECRET not in json.dumps([case["caller_asks"], case["vendor_says"], case["caller_gets"]])
    assert "tl_" not in json.dumps(case["vendor_gets"])
