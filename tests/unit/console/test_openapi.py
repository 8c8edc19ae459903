from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline import __version__
from trunkline.console.endpoints import ENDPOINTS
from trunkline.console.openapi import describe, pages

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
DOCUMENT = describe(ENDPOINTS, __version__)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_declared_endpoint_is_described_and_nothing_else() -> None:
    document = describe(ENDPOINTS, "1.2.3")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in ENDPOINTS}
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", "1.2.3")


def test_every_reference_leads_somewhere() -> None:
    lead = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= lead


@pytest.mark.parametrize("one", ENDPOINTS, ids=lambda one: one.name)
def test_an_operation_tells_its_parameters_role_and_failures(one: Any) -> None:
    operation = DOCUMENT["paths"][one.path][one.method.lower()]
    in_path = re.findall(r"{(\w+)}", one.path)
    assert {parameter["name"] for parameter in operation["parameters"]} == set(
        one.query.__struct_encode_fields__
    )
    assert [p["name"] for p in operation["parameters"] if p["in"] == "path" and p["required"]] == in_path
    assert operation["x-role"] == one.role
    assert bool(operation["security"]) is (one.role != "open")
    assert ("401" in operation["responses"]) is (one.role != "open")


def test_the_pages_in_the_docs_are_up_to_date() -> None:
    for name, content in pages(ENDPOINTS, __version__).items():
        assert (REFERENCE / name).read_text() == content, "run `python -m trunkline.cli.reference`"
