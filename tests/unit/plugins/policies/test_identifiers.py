"""Whom a request is about is written down beside its begin, as keyed hashes; calls that name nobody write nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.handling import DataRules, Privacy
from trunkline.core.record import Begin, Persons
from trunkline.core.service import ApiVersion, Operation
from trunkline.plugins.policies.identifiers import ON_LOOP, Places, in_body, places
from trunkline.testing.script import answers
from trunkline.testing.trial import Trial, service

AS_JSON = ("content-type", "application/json")
AS_FORM = ("content-type", "application/x-www-form-urlencoded")
JANE, KOFI = "jane@example.com", "kofi@example.com"


def trial(*identifiers: str, **more: Any) -> Trial:
    rules = more.pop("rules", None)
    privacy = Privacy(identifiers=list(identifiers), rules=rules)
    return Trial(answers(200, b'{"id":"r-1"}'), services=[service("acme", privacy=privacy, **more)])


def named(done: Trial) -> list[list[str]]:
    return [record.hashes for record in done.journal.records if isinstance(record, Persons)]


def hashed(done: Trial, *identifiers: str) -> list[list[str]]:
    return [[done.access.subject_hash(one) for one in identifiers]]


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    ("pointer", "body", "media"),
    [
        ("/email", b'{"email":"Jane@Example.com"}', AS_JSON),
        ("/customer/email", b'{"customer":{"email":"jane@example.com"}}', AS_JSON),
        ("/to/*/email", b'{"to":[{"email":"jane@example.com"},{"name":"x"}]}', AS_JSON),
        ("/to/0", b'{"to":["jane@example.com","kofi@example.com"]}', AS_JSON),
        ("/email", b"email=jane%40example.com&amount=5", AS_FORM),
        ("/billing_details/email", b"x=1&billing%5Fdetails%5Bem%61il%5D=jane%40example.com&email=1", AS_FORM),
        ("/billing_details/email", b"billing_details[email]=jane%40example.com", AS_FORM),
    ],
)
async def test_a_person_in_the_body_is_written_down(
    pointer: str, body: bytes, media: tuple[str, str]
) -> None:
    done = trial(pointer)
    await done.ask("POST", "/api/proxy/acme/v1/x", body, media)
    assert named(done) == hashed(done, JANE)
    kinds = [type(record) for record in done.journal.records]
    assert kinds.index(Persons) == kinds.index(Begin) + 1, "beside the begin, before anything was sent"
    assert JANE.encode() not in b"".join(done.journal.payloads).lower()


async def test_query_and_path_name_persons_too() -> None:
    operation = Operation(
        name="put", method="POST", path="/people/{who}", identifiers=["path:who", "query:email"]
    )
    done = trial(operations=[operation])
    await done.ask(
        "POST", "/api/proxy/acme/people/jane%40example.com?email=kofi%40example.com&x=1", b"{}", AS_JSON
    )
    assert [set(one) for one in named(done)] == [set(hashed(done, JANE, KOFI)[0])]


async def test_the_rest_of_a_path_below_a_version_is_one_name() -> None:
    operation = Operation(name="put", method="POST", path="/v1/people/{who+}", identifiers=["path:who"])
    version = ApiVersion(value="v1", path="/v1")
    done = trial(operations=[operation], api_version=version)
    await done.ask("POST", "/api/proxy/acme/people/jane%40example.com", b"{}", AS_JSON)
    assert named(done) == hashed(done, JANE)


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"amount":5}', b'{"email":null}', b'{"email":""}', b'{"email":{"a":1}}', b"not json: email"],
)
async def test_a_request_that_names_nobody_writes_nothing(body: bytes) -> None:
    done = trial("/email")
    await done.ask("POST", "/api/proxy/acme/v1/x", body, AS_JSON)
    assert named(done) == []


async def test_an_operations_own_places_hold_instead_and_none_means_nowhere() -> None:
    done = trial("/email", operations=[Operation(name="a", method="POST", path="/a", identifiers=[])])
    await done.ask("POST", "/api/proxy/acme/a", b'{"email":"jane@example.com"}', AS_JSON)
    assert named(done) == []


async def test_what_was_blotted_out_was_not_sent_and_is_not_written_down() -> None:
    done = trial("/email", rules=DataRules(redact=["pii.email"]))
    await done.ask("POST", "/api/proxy/acme/v1/x", b'{"email":"jane@example.com"}', AS_JSON)
    assert JANE.encode() not in done.wire.sent[0].body
    assert named(done) == []


async def test_a_long_request_is_read_in_a_thread() -> None:
    done = trial("/email")
    body = json.dumps({"pad": "x" * ON_LOOP, "email": JANE}).encode()
    heard = await done.ask("POST", "/api/proxy/acme/v1/x", body, AS_JSON)
    for _ in range(2000):
        if heard.closed and not done.gateway.running:
            break
        await asyncio.to_thread(int)
    assert named(done) == hashed(done, JANE)


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    ("target", "more"),
    [
        ("/v1/chat/completions", {"user": "user_17"}),
        ("/v1/chat/completions", {"safety_identifier": "user_17", "note": '\u00e9 "model"'}),
        ("/v1/chat/completions", {"metadata": {"user_id": "user_17"}}),
        ("/api/proxy/acme/v1/chat/completions", {"user": "user_17"}),
    ],
)
async def test_the_end_user_of_a_model_call_is_written_down(target: str, more: dict[str, Any]) -> None:
    done = Trial(answers(200, b'{"id":"r-1"}'))
    model = "tiny" if "proxy" in target else "acme/tiny"
    await done.ask("POST", target, json.dumps({"model": model, "messages": [], **more}).encode())
    assert named(done) == hashed(done, "user_17")


@pytest.mark.parametrize(
    "more", [{}, {"user": 7}, {"user": None}, {"metadata": {"a": "b"}}, {"metadata": "x"}]
)
async def test_a_model_call_without_an_end_user_writes_nothing_and_is_not_refused(
    more: dict[str, Any],
) -> None:
    done = Trial(answers(200, b'{"id":"r-1"}'))
    heard = await done.ask(
        "POST", "/v1/chat/completions", json.dumps({"model": "acme/tiny", "messages": [], **more}).encode()
    )
    assert (heard.status, named(done)) == (200, [])


async def test_a_call_to_what_declares_no_place_does_not_come_here() -> None:
    done = Trial(answers(200, b'{"id":"r-1"}'))
    await done.ask("POST", "/api/proxy/acme/v1/x", b'{"email":"jane@example.com"}', AS_JSON)
    assert named(done) == []


def test_places_are_read_once_and_searched_by_their_shortest_keys() -> None:
    assert places(("/a/email", "/to/*/email_address", "query:q", "path:id", "/b~1c")) == Places(
        (("a", "email"), ("to", "*", "email_address"), ("b/c",)), ("q",), ("id",), (b"b/c", b"email")
    )
    assert not any(places(()))


@given(
    st.binary(max_size=300),
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/event-stream"]),
)
def test_any_bytes_can_be_read(body: bytes, media: str) -> None:
    in_body(body, media, places(("/email", "/to/*/email")))
