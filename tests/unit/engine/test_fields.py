"""Which header fields pass, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.text import HOP_BY_HOP
from trunkline.engine.fields import OURS, TO_CALLER, TO_VENDOR, Filter, without_named

CREDENTIALS = {b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"proxy-authorization"}  # fmt: skip


@pytest.mark.row("P1", "S1")
def test_neither_credentials_nor_cookies_nor_hops_pass() -> None:
    assert CREDENTIALS | HOP_BY_HOP <= TO_VENDOR
    assert {b"set-cookie", b"set-cookie2"} | HOP_BY_HOP <= TO_CALLER


@pytest.mark.row("P1")
def test_what_tells_of_the_callers_network_stays_here() -> None:
    assert {b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via", b"referer", b"origin"} <= TO_VENDOR


@given(st.binary(min_size=1, max_size=20))
def test_a_name_is_judged_the_same_each_time(name: bytes) -> None:
    filter_ = Filter((b"cookie",), OURS, b"sec-")
    wanted = name != b"cookie" and not name.startswith((b"x-trunkline-", b"sec-"))
    assert filter_.passes(name) is filter_.passes(name) is wanted


def test_verdicts_are_remembered_within_bounds() -> None:
    filter_ = Filter(())
    for n in range(3000):
        assert filter_.passes(b"x-%d" % n)
    assert len(filter_.verdicts) == 2048
    assert filter_.passes(b"x-2999")


@pytest.mark.row("P1")
@pytest.mark.parametrize(
    ("connection", "left"),
    [
        (None, [b"x-a", b"x-b", b"connection"]),
        (b"keep-alive", [b"x-a", b"x-b", b"connection"]),
        (b"close, X-A", [b"x-b", b"connection"]),
        (b"x-a ,x-b", [b"connection"]),
        (b",,", [b"x-a", b"x-b", b"connection"]),
    ],
)
def test_what_connection_names_is_hop_by_hop(connection: bytes | None, left: list[bytes]) -> None:
    headers = [(b"x-a", b"1"), (b"x-b", b"2"), (b"connection", connection or b"")]
    assert [name for name, _ in without_named(headers, connection)] == left
