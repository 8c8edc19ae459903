"""The problems of a scan as SARIF 2.1.0 (OASIS), for code hosts and editors.

Not for: what the problems are (`judge.py`).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from .found import Place
from .judge import RULES, Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"critical": "error", "warning": "warning", "info": "note"}
SECURITY = {"critical": "8.5", "warning": "5.0", "info": "2.0"}
"""`security-severity`, by which GitHub sorts."""


def log(problems: list[Problem], *, version: str, with_baseline: bool) -> dict[str, Any]:
    """The whole log. With a baseline every result says whether it is new."""
    rules = [
        {
            "id": f"scan.{name}",
            "name": "".join(part.capitalize() for part in name.split("-")),
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": f"{rule.about} {rule.cure}"},
            "help": {"text": rule.cure},
            "defaultConfiguration": {"level": LEVELS[rule.severity]},
            "properties": {"tags": ["security"], "security-severity": SECURITY[rule.severity]},
        }
        for name, rule in RULES.items()
    ]
    driver = {"name": "trunkline-scan", "version": version, "semanticVersion": version, "rules": rules}
    names = list(RULES)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder that was scanned."}}},
                "results": [
                    _result(problem, names.index(problem.rule), with_baseline) for problem in problems
                ],
            }
        ],
    }


def _result(problem: Problem, index: int, with_baseline: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": f"scan.{problem.rule}",
        "ruleIndex": index,
        "level": LEVELS[problem.severity],
        "message": {"text": problem.message},
        "locations": [_location(problem.place)],
        "partialFingerprints": {"trunklineScan/v1": problem.id},
    }
    if problem.others:
        result["relatedLocations"] = [
            {"id": number, **_location(place)} for number, place in enumerate(problem.others)
        ]
    if with_baseline:
        result["baselineState"] = "unchanged" if problem.known else "new"
    return result


def _location(place: Place) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.path), "uriBaseId": "SRCROOT"},
            "region": {"startLine": max(1, place.line)},
        }
    }
