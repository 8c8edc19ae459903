"""Limits toward callers: whom they count, what they hold, what they tell, and that nothing is lost or doubled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller, Live, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
from trunkline.core.flow import CallerLimit, Scope
from trunkline.core.ports import Reading
from trunkline.core.record import Tried
from trunkline.plugins.policies import caller_limits
from trunkline.plugins.policies.caller_limits import OTHER, CallerLimits
from trunkline.testing import FakeClock, Heard, caller_key, request, service

ROUTES = {name: Route(Live(service(name)), "openai-chat") for name in ("acme", "zenith")}
for each in ROUTES.values():
    each.model = "tiny"
PLAIN = Route(Live(service("stripe", dialects=[], models=[])))
BODY = b'{"model":"acme/tiny","max_tokens":70,"messages":[]}'
SENT = Tried(1, "acme/tiny", "env:ACME_KEY", 0, 0, 0, 0, 200, "", "", "", "", True)


def policy(clock: FakeClock, *limits: CallerLimit, **key: Any) -> CallerLimits:
    made = CallerLimits(clock, clock.wall)
    made.load(limits, [caller_key(**key)])
    return made


def call(*, route: Route = ROUTES["acme"], feature: str = "", token: str = "", **key: Any) -> Exchange:
    exchange = Exchange(request(body=BODY), Heard(), "call-1", 1.0, 2.0)
    exchange.caller, exchange.route, exchange.feature = Caller(caller_key(**key)), route, feature
    exchange.caller.token_id = token
    exchange.ingress = route.dialect or "proxy"
    return exchange


def admitted(limits: CallerLimits, exchange: Exchange) -> Exchange:
    assert limits.admit(exchange) is None  # type: ignore[func-returns-value]
    return exchange


def refusal(limits: CallerLimits, exchange: Exchange) -> CallError:
    with pytest.raises(CallError) as caught:
        limits.admit(exchange)
    assert caught.value.code == "caller_rate_limited"
    return caught.value


def told(exchange: Exchange) -> dict[str, str]:
    lines = exchange.extra.decode().split("\r\n")[:-1]
    return dict(line.split(": ", 1) for line in lines)


def minutely(name: str = "few", requests: int = 2, **scope: Any) -> CallerLimit:
    return CallerLimit(name=name, requests=requests, per=60.0, scope=Scope(**scope))


@pytest.mark.row("F8")
def test_a_limit_is_kept_told_and_says_when() -> None:
    clock = FakeClock()
    limits = policy(clock, minutely())
    first = admitted(limits, call())
    assert told(first) == {
        "ratelimit-policy": '"few";q=2;w=60',
        "ratelimit": '"few";r=1;t=30',
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "30s",
    }
    assert first.limits_told
    admitted(limits, call())
    third = call()
    error = refusal(limits, third)
    assert (error.message, error.scope, error.retry_at) == (
        "the limit 'few' of 2 requests per 60 s is used up", "gateway", clock.wall() + 30,
    )  # fmt: skip
    assert told(third)["ratelimit"] == '"few";r=0;t=60'
    clock.advance(30)
    admitted(limits, call())


@pytest.mark.row("F8")
@pytest.mark.parametrize(
    ("scope", "counted", "free"),
    [
        ({"team": "shop"}, {}, {"id": "key-2", "team": "ops"}),
        ({"feature": "chat"}, {"feature": "chat"}, {"feature": "search"}),
        ({"key": "key-1"}, {}, {"id": "key-2"}),
        ({"key": "tests"}, {}, {"id": "key-2", "name": "other"}),
        ({"integration": "acme"}, {}, {"route": ROUTES["zenith"]}),
        ({"model": "acme/*"}, {}, {"route": ROUTES["zenith"]}),
        ({"model": "*"}, {}, {"route": PLAIN}),
        ({"each": "team"}, {}, {"id": "key-2", "team": "ops"}),
        ({"each": "feature"}, {"feature": "chat"}, {"feature": "search"}),
        ({"each": "key"}, {}, {"id": "key-2"}),
        ({"each": "integration"}, {}, {"route": ROUTES["zenith"]}),
        ({"each": "model"}, {}, {"route": ROUTES["zenith"]}),
    ],
    ids=str,
)
def test_whom_a_limit_counts(scope: dict[str, Any], counted: dict[str, Any], free: dict[str, Any]) -> None:
    limits = policy(FakeClock(), minutely(requests=1, **scope))
    admitted(limits, call(**counted))
    refusal(limits, call(**counted))
    assert admitted(limits, call(**free)).state == "running"


def test_who_is_under_no_limit_is_told_none() -> None:
    limits = policy(FakeClock(), minutely(team="ops"))
    one = admitted(limits, call())
    assert (one.extra, one.limits_told, one.counted) == (b"", False, None)


def test_a_call_that_one_limit_refuses_takes_nothing_from_the_others() -> None:
    clock = FakeClock()
    limits = policy(
        clock, minutely("wide", 10), minutely("narrow", 1), CallerLimit(name="places", concurrency=5)
    )
    admitted(limits, call())
    for _ in range(4):
        refusal(limits, call())
    clock.advance(60)
    assert told(admitted(limits, call()))["ratelimit"] == '"narrow";r=0;t=60'
    assert repr(limits) == "CallerLimits({'places': {'': 2}})"
    assert refusal(limits, call()).message == "the limit 'narrow' of 1 requests per 60 s is used up"


@pytest.mark.row("F8")
def test_calls_at_once_are_bounded_and_places_come_back() -> None:
    clock = FakeClock()
    limits = policy(clock, CallerLimit(name="places", concurrency=2, scope=Scope(each="team")))
    running = [admitted(limits, call()) for _ in range(2)]
    assert told(running[1]) == {
        "ratelimit-policy": '"places";q=2;qu="concurrent-requests"', "ratelimit": '"places";r=0',
    }  # fmt: skip
    error = refusal(limits, call())
    assert (error.message, error.scope, error.retry_at) == (
        "the limit 'places' allows 2 calls at once, and 2 are running", "team", clock.wall() + 1,
    )  # fmt: skip
    limits.settle(running[0])
    limits.settle(running[0])
    admitted(limits, call())
    refusal(limits, call())


@pytest.mark.row("F8")
def test_tokens_are_set_aside_and_settled() -> None:
    """70 of output asked for and 25 of input: four such calls fit into 400, and none before one has used less."""
    clock = FakeClock()
    limits = policy(clock, CallerLimit(name="tokens", tokens=400, per=60.0))
    running = [admitted(limits, call()) for _ in range(4)]
    assert told(running[3])["x-ratelimit-remaining-tokens"] == "20"
    refusal(limits, call())
    running[0].reading = Reading()
    running[0].reading.input, running[0].reading.output, running[0].tried = 9, 11, [SENT]
    limits.settle(running[0])
    assert told(admitted(limits, call()))["x-ratelimit-remaining-tokens"] == "0"


@pytest.mark.parametrize(
    ("tried", "left"), [([], "400"), ([SENT], "305")], ids=["never sent", "sent, nothing said"]
)
def test_what_never_reached_a_vendor_used_no_tokens(tried: list[Tried], left: str) -> None:
    limits = policy(FakeClock(), CallerLimit(name="tokens", tokens=400, per=60.0))
    one = admitted(limits, call())
    one.tried = tried
    limits.settle(one)
    other = call()
    limits.admit(other)
    assert int(told(other)["x-ratelimit-remaining-tokens"]) == int(left) - 95


def test_a_call_larger_than_the_limit_waits_for_a_full_bucket_and_passes() -> None:
    clock = FakeClock()
    limits = policy(clock, CallerLimit(name="tokens", tokens=50, per=60.0))
    admitted(limits, call())
    assert refusal(limits, call()).retry_at is not None
    clock.advance(120)
    admitted(limits, call())


def test_limits_of_tokens_and_of_models_count_model_calls_only() -> None:
    limits = policy(FakeClock(), CallerLimit(name="tokens", tokens=1, per=60.0), minutely(each="model"))
    for _ in range(9):
        assert admitted(limits, call(route=PLAIN)).extra == b""


@pytest.mark.row("W1")
def test_the_rate_of_a_key_is_kept_and_told() -> None:
    clock = FakeClock()
    limits = policy(clock, rate=2, rate_per=60.0)
    rated = {"rate": 2, "rate_per": 60.0}
    assert told(admitted(limits, call(route=PLAIN, **rated))) == {
        "ratelimit-policy": '"key";q=2;w=60', "ratelimit": '"key";r=1;t=30',
    }  # fmt: skip
    admitted(limits, call(**rated))
    error = refusal(limits, call(**rated))
    assert (error.message, error.scope, error.retry_at) == (
        "the key 'tests' has used up its 2 calls per 60 s", "key", clock.wall() + 30,
    )  # fmt: skip
    admitted(limits, call(token="t-1", **rated))
    admitted(limits, call(id="key-2", **rated))
    assert admitted(limits, call(id="key-3")).extra == b""


def test_what_is_in_use_of_a_limit_stays_in_use_over_a_reload() -> None:
    clock = FakeClock()
    limits = policy(clock, minutely(requests=4), CallerLimit(name="places", concurrency=9))
    running = [admitted(limits, call()) for _ in range(3)]
    limits.load([minutely(requests=8), CallerLimit(name="places", concurrency=3)], [caller_key()])
    assert refusal(limits, call()).message.startswith("the limit 'places'")
    limits.settle(running[0])
    assert told(admitted(limits, call()))["x-ratelimit-remaining-requests"] == "4", (
        "3 of 8 in use, and this one"
    )
    limits.load([], [caller_key()])
    for one in running[1:]:
        limits.settle(one)
    assert admitted(limits, call()).extra == b""


def test_a_caller_that_invents_features_shares_one_counter_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_limits, "MOST_VALUES", 3)
    clock = FakeClock()
    limits = policy(clock, minutely(requests=1, each="feature"))
    for name in ("a", "b", "c", "d"):
        admitted(limits, call(feature=name))
    assert OTHER in limits._bounds[0]._counts
    refusal(limits, call(feature="e"))
    clock.advance(61)
    for name in ("f", "g", "a"):
        admitted(limits, call(feature=name))
        refusal(limits, call(feature=name))


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=60))
def test_no_more_run_at_once_and_pass_per_minute_than_the_limits_say(steps: list[tuple[float, bool]]) -> None:
    clock = FakeClock()
    limits = policy(clock, minutely(requests=5), CallerLimit(name="places", concurrency=3))
    running: list[Exchange] = []
    passed: list[float] = []
    refused: list[bool] = []
    for gap, ends in steps:
        clock.advance(gap)
        if ends and running:
            limits.settle(running.pop())
        one = call()
        try:
            limits.admit(one)
        except CallError as error:
            refused.append((error.retry_at or 0.0) > clock.wall() and "r=0" in told(one)["ratelimit"])
        else:
            running.append(one)
            passed.append(clock())
        assert len(running) <= 3
    assert all(refused)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= 5 * (1 + (passed[last] - passed[first]) / 60) + 1e-6
    for one in running:
        limits.settle(one)
    assert repr(limits) == "CallerLimits({})"
