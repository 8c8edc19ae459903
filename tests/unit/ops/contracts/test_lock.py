"""The lock: text that reads well in a diff, and back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ops.contracts.test_watch import BODY, watch
from trunkline.ops.contracts import lock as locks
from trunkline.ops.contracts.evidence import Evidence, Place, Tally
from trunkline.ops.contracts.lock import Lock, LockedIntegration, LockInvalid

OPERATION = locks.locked_operation("POST", "/v1/charges", watch().operation.learned)
LOCK = Lock(
    integrations={"stripe@2026-08": LockedIntegration("2026-08-26.dahlia", {"create_charge": OPERATION})}
)


@pytest.mark.row("C2")
def test_a_lock_is_lines_that_a_person_can_read() -> None:
    assert locks.text(LOCK).split("places:\n", 2)[-1].splitlines()[:9] == [
        "              .: {seen: 60/60, type: object}",
        "              /amount: {seen: 60/60, type: integer}",
        "              /card: {seen: 60/60, type: object}",
        "              /card/brand: {seen: 60/60, type: string, words: {visa: 60}}",
        "              /created: {seen: 60/60, type: integer, format: epoch-s}",
        '              /customer: {seen: 60/60, type: "null"}',
        "              /id: {seen: 60/60, type: string, words: {ch_1: 60}}",
        "              /status: {seen: 60/60, type: string, words: {succeeded: 60}}",
        "          status:",
    ]


def test_the_same_content_is_the_same_text() -> None:
    assert locks.parse(locks.text(LOCK)) == LOCK
    assert locks.text(locks.parse(locks.text(LOCK))) == locks.text(LOCK)
    assert locks.mark_of(OPERATION) == locks.mark_of(
        locks.parse(locks.text(LOCK)).integrations["stripe@2026-08"].operations["create_charge"]
    )


def test_what_is_read_back_judges_like_what_was_learned() -> None:
    found = watch()
    found.operation.accept(locks.contract_of(OPERATION), "mark")
    found.refresh()
    assert [
        found.operation.learned["reply"].places[place].count("+") for place in ("", "/amount", "/card/brand")
    ] == [60, 60, 60]
    assert found.operation.changes() == []


def test_words_that_are_no_set_do_not_come_into_the_lock() -> None:
    few = watch(BODY, units=5)
    text = locks.operation_text(locks.locked_operation("POST", "/v1/charges", few.operation.learned))
    assert "visa" not in text
    assert "words: {" + '"200": 5}' in text


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert locks.read(tmp_path / "trunkline.lock") == Lock()
    assert locks.parse(locks.text(Lock())) == Lock()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no valid YAML"),
        ("version: 2\n", "trunkline.lock is of version 2 of this format; this Trunkline reads 1."),
        ("- a\n", "the file: Expected `object`, got `array`"),
    ],
)
def test_a_lock_that_cannot_be_read_says_why_and_the_cure(text: str, said: str) -> None:
    with pytest.raises(LockInvalid) as problem:
        locks.parse(text)
    assert said in str(problem.value)
    assert "trunkline contracts accept" in str(problem.value)


HAND = """version: 1
integrations:
  shop:
    api_version: "2026-01"
    operations:
      get_order:
        call: "GET /orders/{id}"
        parts:
          reply:
            units: 10
            places:
              .: {seen: 10/10, type: object}
              /id: {seen: 10/10, type: string}
"""
PLACE = "integrations.shop.operations.get_order.parts.reply.places./id"


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("was", "edited", "said"),
    [
        ("/id: {seen: 10/10", "/id: {seen: often", f"trunkline.lock:13: `{PLACE}.seen` is 'often': it is `N/M`"),
        ("/id: {seen: 10/10", "/id: {seen: 7", f"trunkline.lock:13: `{PLACE}.seen` is '7': Expected `str`, got `int`; in quotes"),
        ("type: string", "type: strng", f"trunkline.lock:13: `{PLACE}.type` is 'strng': 'strng' is none of array, boolean,"),
        ("type: string", "missing: -1", f"trunkline.lock:13: `{PLACE}.missing` is '-1'"),
        ("type: string", "words: {a: -2}", f"trunkline.lock:13: `{PLACE}.words`: counts are not below 0"),
        ("units: 10", "unit: 10", "trunkline.lock:10: `integrations.shop.operations.get_order.parts.reply.unit` is '10': Object contains"),
        ("units: 10", "units: -1", "trunkline.lock:10: `integrations.shop.operations.get_order.parts.reply.units` is '-1'"),
        ('"2026-01"', "2026-01-01", "trunkline.lock:4: `integrations.shop.api_version`: Expected `str`, got `date`; in quotes"),
        ("units: 10", "units: 10\n            units: 12", "trunkline.lock:11 is no valid YAML: `units` comes twice"),
        ("      get_order:", "<<<<<<< HEAD\n      get_order:\n=======\n      other:\n>>>>>>> theirs",
         "trunkline.lock:6 holds the marks of a merge that was not finished. Take one side"),
    ],
)  # fmt: skip
def test_a_lock_edited_by_hand_says_line_item_value_and_cure(was: str, edited: str, said: str) -> None:
    def judged(text: str) -> object:
        return locks.contract_of(locks.parse(text).integrations["shop"].operations["get_order"])

    assert judged(HAND)
    with pytest.raises(LockInvalid) as problem:
        judged(HAND.replace(was, edited, 1))
    assert str(problem.value).startswith(said)
    assert "version control" in str(problem.value) or "git checkout --ours" in str(problem.value)


KINDS = st.sampled_from(("string", "null", "integer", "number", "boolean", "array", "object"))
NAMES = st.text("abc/~{}[]<>: \"'\\é", min_size=1, max_size=6)


@given(
    st.dictionaries(
        NAMES,
        st.tuples(
            st.integers(1, 9), st.integers(0, 9), st.dictionaries(KINDS, st.integers(1, 9), max_size=2)
        ),
        max_size=5,
    )
)
def test_whatever_places_are_called_they_come_back(
    places: dict[str, tuple[int, int, dict[str, int]]],
) -> None:
    made = {
        f"/{name}": Place(
            9,
            {
                "+": Tally(seen),
                **({"-": Tally(gone)} if gone else {}),
                **{f"t:{kind}": Tally(n) for kind, n in types.items()},
            },
        )
        for name, (seen, gone, types) in places.items()
    }
    operation = locks.locked_operation(
        "GET", "/x", {"reply": Evidence(9, {"": Place(9, {"+": Tally(9), "t:object": Tally(9)}), **made})}
    )
    lock = Lock(integrations={"a": LockedIntegration("1", {"x": operation})})
    assert locks.parse(locks.text(lock)) == lock
