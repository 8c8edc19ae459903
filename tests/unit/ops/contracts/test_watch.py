"""One operation under watch: learned from calls, judged by what comes afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.sampled import sample, sse
from trunkline.ops.contracts.change import Change
from trunkline.ops.contracts.watch import OPEN_MAX, Operation, Watch

LEARNED = 60
BODY = {
    "id": "ch_1",
    "status": "succeeded",
    "amount": 5,
    "created": 1_764_000_000,
    "customer": None,
    "card": {"brand": "visa"},
}


def watch(body: Any = BODY, units: int = LEARNED, keys: tuple[str, ...] = ("a", "b"), **more: Any) -> Watch:
    """A watch that has learned one kind of answer from several callers, a minute after the other."""
    found = Watch(Operation())
    for n in range(units):
        found.add(sample(body, key=keys[n % len(keys)], minute=2 * n, **more))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    return found


def after(
    found: Watch, make: Callable[[int], Any], units: int = 12, keys: tuple[str, ...] = ("a", "b"), **more: Any
) -> list[Change]:
    """What is told after so many further minutes."""
    for n in range(units):
        found.add(sample(make(n), key=keys[n % len(keys)], minute=1000 + 2 * n, **more))
    found.close(1 << 60)
    return found.operation.changes()


def told(changes: list[Change]) -> list[tuple[str, str, str, str]]:
    return [(change.part, change.place, change.kind, change.now) for change in changes]


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key != name}


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda n: without("amount"), ("reply", "/amount", "removed", "")),
        (lambda n: {**without("amount"), "total": 5}, ("reply", "/amount", "renamed", "total")),
        (lambda n: {**BODY, "fresh": "x"}, ("reply", "/fresh", "added", "string")),
        (lambda n: {**BODY, "amount": "5"}, ("reply", "/amount", "retyped", "string")),
        (lambda n: {**BODY, "amount": None}, ("reply", "/amount", "nullable", "null")),
        (lambda n: {**BODY, "amount": 5.5}, ("reply", "/amount", "widened", "number")),
        (lambda n: {**BODY, "status": "reversed"}, ("reply", "/status", "word added", "reversed")),
        (lambda n: {**BODY, "created": 1_764_000_000_000}, ("reply", "/created", "format", "epoch-ms")),
        (lambda n: {**BODY, "card": ["visa"]}, ("reply", "/card", "retyped", "array")),
        (lambda n: {**BODY, "card": {}}, ("reply", "/card/brand", "removed", "")),
        (lambda n: BODY if n % 3 else without("amount"), ("reply", "/amount", "optional", "")),
    ],
    ids=lambda value: value[2] if isinstance(value, tuple) else None,
)
def test_a_change_that_holds_is_told(make: Callable[[int], Any], change: tuple[str, str, str, str]) -> None:
    assert change in told(after(watch(), make, 24))


@pytest.mark.row("C2")
def test_what_was_null_now_and_then_and_is_nothing_else_any_more_is_told() -> None:
    bodies = [BODY, {**BODY, "card": None}, {**BODY, "card": None}]
    found = Watch(Operation())
    for n in range(90):
        found.add(sample(bodies[n % 3], key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    assert told(after(found, lambda n: bodies[n % 3], 60)) == []
    assert ("reply", "/card", "emptied", "null") in told(after(found, lambda n: bodies[1], 60))


@pytest.mark.row("C2")
def test_a_kind_of_object_that_never_comes_any_more_is_told() -> None:
    """Nothing notes that it is missing, as it is noted of fields."""
    charge, refund = {"type": "charge", "amount": 1}, {"type": "refund", "charge": "ch_1"}
    found = Watch(Operation())
    for n in range(90):
        found.add(sample({"data": [charge, refund]}, key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    assert told(after(found, lambda n: {"data": [charge, refund]})) == []
    assert ("reply", "/data/[]<refund>", "shape removed", "") in told(
        after(found, lambda n: {"data": [charge]}, 24)
    )


def test_kinds_of_objects_are_not_missed_where_an_object_turned_out_to_be_a_map() -> None:
    """Its values are no longer told apart, so nobody knows which kinds come."""
    found = Watch(Operation())
    for n in range(120):
        ways = {f"field{n}": 1}, {"type": "card", "id": n}, {"type": "bank", "id": n}
        found.add(sample({"way": ways[n % 3]}, key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    assert found.operation.learned["reply"].maps == ["/way"]
    assert told(after(found, lambda n: {"way": {"type": "card", "id": n}}, 40)) == []


@pytest.mark.row("C2")
def test_a_word_with_a_day_in_it_is_one_of_a_set_whatever_the_day() -> None:
    words = ["auto", "default_2024_08_21"]
    found = Watch(Operation())
    for n in range(90):
        found.add(sample({**BODY, "ranker": words[n % 2]}, key="ab"[n // 2 % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    later = ["auto", "default_2025_01_31"]
    assert told(after(found, lambda n: {**BODY, "ranker": later[n % 2]}, 24)) == []
    changed = after(found, lambda n: {**BODY, "ranker": "auto"}, 60)
    assert [(one.kind, one.was) for one in changed] == [("word removed", "default_DATE")]


@pytest.mark.row("C2")
def test_a_word_of_a_field_that_some_callers_never_get_is_missed_by_those_who_do() -> None:
    """Who lacks the whole field misses no word of it."""
    bodies = [{**BODY, "plan": "gold"}, {**BODY, "plan": "free"}, BODY]
    found, keys = Watch(Operation()), ("a", "b", "none")
    for n in range(90):
        found.add(sample(bodies[2 if n % 3 == 2 else n % 2], key=keys[n % 3], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    changes = after(found, lambda n: bodies[2] if n % 3 == 2 else bodies[1], 60, keys)
    assert [(one.place, one.kind, one.was) for one in changes] == [("/plan", "word removed", "gold")]


def test_the_same_as_ever_is_no_change() -> None:
    assert after(watch(), lambda n: BODY, 200) == []


def test_missing_once_is_no_change_and_missing_for_good_is_one() -> None:
    found = watch()
    assert after(found, lambda n: without("amount"), 1) == []
    assert after(found, lambda n: BODY, 5) == []
    assert told(after(watch(), lambda n: without("amount"), 4)) == [("reply", "/amount", "removed", "")]


def test_a_field_that_comes_and_goes_may_stay_away_for_a_while() -> None:
    found = Watch(Operation())
    for n in range(80):
        found.add(sample(BODY if n % 4 else without("customer"), key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    assert after(found, lambda n: without("customer"), 5) == []
    assert told(after(found, lambda n: without("customer"), 20)) == [("reply", "/customer", "removed", "")]


def test_what_only_one_of_several_callers_meets_is_that_callers_doing() -> None:
    found = watch()
    for n in range(30):
        found.add(sample(BODY if n % 2 else without("amount"), key="ab"[n % 2], minute=1000 + 2 * n))
    found.close(1 << 60)
    assert found.operation.changes() == []


def test_an_operation_with_one_caller_is_judged_by_that_one() -> None:
    assert told(after(watch(keys=("a",)), lambda n: without("amount"), 4, keys=("a",))) == [
        ("reply", "/amount", "removed", "")
    ]


def test_many_calls_of_one_caller_in_a_row_count_once() -> None:
    found = watch()
    for n in range(50):
        found.add(sample(without("amount"), key="a", minute=1000 + n / 60))
    found.close(1 << 60)
    assert (found.operation.units(), found.operation.changes()) == (1, [])


def test_with_many_callers_at_once_the_oldest_minute_is_counted_early() -> None:
    found = watch()
    for n in range(OPEN_MAX + 3):
        found.add(sample(BODY, key=f"caller{n}", minute=1000))
    assert found.operation.units() == 3


def test_another_status_is_told() -> None:
    assert ("status", "", "status", "202") in told(after(watch(), lambda n: BODY, 8, status=202))


def test_requests_that_are_refused_all_at_once_are_told() -> None:
    refusal = {"error": {"code": "parameter_missing", "message": "Missing required parameter: 'region'."}}
    found = watch()
    changes = after(found, lambda n: refusal, 8, status=400)
    assert told(changes) == [("outcome", "", "refused", "400 parameter_missing")]
    assert changes[0].harm == "breaking"


def test_requests_that_are_refused_without_a_reason_are_told_once_none_is_accepted() -> None:
    """One that is refused now and then is somebody's mistake."""
    refusal = {"error": {"code": "invalid_request", "message": "The request is not well-formed."}}
    found = Watch(Operation())
    for n in range(90):
        bad = n % 9 == 8
        found.add(sample(refusal if bad else BODY, key="ab"[n % 2], minute=2 * n, status=400 if bad else 200))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    assert told(after(found, lambda n: refusal, 2, status=400)) == []
    assert told(after(found, lambda n: refusal, 24, status=400)) == [("outcome", "", "refused", "refused")]


