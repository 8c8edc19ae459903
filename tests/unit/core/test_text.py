"""Small questions about header values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.text import CORRELATION, HOP_BY_HOP, correlation_id, nearest, no_formula, printable

TRACE = b"0af7651916cd43dd8448eb211c80319c"
PARENT = b"00-" + TRACE + b"-b7ad6b7169203331-01"


@pytest.mark.row("P3")
@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, ""),
        ({b"x-correlation-id": b"order-7.a:b_c"}, "order-7.a:b_c"),
        ({b"x-correlation-id": b"a" * 128}, "a" * 128),
        ({b"x-correlation-id": b"a" * 129}, ""),
        ({b"x-correlation-id": b""}, ""),
        ({b"x-correlation-id": b"a b"}, ""),
        ({b"x-correlation-id": b"a\n"}, ""),
        ({b"x-correlation-id": "hä".encode()}, ""),
        ({b"traceparent": PARENT}, TRACE.decode()),
        ({b"x-correlation-id": b"mine", b"traceparent": PARENT}, "mine"),
        ({b"x-correlation-id": b"not this one!", b"traceparent": PARENT}, TRACE.decode()),
        ({b"traceparent": b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"}, ""),
        ({b"traceparent": PARENT.upper()}, ""),
        ({b"traceparent": PARENT + b"-more"}, ""),
    ],
)
def test_a_correlation_id_is_the_callers_or_its_traces(fields: dict[bytes, bytes], wanted: str) -> None:
    assert correlation_id(fields) == wanted


@given(st.binary(max_size=140))
def test_a_correlation_id_never_holds_what_a_header_or_a_log_cannot(value: bytes) -> None:
    found = correlation_id({b"x-correlation-id": value})
    assert found == "" or CORRELATION.fullmatch(found.encode()) is not None
    assert found in ("", value.decode("latin-1"))


def test_what_travels_hop_by_hop_is_what_rfc_9110_names_and_the_old_names() -> None:
    rfc = {"connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "upgrade"}
    assert rfc <= {name.decode() for name in HOP_BY_HOP}
    assert all(name == name.lower() for name in HOP_BY_HOP)


@pytest.mark.parametrize(
    ("name", "known", "wanted"),
    [("strpe", ["stripe", "openai"], "stripe"), ("zzz", ["stripe"], ""), ("a", [], "")],
)
def test_the_nearest_name_is_the_one_that_was_meant(name: str, known: list[str], wanted: str) -> None:
    assert nearest(name, known) == wanted


@pytest.mark.row("O1")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 7 \U0001f600", "größe 7 \U0001f600"),
        ("a\nb\r\x00", "a\\nb\\r\\x00"),
        ("\x1b[2J\x9b", "\\x1b[2J\\x9b"),
        ("exe.\u202efdp", "exe.\\u202efdp"),
        ("\u2028\ud800", "\\u2028\\ud800"),
    ],
)
def test_what_does_not_show_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(cell: str) -> None:
    assert no_formula(cell) == f"'{cell}"
    assert (no_formula("a=b"), no_formula("")) == ("a=b", "")
