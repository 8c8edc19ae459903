"""The detector over one operation of a vendor that changes in named ways, or does not. At full size: `tests/battery/test_drift.py`."""

from random import Random

import pytest

from tests.drift import vendors
from tests.drift.judged import Judged
from tests.drift.mutations import mutated

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
