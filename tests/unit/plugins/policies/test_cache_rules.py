"""What may be kept, for how long, and whose failure a failure is."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Live, Route
from trunkline.core.errors import CallError
from trunkline.core.exchange import Answer, Exchange
from trunkline.core.flow import Cache, Fallback
from trunkline.core.service import Model, Operation
from trunkline.plugins.policies.cache_rules import (
    declared,
    kept_seconds,
    lasting,
    lasting_fields,
    same_failure,
    unkept,
)
from trunkline.testing import Heard, request, service

SERVICES, OPERATIONS, MODELS = Cache(ttl=1.0), Cache(ttl=2.0), Cache(ttl=3.0)
SEARCH = Operation(name="search", method="POST", path="/search", repeat="always", cache=OPERATIONS)
COUNT = Operation(name="count", method="POST", path="/count", repeat="always")
ROUTE = Route(
    Live(
        service(
            cache=SERVICES,
            operations=[SEARCH, COUNT],
            models=[Model(id="tiny", cache=MODELS), Model(id="big")],
        )
    )
)


def call(method: str = "GET", *headers: tuple[str, str], **changes: Any) -> Exchange:
    exchange = Exchange(request(method, "/", b"", *headers), Heard(), "call-1", 1.0, 2.0)
    given = {"method": method.encode(), "repeat": "always", **changes}
    for name, value in given.items():
        setattr(exchange, name, value)
    return exchange


def chat(model: str, **changes: Any) -> Exchange:
    return call("POST", dialect="openai-chat", model=model, **changes)


# What is declared.


@pytest.mark.row("F11")
def test_the_operation_says_it_before_the_model_and_the_model_before_the_integration() -> None:
    assert declared(call(), ROUTE) is SERVICES
    assert declared(call("POST", operation=SEARCH), ROUTE) is OPERATIONS
    assert declared(chat("tiny"), ROUTE) is MODELS
    assert declared(chat("big"), ROUTE) is SERVICES
    assert declared(chat("tiny", operation=SEARCH), ROUTE) is OPERATIONS


def test_the_model_is_the_vendors_whatever_name_it_came_by() -> None:
    route = Route(ROUTE.live, "openai-chat")
    route.model = "tiny"
    assert declared(chat("quick"), route) is MODELS


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "exchange",
    [
        call("POST", operation=COUNT),
        call(repeat="never"),
        call(repeat="with_key"),
        call("POST", operation=SEARCH, repeat="never"),
        call("HEAD"),
        call("PUT"),
        call("DELETE"),
        call(rest=object()),
        call("GET", ("range", "bytes=0-1")),
        call("GET", ("if-none-match", '"1"')),
        call("GET", ("accept", "text/event-stream")),
    ],
    ids=["a POST that only may be repeated", "an act", "an act with a key", "an act of a declared operation", "HEAD", "PUT", "DELETE",
         "a body that is still coming", "a part", "a condition", "a feed"],
)  # fmt: skip
def test_what_is_never_kept(exchange: Exchange) -> None:
    assert declared(exchange, ROUTE) is None


def test_a_model_stream_is_no_feed() -> None:
    streamed = call("POST", ("accept", "text/event-stream"), dialect="openai-chat", model="big")
    assert declared(streamed, ROUTE) is SERVICES


def test_without_a_word_nothing_is_kept() -> None:
    route = Route(Live(service()))
    assert [declared(one, route) for one in (call(), chat("tiny"), call("POST", operation=COUNT))] == [
        None
    ] * 3


# What is kept.

GOOD = Answer(200, b"content-type: application/json\r\n", b"{}")


def ended(kept: Answer | None = GOOD, **changes: Any) -> Exchange:
    return call(**{"state": "ok", "kept": kept, **changes})


@pytest.mark.row("F11")
def test_a_good_answer_is_kept() -> None:
    assert [unkept(ended(GOOD._replace(status=status))) for status in (200, 203, 204)] == [""] * 3


def with_line(line: bytes) -> Answer:
    return GOOD._replace(fields=GOOD.fields + line + b"\r\n")


UNKEPT = {
    "a failure": (ended(state="error"), "failed"),
    "a cut stream": (ended(state="truncated"), "failed"),
    "a cancelled call": (ended(state="cancelled"), "failed"),
    "a part": (ended(GOOD._replace(status=206)), "status"),
    "a promise": (ended(GOOD._replace(status=202)), "status"),
    "a redirect": (ended(GOOD._replace(status=301)), "status"),
    "one with a cookie": (ended(GOOD._replace(private=True)), "private"),
    "no-store": (ended(with_line(b"cache-control: no-store")), "private"),
    "private": (ended(with_line(b"cache-control: max-age=60, Private")), "private"),
    "private for a field": (ended(with_line(b'cache-control: private="x-a"')), "private"),
    "in the second line": (
        ended(with_line(b"cache-control: max-age=1\r\ncache-control: no-store")),
        "private",
    ),
    "one that varies with all": (ended(with_line(b"vary: *")), "vary"),
    "one that is too long": (ended(None), "size"),
    "a degraded one": (ended(None, answer=GOOD), "fallback"),
    "another vendor's": (ended(notes=("fallback=other/model",)), "fallback"),
    "the answer to a mended request": (ended(notes=("repair=drop:seed",)), "fallback"),
}


@pytest.mark.row("F11")
@pytest.mark.parametrize("name", UNKEPT)
def test_what_is_not_kept_and_why(name: str) -> None:
    exchange, why = UNKEPT[name]
    assert unkept(exchange) == why


def test_words_of_a_header_that_only_look_alike() -> None:
    assert unkept(ended(with_line(b"cache-control: max-age=60, no-store-x"))) == ""
    assert unkept(ended(with_line(b"x-cache-control: no-store"))) == ""
    assert unkept(ended(with_line(b"vary: accept"))) == ""


def test_what_model_vendors_say_of_keeping_is_passed_over_but_not_their_cookies() -> None:
    said = with_line(b"cache-control: no-store, private")
    assert unkept(ended(said, dialect="openai-chat")) == ""
    assert unkept(ended(GOOD._replace(private=True), dialect="openai-chat")) == "private"


def test_which_reasons_will_hold_the_next_time() -> None:
    words = ("size", "status", "private", "vary", "failed", "fallback", "spoiled")
    assert [lasting(word) for word in words] == [True] * 4 + [False] * 3


def test_an_answer_lies_as_long_as_it_may_be_of_use() -> None:
    told = Cache(ttl=10, stale_while_revalidate=5, stale_if_error=20)
    assert kept_seconds(told, call(), ROUTE) == 30
    assert kept_seconds(Cache(ttl=10, stale_while_revalidate=50), call(), ROUTE) == 60
    older = Route(Live(service(fallback=[Fallback(kind="stale", max_age=3600), Fallback(kind="static")])))
    assert kept_seconds(told, call(), older) == 3600
    own = Operation(name="x", method="GET", path="/x", fallback=[Fallback(kind="stale", max_age=7200)])
    assert kept_seconds(told, call(operation=own), older) == 7200


def test_what_told_of_its_moment_is_not_told_again() -> None:
    lines = b"content-type: text/csv\r\nx-ratelimit-remaining-requests: 3\r\nretry-after: 1\r\nage: 4\r\nx-request-id: r1\r\n"
    assert lasting_fields(lines) == b"content-type: text/csv\r\nx-request-id: r1\r\n"
    assert lasting_fields(b"") == b""


# Whose failure it is.


def failure(code: str, source: str = "acme") -> CallError:
    error = CallError(code, "it failed", source=source, vendor_code="v1", retry_at=7.0)
    error.status, error.fields, error.body = 503, [(b"x-a", b"1")], b"busy"
    return error


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "code", ["overloaded", "rate_limited", "invalid_request", "timeout_upstream", "malformed_response"]
)
def test_a_vendors_failure_is_everybodys(code: str) -> None:
    error = failure(code)
    twin = same_failure(error, call(), call())
    assert twin is not None
    assert twin is not error
    assert vars(twin) == vars(error)
    assert (str(twin), repr(twin)) == (str(error), repr(error))


@pytest.mark.parametrize(
    "code",
    ["circuit_open", "secret_unavailable", "misconfigured", "queue_full", "queue_timeout", "rate_limited"],
)
def test_what_we_say_of_the_integration_is_everybodys_too(code: str) -> None:
    assert same_failure(failure(code, "trunkline"), call(), call()) is not None


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "code",
    ["over_budget", "cancelled", "deadline_exceeded", "forbidden", "store_unavailable", "internal", "shed"],
)
def test_what_is_wrong_with_the_leader_is_its_own(code: str) -> None:
    assert same_failure(failure(code, "trunkline"), call(), call()) is None


def test_a_leader_that_hung_up_tells_nobody_anything() -> None:
    assert same_failure(failure("overloaded"), call(gone=True), call()) is None


@pytest.mark.parametrize(
    "header", ["x-trunkline-timeout", "x-trunkline-timeout-first-byte", "x-trunkline-max-attempts"]
)
def test_a_leader_in_a_hurry_gave_up_for_itself_alone(header: str) -> None:
    hasty = call("GET", (header, "1"))
    assert same_failure(failure("timeout_upstream"), hasty, call()) is None
    assert same_failure(failure("invalid_request"), hasty, call()) is not None


def test_a_place_in_a_lower_lane_says_nothing_of_a_higher_one() -> None:
    error = failure("queue_timeout", "trunkline")
    assert same_failure(error, call(lane="batch"), call(lane="interactive")) is None
    assert same_failure(error, call(lane="interactive"), call(lane="batch")) is not None
    assert same_failure(failure("overloaded"), call(lane="batch"), call(lane="interactive")) is not None