def test_an_operation_that_was_only_ever_refused_is_judged_like_any_other() -> None:
    """Nothing was accepted while it was learned: the judgement ended with a KeyError, and the console with it."""
    refusal = {"error": {"code": "invalid_request", "message": "The request is not well-formed."}}
    found = watch(refusal, status=400)
    assert told(after(found, lambda n: refusal, 24, status=400)) == []
    assert told(after(found, lambda n: BODY, 24)) == []


def test_a_vendor_that_never_refused_may_refuse_one_caller() -> None:
    refusal = {"error": {"message": "The request is not well-formed."}}
    found = watch()
    for n in range(40):
        mine = n % 2
        found.add(
            sample(
                refusal if mine else BODY, key="ab"[mine], minute=1000 + 2 * n, status=400 if mine else 200
            )
        )
    found.close(1 << 60)
    assert told(found.operation.changes()) == []


def test_codes_that_begin_with_naught_are_words_of_a_set() -> None:
    words = ("01", "02", "03")
    found = Watch(Operation())
    for n in range(120):
        body = {**BODY, "challenge": words[n % 3], "month": f"{n // 40 + 7:02}"}
        found.add(sample(body, key="ab"[n % 2], minute=2 * n))
    found.close(1 << 60)
    found.operation.accept(found.operation.recent, "test")
    found.refresh()
    changes = after(found, lambda n: {**BODY, "challenge": words[n % 2], "month": "12"}, 60)
    assert [(one.place, one.kind, one.was) for one in changes] == [("/challenge", "word removed", "03")]


