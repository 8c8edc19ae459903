"""How limits are told: draft-11 for the tightest, OpenAI's fields on model endpoints, always well-formed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.plugins.policies.limit_fields import Standing, duration, lines, quoted

REQUESTS = Standing("team", "requests", 100, 60.0, 40, 36.2)
TOKENS = Standing("tokens", "tokens", 1000, 60.0, 900, 6.0)
AT_ONCE = Standing("at once", "concurrent-requests", 5, 0.0, 1, 0.0)


def test_the_tightest_limit_is_told() -> None:
    assert lines([TOKENS, REQUESTS], openai=False) == (
        b'ratelimit-policy: "team";q=100;w=60\r\nratelimit: "team";r=40;t=37\r\n'
    )
    assert lines([REQUESTS, AT_ONCE], openai=False) == (
        b'ratelimit-policy: "at once";q=5;qu="concurrent-requests"\r\nratelimit: "at once";r=1\r\n'
    )
    assert lines([], openai=True) == b""


def test_model_endpoints_also_speak_as_openai_does() -> None:
    assert lines([TOKENS, REQUESTS, REQUESTS._replace(remaining=90)], openai=True).split(b"\r\n")[2:] == [
        b"x-ratelimit-limit-requests: 100",
        b"x-ratelimit-remaining-requests: 40",
        b"x-ratelimit-reset-requests: 37s",
        b"x-ratelimit-limit-tokens: 1000",
        b"x-ratelimit-remaining-tokens: 900",
        b"x-ratelimit-reset-tokens: 6s",
        b"",
    ]
    assert lines([TOKENS], openai=False).startswith(b'ratelimit-policy: "tokens";q=1000;w=60;qu="tokens"\r\n')


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0ms"), (-1.0, "0ms"), (0.1201, "121ms"), (0.9999, "1s"), (1.0, "1s"), (59.5, "1m0s"), (360.0, "6m0s"), (3723.0, "1h2m3s")],
)  # fmt: skip
def test_spans_are_written_as_go_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.text(max_size=20))
def test_any_name_is_a_string_of_structured_fields(name: str) -> None:
    told = quoted(name)
    assert re.fullmatch(r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"', told)
    assert len(lines([REQUESTS._replace(name=name)], openai=False).split(b"\r\n")) == 3
