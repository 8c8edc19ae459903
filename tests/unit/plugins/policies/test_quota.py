"""How much a caller may call: at once, per period, and a browser token's money."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Caller, Exchange
from trunkline.core.errors import CallError
from trunkline.plugins.policies.quota import Quota
from trunkline.testing import FakeClock, Heard, caller_key, request


def call(caller: Caller, cost_usd: float = -1.0) -> Exchange:
    exchange = Exchange(request(), Heard(), "call-1", 1.0, 2.0)
    exchange.caller, exchange.cost_usd = caller, cost_usd
    return exchange


def caller(**changes: Any) -> Caller:
    return Caller(caller_key(**changes))


def refusal(quota: Quota, exchange: Exchange) -> CallError:
    with pytest.raises(CallError) as caught:
        quota.admit(exchange)
    return caught.value


@pytest.mark.row("W1")
def test_a_key_has_its_calls_at_once_and_no_more() -> None:
    clock = FakeClock()
    quota, key = Quota(clock, clock.wall), caller(concurrency=2)
    running = [call(key), call(key)]
    for one in running:
        quota.admit(one)
    error = refusal(quota, call(key))
    assert (error.code, error.message, error.retry_at) == (
        "caller_rate_limited", "the key 'tests' already has 2 calls running", clock.wall() + 1,
    )  # fmt: skip
    quota.settle(running[0])
    quota.admit(call(key))
    assert quota.running("key-1") == 2
    quota.admit(call(caller(id="key-2")))
    assert (quota.running("key-2"), quota.running("unheard of")) == (1, 0)


def test_without_a_bound_there_is_none() -> None:
    clock = FakeClock()
    quota, key = Quota(clock, clock.wall), caller(concurrency=0)
    for _ in range(1000):
        quota.admit(call(key))
    assert quota.running("key-1") == 1000


def test_a_new_key_has_256_calls_at_once_and_no_rate() -> None:
    clock = FakeClock()
    quota, key = Quota(clock, clock.wall), caller()
    for _ in range(256):
        quota.admit(call(key))
    assert refusal(quota, call(key)).code == "caller_rate_limited"


def test_a_rate_is_kept_and_says_when() -> None:
    clock = FakeClock()
    quota, key = Quota(clock, clock.wall), caller(rate=2, rate_per=60.0)
    for _ in range(2):
        one = call(key)
        quota.admit(one)
        quota.settle(one)
    error = refusal(quota, call(key))
    assert (error.message, error.retry_at) == (
        "the key 'tests' has used up its 2 calls per 60 s",
        clock.wall() + 30,
    )
    assert repr(quota) == "Quota({})", "a refusal holds nothing"
    clock.advance(30)
    quota.admit(call(key))


def test_a_new_limit_takes_hold_at_the_next_call() -> None:
    clock = FakeClock()
    quota = Quota(clock, clock.wall)
    quota.admit(call(caller(rate=1, rate_per=60.0)))
    assert refusal(quota, call(caller(rate=1, rate_per=60.0))).code == "caller_rate_limited"
    quota.admit(call(caller(rate=5, rate_per=60.0)))
    quota.admit(call(caller()))


@pytest.mark.row("W4")
def test_a_browser_token_ends_when_its_money_is_spent() -> None:
    clock = FakeClock()
    quota, token = Quota(clock, clock.wall), caller()
    token.token_id, token.spend_usd = "t-1", 0.10
    for cost in (0.06, -1.0, 0.06):
        one = call(token, cost)
        quota.admit(one)
        quota.settle(one)
    error = refusal(quota, call(token))
    assert (error.code, error.message) == ("over_budget", "this browser token has spent its 0.1 USD")
    other = caller()
    other.token_id, other.spend_usd = "t-2", 0.10
    quota.admit(call(other))
