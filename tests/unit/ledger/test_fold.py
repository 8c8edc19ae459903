from __future__ import annotations

import pytest

from tests.support.records import NOON_US, SECOND_US, again, begin, boot, call, end, tried
from trunkline.core.record import End, Record, Tried
from trunkline.ledger.fold import STOPPED_MESSAGE, Ended, Folded, Running, fold


def running(call_id: str = "call-1", *, loaded: bool = False, **begun: object) -> Running:
    record = begin(call_id, **begun)
    return Running(record, (), 1, record.target, record.credential, record.acts, 0, loaded)


def cut_end(state: str, code: str, attempts: list[Tried], at_us: int) -> End:
    return end(
        at_us=at_us, state=state, status=0, code=code, message=STOPPED_MESSAGE, source="trunkline", duration_us=0,
        overhead_us=0, first_byte_us=0, bytes_out=0, tried=attempts,
    )  # fmt: skip


def cut_attempt(code: str) -> Tried:
    return Tried(1, "stripe", "env:STRIPE_SECRET_KEY", 0, 0, 0, 0, 0, code, STOPPED_MESSAGE, "", "", True)


def test_a_call_with_begin_and_end_has_ended() -> None:
    begun, ended = call()
    assert fold([begun, ended], {}) == Folded({"call-1": None}, {"call-1": Ended(begun, ended)})


def test_a_call_without_end_runs() -> None:
    assert fold([begin()], {}) == Folded({"call-1": running()}, {})


def test_a_call_refused_before_any_attempt_has_no_attempt_out() -> None:
    refused = begin(target="", credential="")
    assert fold([refused], {}).running == {"call-1": Running(refused, (), 0, "", "", True, 0)}


def test_a_further_attempt_takes_the_place_of_the_one_before() -> None:
    second = again(target="backup", acts=False)
    known = {"call-1": running()}
    assert fold([second], known).running == {
        "call-1": Running(begin(), (second.previous,), 2, "backup", "env:STRIPE_SECRET_KEY", False, 30_000)
    }
    assert known == {"call-1": running()}


def test_the_end_of_a_call_begun_in_an_earlier_batch_finds_its_begin() -> None:
    assert fold([end()], {"call-1": running()}) == Folded({"call-1": None}, {"call-1": Ended(begin(), end())})


def test_an_end_whose_begin_is_lost_stands_alone() -> None:
    assert fold([end()], {}) == Folded({"call-1": None}, {"call-1": Ended(None, end())})


@pytest.mark.row("Q2")
@pytest.mark.parametrize(
    ("acts", "state", "code"), [(True, "outcome_unknown", "outcome_unknown"), (False, "error", "network")]
)
def test_a_newer_boot_ends_the_calls_that_a_crash_cut(acts: bool, state: str, code: str) -> None:
    begun = begin(acts=acts)
    folded = fold([begun, boot("boot-2", NOON_US + SECOND_US)], {})
    ending = cut_end(state, code, [cut_attempt(code)], NOON_US + SECOND_US)
    assert folded == Folded({"call-1": None}, {"call-1": Ended(begun, ending)})


def test_what_the_last_attempt_was_decides_how_a_cut_call_ends() -> None:
    harmless_second = again(acts=False)
    folded = fold([begin(acts=True), harmless_second, boot("boot-2")], {})
    assert (folded.ended["call-1"].end.state, [one.code for one in folded.ended["call-1"].end.tried]) == (
        "error",
        ["overloaded", "network"],
    )


def test_a_cut_call_without_attempt_is_a_plain_error() -> None:
    folded = fold([begin(target=""), boot("boot-2")], {})
    assert (folded.ended["call-1"].end.state, folded.ended["call-1"].end.tried) == ("error", [])


def test_the_boot_of_a_call_itself_does_not_cut_it() -> None:
    assert fold([boot("boot-1")], {"call-1": running()}).ended == {}


def test_a_clock_set_back_before_the_restart_saves_no_cut_call() -> None:
    folded = fold([begin(), boot("boot-2", NOON_US - 3600 * SECOND_US)], {})
    assert folded.ended["call-1"].end.state == "outcome_unknown"


def test_a_call_that_was_part_of_anothers_request_has_no_attempt_before_its_own() -> None:
    first = again(n=1, previous=tried(n=0))
    running = fold([begin(target=""), first], {}).running["call-1"]
    assert running is not None
    assert (running.tried, running.n, running.target) == ((), 1, first.target)


def test_an_old_boot_record_read_again_cuts_no_younger_call_of_the_database() -> None:
    known = {"call-1": running(boot="boot-3", loaded=True)}
    assert fold([boot("boot-2", NOON_US - SECOND_US)], known).ended == {}
    assert list(fold([boot("boot-4", NOON_US + SECOND_US)], known).ended) == ["call-1"]


def test_the_first_end_of_a_call_holds() -> None:
    records: list[Record] = [*call(), end(state="error", code="network")]
    assert fold(records, {}).ended["call-1"].end.state == "ok"


def test_an_attempt_that_ended_before_the_crash_keeps_its_outcome() -> None:
    first = tried(1, status=503, code="overloaded")
    folded = fold([begin(), again(previous=first), boot("boot-2")], {})
    assert folded.ended["call-1"].end.tried[0] == first
