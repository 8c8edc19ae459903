"""Which calls are the same: equal JSON is, everything else that reaches a vendor tells calls apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller, Exchange, Live, Route
from trunkline.core.service import Cache, Idempotency
from trunkline.gateway.caching import relevance
from trunkline.plugins.policies.cache_key import PARSED_MAX, canonical, contract, digest, identity, sharing
from trunkline.testing import Heard, caller_key, request, service

RELEVANT = relevance()
LIVE = Live(service(cache=Cache(ttl=1.0), idempotency=Idempotency(header="X-Request-Key")))
BODY = b'{"model":"acme/tiny","messages":[{"role":"user","content":"hi"}]}'


def call(*headers: tuple[str, str], body: bytes = BODY, live: Live = LIVE, **changes: Any) -> bytes:
    """The key of a model call."""
    route = Route(live, "openai-chat")
    route.model = changes.pop("vendors_model", "tiny")
    asked = request("POST", "/v1/chat/completions", body, *headers)
    exchange = Exchange(asked, Heard(), "call-1", 1.0, 2.0)
    exchange.caller = changes.pop("caller", Caller(caller_key()))
    exchange.method, exchange.path, exchange.dialect = b"POST", b"/v1/chat/completions", "openai-chat"
    exchange.adapter = changes.pop("adapter", "any")
    for name, value in changes.items():
        setattr(exchange, name, value)
    return identity(exchange, route, "key", RELEVANT)


@pytest.mark.row("F11")
def test_white_space_and_order_of_members_do_not_matter() -> None:
    other = b'{ "messages": [ {"content":"\\u0068i", "role":"user"} ],\n "model": "acme/tiny" }'
    assert call(body=other) == call()


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "header",
    [
        ("user-agent", "curl/8"), ("x-stainless-retry-count", "2"), ("traceparent", "00-1-2-00"), ("x-correlation-id", "mine"),
        ("x-trunkline-feature", "search"), ("idempotency-key", "k1"), ("x-request-key", "k1"),
        ("cookie", "a=b"), ("accept-encoding", "gzip"),
    ],
    ids=lambda header: str(header[0]),
)  # fmt: skip
def test_what_changes_no_answer_does_not_matter(header: tuple[str, str]) -> None:
    assert call(header) == call()


DIFFERENT: dict[str, bytes] = {
    "another account at the vendor": call(("stripe-account", "acct_1")),
    "yet another": call(("stripe-account", "acct_2")),
    "another version": call(("anthropic-version", "2023-06-01")),
    "another form of answer": call(("accept", "text/csv")),
    "another language": call(("accept-language", "de")),
    "another content type": call(("content-type", "text/plain")),
    "another body": call(body=b'{"model":"acme/tiny","messages":[]}'),
    "another order of messages": call(body=b'{"model":"acme/tiny","messages":[1,2]}'),
    "the other order": call(body=b'{"model":"acme/tiny","messages":[2,1]}'),
    "a number as text": call(body=b'{"model":"acme/tiny","messages":["1",2]}'),
    "another path": call(path=b"/v1/chat"),
    "another query": call(query=b"a=1"),
    "another model behind the name": call(vendors_model="large"),
    "another dialect": call(dialect="openai-responses"),
    "another entrance": call(ingress="openai-chat"),
    "as a stream": call(stream=True),
    "another method": call(method=b"GET"),
    "another key": call(caller=Caller(caller_key(id="key-2"))),
    "another configuration": call(live=Live(service(cache=Cache(ttl=2.0)))),
    "plain": call(),
}


@pytest.mark.row("F11")
def test_everything_else_matters() -> None:
    assert len(set(DIFFERENT.values())) == len(DIFFERENT)


def test_a_proxied_answer_may_come_compressed_and_then_is_for_those_who_take_that() -> None:
    assert call(("accept-encoding", "gzip, br"), adapter=None) != call(adapter=None)
    assert call(("accept-encoding", "br"), adapter=None) == call(adapter=None)


# Whose answers a caller may be given.


@pytest.mark.row("F11")
def test_who_shares_with_whom() -> None:
    ours, mate = Caller(caller_key(team="shop")), Caller(caller_key(id="key-2", team="shop"))
    other, nobody = Caller(caller_key(id="key-3", team="crm")), Caller(caller_key(id="key-4", team=""))
    assert sharing(ours, "key") != sharing(mate, "key")
    assert sharing(ours, "team") == sharing(mate, "team") != sharing(other, "team")
    assert sharing(ours, "all") == sharing(other, "all") == sharing(nobody, "all")


def test_keys_without_a_team_are_no_team() -> None:
    one, two = Caller(caller_key(id="key-1", team="")), Caller(caller_key(id="key-2", team=""))
    assert sharing(one, "team") != sharing(two, "team")


def test_no_team_can_be_named_so_that_it_is_a_key_or_everybody() -> None:
    keys = [Caller(caller_key(id=name, team="")) for name in ("all", "team", "key-1")]
    teams = [Caller(caller_key(id="x", team=name)) for name in ("all", "key", "key-1")]
    found = [sharing(one, "team") for one in keys + teams] + [sharing(keys[0], "all")]
    assert len(set(found)) == len(found)


def test_browsers_share_within_one_subject_only() -> None:
    def browser(subject: str) -> Caller:
        caller = Caller(caller_key(subject=subject))
        caller.token_id = f"token of {subject}"
        return caller

    assert sharing(browser("ann"), "key") == sharing(browser("ann"), "key") != sharing(browser("bob"), "key")


# Collisions.


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_of_parts_run_together(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_parts_cannot_be_shifted_into_each_other() -> None:
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"]) != digest([b"abc"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def shuffled(value: Any) -> Any:
    """The same value with the members of all objects in the opposite order."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(JSON)
