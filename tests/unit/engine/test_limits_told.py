"""What the header fields of each vendor tell about its limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.limits_told import LimitTold, limits_told

NOW = 1_795_255_200.0


def told(dialect: str, **fields: str) -> list[LimitTold]:
    return limits_told(dialect, [(n.replace("_", "-").encode(), v.encode()) for n, v in fields.items()], NOW)


def test_openai_tells_requests_and_tokens_with_go_durations() -> None:
    assert told(
        "openai",
        x_ratelimit_limit_requests="60", x_ratelimit_remaining_requests="59", x_ratelimit_reset_requests="1s",
        x_ratelimit_limit_tokens="150000", x_ratelimit_remaining_tokens="149984", x_ratelimit_reset_tokens="6m0s",
    ) == [
        LimitTold("requests", "requests", 60, 59, NOW + 1, None, True),
        LimitTold("tokens", "tokens", 150000, 149984, NOW + 360, None, True),
    ]  # fmt: skip


def test_groq_counts_requests_by_day_and_tokens_by_minute() -> None:
    assert told(
        "groq", x_ratelimit_limit_requests="14400", x_ratelimit_remaining_requests="14370", x_ratelimit_reset_requests="2m59.56s",
        x_ratelimit_limit_tokens="18000", x_ratelimit_remaining_tokens="17997", x_ratelimit_reset_tokens="7.66s",
    ) == [
        LimitTold("requests", "requests", 14400, 14370, NOW + 179.56, 86400, True),
        LimitTold("tokens", "tokens", 18000, 17997, NOW + 7.66, 60, True),
    ]  # fmt: skip


def test_anthropic_tells_instants() -> None:
    head = "anthropic_ratelimit_"
    tokens = f"{head}input_tokens_"
    assert told(
        "anthropic",
        **{f"{head}requests_limit": "50", f"{head}requests_remaining": "0", f"{head}requests_reset": "2026-11-21T10:00:30Z"},
        **{f"{tokens}limit": "9000", f"{tokens}remaining": "100", f"{tokens}reset": "2026-11-21T10:01:00Z"},
        anthropic_priority_output_tokens_limit="10", anthropic_priority_output_tokens_remaining="5",
    ) == [
        LimitTold("requests", "requests", 50, 0, NOW + 30, None, True),
        LimitTold("input-tokens", "input-tokens", 9000, 100, NOW + 60, None, True),
        LimitTold("priority-output-tokens", "output-tokens", 10, 5, None, None, True),
    ]  # fmt: skip


def test_github_and_sendgrid_tell_epoch_seconds() -> None:
    assert told(
        "github", x_ratelimit_limit="5000", x_ratelimit_remaining="0", x_ratelimit_reset="1795255290", x_ratelimit_resource="core"
    ) == [LimitTold("core", "requests", 5000, 0, NOW + 90)]  # fmt: skip
    assert told(
        "sendgrid", x_ratelimit_limit="600", x_ratelimit_remaining="599", x_ratelimit_reset="1795255245"
    ) == [LimitTold("requests", "requests", 600, 599, NOW + 45)]


def test_the_rest() -> None:
    assert told("shopify", x_shopify_shop_api_call_limit="32/40") == [
        LimitTold("bucket", "requests", 40, 8, NOW + 16, None, True)
    ]
    assert told("shopify", x_shopify_shop_api_call_limit="0/0") == []
    assert told("twilio", twilio_concurrent_requests="5") == []
    assert told("mistral", x_ratelimit_remaining="12") == [LimitTold("requests", "requests", None, 12)]
    assert told("none", x_ratelimit_remaining="12") == []
    assert told(
        "hubspot",
        x_hubspot_ratelimit_max="110", x_hubspot_ratelimit_remaining="109", x_hubspot_ratelimit_interval_milliseconds="10000",
        x_hubspot_ratelimit_daily="250000", x_hubspot_ratelimit_daily_remaining="249000",
    ) == [
        LimitTold("interval", "requests", 110, 109, NOW + 10, 10),
        LimitTold("daily", "requests", 250000, 249000, None, 86400),
    ]  # fmt: skip


def test_the_ratelimit_draft_in_all_its_ages() -> None:
    assert told(
        "ietf",
        ratelimit_policy='"burst";q=100;w=60, "daily";q=1000;w=86400;qu="content-bytes"',
        ratelimit='"burst";r=50;t=30',
    ) == [
        LimitTold("burst", "requests", 100, 50, NOW + 30, 60),
        LimitTold("daily", "content-bytes", 1000, None, None, 86400),
    ]
    assert told("ietf", ratelimit='"default";r=50;t=30;pk=:c29tZQ==:') == [
        LimitTold("default", "requests", None, 50, NOW + 30)
    ]
    assert told(
        "huggingface", ratelimit_policy='"fixed window";"api";q=500;w=300', ratelimit='"api";r=0;t=55'
    ) == [LimitTold("api", "requests", 500, 0, NOW + 55, 300)]
    assert told(
        "ietf",
        ratelimit_limit="100",
        ratelimit_remaining="1",
        ratelimit_reset="25",
        ratelimit_policy="100;w=60",
    ) == [LimitTold("default", "requests", 100, 1, NOW + 25, 60)]


def test_an_unknown_dialect_tries_all_and_malformed_fields_are_ignored() -> None:
    assert told("", x_ratelimit_limit="10", x_ratelimit_remaining="3", x_ratelimit_reset="5") == [
        LimitTold("requests", "requests", 10, 3, NOW + 5)
    ]
    assert (
        told("", x_ratelimit_limit="many", x_ratelimit_remaining="-1", ratelimit="r", ratelimit_policy="q=;;")
        == []
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"ratelimit",
                    b"ratelimit-policy",
                    b"x-ratelimit-limit",
                    b"x-ratelimit-reset",
                    b"x-ratelimit-remaining-tokens",
                    b"x-shopify-shop-api-call-limit",
                    b"anthropic-ratelimit-tokens-limit",
                    b"anthropic-ratelimit-tokens-reset",
                    b"x-hubspot-ratelimit-interval-milliseconds",
                ]
            ),
            st.binary(max_size=80) | st.text(alphabet='";=,:qrwtpk 0123456789', max_size=80).map(str.encode),
        ),
        max_size=6,
    )
)
def test_no_field_makes_it_raise(headers: list[tuple[bytes, bytes]]) -> None:
    for one in limits_told("", headers, NOW):
        assert one.reset_at is None or one.reset_at >= NOW
