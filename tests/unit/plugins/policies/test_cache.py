"""Whole calls through a gateway with a cache: hits, misses, what is stale, who leads and who waits."""

from __future__ import annotations

import pytest

from tests.support.cached import (
    BUSY,
    GOOD,
    MINUTE,
    OTHER,
    all_ended,
    begun,
    chat,
    get,
    notes,
    told,
    trial,
)
from trunkline.core.flow import Budget, Cache, Fallback
from trunkline.gateway.caching import relevance
from trunkline.plugins.policies.cache import REFRESH_PAUSE_S, STALE_QUIET_S, AnswerCache
from trunkline.testing import (
    Heard,
    Play,
    Trial,
    answers,
    caller_key,
    check_policy,
    cuts,
    is_silent,
    service,
    streams,
)
from trunkline.testing.laws import ANSWER, CHAT, CONTENT, DONE, STREAM

# Fresh answers.


@pytest.mark.row("F11")
async def test_the_second_of_two_equal_calls_is_answered_from_memory() -> None:
    t = trial(GOOD)
    first = await chat(t)
    t.clock.advance(7.9)
    second = await chat(t, body=CHAT.replace(b":", b" : "))
    assert (told(first), told(second)) == (b"miss", b"hit; age=7")
    assert (second.status, second.body, second.field(b"content-type")) == (200, ANSWER, b"application/json")
    assert len(t.wire.sent) == 1


@pytest.mark.row("F11")
async def test_a_hit_costs_nothing_and_says_what_it_saved() -> None:
    t = trial(GOOD)
    await chat(t)
    heard = await chat(t)
    first, second = t.ends
    assert (first.cost_usd, first.notes) == (7e-06, "cache=miss")
    assert (second.cost_usd, notes(second)) == (0.0, ["cache=hit", "cache_saved_usd=7e-06"])
    assert (second.state, second.status, second.tried, second.served_model) == ("ok", 200, [], "tiny-1")
    assert (heard.field(b"x-trunkline-cost-usd"), heard.field(b"x-trunkline-attempts")) == (b"0", b"0")
    assert heard.field(b"x-correlation-id") == second.call_id.encode()


@pytest.mark.row("F11", "O2")
async def test_a_spent_budget_refuses_no_answer_that_costs_nothing() -> None:
    t = Trial(GOOD, services=[service(cache=MINUTE)], budgets=[Budget(name="all", usd=1.0)])
    paid = await chat(t)
    t.budget.load([Budget(name="all", usd=7e-06)], [caller_key()])
    kept, other = await chat(t), await chat(t, ("x-trunkline-cache", "no-cache"))
    assert [(one.status, told(one)) for one in (paid, kept, other)] == [
        (200, b"miss"),
        (200, b"hit; age=0"),
        (402, b"miss"),
    ]
    assert (len(t.wire.sent), t.budget.held) == (1, {})


async def test_a_budget_is_charged_for_one_of_equal_calls() -> None:
    t = Trial(GOOD, services=[service(cache=MINUTE)], budgets=[Budget(name="all", usd=1.0)])
    assert [told(await chat(t)) for _ in range(5)] == [b"miss"] + [b"hit; age=0"] * 4
    (standing,) = t.budget.standings()
    assert (standing.spent_usd, t.budget.held) == (7e-06, {})


async def test_an_answer_is_fresh_for_its_time_and_not_longer() -> None:
    t = trial(GOOD, OTHER)
    await chat(t)
    t.clock.advance(59.9)
    assert told(await chat(t)) == b"hit; age=59"
    t.clock.advance(0.1)
    heard = await chat(t)
    assert (told(heard), b"tiny-2" in heard.body) == (b"miss", True)


@pytest.mark.row("F11")
async def test_what_is_not_declared_is_not_looked_at() -> None:
    t = trial(GOOD, GOOD, cache=None)
    heard = [await chat(t), await chat(t, ("x-trunkline-cache", "nonsense"))]
    assert ([told(h) for h in heard], len(t.wire.sent), t.ends[0].notes) == ([None, None], 2, "")


async def test_two_keys_do_not_share_unless_it_is_said() -> None:
    mate = caller_key("tl_mate", id="key-2", name="mate")
    for scope, sent in (("key", 2), ("team", 1), ("all", 1)):
        t = trial(GOOD, GOOD, cache=Cache(ttl=60, scope=scope), keys=(caller_key(), mate))
        await chat(t)
        await chat(t, key="tl_mate")
        assert (scope, len(t.wire.sent)) == (scope, sent)


