"""What the outcome of a probe says."""

from __future__ import annotations

import pytest

from trunkline.core.flow import Probe
from trunkline.ops.outside import Probed
from trunkline.ops.probes.judge import Outcome, judged
from trunkline.wire.errors import AddressDenied, ConnectRefused

pytestmark = pytest.mark.row("H1")
PROBE = Probe(path="/v1/models", every=60.0, timeout=10.0)


@pytest.mark.parametrize(
    ("outcome", "ok", "code", "reason"),
    [
        (Outcome(200, took_s=0.0421), True, "", "GET /v1/models answered 200 after 42 ms"),
        (Outcome(429), True, "", "GET /v1/models answered 429 after 0 ms"),
        (Outcome(403, signed=True), True, "", "GET /v1/models answered 403 after 0 ms"),
        (Outcome(401), True, "", "GET /v1/models answered 401 after 0 ms"),
        (
            Outcome(401, signed=True),
            False,
            "auth_invalid",
            "GET /v1/models answered 401 after 0 ms: the credential is refused",
        ),
        (
            Outcome(404),
            False,
            "misconfigured",
            "GET /v1/models answered 404 after 0 ms: this vendor has nothing at the probe's path",
        ),
        (Outcome(503), False, "server_error", "GET /v1/models answered 503 after 0 ms"),
        (
            Outcome(failure=TimeoutError()),
            False,
            "timeout_upstream",
            "GET /v1/models had no answer within 10 s",
        ),
        (
            Outcome(failure=ConnectRefused("nobody accepts")),
            False,
            "network",
            "GET /v1/models: nobody accepts",
        ),
        (
            Outcome(failure=AddressDenied("leads to 127.0.0.1")),
            False,
            "misconfigured",
            "GET /v1/models: leads to 127.0.0.1",
        ),
        (Outcome(failure=ValueError("plain HTTP")), False, "misconfigured", "GET /v1/models: plain HTTP"),
    ],
)
def test_a_probe_is_judged(outcome: Outcome, ok: bool, code: str, reason: str) -> None:
    found = judged(outcome, PROBE, None, 100.0)
    assert (found.ok, found.code, found.reason, found.failures) == (ok, code, reason, int(not ok))


def test_failures_in_a_row_are_counted_and_forgotten_after_a_good_one() -> None:
    found: Probed | None = None
    counts = []
    for status in (500, 500, 200, 500):
        found = judged(Outcome(status), PROBE, found, 100.0)
        counts.append(found.failures)
    assert counts == [1, 2, 0, 1]


def test_at_the_root_a_404_is_an_answer() -> None:
    assert judged(Outcome(404), Probe(path="/"), None, 100.0).ok
