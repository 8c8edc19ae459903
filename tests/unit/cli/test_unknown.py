"""`trunkline unknown`: list, show, resolve."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.records import JournalInMemory, begin, end, tried
from trunkline.control.state import State
from trunkline.core.idempotency import minted
from trunkline.ledger.drain import Drain

pytestmark = pytest.mark.row("F2")
LOST = {"state": "outcome_unknown", "code": "outcome_unknown", "status": 502}


@pytest.fixture
def calls(trunkline, tmp_path):
    """One answered call, and two of unknown outcome, the second one with a minted key."""
    del trunkline
    state = State(tmp_path / ".trunkline").create()
    journal = JournalInMemory(
        begin("a"),
        end("a"),
        begin("u"),
        end("u", **LOST, tried=[tried(status=0)]),
        begin("v", integration="crm", target="crm", operation=""),
        end("v", **LOST, tried=[tried(status=0, target="crm")], notes="idempotency=minted"),
    )
    with closing(Drain(state.journal, state.ledger, read_from=journal.read_from)) as drain:
        while drain.step():
            continue


@pytest.mark.usefixtures("calls")
def test_the_open_ones_are_listed(trunkline):
    ran = trunkline("unknown", "list")
    assert ran.code == 0
    rows = [line.split()[1] for line in ran.out.splitlines()[1:]]
    assert rows == ["v", "u"]
    assert trunkline("unknown").out == ran.out
    lines = trunkline("unknown", "list", "--integration", "crm", "--json").out.splitlines()
    assert ['"call_id":"v"' in line for line in lines] == [True]


@pytest.mark.usefixtures("calls")
def test_one_is_shown_with_what_to_look_for(trunkline):
    ran = trunkline("unknown", "show", "v")
    assert ran.code == 0
    assert "Look for it at crm:" in ran.out
    assert f"Idempotency-Key: {minted('v')}" in ran.out
    assert "Then: trunkline unknown resolve v --as happened|did-not-happen|repeat" in ran.out
    assert trunkline("unknown", "show", "v", "--json").json["look_for"]["correlation_id"] == "corr-v"


@pytest.mark.usefixtures("calls")
def test_one_is_resolved_and_then_no_longer_open(trunkline):
    ran = trunkline("unknown", "resolve", "u", "--as", "did-not-happen", "--note", "no such charge")
    assert (ran.code, ran.out) == (0, "")
    assert (
        "u is resolved: did-not-happen. A repeat under its key goes out as if it were the first." in ran.err
    )
    assert [line.split()[1] for line in trunkline("unknown", "list").out.splitlines()[1:]] == ["v"]
    everything = trunkline("unknown", "list", "--all", "--json").out
    assert everything.count('"resolution":"did-not-happen"') == 1
    shown = trunkline("unknown", "show", "u")
    assert "outcome      did-not-happen, says cli: no such charge" in shown.out
    assert "Then:" not in shown.out
    assert trunkline("unknown", "resolve", "v", "--as", "happened", "--json").json["resolution"] == "happened"
    assert trunkline("unknown", "list").err == "No call of unknown outcome is open.\n"


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("resolve", "a", "--as", "happened"), 1, "nothing about it is in doubt"),
        (("resolve", "nope", "--as", "happened"), 1, "There is no call 'nope'"),
        (("show", "nope"), 1, "There is no call 'nope'"),
        (("resolve", "u"), 2, "--as"),
        (("resolve", "u", "--as", "maybe"), 2, "maybe"),
        (("resolv",), 2, "Did you mean 'resolve'?"),
    ],
)
def test_what_cannot_be_done_says_why(trunkline, arguments, code, said):
    ran = trunkline("unknown", *arguments)
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_without_a_state_folder_it_says_where_to_start(trunkline):
    ran = trunkline("unknown", "list")
    assert (ran.code, "Start `trunkline serve` here first" in ran.err) == (3, True)
