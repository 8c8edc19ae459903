"""Which calls are the same: equal JSON is, everything else that reaches a vendor tells calls apart."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import Caller, Live, Route
from trunkline.core.exchange import Exchange
from trunkline.core.flow import Cache
from trunkline.core.service import Idempotency
from trunkline.gateway.caching import relevance
from trunkline.plugins.policies.cache_key import contract, identity, sharing
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


def test_the_contract_is_the_whole_configuration_and_is_worked_out_once() -> None:
    live = Live(service(cache=Cache(ttl=1.0)))
    made = contract(live)
    assert contract(live) is made
    assert contract(Live(service(cache=Cache(ttl=1.0)))) == made
    assert contract(Live(service(cache=Cache(ttl=1.0), base_url="https://elsewhere.test"))) != made
