"""Embedding calls that come together are one vendor request; each call's answer, record and cost are its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.test_embeddings import text, vendor
from trunkline.core.flow import Cache, Fallback, Limit, Retry
from trunkline.core.price import Price
from trunkline.core.service import Model
from trunkline.testing import (
    FakeClock,
    Heard,
    Play,
    Sent,
    Trial,
    answers,
    caller_key,
    check_policy,
    is_silent,
    service,
)

PATH = "/v1/embeddings"
GEMINI = "/v1beta/models/acme/tiny:embedContent"


class Timer:
    """One that fires when told, unless it was cancelled."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class Timers:
    """All that are set."""

    def __init__(self) -> None:
        self.set: list[Timer] = []

    def __call__(self, seconds: float, act: Callable[[], None]) -> Timer:
        self.set.append(Timer(act))
        return self.set[-1]

    def fire(self) -> None:
        due, self.set = self.set, []
        for timer in due:
            if timer.act is not None:
                timer.act()


class Bench(Trial):
    """A gateway that gathers embedding calls for 5 ms, told by hand when they are over."""

    def __init__(self, *plays: Play, **more: Any) -> None:
        given = {"batch_embeddings": 0.005, **more.pop("vendor", {})}
        super().__init__(*plays, services=[service(**given), *more.pop("others", ())], **more)
        self.timers = self.batches.later = Timers()

    def embed(self, given: Any, *headers: tuple[str, str], key: str | None = None, **more: Any) -> Heard:
        body = json.dumps({"model": "acme/tiny", "input": given, **more}).encode()
        return self.begin("POST", PATH, body, *headers, **({"key": key} if key else {}))

    async def send(self) -> None:
        await self.turn()
        self.timers.fire()
        await self.turn()

    async def over(self) -> None:
        await self.until(lambda: not self.gateway.running)


def plays_vendor(sent: Sent) -> None:
    """A vendor that embeds what it is asked to."""
    sent.reply(200, vendor(sent.body))


def inputs(sent: Sent) -> Any:
    return json.loads(sent.body)["input"]


def vectors(heard: Heard) -> list[Any]:
    return [item["embedding"][0] for item in json.loads(heard.body)["data"]]


@pytest.mark.row("F10")
async def test_calls_that_come_together_are_one_request() -> None:
    t = Bench(plays_vendor)
    heard = [t.embed("a"), t.embed(["bb", "ccc"]), t.embed("dddd")]
    await t.send()
    await t.over()
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "bb", "ccc", "dddd"]]
    assert [(h.status, vectors(h)) for h in heard] == [(200, [1.0]), (200, [2.0, 3.0]), (200, [4.0])]
    assert [json.loads(h.body)["usage"]["prompt_tokens"] for h in heard] == [1, 5, 4]
    assert json.loads(t.wire.sent[0].body)["model"] == "tiny"
    assert repr(t.batches) == "Batches(open=0, waiting=0)"


@pytest.mark.row("F10")
async def test_each_call_has_a_record_of_its_own_and_the_request_stands_in_one_of_them() -> None:
    t = Bench(is_silent)
    for given in ("a", ["bb", "ccc"], "dddd"):
        t.embed(given)
    await t.send()
    assert [(begin.call_id[-1], begin.target) for begin in t.begins] == [
        ("2", ""),
        ("3", ""),
        ("1", "acme/tiny"),
    ]
    t.clock.advance(2.0)
    plays_vendor(t.wire.sent[0])
    await t.over()
    first, second, third = sorted(t.ends, key=lambda end: end.call_id)
    assert [(e.state, e.status, e.served_model, e.duration_us, e.overhead_us) for e in t.ends] == [
        ("ok", 200, "tiny-1", 2_000_000, 0)
    ] * 3
    assert [len(end.tried) for end in (first, second, third)] == [1, 0, 0]
    assert [end.notes for end in (first, second, third)] == [
        "batch=carries:3",
        *[f"batch=in:{first.call_id}"] * 2,
    ]
    assert [end.input_tokens for end in (first, second, third)] == [1, 5, 4]
    assert [end.cost_usd for end in (first, second, third)] == pytest.approx([1e-6, 5e-6, 4e-6])
    assert sum(end.wasted_usd for end in t.ends) == 0.0


