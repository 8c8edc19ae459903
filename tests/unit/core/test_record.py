"""Journal records are arrays with a tag, so that their names cost nothing; the order of their columns is a contract."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trunkline.core.codec import pack_decoder, to_pack
from trunkline.core.record import STATES, Again, Begin, Boot, End, Record, Stop, Tried

TRIED = Tried(1, "acme", "env:A", 10, 5, 20, 30, 200, "", "", "", "req-1", True)
RECORDS: list[Any] = [
    Boot("b1", 1, 2, "0.1"),
    Stop("b1", 3),
    Begin("c1", 1, "corr", 4, True, "/x", "f", "s", "t", "b1", "k",
           "team", "proxy", "acme", "op", "POST", "m", "v1", "acme", "env:A", True, False),
    Again("c1", 2, 2, "acme", "env:A", False, TRIED),
    End("c1", 9, "ok", 200, "", "", "", 1, 2, 3, 4, [TRIED], "m-1", 5, 6, 7, 8, 9, 0.5, 0.25, True),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_each_record_comes_back_as_itself(record: Any) -> None:
    assert pack_decoder(Record).decode(to_pack(record)) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_is_an_array_of_its_tag_and_its_columns_in_order(record: Any) -> None:
    plain = msgspec.msgpack.decode(to_pack(record))
    tag, *columns = plain
    assert len(columns) == len(record.__struct_fields__)
    expected = [getattr(record, name) for name in record.__struct_fields__]
    assert columns == msgspec.to_builtins(expected)
    assert isinstance(tag, str)
    assert len(tag) == 1


def test_tags_are_apart() -> None:
    tags = [msgspec.msgpack.decode(to_pack(record))[0] for record in RECORDS]
    assert len(set(tags)) == len(tags) == 5


def test_a_further_column_at_the_end_does_not_make_old_readers_fail() -> None:
    longer = [*msgspec.msgpack.decode(to_pack(RECORDS[1])), "a column of tomorrow"]
    assert pack_decoder(Record).decode(to_pack(longer)) == RECORDS[1]


def test_states_are_those_of_ruling_9() -> None:
    assert STATES == ("running", "ok", "error", "cancelled", "truncated", "outcome_unknown")
