"""The judge of the battery sees each way in which the accounts of calls can differ."""

from __future__ import annotations

from typing import Any

import pytest

from tests.battery.judge import judge
from tests.battery.load import MIX, Asked
from trunkline.ledger.fold import STOPPED_MESSAGE
from trunkline.simulator.ledger import Entry

READ, ACT = MIX[1], MIX[3]


def asked(sort: Any = ACT, **changes: Any) -> Asked:
    return Asked(
        **{"id": "one", "sort": sort, "begun": 0.0, "status": 201, "whole": True, "body": b"{}", **changes}
    )


def entry(**changes: Any) -> Entry:
    names = (
        "vendor",
        "method",
        "path",
        "query",
        "credential",
        "credential_place",
        "idempotency_key",
        "retry_count",
    )
    values = dict.fromkeys(names, "") | {
        "seq": 1,
        "connection": 1,
        "header_names": (),
        "correlation_id": "one",
        "begun": 0.0,
    }
    return Entry(**{**values, "status": 201, "acted": True, **changes})


def row(**changes: Any) -> dict[str, Any]:
    return {"correlation_id": "one", "call_id": "call-1", "state": "ok", "message": "", **changes}


CUT = {"message": STOPPED_MESSAGE, "state": "outcome_unknown"}
UNANSWERED: dict[str, Any] = {"status": 0, "whole": False, "body": b""}


def test_three_accounts_that_agree() -> None:
    verdict = judge([asked()], [entry()], [row()])
    assert (verdict.faults, verdict.calls, verdict.seen, verdict.answered, verdict.late) == ({}, 1, 1, 1, [])


def test_a_cut_act_is_unknown() -> None:
    verdict = judge([asked(**UNANSWERED)], [entry()], [row(**CUT)])
    assert (verdict.faults, verdict.cut) == ({}, 1)


@pytest.mark.parametrize(
    ("calls", "entries", "rows", "fault"),
    [
        ([asked()], [entry()], [], "lost"),
        ([asked(**UNANSWERED)], [entry()], [], "lost"),
        ([asked()], [], [], "lost"),
        ([asked()], [entry()], [row(), row(call_id="call-2")], "doubled"),
        ([asked()], [entry()], [row(state="running")], "unfinished"),
        ([asked()], [entry(), entry(seq=2)], [row()], "done_twice"),
        ([asked()], [entry(status=500, acted=False), entry(seq=2)], [row()], "sent_twice"),
        ([asked()], [entry()], [row(**CUT)], "wrongly_unknown"),
        ([asked(READ, **UNANSWERED)], [entry()], [row(**CUT)], "wrongly_unknown"),
        ([asked(**UNANSWERED)], [entry()], [row(message=STOPPED_MESSAGE, state="error")], "wrongly_known"),
        ([asked(body=b"{}")], [entry()], [row(state="error")], "contradicted"),
    ],
)
def test_accounts_that_differ(
    calls: list[Asked], entries: list[Entry], rows: list[dict[str, Any]], fault: str
) -> None:
    assert fault in judge(calls, entries, rows).faults


def test_an_act_that_the_vendor_refused_unread_may_be_sent_again() -> None:
    assert judge([asked()], [entry(status=429, acted=False), entry(seq=2)], [row()]).faults == {}


def test_a_call_that_nobody_saw_need_not_be_recorded() -> None:
    assert judge([asked(**UNANSWERED)], [], []).faults == {}
