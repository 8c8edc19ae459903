"""One error, wherever the answer put its fields."""

from __future__ import annotations

import json
import pickle

import pytest

from trunkline.client.errors import from_answer, unreachable

OURS = {
    "source": "stripe",
    "code": "rate_limited",
    "message": "slow down",
    "retryable": True,
    "correlationId": "c1",
    "action": "wait",
    "retryAt": "2026-11-21T09:00:00Z",
    "upstreamStatus": 429,
    "attempts": 3,
    "spentUsd": 0.5,
    "runbook": "r.md",
}


@pytest.mark.parametrize(
    "body",
    [OURS, {"error": {"type": "x", "code": "vendors"}, **OURS}, {"error": OURS}],
    ids=["alone", "beside the vendor's", "within a dialect's"],
)
def test_fields_are_found(body: object) -> None:
    error = from_answer(429, {}, json.dumps(body).encode())
    assert (error.source, error.code, error.message, error.retryable, error.correlation_id) == (
        "stripe",
        "rate_limited",
        "slow down",
        True,
        "c1",
    )
    assert (error.retry_at, error.upstream_status, error.attempts, error.spent_usd) == (
        "2026-11-21T09:00:00Z",
        429,
        3,
        0.5,
    )
    assert str(error) == "stripe: rate_limited: slow down [c1]"


def test_headers_alone_are_enough() -> None:
    headers = {
        "x-trunkline-error-code": "declined",
        "x-trunkline-error-source": "stripe",
        "x-correlation-id": "c2",
    }
    error = from_answer(402, headers, b"<html>no</html>")
    assert (error.code, error.source, error.correlation_id, error.status) == ("declined", "stripe", "c2", 402)
    assert error.body == b"<html>no</html>"


def test_it_crosses_process_borders_whole() -> None:
    error = from_answer(429, {}, json.dumps(OURS).encode())
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)
    assert str(again) == str(error)


def test_a_call_that_never_left_may_be_made_again() -> None:
    assert unreachable("x", "refused", sent=False).retryable is True
    doubtful = unreachable("x", "reset", sent=True)
    assert doubtful.retryable is False
    assert "unknown" in doubtful.message