@pytest.mark.row("F10")
@pytest.mark.row("O1")
async def test_the_shares_come_to_what_the_whole_costs() -> None:
    t = Bench(
        lambda sent: sent.reply(200, vendor(sent.body, usage={"prompt_tokens": 1001})),
        vendor={"models": [Model(id="tiny", price=Price(input=0.13))]},
    )
    heard = [t.embed("x" * n) for n in range(1, 8)]
    await t.send()
    await t.over()
    assert (
        sum(end.input_tokens for end in t.ends)
        == sum(json.loads(h.body)["usage"]["prompt_tokens"] for h in heard)
        == 1001
    )
    assert sum(end.cost_usd for end in t.ends) == pytest.approx(1001 * 0.13e-6, rel=1e-12)
    told = [float(h.field(b"x-trunkline-cost-usd") or 0) for h in heard]
    assert told == pytest.approx([end.cost_usd for end in sorted(t.ends, key=lambda end: end.call_id)])


async def test_a_call_that_stays_alone_goes_as_it_is() -> None:
    t = Bench(plays_vendor)
    heard = t.begin("POST", PATH, b'{"input" : ["a"],"model":"acme/tiny"}')
    await t.send()
    await t.over()
    assert (heard.status, t.wire.sent[0].body) == (200, b'{"input" : ["a"],"model":"tiny"}')
    assert (t.ends[0].notes, len(t.ends[0].tried), t.begins[0].target, len(t.begins)) == (
        "",
        1,
        "acme/tiny",
        1,
    )


async def test_where_it_is_not_declared_nobody_waits() -> None:
    t = Bench(plays_vendor, plays_vendor, vendor={"batch_embeddings": 0.0})
    heard = [t.embed(["a"]), t.embed(["b"])]
    await t.over()
    assert ([h.status for h in heard], len(t.wire.sent), t.timers.set) == ([200, 200], 2, [])


# Who is merged with whom.


@pytest.mark.row("F10")
@pytest.mark.parametrize(
    ("headers", "more"),
    [
        ((), {"dimensions": 8}),
        ((), {"encoding_format": "base64"}),
        ((), {"user": "ann"}),
        ((("openai-organization", "org-2"),), {}),
        ((("x-trunkline-priority", "batch"),), {}),
        ((("x-trunkline-max-attempts", "1"),), {}),
    ],
    ids=["dimensions", "encoding", "user", "another account at the vendor", "lane", "attempts"],
)
async def test_calls_that_differ_are_not_merged(
    headers: tuple[tuple[str, str], ...], more: dict[str, Any]
) -> None:
    t = Bench(plays_vendor, plays_vendor)
    for heard in (t.embed(["a"]), t.embed(["b"], *headers, **more)):
        assert not heard.closed
    await t.send()
    assert len(t.wire.sent) == 2


async def test_labels_that_the_vendor_never_sees_make_no_difference() -> None:
    t = Bench(plays_vendor)
    t.embed("a", ("x-trunkline-feature", "search"), ("user-agent", "x"), ("x-correlation-id", "one"))
    t.embed("b", ("x-trunkline-feature", "index"))
    await t.send()
    assert len(t.wire.sent) == 1


async def test_teams_are_not_merged_and_keys_without_a_team_are_none() -> None:
    keys = [
        caller_key("tl_a", id="a", name="a"), caller_key("tl_b", id="b", name="b"), caller_key("tl_c", id="c", name="c", team="crm"),
        caller_key("tl_d", id="d", name="d", team=""), caller_key("tl_e", id="e", name="e", team=""),
    ]  # fmt: skip
    t = Bench(*[plays_vendor] * 5, keys=keys)
    for name in "abcde":
        t.embed([name], key=f"tl_{name}")
    await t.send()
    assert sorted(inputs(sent) for sent in t.wire.sent) == [["a", "b"], ["c"], ["d"], ["e"]]


@pytest.mark.parametrize(
    ("headers", "given"),
    [
        ((("x-trunkline-timeout", "0.01"),), "a"),
        ((), ""),
        ((), [{"text": "a"}]),
        ((), ["a"] * 128),
        ((), "x" * (256 << 10)),
    ],
    ids=["no time to wait", "empty", "of an unknown form", "full by itself", "long by itself"],
)
async def test_what_cannot_wait_goes_at_once(headers: tuple[tuple[str, str], ...], given: Any) -> None:
    t = Bench(is_silent)
    t.embed(given, *headers)
    await t.turn()
    assert (len(t.wire.sent), t.timers.set) == (1, [])


