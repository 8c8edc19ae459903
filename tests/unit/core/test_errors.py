"""The table of failures answers every question about a failure consistently."""

from __future__ import annotations

import re

import pytest

from trunkline.core.errors import KINDS, CallError, Kind

OURS = ("unauthenticated", "forbidden", "unknown_route", "unknown_model", "caller_rate_limited", "over_budget", "unpriced",
        "circuit_open", "queue_full", "queue_timeout", "secret_unavailable", "misconfigured", "store_unavailable",
        "idempotency_in_progress", "shed", "shutting_down")  # fmt: skip
"""What Trunkline refuses before anything was sent."""


@pytest.mark.row("E1")
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_each_kind_says_who_must_do_what(kind: Kind) -> None:
    assert re.fullmatch(r"[a-z_]+", kind.code)
    assert 400 <= kind.status <= 504
    assert kind.who in ("wait", "caller", "operator", "vendor")
    assert kind.action.endswith(".")
    assert kind.action[0].isupper()


@pytest.mark.row("F1")
def test_what_is_tried_again_could_succeed_later() -> None:
    assert [k.code for k in KINDS.values() if k.again and not k.later] == ["malformed_response"]


@pytest.mark.row("F1")
def test_nothing_is_tried_again_after_authentication_or_validation_failed() -> None:
    never = ("auth_invalid", "permission_denied", "invalid_request", "unauthenticated", "forbidden", "not_found",
             "declined", "content_policy", "context_too_long", "request_too_large")  # fmt: skip
    assert [code for code in never if KINDS[code].again or KINDS[code].later] == []


@pytest.mark.row("F1")
@pytest.mark.parametrize("code", OURS)
def test_what_we_refuse_never_acted_and_never_counts_against_the_vendor(code: str) -> None:
    kind = KINDS[code]
    assert (kind.acted, kind.trips, kind.again) == (False, False, False)


def test_what_counts_against_a_vendor_is_what_may_have_acted_or_broken() -> None:
    assert {k.code for k in KINDS.values() if k.trips} == {
        "overloaded", "timeout_upstream", "server_error", "network", "malformed_response", "outcome_unknown",
    }  # fmt: skip


@pytest.mark.row("W1")
def test_a_vendors_refusal_of_our_credential_is_not_the_callers_401() -> None:
    assert (KINDS["auth_invalid"].status, KINDS["unauthenticated"].status) == (502, 401)


def test_an_error_takes_its_answers_from_its_kind_unless_told_otherwise() -> None:
    plain = CallError("overloaded", "busy")
    told = CallError("overloaded", "busy", again=False, later=False, never_acted=True)
    assert (plain.again, plain.retryable, plain.may_have_acted) == (True, True, True)
    assert (told.again, told.retryable, told.may_have_acted) == (False, False, False)
    assert not CallError("rate_limited", "slow").may_have_acted


def test_an_error_shows_code_message_and_source_and_no_body() -> None:
    error = CallError("network", "no answer", source="acme")
    error.body = b"sk-test-not-a-real-key"
    assert repr(error) == "CallError('network', 'no answer', source='acme')"
    assert str(error) == "no answer"


def test_a_code_that_is_no_row_is_a_defect() -> None:
    with pytest.raises(KeyError):
        CallError("no_such_kind", "x")
