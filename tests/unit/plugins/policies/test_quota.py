"""How many calls of a key may run at once."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Caller
from trunkline.core.errors import CallError
from trunkline.core.exchange import Exchange
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
    quota, key = Quota(clock.wall), caller(concurrency=2)
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
    quota, key = Quota(clock.wall), caller(concurrency=0)
    for _ in range(1000):
        quota.admit(call(key))
    assert quota.running("key-1") == 1000


def test_a_new_key_has_256_calls_at_once_and_no_rate() -> None:
    clock = FakeClock()
    quota, key = Quota(clock.wall), caller()
    for _ in range(256):
        quota.admit(call(key))
    assert refusal(quota, call(key)).code == "caller_rate_limited"


def test_a_refusal_holds_nothing_and_a_new_bound_takes_hold_at_the_next_call() -> None:
    clock = FakeClock()
    quota = Quota(clock.wall)
    running = call(caller(concurrency=1))
    quota.admit(running)
    assert refusal(quota, call(caller(concurrency=1))).code == "caller_rate_limited"
    quota.admit(call(caller(concurrency=2)))
    quota.settle(running)
    assert repr(quota) == "Quota({'key-1': 1})"


def test_browser_tokens_count_apart_and_leave_nothing_behind() -> None:
    clock = FakeClock()
    quota, token = Quota(clock.wall), caller(concurrency=1)
    token.token_id = "t-1"
    one = call(token)
    quota.admit(one)
    quota.admit(call(caller(concurrency=1)))
    assert refusal(quota, call(token)).retry_at == clock.wall() + 1
    quota.settle(one)
    assert quota._running == {"key-1": 1}