async def test_a_key_that_may_not_call_gets_no_hit() -> None:
    stranger = caller_key("tl_stranger", id="key-2", scopes=["integration:other"])
    t = trial(GOOD, cache=Cache(ttl=60, scope="all"), keys=(caller_key(), stranger))
    await chat(t)
    assert (await chat(t, key="tl_stranger")).status == 403


@pytest.mark.row("F11")
async def test_a_failure_is_never_kept() -> None:
    t = trial(answers(400, b'{"error":{"message":"no"}}'), GOOD)
    assert [(await chat(t)).status, (await chat(t)).status] == [400, 200]


async def test_what_a_vendor_forbids_is_not_kept_where_it_is_no_model() -> None:
    private = answers(200, b"{}", (b"cache-control", b"private"))
    t = trial(private, private)
    assert [told(await get(t)), told(await get(t))] == [b"miss", b"miss"]
    t = trial(answers(200, ANSWER, (b"content-type", b"application/json"), (b"cache-control", b"no-store")))
    assert [told(await chat(t)), told(await chat(t))] == [b"miss", b"hit; age=0"]


async def test_an_answer_with_a_cookie_is_not_kept_nor_is_the_cookie_passed_on() -> None:
    cookie = answers(200, b"{}", (b"content-type", b"application/json"), (b"set-cookie", b"session=1"))
    t = trial(cookie, cookie)
    heard = [await get(t), await get(t)]
    assert [(told(h), h.field(b"set-cookie")) for h in heard] == [(b"miss", None)] * 2


async def test_limits_that_were_told_with_an_answer_are_not_told_again() -> None:
    t = trial(answers(200, b"{}", (b"x-ratelimit-remaining", b"3"), (b"x-request-id", b"r1")))
    first, second = await get(t), await get(t)
    assert [(h.field(b"x-ratelimit-remaining"), h.field(b"x-request-id")) for h in (first, second)] == [
        (b"3", b"r1"),
        (None, b"r1"),
    ]


async def test_an_answer_that_is_too_long_is_not_kept() -> None:
    long = answers(200, b"x" * (9 << 20), (b"content-type", b"text/plain"))
    t = trial(long, long)
    assert [told(await get(t)), told(await get(t))] == [b"miss", b"miss"]
    assert t.cache.stats()["unkept_size"] == 2


# Streams.


@pytest.mark.row("F11")
async def test_a_stream_is_given_again_as_the_stream_that_it_was() -> None:
    t = trial(streams(CONTENT, CONTENT, DONE))
    first = await chat(t, body=STREAM)
    second = await chat(t, body=STREAM)
    assert (first.body, first.length) == (second.body, second.length) == (CONTENT + CONTENT + DONE, None)
    assert second.field(b"content-type") == b"text/event-stream"
    assert (second.whole, told(second), len(t.wire.sent)) == (True, b"hit; age=0", 1)


async def test_a_stream_and_a_whole_answer_are_different_answers() -> None:
    t = trial(streams(CONTENT, DONE), GOOD)
    await chat(t, body=STREAM)
    assert told(await chat(t)) == b"miss"


@pytest.mark.parametrize("play", [cuts(CONTENT), streams(CONTENT)], ids=["cut", "without its end"])
async def test_a_stream_that_did_not_end_well_is_not_kept(play: Play) -> None:
    t = trial(play, streams(CONTENT, DONE))
    await chat(t, body=STREAM)
    heard = await chat(t, body=STREAM)
    assert (told(heard), heard.whole) == (b"miss", True)


# What a call may say.


@pytest.mark.row("F11")
async def test_no_store_neither_looks_nor_keeps() -> None:
    t = trial(GOOD, OTHER, GOOD)
    assert told(await chat(t, ("x-trunkline-cache", "no-store"))) is None
    await chat(t)
    heard = await chat(t, ("x-trunkline-cache", "no-store"))
    assert (told(heard), b"tiny-1" in heard.body) == (None, True)
    assert told(await chat(t)) == b"hit; age=0"


