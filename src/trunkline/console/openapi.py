"""The OpenAPI 3.1 document of the admin API, and its page for people, made from the declared endpoints alone. Pure.

`python -m trunkline.cli.reference` writes both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from trunkline.console.access import COOKIE
from trunkline.console.declare import Endpoint
from trunkline.console.shapes import ErrorShape

_REF = "#/components/schemas/{name}"
_FAILURES = {
    "400": "A parameter is wrong",
    "401": "No valid token, key or session",
    "403": "Not allowed",
    "429": "Locked out after too many wrong tokens",
    "503": "The ledger is not in order",
}


def describe(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The document."""
    declared = list(endpoints)
    shapes = [
        ErrorShape,
        *(shape for one in declared for shape in (one.reply, one.body) if shape is not None),
    ]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    of = {id(shape): schema for shape, schema in zip(shapes, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in declared:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trunkline admin API",
            "version": version,
            "description": "What the gateway has recorded, how the integrations fare, and who may call. Loopback by default.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "adminToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The content of `admin.token`.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "A session of the console; changes need its CSRF token as `x-csrf-token` too.",
                },
                "callerKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A caller key with the role, or with the named scope.",
                },
            },
        },
    }


def _operation(one: Endpoint, of: dict[int, Any]) -> dict[str, Any]:
    content = {"schema": of[id(one.reply)]} if one.reply is not None else {"schema": {"type": "string"}}
    responses: dict[str, Any] = {"200": {"description": one.summary, "content": {one.media: content}}}
    if one.role != "open":
        failed = {"application/json": {"schema": of[id(ErrorShape)]}}
        responses |= {status: {"description": text, "content": failed} for status, text in _FAILURES.items()}
    if "{" in one.path:
        responses["404"] = {
            "description": "There is none",
            "content": {"application/json": {"schema": of[id(ErrorShape)]}},
        }
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": _who(one),
        "parameters": _parameters(one),
        **_body(one, of),
        "responses": responses,
        "security": _security(one),
        "x-role": one.role,
        "x-teams": one.reach,
    }
    return operation


TEAMS = {
    "refused": "Refused to who is bound to teams.",
    "shared": "",
    "own": "Who is bound to teams has the part of these teams.",
}


def _who(one: Endpoint) -> str:
    """Who may, in words."""
    if one.role == "open":
        return "Needs no identity."
    scope = f" Or a caller key with scope `{one.scope}`." if one.scope else ""
    return f"Role: {one.role}.{scope} {TEAMS[one.reach]}".rstrip()


def _body(one: Endpoint, of: dict[int, Any]) -> dict[str, Any]:
    """What it takes as a body, in either form."""
    if one.body is None:
        return {}
    content = {"schema": of[id(one.body)]}
    forms = {"application/json": content, "application/x-www-form-urlencoded": content}
    return {"requestBody": {"required": True, "content": forms}}


def _security(one: Endpoint) -> list[dict[str, list[str]]]:
    if one.role == "open":
        return []
    return [{"adminToken": []}, {"session": []}, {"callerKey": []}]


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    in_path = set(re.findall(r"{(\w+)}", one.path))
    schema = _fields(one.query)
    required = set(schema.get("required", []))
    return [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in required or name in in_path,
            "schema": inner,
        }
        for name, inner in schema["properties"].items()
    ]


def _fields(shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a struct itself."""
    found: dict[str, Any] = msgspec.json.schema_components([shape], ref_template=_REF)[1][shape.__name__]
    return found


def pages(endpoints: Iterable[Endpoint], version: str) -> dict[str, str]:
    """File name -> content of the generated reference."""
    declared = list(endpoints)
    document = msgspec.json.encode(describe(declared, version), order="deterministic")
    return {
        "admin-api.json": msgspec.json.format(document, indent=2).decode() + "\n",
        "admin-api.md": "\n".join(_page(declared)) + "\n",
    }


def _page(declared: list[Endpoint]) -> Iterable[str]:
    yield "# Admin API\n"
    yield "Made from the source by `python -m trunkline.cli.reference`; do not edit it."
    yield "The same as OpenAPI 3.1: [admin-api.json](admin-api.json).\n"
    yield "The console process serves it on `127.0.0.1:4001`. Send the content of `admin.token` (in the state folder), or a caller key"
    yield "that has a role, as `Authorization: Bearer ...`; or the cookie of a session, and whatever changes something with its CSRF"
    yield "token as `x-csrf-token` (`GET /api/session` tells it). Bodies are JSON or forms. Failures have the fields `source, code,"
    yield "message, retryable, correlationId, action`."
    for one in declared:
        yield f"\n## {one.method} {one.path}\n"
        yield f"{one.summary}. {_who(one)}"
        parameters = _parameters(one)
        if parameters:
            yield "\n| parameter | form |\n|---|---|"
        for parameter in parameters:
            yield f"| `{parameter['name']}` | {_form(parameter['schema'])} |"
        if one.body is not None:
            yield "\n| field of the body | form |\n|---|---|"
            for name, inner in _fields(one.body)["properties"].items():
                yield f"| `{name}` | {_form(inner)} |"


def _form(schema: dict[str, Any]) -> str:
    """A parameter's schema in a few words."""
    if "anyOf" in schema:
        return _form(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    words = {"minimum": "from", "maximum": "to", "minLength": "at least", "maxLength": "at most"}
    bounds = " ".join(f"{word} {schema[name]}" for name, word in words.items() if name in schema)
    default = f", default {schema['default']}" if schema.get("default") else ""
    return f"{schema.get('type', '')} {bounds}".strip() + default
