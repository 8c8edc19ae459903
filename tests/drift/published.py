"""Operations out of the documents that vendors publish, where a folder holds their repositories. Nothing of them is kept here.

`TRUNKLINE_VENDOR_SCHEMAS` names a folder with git directories `<owner>+<name>` (or `<owner>+<name>/repo`) that hold the
commits below. Not for: what a reply looks like (`compiled.py`).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.drift.compiled import Compiler, Schema
from tests.drift.contract import Contract, Fields, Many

VARIABLE = "TRUNKLINE_VENDOR_SCHEMAS"
DOCUMENTS = {
    "stripe/openapi": ("stripe", "ac382e82727b95e4c4f1bb3c4ec3a67b4a7da336", "openapi/spec3.json"),
    "openai/openai-openapi": ("openai", "f85dbe223d40e1a31cba812ab2d755c7e98a92a3", "openapi.json"),
    "twilio/twilio-oai": (
        "twilio",
        "d50069b44ea8cd23141385bdb6db48f16ff75bb5",
        "spec/json/twilio_api_v2010.json",
    ),
    "slackapi/slack-api-specs": (
        "slack",
        "bc08db49625630e3585bf2f1322128ea04f2a7f3",
        "web-api/slack_web_openapi_v2.json",
    ),
    "Adyen/adyen-openapi": (
        "adyen",
        "aa014f0cbdb58ff5c44a2ff9d5fe734642210aff",
        "json/CheckoutService-v71.json",
    ),
    "paypal/paypal-rest-api-specifications": (
        "paypal",
        "ec4d8f36a6ab0abcc3865e1072aaddc85ea14d5c",
        "openapi/billing_subscriptions_v1.json",
    ),
    "box/box-openapi": ("box", "c9a878a9824344129881392e2b08f7117201e82e", "openapi.json"),
}
"""Repository -> vendor, commit, file. Stripe's is of 2022: later ones were too large for the store that they were read from."""
FIELDS_MIN = 4


class Document(NamedTuple):
    """One vendor's description of its API, and which commit of which repository it was read from."""

    vendor: str
    repository: str
    commit: str
    content: dict[str, Any]


def folder() -> Path | None:
    """Where the repositories lie; None if nobody said."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named else None


def documents(where: Path) -> Iterator[Document]:
    """Those that are there."""
    for repository, (vendor, commit, path) in DOCUMENTS.items():
        place = where / repository.replace("/", "+")
        place = place / "repo" if (place / "repo").is_dir() else place
        if place.is_dir():
            yield Document(
                vendor, repository, commit[:12], json.loads(_git(place, "show", f"{commit}:{path}"))
            )


def _git(place: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(place), *arguments], check=True, capture_output=True).stdout


def contracts(document: Document, seed: int, most: int) -> list[Contract]:
    """Up to `most` operations of a document, spread over all of it."""
    rng = Random(f"{document.vendor}-{seed}")
    paths = sorted(document.content["paths"].items())
    step = max(1, len(paths) // (3 * most))
    return [made for made in _operations(document, rng, paths[::step]) if _rich(made)][:most]


def resolver(content: dict[str, Any], reference: str) -> Schema:
    """What a local reference points to."""
    here: Any = content
    for part in reference.removeprefix("#/").split("/"):
        here = here[part.replace("~1", "/").replace("~0", "~")]
    return dict(here)


def _operations(document: Document, rng: Random, paths: list[tuple[str, Any]]) -> Iterator[Contract]:
    content = document.content
    compiler = Compiler(rng, lambda reference: resolver(content, reference))
    for path, item in paths:
        for method in ("get", "post"):
            operation = item.get(method)
            if not isinstance(operation, dict):
                continue
            answers = operation.get("responses", {})
            status = next((code for code in answers if str(code).startswith("2")), None)
            if status is None:
                continue
            schema = _schema(_followed(content, answers[status]))
            if schema is None:
                continue
            yield Contract(
                document.vendor,
                operation.get("operationId") or f"{method} {path}",
                method.upper(),
                path.replace("{", "").replace("}", ""),
                compiler.node(schema),
                status=int(status),
                errors=[(400, _error(compiler, content, answers), 1.0)],
                request=_request(compiler, content, operation),
            )


def _followed(content: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return resolver(content, answer["$ref"]) if "$ref" in answer else answer


def _schema(answer: dict[str, Any]) -> Schema | None:
    if "schema" in answer:  # of version 2
        return dict(answer["schema"])
    media = answer.get("content", {}).get("application/json", {})
    return dict(media["schema"]) if "schema" in media else None


def _request(compiler: Compiler, content: dict[str, Any], operation: dict[str, Any]) -> Fields | None:
    body = _followed(content, operation.get("requestBody") or {})
    media = next(iter(body.get("content", {}).values()), {})
    node = compiler.node(media["schema"]) if media.get("schema") else None
    return node if isinstance(node, Fields) else None


def _error(compiler: Compiler, content: dict[str, Any], answers: dict[str, Any]) -> Fields:
    code = next((code for code in answers if str(code).startswith("4") or code == "default"), None)
    schema = _schema(_followed(content, answers[code])) if code is not None else None
    made = compiler.node(schema) if schema else None
    plain = {
        "type": "object",
        "required": ["message", "code"],
        "properties": {"message": {}, "code": {"type": "integer"}},
    }
    if not isinstance(made, Fields) or not made.members:
        made = compiler.node(plain)
    assert isinstance(made, Fields)
    return made


def _rich(contract: Contract) -> bool:
    reply = contract.reply
    if isinstance(reply, Many):
        reply = reply.item
    return isinstance(reply, Fields) and len(reply.members) >= FIELDS_MIN