@pytest.mark.row("F10")
async def test_a_full_batch_goes_at_once_and_the_next_one_begins() -> None:
    t = Bench(plays_vendor, plays_vendor, vendor={"batch_inputs": 4})
    heard = [t.embed(["a", "b"]), t.embed(["c"]), t.embed(["d", "e"]), t.embed("f")]
    await t.turn()
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "b", "c"]]
    await t.send()
    await t.over()
    assert [inputs(sent) for sent in t.wire.sent[1:]] == [["d", "e", "f"]]
    assert {h.status for h in heard} == {200}


async def test_inputs_are_bounded_in_bytes_too() -> None:
    t = Bench(plays_vendor, plays_vendor)
    for _ in range(3):
        t.embed("x" * (100 << 10))
    await t.send()
    assert [len(sent.body) >> 10 for sent in t.wire.sent] == [200, 100]


@pytest.mark.row("F10")
async def test_gemini_calls_are_merged_into_its_batch_endpoint() -> None:
    t = Bench(answers(200, b'{"embeddings":[{"values":[1]},{"values":[2]}]}'))
    heard = [
        t.begin("POST", GEMINI, json.dumps(text(words, taskType=kind)).encode())
        for words, kind in (("a", "X"), ("b", "Y"))
    ]
    await t.send()
    await t.over()
    (sent,) = t.wire.sent
    assert sent.target == b"/v1beta/models/tiny:batchEmbedContents"
    assert [one["taskType"] for one in json.loads(sent.body)["requests"]] == ["X", "Y"]
    assert [h.body for h in heard] == [b'{"embedding":{"values":[1]}}', b'{"embedding":{"values":[2]}}']


# Failures.


@pytest.mark.row("F10")
async def test_one_bad_input_fails_alone() -> None:
    def refuses_bad(sent: Sent) -> None:
        bad = "bad" in inputs(sent)
        sent.reply(400, b'{"error":{"message":"bad input"}}') if bad else plays_vendor(sent)

    t = Bench(*[refuses_bad] * 4)
    heard = [t.embed(["a"]), t.embed(["bad"]), t.embed(["c"])]
    await t.send()
    await t.over()
    assert [h.status for h in heard] == [200, 400, 200]
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "bad", "c"], ["a"], ["bad"], ["c"]]
    carrier, *others = sorted(t.ends, key=lambda end: end.call_id)
    assert ([one.code for one in carrier.tried], carrier.notes) == (
        ["invalid_request", ""],
        "batch=carries:3",
    )
    assert [len(one.tried) for one in others] == [1, 1]
    assert [end.cost_usd > 0 for end in (carrier, *others)] == [True, False, True]


async def test_the_attempts_of_the_whole_and_those_after_it_are_counted_on() -> None:
    t = Bench(answers(400, b"{}"), plays_vendor, plays_vendor)
    for given in ("a", "b"):
        t.embed([given])
    await t.send()
    await t.over()
    carrier = min(t.ends, key=lambda end: end.call_id)
    assert [one.n for one in carrier.tried] == [1, 2]
    assert sorted((again.n, again.previous.n, again.previous.code) for again in t.agains) == [
        (1, 0, ""),
        (2, 1, "invalid_request"),
    ]
    assert len({begin.call_id for begin in t.begins}) == len(t.begins) == len(t.ends) == 2


async def test_the_one_that_carried_has_all_its_attempts_left() -> None:
    busy = answers(503, b"{}")
    t = Bench(
        answers(400, b"{}"),
        busy,
        busy,
        plays_vendor,
        plays_vendor,
        vendor={"retry": Retry(attempts=2, backoff=0.0)},
    )
    heard = [t.embed(["a"]), t.embed(["b"])]
    await t.send()
    await t.over()
    assert [h.status for h in heard] == [200, 200]
    carrier, other = sorted(t.ends, key=lambda end: end.call_id)
    assert ([one.code for one in carrier.tried], [one.code for one in other.tried]) == (
        ["invalid_request", "overloaded", ""], ["overloaded", ""],
    )  # fmt: skip


@pytest.mark.row("F10")
async def test_a_vendor_in_trouble_is_told_to_all_after_the_usual_repeats() -> None:
    busy = answers(503, b'{"error":{"message":"busy"}}')
    t = Bench(*[busy] * 4)
    heard = [t.embed(["a"]), t.embed(["b"])]
    await t.send()
    await t.over()
    assert ([h.status for h in heard], len(t.wire.sent)) == ([503, 503], 4)
    assert [(len(end.tried), end.code) for end in sorted(t.ends, key=lambda end: end.call_id)] == [
        (4, "overloaded"),
        (0, "overloaded"),
    ]