@pytest.mark.row("F11")
async def test_no_cache_asks_the_vendor_and_keeps_what_it_says() -> None:
    t = trial(GOOD, OTHER)
    await chat(t)
    assert told(await chat(t, ("x-trunkline-cache", "no-cache"))) == b"miss"
    heard = await chat(t)
    assert (told(heard), b"tiny-2" in heard.body) == (b"hit; age=0", True)


@pytest.mark.row("F11")
async def test_only_if_cached_never_reaches_the_vendor() -> None:
    t = trial(GOOD)
    refused = await chat(t, ("x-trunkline-cache", "only-if-cached"))
    assert (refused.status, refused.field(b"x-should-retry"), t.wire.sent) == (504, b"false", [])
    await chat(t)
    assert told(await chat(t, ("x-trunkline-cache", "only-if-cached"))) == b"hit; age=0"
    other = await t.ask("POST", "/api/proxy/acme/charges", b"{}", ("x-trunkline-cache", "only-if-cached"))
    assert (other.status, [end.code for end in t.ends]) == (504, ["not_cached", "", "", "not_cached"])


async def test_only_if_cached_holds_where_no_answers_are_kept_too() -> None:
    t = trial(GOOD, cache=None)
    assert ((await chat(t, ("x-trunkline-cache", "only-if-cached"))).status, t.wire.sent) == (504, [])
    assert (await chat(t)).status == 200


async def test_another_word_is_refused() -> None:
    t = trial()
    heard = await chat(t, ("x-trunkline-cache", "maybe"))
    assert (heard.status, t.ends[0].message) == (
        400,
        "x-trunkline-cache takes no-store, no-cache or only-if-cached",
    )


# Writing.


@pytest.mark.row("F11")
async def test_what_is_kept_of_a_path_ends_when_it_is_written_to() -> None:
    t = trial(GOOD, GOOD, answers(204), OTHER)
    await get(t, "/api/proxy/acme/things/1?a=1")
    await get(t, "/api/proxy/acme/things/2")
    await t.ask("PUT", "/api/proxy/acme/things/1", b"{}")
    assert told(await get(t, "/api/proxy/acme/things/1?a=1")) == b"miss"
    assert told(await get(t, "/api/proxy/acme/things/2")) == b"hit; age=0"


async def test_a_write_that_failed_changes_nothing() -> None:
    t = trial(GOOD, answers(422, b"{}"))
    await get(t)
    await t.ask("PUT", "/api/proxy/acme/things", b"{}")
    assert told(await get(t)) == b"hit; age=0"


async def test_what_was_being_read_while_it_was_written_to_is_not_kept() -> None:
    t = trial(is_silent, answers(204), GOOD)
    reading = t.begin("GET", "/api/proxy/acme/things")
    await t.turn()
    t.begin("PUT", "/api/proxy/acme/things", b"{}")
    await t.turn()
    t.wire.sent[0].reply(200, b'{"old":1}')
    await t.until(lambda: reading.closed and not t.gateway.running)
    assert told(await get(t)) == b"miss"


# Stale answers.

SERVES_STALE = Cache(ttl=10.0, stale_while_revalidate=20.0)


@pytest.mark.row("F11")
async def test_an_answer_past_its_time_is_given_once_more_while_one_call_fetches_a_new_one() -> None:
    t = trial(GOOD, is_silent, cache=SERVES_STALE)
    await chat(t)
    t.clock.advance(12)
    heard = [begun(t), begun(t), begun(t)]
    await t.turn()
    assert [told(h) for h in heard] == [b"stale; age=12"] * 3
    assert len(t.wire.sent) == 2
    t.wire.sent[1].reply(200, ANSWER.replace(b"tiny-1", b"tiny-2"))
    await all_ended(t)
    fresh = await chat(t)
    assert (told(fresh), b"tiny-2" in fresh.body) == (b"hit; age=0", True)
    assert t.cache.stale_served() == {}


@pytest.mark.row("F11")
async def test_the_call_in_the_background_is_a_call_like_any_other() -> None:
    t = trial(GOOD, OTHER, cache=SERVES_STALE)
    await chat(t)
    t.clock.advance(12)
    await chat(t, ("x-correlation-id", "mine"), ("x-trunkline-feature", "search"))
    await all_ended(t)
    begin = next(b for b in t.begins if b.correlation_id.endswith(".refresh"))
    end = next(e for e in t.ends if e.call_id == begin.call_id)
    assert (begin.correlation_id, begin.key_id, begin.feature, begin.ingress) == (
        "mine.refresh",
        "key-1",
        "search",
        "openai-chat",
    )
    assert (end.state, end.notes, end.cost_usd, len(end.tried)) == ("ok", "cache=refresh", 7e-06, 1)
    assert t.wire.sent[1].body == t.wire.sent[0].body


