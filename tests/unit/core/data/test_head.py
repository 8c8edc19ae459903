"""Which header fields are looked into."""

from __future__ import annotations

import pytest

from trunkline.core.data.head import BYTES_MAX, telling

QUIET = (
    "accept accept-language content-type user-agent date host origin referer x-forwarded-for cookie authorization x-api-key api-key "
    "x-goog-api-key x-session-token idempotency-key x-hub-signature x-trunkline-subject sec-fetch-mode traceparent anthropic-version "
    "anthropic-beta x-stainless-os x-request-id x-correlation-id cf-connecting-ip x-real-ip proxy-authorization"
)


@pytest.mark.row("G2")
@pytest.mark.parametrize("name", QUIET.split())
def test_what_is_technical_or_secret_is_left_alone(name: str) -> None:
    assert telling([(name.encode(), b"jane@example.com")]) == []


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    "name", ["from", "x-acting-for", "x-user-id", "x-customer-email", "on-behalf-of", "x-user"]
)
def test_what_callers_make_up_is_looked_into(name: str) -> None:
    assert telling([(name.encode(), "Jörg".encode())]) == [(name, "Jörg")]


def test_a_head_without_end_is_looked_at_up_to_a_bound() -> None:
    fields = [(b"x-a", b"b" * (BYTES_MAX - 10)), (b"x-b", b"c" * 10)]
    assert [name for name, _ in telling(fields)] == ["x-a"]