def test_events_of_a_stream_that_come_go_and_change_are_told() -> None:
    def stream(*names: str, field: str = "x") -> bytes:
        return sse(*((name, {"type": name, field: 1}) for name in names))

    media = {"media": "text/event-stream"}
    found = watch(stream("start", "delta", "stop"), **media)
    changes = told(after(found, lambda n: stream("start", "delta", "fresh"), 10, **media))
    assert ("stream", "/stop", "renamed", "fresh") in changes
    found = watch(stream("start", "stop"), **media)
    assert told(after(found, lambda n: stream("start", "stop", field="y"), 10, **media)) == [
        ("event start", "/x", "renamed", "y"), ("event stop", "/x", "renamed", "y"),
    ]  # fmt: skip


def test_errors_of_all_operations_are_watched_together() -> None:
    errors = Watch(Operation(), errors=True)
    for n in range(30):
        errors.add(
            sample({"error": {"type": "invalid", "message": "no"}}, status=400, key="ab"[n % 2], minute=2 * n)
        )
    errors.close(1 << 60)
    errors.operation.accept(errors.operation.recent, "test")
    errors.refresh()
    for n in range(12):
        errors.add(sample({"errors": [{"message": "no"}]}, status=422, key="ab"[n % 2], minute=1000 + 2 * n))
    errors.close(1 << 60)
    assert {(part, place, kind) for part, place, kind, _ in told(errors.operation.changes())} == {
        ("error", "/error", "removed"), ("error", "/errors", "added"), ("error status", "", "status"),
    }  # fmt: skip


def test_a_change_tells_how_often_it_was_seen_and_whom_it_hurts() -> None:
    (change,) = after(watch(), lambda n: {**BODY, "amount": "5"}, 4)
    assert (change.title, change.harm, change.evidence) == (
        "reply /amount: another type (integer -> string)",
        "breaking",
        "never in 60, then in 4 of 4",
    )


def test_whom_an_undeclared_path_names_is_not_kept() -> None:
    found = Watch(Operation())
    found.add(sample(BODY, path="/v3/contacts/jane%40example.com"))
    assert found.operation.path == "/v3/contacts/[pii.email]"
