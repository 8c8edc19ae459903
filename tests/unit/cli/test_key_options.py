"""What the options of `keys create` and `keys update` mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.cli.key_options import wished
from trunkline.control.wording import budget


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("text", "usd", "per"),
    [
        ("50/month", 50.0, "month"),
        ("2.50/day", 2.5, "day"),
        ("2.50/d", 2.5, "day"),
        ("0.000001/1d", 0.000001, "day"),
        ("7/MONTH", 7.0, "month"),
        ("none", 0.0, "month"),
        ("", 0.0, "month"),
    ],
)
def test_a_budget_is_an_amount_and_a_period(text, usd, per):
    assert budget(text) == {"budget_usd": usd, "budget_per": per}


@given(st.decimals(min_value="0.01", max_value=10**9, places=2), st.sampled_from(["day", "month"]))
def test_every_amount_with_cents_is_read_exactly(amount, per):
    assert budget(f"{amount}/{per}") == {"budget_usd": float(amount), "budget_per": per}


def read(text):
    try:
        return budget(text)["budget_usd"]
    except ValueError as problem:
        return str(problem)


@given(st.text())
def test_any_other_text_is_a_usage_error_that_shows_a_right_one(text):
    found = read(text)
    if isinstance(found, str):
        assert "e.g. 50/month or 2.50/day, or none" in found
    else:
        assert found > 0 or text.lower() in ("", "none")


def test_only_what_was_given_is_wished():
    nothing = {"team": None, "scopes": (), "rate": None, "lane": None, "error_style": None}
    assert wished(nothing) == {}
    given_ = {**nothing, "team": "", "scopes": ("*",), "rate": "10/s", "concurrency": "none", "lane": "batch"}
    assert wished(given_) == {
        "team": "",
        "scopes": ["*"],
        "rate": 10,
        "rate_per": 1.0,
        "concurrency": 0,
        "lane": "batch",
    }
