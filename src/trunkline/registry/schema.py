"""JSON Schema of `trunkline.yaml`, for completion and checks in editors. Made from the shapes; never written by hand."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from . import catalog, shape
from .describe import descriptions, summary

NAME = "urn:trunkline:registry:1"


def json_schema() -> dict[str, Any]:
    """The whole schema (JSON Schema 2020-12)."""
    (_,), parts = msgspec.json.schema_components([shape.Registry], ref_template="#/$defs/{name}")
    (_,), layers = msgspec.json.schema_components([shape.Layer], ref_template="#/$defs/{name}")
    defs = {name: _told(name, _plain(part)) for name, part in {**layers, **parts}.items()}
    environments = {name: {"$ref": "#/$defs/Layer"} for name in shape.ENVIRONMENTS}
    root = defs.pop("Registry")
    text = root["properties"]["environments"].get("description", "")
    root["properties"]["environments"] = {
        "type": "object",
        "properties": environments,
        "additionalProperties": False,
        "description": text,
    }
    defs["Integration"]["properties"]["vendor"]["enum"] = catalog.names()
    defs["Route"]["anyOf"] = [{"required": ["integration"]}, {"required": ["split"]}]
    for owner in (root, defs["Layer"]):  # `gotenberg:` with nothing behind it is an integration, too
        of = owner["properties"]["integrations"]
        of["additionalProperties"] = {"anyOf": [of["additionalProperties"], {"type": "null"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": NAME,
        **root,
        "title": "Trunkline registry",
        "$defs": dict(sorted(defs.items())),
    }


def _plain(node: Any) -> Any:
    """Without `null` as an alternative and without defaults that say nothing."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {
        key: _plain(value)
        for key, value in node.items()
        if not (key == "default" and value in (None, "", [], {}))
    }
    choices = [choice for choice in out.pop("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **out}
    if isinstance(out.get("enum"), list):
        out["enum"] = [value for value in out["enum"] if value is not None]
    return {**out, "anyOf": choices} if choices else out


def _homes() -> list[Any]:
    """The modules in which the shapes stand: each `shape*.py` beside this one."""
    names = sorted(file.stem for file in Path(__file__).parent.glob("shape*.py"))
    return [import_module(f".{name}", __package__) for name in names]


def _told(name: str, part: dict[str, Any]) -> dict[str, Any]:
    of = next(vars(home)[name] for home in _homes() if name in vars(home))
    part["description"] = summary(of)
    for field, text in descriptions(of).items():
        known = part.get("properties", {}).get(field)
        if known is not None:
            part["properties"][field] = {**known, "description": text}
    return part


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2) + b"\n")
