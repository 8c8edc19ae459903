"""What one answer proves against the lock."""

from typing import Any

import pytest

from tests.support.sampled import sample
from tests.unit.ops.contracts.test_watch import BODY, watch
from trunkline.core.codec import to_json
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts.lock import LockedOperation
from trunkline.ops.contracts.single import Answer, differences
from trunkline.ops.contracts.watch import Operation, Watch

SOMETIMES = {key: value for key, value in BODY.items() if key != "card"}


def locked() -> LockedOperation:
    """Learned from answers that sometimes lack the card."""
    found = Watch(Operation())
    for n in range(80):
        found.add(sample(BODY if n % 4 else SOMETIMES, key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    return locks.locked_operation("POST", "/v1/charges", found.operation.recent)


LOCKED = locked()


def answer(body: Any, status: int = 200) -> Answer:
    return Answer(status=status, headers={"content-type": "application/json"}, body=to_json(body))


def said(body: Any) -> set[tuple[str, str, str]]:
    return {(one.place, one.kind, one.harm) for one in differences(answer(body), LOCKED, None)}


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (BODY, set()),
        (SOMETIMES, set()),
        ({**BODY, "fresh": 1}, {("/fresh", "added", "harmless")}),
        (
            {key: value for key, value in BODY.items() if key != "amount"},
            {("/amount", "removed", "breaking")},
        ),
        ({**BODY, "amount": "5"}, {("/amount", "retyped", "breaking")}),
        ({**BODY, "amount": 5.5}, {("/amount", "widened", "risky")}),
        ({**BODY, "amount": None}, {("/amount", "nullable", "breaking")}),
        ({**BODY, "status": "late"}, {("/status", "word added", "risky")}),
        ({**BODY, "created": 1_764_000_000_000}, {("/created", "format", "risky")}),
        ({**BODY, "customer": "cus_1"}, set()),
    ],
)
def test_differences(body: Any, wanted: set[tuple[str, str, str]]) -> None:
    assert said(body) == wanted


def test_errors_are_judged_by_what_is_known_of_errors() -> None:
    found = Watch(Operation(), errors=True)
    for n in range(40):
        found.add(sample({"error": {"code": "declined"}}, status=404, key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    errors = locks.locked_operation("", "", found.operation.recent)
    assert differences(answer({"error": {"code": "declined"}}, 402), LOCKED, errors) == []
    changed = differences(answer({"error": "declined"}, 402), LOCKED, errors)
    assert {(one.place, one.kind) for one in changed} >= {("/error", "retyped")}
    assert differences(answer({"error": "declined"}, 402), LOCKED, None) == []


def test_an_answer_without_a_body_is_no_difference_of_fields() -> None:
    empty = Answer(status=200, headers={}, body=b"")
    assert (
        differences(empty, locks.locked_operation("POST", "/v1/charges", watch().operation.learned), None)
        == []
    )