async def test_unless_they_have_another_way_which_each_goes_for_itself() -> None:
    ways = [Fallback(kind="static", body="{}")]
    retry = Retry(attempts=1, backoff=0.0)
    t = Bench(answers(503, b"{}"), plays_vendor, plays_vendor, vendor={"fallback": ways, "retry": retry})
    heard = [t.embed(["a"]), t.embed(["b"])]
    await t.send()
    await t.over()
    assert ([h.status for h in heard], len(t.wire.sent)) == ([200, 200], 3)


@pytest.mark.parametrize(
    "reply",
    [b'{"data":[]}', b'{"object":"list"}', vendor(b'{"input":["a"]}')],
    ids=["none", "no list", "one for two"],
)
async def test_a_reply_that_does_not_answer_all_leaves_them_to_themselves(reply: bytes) -> None:
    t = Bench(answers(200, reply), plays_vendor, plays_vendor)
    heard = [t.embed(["a"]), t.embed(["b"])]
    await t.send()
    await t.over()
    assert ([vectors(h) for h in heard], len(t.wire.sent)) == ([[1.0], [1.0]], 3)


async def test_a_second_attempt_carries_all_of_them() -> None:
    t = Bench(answers(503, b"{}"), plays_vendor)
    heard = [t.embed(["a"]), t.embed(["bb"])]
    await t.send()
    await t.over()
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "bb"]] * 2
    assert ([vectors(h) for h in heard], len(t.agains)) == ([[1.0], [2.0]], 1)


# Leaving.


async def test_who_leaves_while_they_are_gathered_is_not_sent() -> None:
    t = Bench(plays_vendor)
    heard = [t.embed("a"), t.embed("b"), t.embed("c")]
    await t.turn()
    heard[1].hang_up()
    await t.send()
    await t.over()
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "c"]]
    assert sorted(end.state for end in t.ends) == ["cancelled", "ok", "ok"]


async def test_all_may_leave_while_they_are_gathered() -> None:
    t = Bench()
    heard = [t.embed("a"), t.embed("b")]
    await t.turn()
    for one in heard:
        one.hang_up()
    await t.over()
    assert (repr(t.batches), t.wire.sent) == ("Batches(open=0, waiting=0)", [])
    t.timers.fire()
    await t.turn()
    assert t.wire.sent == []


@pytest.mark.row("F10")
async def test_who_leaves_after_that_leaves_its_share_to_the_record_that_carries() -> None:
    t = Bench(is_silent)
    heard = [t.embed("a"), t.embed("bbb"), t.embed("cc")]
    await t.send()
    heard[1].hang_up()
    await t.turn()
    assert not t.wire.sent[0].dropped
    plays_vendor(t.wire.sent[0])
    await t.over()
    first, second, third = sorted(t.ends, key=lambda end: end.call_id)
    assert [(e.state, e.cost_usd, e.wasted_usd) for e in (first, second, third)] == [
        ("ok", 1e-6, 3e-6), ("cancelled", -1.0, 0.0), ("ok", 2e-6, 0.0),
    ]  # fmt: skip
    assert [vectors(h) for h in (heard[0], heard[2])] == [[1.0], [2.0]]


