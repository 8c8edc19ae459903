"""The detector over one operation of a vendor that changes in named ways, or does not. At full size: `tests/battery/test_drift.py`."""

from random import Random

import pytest

from tests.drift import vendors
from tests.drift.contract import Choice, Contract, Fields, Member
from tests.drift.judged import Judged
from tests.drift.met import MET, drawn, share, shows
from tests.drift.mutations import NEW_WORD, Mutant, mutated

pytestmark = pytest.mark.row("C2")

SEED = 11
FOUND = ("remove_field", "rename_field", "retype_field", "make_nullable", "nest_field", "change_status")
CALLS = 150


@pytest.fixture(scope="module")
def judge() -> Judged:
    """What was learned is learned once."""
    return Judged(SEED)


@pytest.fixture(scope="module")
def contract():
    """Slack's answer to a posted message, in our own words: optional fields, enums, an object in an object."""
    return next(one for one in vendors.contracts(SEED) if one.name == "post_message")


@pytest.mark.parametrize("operator", FOUND)
def test_a_change_is_found(judge, contract, operator) -> None:
    mutant = mutated(operator, contract, Random(f"{operator} {SEED}"))
    outcome = judge.followed(contract, mutant)
    assert outcome.calls > 0, f"{mutant.what}; told was {[change.title for change in outcome.said]}"


def test_fields_that_come_and_go_are_no_change(judge, contract) -> None:
    assert [change.title for change in judge.quiet(contract, CALLS).alarms] == []


def test_a_change_counts_as_met_only_where_it_shows() -> None:
    """A place that many replies hold may take its new value in hardly any of them."""
    seldom, often = (
        Contract(
            "v", "op", "GET", "/", Fields(members={"state": Member(Choice(values=["on"], weights=[1.0]))})
        )
        for _ in range(2)
    )
    for contract, weight in ((seldom, 0.001), (often, 9.0)):
        node = contract.reply.members["state"].node
        node.values, node.weights = ["on", NEW_WORD], [1.0, weight]
    mutants = [Mutant("new_enum_value", one, "reply", ("/state",), "") for one in (seldom, often)]
    assert [share(drawn(one.contract, SEED), one) for one in mutants] == [1.0, 1.0]
    assert [shows(one, SEED) >= MET for one in mutants] == [False, True]


def test_a_change_of_every_reply_is_met_wherever_its_place_is() -> None:
    mutant = Mutant("remove_field", next(iter(vendors.contracts(SEED))), "reply", ("/x",), "")
    assert shows(mutant, SEED) == 1.0
