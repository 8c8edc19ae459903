"""The JSON Schema for editors accepts and refuses what the loader does."""

from pathlib import Path
from typing import Any

import pytest

from trunkline.registry import document, shape
from trunkline.registry.example import first_run
from trunkline.registry.schema import json_schema

from .conftest import ISSUE

FLOW = (Path(__file__).parents[3] / "examples" / "flow-control.yaml").read_text("utf-8")


def accepts(schema: dict[str, Any], data: Any, root: dict[str, Any]) -> bool:
    """The few keywords that the schema uses."""
    if "$ref" in schema:
        return accepts(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], data, root)
    if "anyOf" in schema and not any(accepts(choice, data, root) for choice in schema["anyOf"]):
        return False
    if "enum" in schema and data not in schema["enum"]:
        return False
    types: dict[str, type | tuple[type, ...]] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    kind = schema.get("type")
    if kind is not None and (
        not isinstance(data, types[kind]) or (isinstance(data, bool) and kind != "boolean")
    ):
        return False
    if isinstance(data, list):
        return all(accepts(schema.get("items", {}), item, root) for item in data)
    if isinstance(data, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        if any(key not in data for key in schema.get("required", [])):
            return False
        for key, value in data.items():
            below = known.get(key, more)
            if below is False or (isinstance(below, dict) and not accepts(below, value, root)):
                return False
    return True


@pytest.mark.row("R4")
@pytest.mark.parametrize("text", [ISSUE, FLOW, first_run(), "version: 1\nintegrations: {gotenberg: }\n"])
def test_good_registries_fit_the_schema(text: str) -> None:
    schema = json_schema()
    assert accepts(schema, document.parse(text, "f").data, schema)


@pytest.mark.parametrize(
    "text",
    [
        "version: 2",
        "integrations: {}",
        "version: 1\nintegration: {}",
        "version: 1\nintegrations: {a: {secrt: x}}",
        "version: 1\nintegrations: {a: {criticality: high}}",
        "version: 1\nintegrations: {a: {vendor: nobody}}",
        "version: 1\nenvironments: {qa: {}}",
        "version: 1\nenvironments: {dev: {version: 1}}",
        "version: 1\nenvironments: {dev: {integrations: {a: {timeout: {totl: 1s}}}}}",
        "version: 1\nintegrations: {a: {fallback: {target: b}}}",
        "version: 1\nintegrations: {a: {fallback: [{kind: target, to: b}]}}",
        "version: 1\nintegrations: {a: {fallback: [{kind: later}]}}",
        "version: 1\nintegrations: {a: {fallback: [7]}}",
        "version: 1\nroutes: {a: {fallback: b}}",
        "version: 1\nbudgets: {a: {per: day}}",
        "version: 1\nbudgets: {a: {usd: 5, per: week}}",
        "version: 1\nteams: {a: 2}",
        "version: 1\nenvironments: {dev: {notify: {webhok: x}}}",
    ],
)
def test_bad_registries_do_not(text: str) -> None:
    schema = json_schema()
    assert not accepts(schema, document.parse(text, "f").data, schema)


def test_every_key_is_described_for_completion() -> None:
    schema = json_schema()
    silent = [
        f"{name}.{key}"
        for name, part in {"Registry": schema, **schema["$defs"]}.items()
        for key, node in part["properties"].items()
        if not node.get("description")
    ]
    inherited = {"ErrorRule", "ErrorShape", "Dialect", "Idempotency"}
    assert [s for s in silent if s.split(".")[0] not in inherited] == []
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert shape.Registry.__name__ not in schema["$defs"]
