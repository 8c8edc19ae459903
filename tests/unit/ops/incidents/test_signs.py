"""What of health makes an incident, and for which cause."""

from __future__ import annotations

import pytest

from trunkline.ops.health import Traffic
from trunkline.ops.incidents.signs import Sign, cause_of, sign
from trunkline.ops.outside import Incident, Page, Probed

pytestmark = pytest.mark.row("H3")
NOW = 1_795_262_400.0
FAILING = Traffic(
    "stripe", calls=10, failures=10, last_error_at=NOW - 1, last_error_code="server_error", criticality="load-path"
)  # fmt: skip
PAGE = Page(
    at=NOW, every=60, indicator="major", incidents=[Incident(name="Elevated errors", status="investigating")]
)


def test_an_outage_of_the_load_path_is_critical() -> None:
    assert sign(FAILING, NOW) == Sign(
        integration="stripe",
        status="down",
        reason="10 of the last 10 attempts failed, the last with server_error",
        cause="vendor",
        code="server_error",
        severity="critical",
        criticality="load-path",
    )


def test_a_working_fallback_or_a_lesser_role_makes_it_a_warning() -> None:
    served = FAILING._replace(has_fallback=True, stands_in=("target adyen", "stale"))
    assert (sign(served, NOW).severity, sign(served, NOW).served) == ("warning", "target adyen, stale")
    assert sign(FAILING._replace(criticality="enhancement"), NOW).severity == "warning"


def test_an_open_breaker_counts_at_once_and_one_that_lets_single_calls_through_is_open_still() -> None:
    broken = sign(FAILING._replace(breaker="open"), NOW)
    assert (broken.at_once, broken.breaker, broken.status) == (True, "open", "down")
    half = sign(FAILING._replace(breaker="half_open"), NOW)
    assert (half.at_once, half.breaker, half.status) == (False, "open", "degraded")
    # Open only because nobody has called since: no new judgement.
    idle = sign(FAILING._replace(breaker="open", last_error_at=NOW - 100), NOW)
    assert (idle.at_once, idle.status) == (False, "degraded")


def test_a_vendors_page_alone_and_stale_answers_make_none_but_are_told() -> None:
    reported = sign(Traffic("stripe", page=PAGE), NOW)
    assert (reported.bad, reported.page) == (False, "major: Elevated errors (investigating)")
    assert not sign(Traffic("stripe", stale_s=30), NOW).bad
    assert sign(Traffic("stripe", page=Page(at=NOW, every=60)), NOW).page == ""
    assert sign(Traffic("stripe", page=Page(at=NOW, every=60, problem="gone")), NOW).page == ""


def test_what_is_switched_off_is_not_bad() -> None:
    off = sign(FAILING, NOW, off={"stripe"})
    assert (off.off, off.bad, off.status) == (True, False, "down")


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("server_error", "vendor"),
        ("network", "vendor"),
        ("timeout_upstream", "vendor"),
        ("overloaded", "vendor"),
        ("malformed_response", "vendor"),
        ("", "vendor"),
        ("a_kind_of_another_version", "vendor"),
        ("rate_limited", "limits"),
        ("quota_exhausted", "limits"),
        ("slow_down", "limits"),
        ("auth_invalid", "access"),
        ("permission_denied", "access"),
        ("billing", "access"),
        ("spend_exhausted", "access"),
        ("model_gone", "access"),
        ("secret_unavailable", "access"),
        ("outcome_unknown", "vendor"),
    ],
)
def test_the_cause_is_told_by_the_last_failure(code: str, cause: str) -> None:
    assert cause_of(FAILING._replace(last_error_code=code)) == cause


def test_a_problem_is_ours_and_a_newer_probe_has_the_word() -> None:
    unset = Traffic("stripe", problem="env:KEY is not set")
    assert (sign(unset, NOW).cause, sign(unset, NOW).code, sign(unset, NOW).bad) == (
        "access",
        "misconfigured",
        True,
    )
    probe = Probed(at=NOW, every=60, ok=False, reason="refused", code="auth_invalid", failures=2)
    assert cause_of(FAILING._replace(probe=probe)) == "access"
    assert cause_of(FAILING._replace(probe=probe, last_error_at=NOW + 1)) == "vendor"
