"""What cannot work as it is written about data is an error with its place, its value and the cure."""

from __future__ import annotations

import pytest

from .conftest import Refused


def faults(refused: Refused, entry: str, more: str = "") -> list[tuple[str, str, str]]:
    found = refused(
        f"version: 1\nintegrations:\n  crm: {{base_url: 'https://crm.example.com', {entry}}}\n{more}"
    )
    return [
        (fault.item, fault.value, f"{fault.message} {fault.cure}")
        for fault in found
        if fault.severity == "error"
    ]


@pytest.mark.row("R4", "G2")
@pytest.mark.parametrize(
    ("entry", "item", "says"),
    [
        ("data: {block: [prompt]}", "data.block[0]", "Did you mean `prompts`?"),
        ("data: {redact: [usage_metrics]}", "data.redact[0]", "is nothing that can be found in a body"),
        ("data: {answers: true}", "data.answers", "Name it in `redact`."),
        ("data: {allow: [payment], forbid: [payment.card]}", "data.forbid[0]", "is allowed and forbidden"),
        ("data: {may: [pii]}", "data.may", ""),
        ("samples: {request: 2MB}", "samples.request", "Give 1MB at most"),
        ("samples: {share: 1.5}", "samples.share", "at most 1"),
        ("identifiers: [email]", "identifiers[0]", "is no place of a person's identifier"),
        (
            "operations: [{name: a, method: GET, path: '/c/{id}', identifiers: ['path:email']}]",
            "operations[0].identifiers[0]",
            "has no part {email}",
        ),
        (
            "operations: [{name: a, method: POST, path: /c, data: {block: [x]}}]",
            "operations[0].data.block[0]",
            "nothing that can be found",
        ),
    ],
)
def test_a_fault_has_its_place_and_its_cure(refused: Refused, entry: str, item: str, says: str) -> None:
    (found, *_) = [fault for fault in faults(refused, entry) if fault[0] == f"integrations.crm.{item}"]
    assert says in found[2]


@pytest.mark.row("R4")
@pytest.mark.parametrize(
    ("more", "item", "says"),
    [
        (
            "routes: {r: {integration: crm, data: {block: [nonsense]}}}\n",
            "routes.r.data.block[0]",
            "nothing that can be found",
        ),
        ("samples: {size: 1MB}\n", "samples.size", "Give 8MB to 64GB."),
        ("samples: {keep: 30d}\n", "samples.keep", "Give 1m to 7d."),
        ("stored_responses: {size: 1MB}\n", "stored_responses.size", "Give 8MB to 64GB."),
        ("stored_responses: {keep: 91d}\n", "stored_responses.keep", "Give 1m to 90d."),
        ("defaults: {samples: {response: 5MB}}\n", "defaults.samples.response", "Give 1MB at most"),
    ],
)
def test_so_has_one_beside_the_integrations(refused: Refused, more: str, item: str, says: str) -> None:
    (found, *_) = [fault for fault in faults(refused, "owner: me", more) if fault[0] == item]
    assert says in found[2]
