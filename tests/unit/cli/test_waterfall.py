"""One recorded call as text."""

import pytest

from trunkline.cli.waterfall import WIDTH, lines


def attempt(n, offset_us, duration_us, **given):
    facts = {
        "n": n,
        "target": "openai/gpt",
        "status": 200,
        "offset_us": offset_us,
        "duration_us": duration_us,
        "first_byte_us": 0,
    }
    return {**facts, "code": "", "vendor_request_id": "", **given}


def call(attempts, **given):
    facts = {
        "call_id": "c1",
        "correlation_id": "x1",
        "state": "ok",
        "at": "2026-11-21T00:00:00.000Z",
        "method": "POST",
    }
    facts |= {
        "integration": "openai",
        "path": "/v1/chat/completions",
        "model": "openai/gpt",
        "served_model": "gpt-2026",
    }
    facts |= {
        "key_id": "key_1",
        "team": "shop",
        "feature": "",
        "status": 200,
        "code": "",
        "message": "",
        "duration_us": 1_500_000,
    }
    facts |= {
        "overhead_us": 400,
        "input_tokens": 10,
        "cached_tokens": 4,
        "output_tokens": 5,
        "cost_usd": 0.0125,
        "wasted_usd": 0.0,
        "usage_estimated": False,
        "price_id": "",
        "cost_parts": [],
    }
    facts |= {"notes": [], "queued_us": 0, "resolution": "", "resolved_by": "", "resolution_note": ""}
    return {**facts, "attempts": attempts, **given}


def test_a_call_with_a_failed_and_a_good_attempt():
    tried = [
        attempt(1, 0, 300_000, status=429, code="rate_limited", first_byte_us=300_000),
        attempt(2, 750_000, 750_000, first_byte_us=375_000, vendor_request_id="req_9"),
    ]
    assert lines(call(tried)) == [
        "c1  ok  POST openai/v1/chat/completions",
        "  at           2026-11-21T00:00:00.000Z",
        "  correlation  x1",
        "  model        openai/gpt (served by gpt-2026)",
        "  caller       key_1 shop",
        "  answer       200",
        "  time         1.50 s, of which Trunkline 0.4 ms",
        "  tokens       10 in (4 cached), 5 out",
        "  cost         $0.012500",
        "  " + "=" * 8 + " " * 32 + "  #1  openai/gpt  429  300.0 ms  first byte 300.0 ms  rate_limited",
        "  " + "." * 20 + "=" * 10 + "#" * 10 + "  #2  openai/gpt  200  750.0 ms  first byte 375.0 ms  req_9",
    ]


def test_a_refused_call_without_attempts_price_or_tokens():
    refused = call(
        [],
        status=404,
        code="unknown_route",
        message="no such route",
        state="error",
        model="",
        served_model="",
    )
    shown = lines(
        {**refused, "cost_usd": None, "input_tokens": None, "output_tokens": None, "duration_us": 0}
    )
    assert shown[-3:] == [
        "  answer       404 unknown_route",
        "  message      no such route",
        "  time         0.0 ms, of which Trunkline 0.4 ms",
    ]


def test_what_flow_control_did_and_what_was_found_out_later():
    shown = lines(
        call(
            [],
            notes=["fallback=target", "repair=drop:seed"],
            queued_us=250_000,
            resolution="happened",
            resolved_by="ada",
            resolution_note="seen in the dashboard",
        )
    )
    assert "  time         1.50 s, of which Trunkline 0.4 ms, after 250.0 ms in the queue" in shown
    assert "  notes        fallback=target  repair=drop:seed" in shown
    assert "  outcome      happened, says ada: seen in the dashboard" in shown


@pytest.mark.row("O1")
def test_a_cost_is_shown_with_its_parts_and_its_price():
    parts = [
        {"what": "input", "units": 12_000, "unit_usd": 3e-06, "cost_usd": 0.036},
        {"what": "web_search", "units": 2, "unit_usd": 0.01, "cost_usd": 0.02},
        {"what": "advisor", "units": 1, "unit_usd": None, "cost_usd": None},
    ]
    shown = lines(call([], cost_usd=0.056, cost_parts=parts, price_id="a/m@2026-11-21#c0ffee"))
    assert shown[-5:] == [
        "  cost         $0.056000",
        "                   12,000 input tokens at $3 a million = $0.036000000",
        "                        2 web_search at $0.01 each = $0.020000000",
        "                        1 advisor, which have no price and are not in the cost",
        "  price        a/m@2026-11-21#c0ffee",
    ]


def test_a_cost_that_the_vendor_told_has_no_parts_and_a_guessed_one_says_so():
    told = [{"what": "told", "units": 1, "unit_usd": 0.0125, "cost_usd": 0.0125}]
    assert lines(call([], cost_parts=told, price_id="told"))[-2:] == [
        "  cost         $0.012500",
        "  price        told",
    ]
    shown = lines(call([], usage_estimated=True))
    assert shown[-1] == "  cost         $0.012500, guessed: the vendor did not tell all of the usage"


def test_tokens_that_the_vendor_did_not_tell_are_unknown():
    assert "  tokens       10 in (4 cached), unknown out" in lines(call([], output_tokens=None))


def test_bars_always_fit_their_width():
    for offset, duration, first in (
        (0, 0, 0),
        (0, 1, 5),
        (1_500_000, 0, 0),
        (1_499_999, 1, 1),
        (0, 9_000_000, 8_999_999),
    ):
        bar = lines(call([attempt(1, offset, duration, first_byte_us=first)]))[-1][2:]
        assert len(bar.split("  #1")[0]) <= WIDTH + 1
