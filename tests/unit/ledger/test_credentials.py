"""Who used a credential, by version, from the attempts of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.records import DAY_US, NOON_US, SECOND_US, JournalInMemory, begin, boot, call, tried
from tests.unit.ledger.conftest import MakeDrain
from trunkline.core.record import Record
from trunkline.ledger.credentials import Credentials

pytestmark = pytest.mark.row("S5")
Drained = Callable[[JournalInMemory], None]
REF = "store:STRIPE"


@pytest.fixture
def credentials(folder: Path) -> Iterator[Credentials]:
    with closing(Credentials(folder)) as found:
        yield found


def used(
    call_id: str, credential: str, at_us: int = NOON_US, code: str = "", **changes: object
) -> list[Record]:
    """One call with one attempt."""
    state = {"state": "error", "status": 401, "code": code} if code else {}
    first = tried(credential=credential, code=code)
    return list(call(call_id, at_us, ended={"tried": [first], **state}, credential=credential, **changes))


def test_uses_are_counted_by_who_and_what_over_all_versions(
    drained: Drained, credentials: Credentials
) -> None:
    drained(
        JournalInMemory(
            boot(),
            *used("a", f"{REF}@1"),
            *used("b", f"{REF}@2", NOON_US + SECOND_US, feature="refunds"),
            *used("c", f"{REF}@2", NOON_US + 2 * SECOND_US, code="auth_invalid"),
            *used("d", "store:STRIPE_OTHER@1"),
            *used("e", "store:STRIP"),
            *used("f", REF, NOON_US - DAY_US),
        )
    )
    found = credentials.uses(REF, NOON_US - 2 * DAY_US, NOON_US + DAY_US)
    assert not found.partial
    told = {(one.credential, one.feature, one.attempts, one.failed) for one in found.uses}
    assert told == {
        (f"{REF}@1", "checkout", 1, 0),
        (f"{REF}@2", "refunds", 1, 0),
        (f"{REF}@2", "checkout", 1, 1),
        (REF, "checkout", 1, 0),
    }
    assert {one.what for one in found.uses} == {"create_charge"}
    late = credentials.uses(REF, NOON_US + SECOND_US, NOON_US + DAY_US)
    assert sum(one.attempts for one in late.uses) == 2


def test_it_stops_when_the_time_is_over_and_says_how_far_it_came(drained: Drained, folder: Path) -> None:
    drained(JournalInMemory(boot(), *used("a", REF), *used("b", REF, NOON_US - 3 * 3600 * SECOND_US)))
    ticks = iter([0.0, 0.5, 2.0])
    with closing(Credentials(folder, clock=lambda: next(ticks))) as credentials:
        found = credentials.uses(REF, NOON_US - DAY_US, NOON_US + 1, within_s=1.0)
    assert (found.partial, sum(one.attempts for one in found.uses)) == (True, 1)
    assert found.since_us == NOON_US


def test_what_was_answered_since_a_place_by_version(make_drain: MakeDrain, folder: Path) -> None:
    journal = JournalInMemory(boot(), *used("a", f"{REF}@1"), begin("r", credential=f"{REF}@1"))
    drain = make_drain(journal)
    while drain.step(2000):
        pass
    with closing(Credentials(folder)) as credentials:
        place = credentials.place()
        assert credentials.answered(REF, place) == (place, [])
        journal.append(
            *used("b", f"{REF}@2", NOON_US + SECOND_US), *used("c", f"{REF}@2", NOON_US, code="auth_invalid")
        )
        while drain.step(2000):
            pass
        after, answered = credentials.answered(REF, place)
        assert [(one.credential, one.attempts, one.refused) for one in answered] == [(f"{REF}@2", 2, 1)]
        assert credentials.answered(REF, after) == (after, [])


def test_without_a_ledger_nothing_was_used(credentials: Credentials) -> None:
    assert credentials.uses(REF, 0, NOON_US).uses == []
    assert credentials.answered(REF, credentials.place()) == (0, [])
