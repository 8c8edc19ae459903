"""`POST /v1/parallel`: many calls by one caller, few at a time, their answers in order."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.core.flow import Cache
from trunkline.gateway import parallel
from trunkline.gateway.parallel_form import CALLS_MAX, read
from trunkline.testing import Heard, Trial, answers, caller_key, is_silent, service, streams
from trunkline.testing.laws import ANSWER, CONTENT, DONE

CHAT = {"path": "/v1/chat/completions", "body": {"model": "acme/tiny", "messages": []}}
THINGS = {"path": "/api/proxy/acme/things", "method": "GET"}


def asked(*calls: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"calls": calls, **more}).encode()


async def ask(
    t: Trial, *calls: dict[str, Any], headers: tuple[tuple[str, str], ...] = (), **more: Any
) -> dict[str, Any]:
    heard = await t.ask("POST", "/v1/parallel", asked(*calls, **more), *headers)
    assert (heard.status, heard.field(b"content-type")) == (200, b"application/json")
    told: dict[str, Any] = json.loads(heard.body)
    return told


async def refused(t: Trial, body: bytes) -> dict[str, Any]:
    heard = await t.ask("POST", "/v1/parallel", body)
    assert (heard.status, t.wire.sent) == (400, [])
    told: dict[str, Any] = json.loads(heard.body)
    return told


def statuses(told: dict[str, Any]) -> list[int]:
    return [result["status"] for result in told["results"]]


@pytest.mark.row("F10")
async def test_mixed_calls_are_answered_in_their_order() -> None:
    t = Trial()
    heard = t.begin("POST", "/v1/parallel", asked(CHAT, {**THINGS, "id": "list"}))
    await t.turn()
    t.wire.sent[1].reply(200, b'{"things":[]}')
    t.wire.sent[0].reply(200, ANSWER)
    await t.until(lambda: heard.closed)
    told = json.loads(heard.body)
    first, second = told["results"]
    assert (first["id"], first["status"], first["body"]) == ("0", 200, json.loads(ANSWER))
    assert (second["id"], second["status"], second["body"]) == ("list", 200, {"things": []})
    assert (told["succeeded"], told["failed"], heard.field(b"x-correlation-id")) == (
        2,
        0,
        first["headers"]["x-correlation-id"][:-2].encode(),
    )


@pytest.mark.row("F10")
async def test_each_is_a_call_of_its_own_by_the_same_caller() -> None:
    t = Trial(answers(200, ANSWER), answers(200, b"{}"))
    headers = (
        ("x-correlation-id", "mine"),
        ("x-trunkline-feature", "search"),
        ("x-trunkline-max-attempts", "1"),
    )
    told = await ask(
        t, CHAT, {**THINGS, "headers": {"X-Trunkline-Feature": "list", "accept": "text/csv"}}, headers=headers
    )
    assert [(b.correlation_id, b.key_id, b.feature, b.path) for b in t.begins] == [
        ("mine.1", "key-1", "search", "/v1/chat/completions"), ("mine.2", "key-1", "list", "/things"),
    ]  # fmt: skip
    assert [(e.state, e.cost_usd, len(e.tried)) for e in t.ends] == [("ok", 7e-06, 1), ("ok", -1.0, 1)]
    assert told["results"][0]["headers"]["x-trunkline-cost-usd"] == "7e-06"
    assert (t.wire.sent[1].field(b"accept"), t.wire.sent[0].field(b"accept")) == (b"text/csv", None)
    assert not any(b"trunkline" in sent.head for sent in t.wire.sent)


@pytest.mark.row("F10")
async def test_one_that_fails_is_told_in_its_place() -> None:
    t = Trial(
        answers(200, ANSWER), answers(404, b'{"error":{"message":"no such thing"}}'), answers(200, ANSWER)
    )
    told = await ask(t, CHAT, THINGS, CHAT)
    assert (statuses(told), told["succeeded"], told["failed"]) == ([200, 404, 200], 2, 1)
    assert told["results"][1]["body"]["error"]["message"] == "no such thing"


async def test_limits_and_rights_are_those_of_the_key() -> None:
    t = Trial(answers(200, ANSWER), keys=[caller_key(scopes=["model:acme/*"])])
    told = await ask(t, THINGS, CHAT)
    assert statuses(told) == [403, 200]
    t = Trial(answers(200, ANSWER), keys=[caller_key(rate=1, rate_per=60.0)])
    assert statuses(await ask(t, CHAT, CHAT)) == [200, 429]


@pytest.mark.row("F10")
async def test_no_more_run_at_once_than_was_asked_for() -> None:
    t = Trial()
    heard = t.begin("POST", "/v1/parallel", asked(*[THINGS] * 7, concurrency=3))
    seen = []
    for _ in range(7):
        await t.turn()
        open_ones = [sent for sent in t.wire.sent if not sent._over]
        seen.append(len(open_ones))
        open_ones[0].reply(200, b"{}")
    await t.until(lambda: heard.closed)
    assert seen == [3, 3, 3, 3, 3, 2, 1]


async def test_eight_run_at_once_by_default_and_sixty_four_at_most() -> None:
    t = Trial()
    heard = t.begin("POST", "/v1/parallel", asked(*[THINGS] * 64))
    await t.turn(40)
    assert len(t.wire.sent) == 8
    heard.hang_up()
    t = Trial(*[answers(200, b"{}")] * 64)
    told = await ask(t, *[THINGS] * 64, concurrency=64)
    assert (len(told["results"]), told["succeeded"]) == (64, 64)


@pytest.mark.row("F10")
async def test_hanging_up_ends_all_of_them() -> None:
    t = Trial()
    heard = t.begin("POST", "/v1/parallel", asked(*[THINGS] * 10, concurrency=4))
    await t.turn()
    heard.hang_up()
    await t.until(lambda: not t.gateway.running)
    assert [sent.dropped for sent in t.wire.sent] == [True] * 4
    ended = {begin.path: [] for begin in t.begins}
    for begin in t.begins:
        ended[begin.path] += [end.state for end in t.ends if end.call_id == begin.call_id]
    assert ended == {"/things": ["cancelled"] * 4, "/v1/parallel": ["cancelled"]}


@pytest.mark.row("F10")
async def test_all_of_them_share_the_time_of_the_whole() -> None:
    t = Trial(is_silent, is_silent)
    heard = t.begin(
        "POST", "/v1/parallel", asked(THINGS, THINGS, THINGS, concurrency=2), ("x-trunkline-timeout", "5")
    )
    await t.turn()
    t.passes(5.1)
    await t.until(lambda: heard.closed)
    told = json.loads(heard.body)
    assert [(r["status"], r["body"]["code"]) for r in told["results"]] == [(504, "deadline_exceeded")] * 3
    assert (len(t.wire.sent), len(t.ends), told["failed"]) == (2, 2, 3)


async def test_one_call_may_have_less_time_but_not_more() -> None:
    t = Trial(is_silent, is_silent)
    calls = (
        {**THINGS, "headers": {"x-trunkline-timeout": "1"}},
        {**THINGS, "headers": {"x-trunkline-timeout": "50"}},
    )
    heard = t.begin("POST", "/v1/parallel", asked(*calls), ("x-trunkline-timeout", "5"))
    await t.turn()
    t.passes(1.1)
    await t.turn()
    assert ([end.code for end in t.ends], heard.closed) == (["deadline_exceeded"], False)
    t.passes(4.0)
    await t.until(lambda: heard.closed)
    assert len(t.ends) == 2


async def test_a_stream_is_gathered() -> None:
    t = Trial(streams(CONTENT, DONE))
    told = await ask(t, {**CHAT, "body": {"model": "acme/tiny", "stream": True, "messages": []}})
    (result,) = told["results"]
    assert (result["status"], result["body"], result["headers"]["content-type"]) == (
        200,
        (CONTENT + DONE).decode(),
        "text/event-stream",
    )


async def test_a_stream_that_was_cut_says_so() -> None:
    t = Trial(
        lambda sent: (sent.begin(200, (b"content-type", b"text/plain")), sent.piece(b"half"), sent.cut())
    )
    told = await ask(t, THINGS)
    (result,) = told["results"]
    assert (result["cut"], result["body"], told["failed"]) == (True, "half", 1)


async def test_bodies_go_out_as_they_stand_and_come_back_as_what_they_are() -> None:
    t = Trial(
        answers(200, b"\x89PNG", (b"content-type", b"image/png")),
        answers(200, b"a,b", (b"content-type", b"text/csv")),
        answers(200, b"{oops", (b"content-type", b"application/json")),
        answers(204),
        answers(200, b"\xff", (b"content-type", b"text/plain")),
    )
    calls = [
        {"path": "/api/proxy/acme/a", "body": {"n": 1.50, "z": [1]}},
        {
            "path": "/api/proxy/acme/b",
            "body": "a=1&b=2",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
        {"path": "/api/proxy/acme/c", "body_base64": base64.b64encode(b"\0\1").decode()},
        {"path": "/api/proxy/acme/d?x=1", "method": "DELETE"},
        {"path": "/api/proxy/acme/e", "body": "text"},
    ]
    told = await ask(t, *calls, concurrency=1)
    sent = [
        (one.method, one.target, one.body, one.field(b"content-type"), one.field(b"content-length"))
        for one in t.wire.sent
    ]
    assert sent == [
        (b"POST", b"/a", b'{"n": 1.5, "z": [1]}', b"application/json", b"20"),
        (b"POST", b"/b", b"a=1&b=2", b"application/x-www-form-urlencoded", b"7"),
        (b"POST", b"/c", b"\0\1", None, b"2"),
        (b"DELETE", b"/d?x=1", b"", None, None),
        (b"POST", b"/e", b'"text"', b"application/json", b"6"),
    ]
    bodies = [{k: v for k, v in r.items() if k.startswith("body")} for r in told["results"]]
    assert bodies == [
        {"body_base64": base64.b64encode(b"\x89PNG").decode()}, {"body": "a,b"}, {"body": "{oops"}, {}, {"body_base64": "/w=="},
    ]  # fmt: skip


async def test_a_number_keeps_every_digit_on_both_ways() -> None:
    t = Trial(answers(200, b'{"id":123456789012345678901234567890,"x":1.10}'))
    heard = await t.ask(
        "POST",
        "/v1/parallel",
        b'{"calls":[{"path":"/api/proxy/acme/a","body":{"n":0.10000000000000000001}}]}',
    )
    assert t.wire.sent[0].body == b'{"n":0.10000000000000000001}'
    assert b'"body":{"id":123456789012345678901234567890,"x":1.10}' in heard.body


async def test_an_answer_beyond_measure_is_given_up_and_the_others_are_told() -> None:
    t = Trial(answers(200, b"x" * (17 << 20), (b"content-type", b"text/plain")), answers(200, b"{}"))
    told = await ask(t, THINGS, THINGS, concurrency=1)
    assert [(r["status"], r["body"].get("code")) for r in told["results"]] == [
        (413, "request_too_large"),
        (200, None),
    ]


async def test_all_answers_together_have_a_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ANSWERS_MAX", 2500)
    kilobyte = answers(200, b"x" * 1000, (b"content-type", b"text/plain"))
    t = Trial(*[kilobyte] * 3, answers(200, b"{}"))
    told = await ask(t, *[THINGS] * 4, concurrency=1)
    assert statuses(told) == [200, 200, 413, 200]


@pytest.mark.row("F10", "F11")
async def test_equal_calls_among_them_are_one_at_the_vendor() -> None:
    t = Trial(answers(200, ANSWER), services=[service(cache=Cache(ttl=60))])
    told = await ask(t, *[CHAT] * 5)
    assert (len(t.wire.sent), [r["headers"]["x-trunkline-cache"] for r in told["results"]]) == (
        1,
        ["miss"] + ["hit; age=0"] * 4,
    )


# What is no such request.


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "does not fit"),
        (b"[]", "does not fit"),
        (b'{"calls":[{"path":"/x","nope":1}]}', "does not fit"),
        (b'{"calls":[{"body":{}}]}', "missing required field `path`"),
        (b'{"calls":[]}', "takes 1 to 64 calls, not 0"),
        (asked(*[THINGS] * (CALLS_MAX + 1)), "takes 1 to 64 calls, not 65"),
        (asked(THINGS, concurrency=0), "`concurrency` takes 1 to 64, not 0"),
        (asked(THINGS, concurrency=65), "`concurrency` takes 1 to 64, not 65"),
        (asked({**THINGS, "id": "a"}, {**THINGS, "id": "a"}), "two calls have the id 'a'"),
    ],
)  # fmt: skip
async def test_a_request_that_does_not_fit_makes_no_call(body: bytes, words: str) -> None:
    told = await refused(Trial(), body)
    assert (told["code"], words in told["message"]) == ("invalid_request", True), told["message"]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"path": "/v1/parallel"}, 404, "is no call"),
    ({"path": "/v1/tokens"}, 404, "is no call"),
    ({"path": "/health", "method": "GET"}, 404, "is no call"),
    ({"path": "https://acme.test/x"}, 404, "is no call"),
    ({"path": "/api/proxy/acme/a b"}, 400, "encode it"),
    ({"path": "/api/proxy/acme/\u00e9"}, 400, "encode it"),
    ({"path": "/api/proxy/acme/a\r\nx: y"}, 400, "encode it"),
    ({**THINGS, "method": "BREW"}, 400, "is no method"),
    ({**THINGS, "headers": {"a\r\nb": "1"}}, 400, "is no name of a header"),
    ({**THINGS, "headers": {"a": "1\r\nx: y"}}, 400, "holds what no header holds"),
    ({**THINGS, "headers": {"Authorization": "Bearer tl_other"}}, 400, "all calls are its caller's"),
    ({**THINGS, "headers": {"X-Trunkline-Key": "tl_other"}}, 400, "all calls are its caller's"),
    ({**THINGS, "headers": {"X-Forwarded-For": "10.0.0.1"}}, 400, "all calls are its caller's"),
    ({**THINGS, "headers": {"x-trunkline-timeout": "soon"}}, 400, "takes a number above 0"),
    ({**THINGS, "body_base64": "?"}, 400, "is no base64"),
    ({"path": "/api/proxy/nowhere/x"}, 404, "no integration or route"),
]


@pytest.mark.parametrize(("call", "status", "words"), WRONG, ids=range(len(WRONG)))
async def test_a_call_that_does_not_fit_fails_alone(call: dict[str, Any], status: int, words: str) -> None:
    t = Trial(answers(200, b"{}"))
    told = await ask(t, call, THINGS)
    wrong, right = told["results"]
    assert (wrong["status"], words in wrong["body"]["message"], right["status"]) == (status, True, 200), (
        wrong["body"]
    )
    assert len(t.wire.sent) == 1


async def test_who_is_not_known_gets_nothing() -> None:
    t = Trial()
    heard = await t.ask("POST", "/v1/parallel", asked(THINGS), key="")
    assert (heard.status, t.wire.sent) == (401, [])


async def test_a_long_request_is_read_to_its_end_but_not_for_ever() -> None:
    from trunkline.testing import request

    class Rest:
        length = None

        def __init__(self, *pieces: bytes) -> None:
            self.pieces = list(pieces)

        def __aiter__(self) -> Rest:
            return self

        async def __anext__(self) -> bytes:
            if not self.pieces:
                raise StopAsyncIteration
            return self.pieces.pop(0)

    async def long(*pieces: bytes) -> tuple[Heard, Trial]:
        t = Trial(answers(200, b"{}"))
        made = request("POST", "/v1/parallel", pieces[0])
        made.stream = Rest(*pieces[1:])
        heard = t.hand(made)
        await t.until(lambda: heard.closed)
        return heard, t

    whole = asked({**THINGS, "method": "POST", "body": "x" * 1000})
    heard, t = await long(whole[:500], whole[500:])
    assert (heard.status, len(t.wire.sent[0].body)) == (200, 1002)
    heard, t = await long(whole, *[b" " * (1 << 20)] * 17)
    assert (heard.status, t.wire.sent) == (413, [])


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail_in_another_way(body: bytes) -> None:
    try:
        read(body)
    except CallError as error:
        code = error.code
    else:
        code = "invalid_request"
    assert code == "invalid_request"