@pytest.mark.row("F10")
async def test_the_one_that_carries_may_hang_up_and_its_record_waits_for_the_end() -> None:
    t = Bench(is_silent)
    heard = [t.embed("a"), t.embed("bb")]
    await t.send()
    heard[0].hang_up()
    await t.turn()
    assert (t.wire.sent[0].dropped, t.ends) == (False, [])
    plays_vendor(t.wire.sent[0])
    await t.over()
    first, second = sorted(t.ends, key=lambda end: end.call_id)
    assert (first.state, first.cost_usd, len(first.tried), second.state, vectors(heard[1])) == (
        "cancelled",
        1e-6,
        1,
        "ok",
        [2.0],
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_when_all_have_left_the_request_is_given_up(order: tuple[int, int]) -> None:
    t = Bench(is_silent)
    heard = [t.embed("a"), t.embed("b")]
    await t.send()
    for n in order:
        heard[n].hang_up()
        await t.turn()
    await t.over()
    assert (t.wire.sent[0].dropped, [end.state for end in t.ends]) == (True, ["cancelled"] * 2)


@pytest.mark.row("S4")
async def test_the_kill_switch_finds_the_request_by_its_credential() -> None:
    t = Bench(is_silent)
    for words in ("a", "b"):
        t.embed(words)
    await t.send()
    attempts = [one.attempt for one in t.gateway.running if one.attempt is not None]
    assert [attempt.target.member.name for attempt in attempts] == ["env:ACME_KEY"]
    plays_vendor(t.wire.sent[0])
    await t.over()


@pytest.mark.row("S4")
async def test_a_key_that_is_killed_ends_what_it_carries_and_the_others_go_on() -> None:
    from trunkline.core.errors import CallError

    t = Bench(is_silent, plays_vendor)
    killed, other = t.embed(["a"]), t.embed(["b"])
    await t.send()
    error = CallError("unauthenticated", "the key of this call was revoked", scope="key")
    for exchange in [one for one in t.gateway.running if one.call_id.endswith("1")]:
        t.gateway.cut(exchange, error)
    await t.over()
    assert (killed.status, vectors(other), [inputs(sent) for sent in t.wire.sent]) == (
        401,
        [1.0],
        [["a", "b"], ["b"]],
    )


async def test_a_call_out_of_time_is_told_so_and_the_others_get_theirs() -> None:
    t = Bench(is_silent)
    t.embed("a", ("x-trunkline-timeout", "0.03"))
    t.embed("bb")
    await t.send()
    async with asyncio.timeout(60):
        while not t.ends:
            await asyncio.sleep(0)
    plays_vendor(t.wire.sent[0])
    await t.over()
    assert [(end.code, end.wasted_usd) for end in t.ends] == [("deadline_exceeded", 0.0), ("", 1e-6)]


async def test_the_time_of_the_whole_is_that_of_the_most_patient() -> None:
    t = Bench(is_silent)
    heard = [t.embed("a", ("x-trunkline-timeout", "20")), t.embed("b", ("x-trunkline-timeout", "30"))]
    await t.send()
    t.passes(21.0)
    await t.turn()
    assert not t.wire.sent[0].dropped
    t.passes(10.0)
    await t.over()
    assert ([h.status for h in heard], len(t.wire.sent)) == ([504, 504], 1)


# With the other parts.


@pytest.mark.row("F10", "F11")
async def test_shares_are_kept_by_the_cache() -> None:
    t = Bench(plays_vendor, vendor={"cache": Cache(ttl=60)})
    heard = [t.embed("a"), t.embed("bb"), t.embed("a")]
    await t.send()
    await t.over()
    assert [inputs(sent) for sent in t.wire.sent] == [["a", "bb"]]
    assert [h.field(b"x-trunkline-cache") for h in heard] == [b"miss", b"miss", b"hit; age=0"]
    again = t.embed("bb")
    await t.over()
    assert (again.field(b"x-trunkline-cache"), vectors(again)) == (b"hit; age=0", [2.0])


async def test_the_vendors_limits_count_one_request() -> None:
    t = Bench(plays_vendor, vendor={"limits": [Limit(requests=1, per=60.0)]})
    heard = [t.embed("a"), t.embed("b"), t.embed("c")]
    await t.send()
    await t.over()
    assert [h.status for h in heard] == [200] * 3


async def test_a_full_disk_stops_no_embedding() -> None:
    t = Bench(plays_vendor)
    heard = [t.embed("a"), t.embed("b")]
    await t.turn()
    t.journal.full = True
    await t.send()
    await t.over()
    assert [h.status for h in heard] == [200, 200]
    assert t.diary.lost > 0


async def test_parallel_calls_are_merged_too() -> None:
    t = Bench(plays_vendor)
    calls = [{"path": PATH, "body": {"model": "acme/tiny", "input": words}} for words in ("a", "bb")]
    heard = t.begin("POST", "/v1/parallel", json.dumps({"calls": calls}).encode())
    await t.send()
    await t.until(lambda: heard.closed)
    assert (len(t.wire.sent), json.loads(heard.body)["succeeded"]) == (1, 2)


async def test_the_law_of_policies() -> None:
    def make(clock: FakeClock) -> Any:
        return Trial(clock=clock).batches

    await check_policy(make, on="call", vendor=service(batch_embeddings=0.005))