def test_the_same_value_is_the_same_however_it_is_laid_out(value: Any) -> None:
    plain = canonical(json.dumps(value).encode(), is_json=True)
    assert canonical(json.dumps(shuffled(value), indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"), is_json=True) == plain or (
        "\\ud" in json.dumps(value)
    )  # fmt: skip


@given(JSON, JSON)
def test_different_values_are_different(one: Any, other: Any) -> None:
    texts = json.dumps(one, sort_keys=True), json.dumps(other, sort_keys=True)
    keys = [canonical(text.encode(), is_json=True) for text in texts]
    assert (keys[0] == keys[1]) == (texts[0] == texts[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'{"a":{"b":1,"b":1}}', b'{"a":{"b":1}}'),
        (b'{"a":0.1}', b'{"a":0.1000000000000000055}'),
        (b'{"a":1}', b'{"a":1.0}'),
        (b'{"a":1e400}', b'{"a":1e401}'),
        (b'{"a":123456789012345678901}', b'{"a":123456789012345678902}'),
        (b'{"a":-0}', b'{"a":0}'),
        (b'{"a":true}', b'{"a":1}'),
        (b'{"a":null}', b'{}'),
        (b'{"a":"\\ud800"}', b'{"a":"\\udbff"}'),
        (b'{"a":NaN}', b'{"a":null}'),
        (b'{"a":"\xff"}', b'{"a":"\xfe"}'),
        (b'[1,2]', b'[12]'),
        (b'"j"', b'j'),
        (b'', b'""'),
    ],
)  # fmt: skip
def test_what_readers_may_read_differently_is_not_made_equal(one: bytes, other: bytes) -> None:
    assert canonical(one, is_json=True) != canonical(other, is_json=True)


def test_what_is_no_json_stays_as_it_is() -> None:
    assert canonical(b'{"a": 1}', is_json=False) != canonical(b'{"a":1}', is_json=False)
    assert canonical(b"a=1&b=2", is_json=True) == b"ra=1&b=2"
    assert canonical(b"[" * 100_000, is_json=True) == b"r" + b"[" * 100_000


def test_a_long_body_counts_as_the_bytes_that_it_is() -> None:
    long = b'{"a": "%b"}' % (b"x" * PARSED_MAX)
    assert canonical(long, is_json=True) == b"r" + long


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(body: bytes) -> None:
    assert canonical(body, is_json=True)[:1] in (b"j", b"r")


def test_the_contract_is_the_whole_configuration_and_is_worked_out_once() -> None:
    live = Live(service(cache=Cache(ttl=1.0)))
    made = contract(live)
    assert contract(live) is made
    assert contract(Live(service(cache=Cache(ttl=1.0)))) == made
    assert contract(Live(service(cache=Cache(ttl=1.0), base_url="https://elsewhere.test"))) != made