async def test_a_refresh_that_fails_leaves_the_old_answer_and_is_tried_again_after_a_pause() -> None:
    t = trial(GOOD, *[BUSY] * 4, OTHER, cache=SERVES_STALE)
    await chat(t)
    t.clock.advance(12)
    await chat(t)
    await all_ended(t)
    assert len(t.wire.sent) == 5
    assert told(await chat(t)) == b"stale; age=12"
    assert (len(t.wire.sent), t.cache.stale_served()) == (5, {"acme": 0.0})
    t.clock.advance(REFRESH_PAUSE_S)
    assert told(await chat(t)) == b"stale; age=13"
    await all_ended(t)
    assert (told(await chat(t)), t.cache.stale_served()) == (b"hit; age=0", {})


async def test_a_refresh_that_may_not_be_made_blocks_nobody() -> None:
    t = trial(GOOD, OTHER, cache=SERVES_STALE, keys=(caller_key(rate=2, rate_per=3600.0),))
    await chat(t)
    t.clock.advance(12)
    assert told(await chat(t)) == b"stale; age=12"
    await t.turn()
    assert [end.code for end in t.ends] == ["", "caller_rate_limited", ""]
    assert repr(t.cache) == "AnswerCache(running=0, Flights(leading=0, waiting=0))"


async def test_past_that_too_the_vendor_is_asked() -> None:
    t = trial(GOOD, OTHER, cache=SERVES_STALE)
    await chat(t)
    t.clock.advance(30)
    assert told(await chat(t)) == b"miss"


# When the vendor fails.


async def failing(t: Trial, *headers: tuple[str, str], play: Play = BUSY) -> Heard:
    """A call while the vendor fails, however often it is tried."""
    t.wire.plays.extend([play] * 8)
    heard = await chat(t, *headers)
    t.wire.plays.clear()
    return heard


@pytest.mark.row("F4", "F11")
async def test_when_the_vendor_fails_an_old_answer_is_given_up_to_its_age() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=50))
    await chat(t)
    t.clock.advance(60)
    heard = await failing(t)
    assert (told(heard), heard.body, heard.status) == (b"stale; age=60", ANSWER, 200)
    assert (heard.field(b"x-trunkline-fallback"), heard.field(b"x-trunkline-cost-usd")) == (b"stale", b"0")
    end = t.ends[-1]
    assert (end.state, end.cost_usd, end.tried[0].code) == ("ok", 0.0, "overloaded")
    assert {"cache=stale", "fallback=stale"} <= set(notes(end))


async def test_an_older_one_is_not() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=50))
    await chat(t)
    t.clock.advance(60.1)
    heard = await failing(t)
    assert (heard.status, told(heard)) == (503, b"miss")


@pytest.mark.row("F4")
async def test_a_fallback_has_an_age_of_its_own() -> None:
    for max_age_s, status in ((31.0, 200), (30.0, 503)):
        t = trial(GOOD, cache=Cache(ttl=10), fallback=[Fallback(kind="stale", max_age=max_age_s)])
        await chat(t)
        t.clock.advance(31)
        assert (await failing(t)).status == status


async def test_without_stale_if_error_nothing_stale_is_given() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_while_revalidate=20))
    t.cache.refresh = None
    await chat(t)
    t.clock.advance(30)
    assert (await failing(t)).status == 503


async def test_a_call_that_was_not_looked_up_gets_none() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=1e6))
    await chat(t)
    assert (await failing(t, ("x-trunkline-cache", "no-store"))).status == 503


@pytest.mark.parametrize("status", [400, 404])
async def test_that_a_request_is_wrong_or_a_thing_gone_is_an_answer(status: int) -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=1e6))
    await chat(t)
    t.clock.advance(20)
    assert (await failing(t, play=answers(status, b"{}"))).status == status


@pytest.mark.row("F4", "F11")
async def test_those_who_wait_get_the_stale_answer_too() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=1e6))
    await chat(t)
    t.clock.advance(20)
    t.wire.plays.extend([BUSY] * 8)
    heard = [begun(t), begun(t), begun(t)]
    await all_ended(t)
    assert [told(h) for h in heard] == [b"stale; age=20"] * 3
    assert len(t.wire.sent) < 6


