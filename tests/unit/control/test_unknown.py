"""A person says what became of a call: an audit row, the ledger, the gateway; and what there is to look for at the vendor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.records import NOON_US, SECOND_US, JournalInMemory, begin, end, tried
from trunkline.control import audit, publish, unknown
from trunkline.control.state import State
from trunkline.control.unknown import UnknownProblem
from trunkline.core.idempotency import DOUBT, minted, scope_of
from trunkline.core.service import Idempotency, Operation, Service, Snapshot
from trunkline.gateway.keyed import read
from trunkline.journal.answers import Answers
from trunkline.ledger.drain import Drain

pytestmark = pytest.mark.row("F2", "G1")
NOW = NOON_US / 1e6
LOST: dict[str, Any] = {"state": "outcome_unknown", "code": "outcome_unknown", "tried": [tried(status=0)]}
CUT: dict[str, Any] = {"state": "error", "code": "server_error"}

Drained = Callable[..., None]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()


@pytest.fixture
def drained(state: State) -> Drained:
    def run(*records: Any) -> None:
        journal = JournalInMemory(*records)
        with closing(Drain(state.journal, state.ledger, read_from=journal.read_from)) as drain:
            while drain.step():
                continue

    return run


def test_a_resolution_is_audited_written_down_and_told_to_the_gateway(state: State, drained: Drained) -> None:
    drained(begin("u"), end("u", **LOST))
    found = unknown.resolve(state, "corr-u", "did-not-happen", note="no such charge", actor="ada", now=NOW)

    assert (found["call_id"], found["resolution"], found["resolved_by"], found["resolution_note"]) == (
        "u", "did-not-happen", "ada", "no such charge",
    )  # fmt: skip
    (row,) = audit.entries(state)
    assert (row["actor"], row["action"], row["subject"]) == ("ada", "unknown.resolve", "u")
    assert row["detail"] == {
        "as": "did-not-happen", "note": "no such charge", "integration": "stripe", "operation": "create_charge",
    }  # fmt: skip
    assert read(state.resolutions) == {"u": "did-not-happen"}
    assert audit.verify(state).ok


def test_saying_it_again_replaces_it_and_old_lines_go(state: State, drained: Drained) -> None:
    drained(
        begin("u"),
        end("u", **LOST),
        begin("v"),
        end("v", **CUT, tried=[tried(status=500, code="server_error")]),
    )
    unknown.resolve(state, "u", "happened", now=NOW - 41 * 86400)
    unknown.resolve(state, "v", "happened", now=NOW)
    assert read(state.resolutions) == {"v": "happened"}
    assert unknown.resolve(state, "v", "repeat", now=NOW + 1)["resolution"] == "repeat"
    assert read(state.resolutions) == {"v": "repeat"}
    assert [row["subject"] for row in audit.entries(state)] == ["u", "v", "v"]


def test_a_torn_line_is_passed_over(state: State, drained: Drained) -> None:
    drained(begin("u"), end("u", **LOST))
    state.resolutions.write_bytes(
        b'{"at":1,"call":"x"\n[]\n{"at":%d,"call":"w","as":"happened"}\n{"a' % int(NOW)
    )
    assert read(state.resolutions) == {"w": "happened"}
    unknown.resolve(state, "u", "repeat", now=NOW)
    assert read(state.resolutions) == {"w": "happened", "u": "repeat"}


def test_nothing_is_read_where_nothing_is(tmp_path: Path) -> None:
    assert read(tmp_path / "resolutions") == {}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "There is no call 'u'"),
        ([begin("u")], "still runs"),
        ([begin("u"), end("u", tried=[tried()])], "was answered"),
        ([begin("u"), end("u", state="error", code="network", tried=[tried(sent=False, code="network")])], "never reached"),
        ([begin("u", acts=False), end("u", **CUT, tried=[tried(status=500)])], "could be repeated freely"),
    ],
)  # fmt: skip
def test_what_is_not_in_doubt_is_not_resolved(
    state: State, drained: Drained, records: list[Any], said: str
) -> None:
    drained(*records)
    with pytest.raises(UnknownProblem, match=said):
        unknown.resolve(state, "u", "happened")
    assert not state.resolutions.exists()
    assert [row for row in audit.entries(state) if row["action"] == "unknown.resolve"] == []


def test_a_word_that_is_none_and_a_note_too_long_are_refused(state: State, drained: Drained) -> None:
    drained(begin("u"), end("u", **LOST))
    with pytest.raises(
        UnknownProblem, match="'maybe' is no resolution; give happened, did-not-happen, repeat"
    ):
        unknown.resolve(state, "u", "maybe")  # type: ignore[arg-type]
    with pytest.raises(UnknownProblem, match="2001 characters"):
        unknown.resolve(state, "u", "happened", note="x" * 2001)


def published(state: State) -> None:
    stripe = Service(
        name="stripe",
        idempotency=Idempotency(header="Idempotency-Key"),
        status_page="https://status.stripe.test",
        operations=[Operation(name="create_charge", method="POST", path="/v1/charges", repeat="with_key")],
    )
    publish.snapshot(state, Snapshot(version="", created="", environment="dev", services=[stripe]))


def test_there_is_something_to_look_for(state: State, drained: Drained) -> None:
    published(state)
    first = tried(1, status=0, code="network", vendor_request_id="", offset_us=1500)
    second = tried(2, status=0, code="network", vendor_request_id="req_2", offset_us=SECOND_US)
    drained(begin("u"), end("u", **{**LOST, "tried": [first, second]}, notes="idempotency=minted"))
    assert unknown.described(state, unknown.find(state, "u"))["look_for"] == {
        "integration": "stripe",
        "account": "env:STRIPE_SECRET_KEY",
        "operation": "create_charge",
        "request": "POST /v1/charges",
        "body_bytes": 400,
        "sent_at": ["2026-11-21T12:00:00.001Z", "2026-11-21T12:00:01.000Z"],
        "correlation_id": "corr-u",
        "vendor_request_ids": ["req_2"],
        "status_page": "https://status.stripe.test",
        "idempotency": {
            "header": "Idempotency-Key",
            "key": minted("u"),
            "key_hash": None,
            "key_matches": None,
        },
    }


def test_a_key_of_the_caller_is_known_by_its_hash_also_after_a_crash(state: State, drained: Drained) -> None:
    published(state)
    store = Answers(state.answers, state.keys["answer_key"], background=False)
    store.open(NOW)
    scope = scope_of("shop", "key-1", "", "stripe", "create_charge")
    mark = store.mark(*scope, b"order-17")
    store.end(store.begin(mark, mark, "u", NOW, NOW + 9), DOUBT)
    store.begin(store.mark(b"x"), mark, "u-2", NOW, NOW + 9)
    store.close()
    drained(begin("u"), end("u", **LOST))
    call = unknown.find(state, "u")

    facts = [
        unknown.described(state, call, key)["look_for"]["idempotency"]
        for key in (None, "order-17", "order-18")
    ]
    assert [one["key_matches"] for one in facts] == [None, True, False]
    assert {one["key_hash"] for one in facts} == {mark.hex()}
    assert {one["key"] for one in facts} == {None}


def test_a_call_cut_by_a_crash_has_the_key_that_was_minted_for_it(state: State, drained: Drained) -> None:
    published(state)
    drained(begin("u"), end("u", **LOST))
    assert unknown.described(state, unknown.find(state, "u"))["look_for"]["idempotency"]["key"] == minted("u")


def test_an_integration_that_is_gone_is_no_hindrance(state: State, drained: Drained) -> None:
    drained(begin("u", target="gone/model", integration="gone"), end("u", **LOST))
    found = unknown.described(state, unknown.find(state, "u"))["look_for"]
    assert (found["integration"], found["status_page"], found["idempotency"]["key"]) == ("gone", "", None)