@pytest.mark.row("F11", "H1")
async def test_an_integration_counts_as_served_stale_from_the_first_until_it_answers_again() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=1e6))
    await chat(t)
    for _ in range(100):
        t.clock.advance(40)
        assert (await failing(t)).status == 200
    assert t.cache.stale_served() == {"acme": 3960.0}
    t.clock.advance(40)
    t.wire.plays.append(GOOD)
    assert told(await chat(t)) == b"miss"
    assert t.cache.stale_served() == {}


async def test_or_until_nobody_was_served_so_for_a_while() -> None:
    t = trial(GOOD, cache=Cache(ttl=10, stale_if_error=1e6))
    await chat(t)
    t.clock.advance(100)
    await failing(t)
    t.clock.advance(STALE_QUIET_S)
    assert t.cache.stale_served() == {}
    await failing(t)
    t.clock.advance(5)
    assert t.cache.stale_served() == {"acme": 5.0}


async def test_an_integration_that_is_switched_off_gives_nothing_any_more() -> None:
    from trunkline.core.errors import CallError

    t = trial(GOOD, cache=Cache(ttl=60, stale_if_error=60))
    await chat(t)
    for member in t.gateway.world.services["acme"].members:
        member.problem = CallError("disabled", "integration 'acme' is disabled", scope="integration")
    heard = await chat(t)
    assert (heard.status, told(heard), len(t.wire.sent)) == (503, None, 1)


# For operators.


async def test_clearing_forgets_all_or_one_integration_and_what_is_on_its_way() -> None:
    t = Trial(GOOD, GOOD, services=[service(cache=MINUTE), service("other", cache=MINUTE, models=[])])
    await chat(t)
    await get(t, "/api/proxy/other/things")
    running = t.begin("GET", "/api/proxy/acme/things")
    await t.turn()
    assert t.cache.clear("acme") == 1
    t.wire.sent[-1].reply(200, b"{}")
    await t.until(lambda: running.closed and not t.gateway.running)
    t.wire.plays.extend([GOOD, GOOD])
    assert [told(await chat(t)), told(await get(t)), told(await get(t, "/api/proxy/other/things"))] == [
        b"miss",
        b"miss",
        b"hit; age=0",
    ]
    assert (t.cache.clear(), t.cache.stats()["answers"]) == (3, 0)


async def test_another_configuration_begins_anew() -> None:
    from trunkline.testing import world

    t = trial(GOOD, OTHER)
    await chat(t)
    t.snapshot = type(t.snapshot)(
        **{**{f: getattr(t.snapshot, f) for f in t.snapshot.__struct_fields__}, "version": "v2"}
    )
    t.gateway.world = world(t.snapshot)
    t.cache.reload(t.gateway.world.services.values(), 1 << 20)
    assert told(await chat(t)) == b"hit; age=0"
    changed = service(cache=MINUTE, base_url="https://new.test")
    t.gateway.world = world(type(t.snapshot)(version="v3", created="", environment="dev", services=[changed]))
    t.cache.reload(t.gateway.world.services.values(), 1 << 20)
    assert t.cache.stats()["answers"] == 0
    assert told(await chat(t)) == b"miss"


async def test_what_is_counted() -> None:
    t = trial(GOOD, cache=SERVES_STALE)
    t.cache.refresh = None
    await chat(t)
    await chat(t)
    t.clock.advance(11)
    await chat(t)
    stats = t.cache.stats()
    assert (stats["hit"], stats["miss"], stats["stale"], stats["answers"], stats["evicted"]) == (
        1,
        1,
        1,
        1,
        0,
    )
    assert (t.cache.counted("hit"), t.cache.counted("shared")) == ({"acme": 1}, {"acme": 0})
    assert 0 < stats["bytes"] < stats["bytes_max"] == 64 << 20
    t.clock.advance(60)
    t.cache.sweep()
    assert t.cache.stats()["bytes"] == 0


CACHED = service(cache=Cache(ttl=60, stale_while_revalidate=60, stale_if_error=60))


@pytest.mark.row("F11")
async def test_the_law_of_policies() -> None:
    await check_policy(lambda clock: AnswerCache(clock, relevance(), 1 << 20), on="call", vendor=CACHED)
