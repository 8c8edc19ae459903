"""Who may call: keys in every accepted place, and every way in which a key does not do."""

from __future__ import annotations

import time

import pytest

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control import keys

pytestmark = pytest.mark.row("W1")

ITEMS = "/api/proxy/crm/items"
GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
PROMPT = {"contents": [{"parts": [{"text": "Hello"}]}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer {key}"),
        ("authorization", "bearer {key}"),
        ("x-api-key", "{key}"),
        ("x-goog-api-key", "{key}"),
        ("api-key", "{key}"),
        ("x-trunkline-key", "{key}"),
    ],
)
def test_takes_a_key_in_every_accepted_place(
    trunkline: Trunkline, simulator: SimulatorProcess, name: str, value: str
) -> None:
    answer = trunkline.call("GET", ITEMS, headers={name: value.format(key=trunkline.key)}, key="")

    assert answer.status == 200
    assert [entry.credential_place for entry in simulator.ledger()] == ["bearer"]


def test_takes_a_key_in_the_query_of_a_gemini_route_and_sends_it_to_nobody(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = trunkline.call("POST", f"{GENERATE}?key={trunkline.key}&alt=json", PROMPT, key="")

    [seen] = simulator.ledger()
    assert (answer.status, seen.query, seen.credential_place) == (200, "alt=json", "x-goog-api-key")


@pytest.mark.parametrize("target", [ITEMS, "/v1/chat/completions", "/health"])
def test_a_key_in_the_query_of_any_other_route_does_not_count(
    trunkline: Trunkline, simulator: SimulatorProcess, target: str
) -> None:
    answer = trunkline.call("GET", f"{target}?key={trunkline.key}", key="")

    assert (answer.status, answer.json["code"]) in [(401, "unauthenticated"), (400, "invalid_request")]
    assert trunkline.key.encode() not in answer.body
    assert simulator.ledger() == []


def test_a_trunkline_key_that_would_travel_on_in_the_query_is_refused(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = trunkline.call("GET", f"{ITEMS}?page=2&key={trunkline.key}")

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert trunkline.key.encode() not in answer.body
    assert simulator.ledger() == []


def test_a_vendors_own_key_parameter_passes(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    answer = trunkline.call("GET", "/api/proxy/crm/echo?key=row-17&page=2")

    assert (answer.status, answer.json["path"]) == (200, "/api/echo")
    assert simulator.ledger()[0].query == "key=(hidden)&page=2"


def test_the_same_key_in_two_places_is_one_key(trunkline: Trunkline) -> None:
    assert trunkline.call("GET", ITEMS, headers={"x-api-key": trunkline.key}).status == 200


def test_two_different_keys_are_refused(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    other = trunkline.new_key("other", "*")
    answer = trunkline.call("GET", ITEMS, headers={"x-api-key": other})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert "two different" in answer.json["message"]
    assert simulator.ledger() == []


def test_a_key_beside_a_foreign_credential_counts_and_the_foreign_one_stays_here(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    answer = trunkline.call(
        "GET", "/api/proxy/crm/echo", headers={"x-api-key": "somebody-elses", "api-key": "another"}
    )

    assert answer.status == 200
    assert not {"x-api-key", "api-key"} & set(simulator.ledger()[0].header_names)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "it carries no key"),
        ({"authorization": "Bearer sk-test-not-a-real-key"}, "no Trunkline key"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "no Trunkline key"),
        ({"authorization": "Bearer tl_" + "0" * 49}, "not known"),
        ({"x-trunkline-key": "tl_"}, "not known"),
        ({"authorization": "Bearer tlb_e30.e30"}, "not made by this installation"),
        ({"authorization": "Bearer tlb_!!!"}, "browser token"),
    ],
)
def test_without_a_good_key_nothing_is_reached(
    trunkline: Trunkline, simulator: SimulatorProcess, headers: dict[str, str], told: str
) -> None:
    answer = trunkline.call("GET", ITEMS, headers=headers, key="")

    assert (answer.status, answer.json["code"], answer.json["source"]) == (
        401,
        "unauthenticated",
        "trunkline",
    )
    assert told in answer.json["message"]
    assert answer.json["correlationId"] == answer.field("x-correlation-id")
    assert simulator.ledger() == []


def test_refusals_of_unknown_callers_are_counted_not_journaled(trunkline: Trunkline) -> None:
    answer = trunkline.call("GET", ITEMS, headers={"x-correlation-id": "unknown-caller"}, key="")
    good = trunkline.call("GET", ITEMS)

    trunkline.recorded(good)
    assert answer.status == 401
    assert "unknown-caller" not in [call.begin.correlation_id for call in trunkline.calls().values()]


def test_every_route_asks_for_a_key_save_liveness_and_readiness(trunkline: Trunkline) -> None:
    asked = ["/", "/health", "/v1/models", "/v1beta/models", "/v1/tokens", "/api/proxy/crm/items", "/metrics"]
    assert {path: trunkline.call("GET", path, key="").status for path in asked} == dict.fromkeys(asked, 401)
    open_routes = ["/health/live", "/health/ready"]
    assert {path: trunkline.call("GET", path, key="").status for path in open_routes} == dict.fromkeys(
        open_routes, 200
    )


def test_a_key_that_has_expired_is_refused(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    def lives(life_s: float) -> str | None:
        """A key that was good once; None where it was over before it could be asked."""
        key = trunkline.new_key(f"brief-{life_s:g}", "*", expires_at=time.time() + life_s)
        return key if trunkline.call("GET", ITEMS, key=key).status == 200 else None

    key = next(filter(None, map(lives, (0.6, 5.0, 20.0))))

    def refused() -> bool:
        return trunkline.call("GET", ITEMS, key=key).status == 401

    eventually(refused, "the key to expire")
    assert trunkline.call("GET", ITEMS, key=key).json["code"] == "unauthenticated"


def test_a_revoked_key_is_refused_everywhere(trunkline: Trunkline) -> None:
    key = trunkline.new_key("doomed", "*")
    assert trunkline.call("GET", ITEMS, key=key).status == 200

    keys.revoke(trunkline.state, "doomed")
    trunkline.republish_callers()

    assert trunkline.call("GET", ITEMS, key=key).status == 401


def test_a_rotated_key_and_its_successor_both_work_as_one_caller(trunkline: Trunkline) -> None:
    old = trunkline.new_key("turning", "*")
    new = keys.rotate(trunkline.state, "turning", overlap_s=60).key
    answers = [trunkline.call("GET", ITEMS, key=key) for key in (old, new)]

    assert [answer.status for answer in answers] == [200, 200]
    assert len({trunkline.recorded(answer).begin.key_id for answer in answers}) == 1


@pytest.mark.parametrize(
    ("networks", "status"),
    [(["127.0.0.1"], 200), (["127.0.0.0/8"], 200), (["10.0.0.0/8", "::1"], 403), (["203.0.113.7"], 403)],
)
def test_a_key_is_good_from_its_addresses_only(
    trunkline: Trunkline, networks: list[str], status: int
) -> None:
    key = trunkline.new_key("from-here", "*", ips=networks)
    answer = trunkline.call("GET", ITEMS, headers={"x-forwarded-for": "10.0.0.1"}, key=key)

    assert answer.status == status
    if status == 403:
        assert (answer.json["code"], answer.json["scope"]) == ("forbidden", "key")


CHAT = ("POST", "/v1/chat/completions")


@pytest.mark.parametrize(
    ("scope", "method", "target", "model", "status"),
    [
        ("integration:crm", "GET", ITEMS, "", 200),
        ("integration:crm", "GET", "/api/proxy/stripe/v1/charges", "", 403),
        ("integration:*", "GET", "/api/proxy/stripe/v1/charges", "", 200),
        ("integration:crm:create_item", "POST", ITEMS, "", 201),
        ("integration:crm:create_item", "GET", "/api/proxy/crm/items", "", 403),
        ("integration:crm:create_item", "POST", "/api/proxy/crm/other", "", 403),
        ("integration:crm:*", "POST", "/api/proxy/crm/other", "", 200),
        ("route:payment", "GET", "/api/proxy/payment/v1/charges", "", 200),
        ("route:payment", "GET", "/api/proxy/stripe/v1/charges", "", 403),
        ("integration:stripe", "GET", "/api/proxy/payment/v1/charges", "", 200),
        ("model:*", *CHAT, "gpt-4o-mini", 200),
        ("model:openai/*", *CHAT, "gpt-4o-mini", 200),
        ("model:openai/gpt-4o-mini", *CHAT, "fast", 200),
        ("model:fast", *CHAT, "fast", 200),
        ("model:fast", *CHAT, "gpt-4o-mini", 403),
        ("model:openai/gpt-4o-mini", *CHAT, "openai/gpt-4o", 403),
        ("model:anthropic/*", *CHAT, "gpt-4o-mini", 403),
        ("model:*", "GET", ITEMS, "", 403),
        ("integration:crm", *CHAT, "gpt-4o-mini", 403),
        ("health:read", "GET", "/health", "", 200),
        ("integration:crm", "GET", "/health", "", 403),
    ],
)
def test_a_key_reaches_what_its_scope_names_and_nothing_else(
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    scope: str,
    method: str,
    target: str,
    model: str,
    status: int,
) -> None:
    key = trunkline.new_key("scoped", scope)
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]} if model else None
    answer = trunkline.call(method, target, body if model or method == "GET" else {"name": "x"}, key=key)

    assert answer.status == status, answer.body
    if status == 403:
        error = answer.json
        assert (error["code"], error["source"], error["retryable"]) == ("forbidden", "trunkline", False)
        assert simulator.ledger() == []


def test_a_refusal_for_its_scope_is_on_record(trunkline: Trunkline) -> None:
    key = trunkline.new_key("narrow", "integration:crm", team="shop")
    answer = trunkline.call("POST", "/api/proxy/stripe/v1/charges", b"amount=1", key=key)
    call = trunkline.recorded(answer)

    assert answer.json["message"] == "this key may not call stripe; it needs the scope 'integration:stripe'"
    assert (call.begin.team, call.begin.integration, call.begin.target) == ("shop", "stripe", "")
    assert (call.end.state, call.end.status, call.end.code, call.end.tried) == ("error", 403, "forbidden", [])


@pytest.mark.row("A1")
def test_a_model_list_shows_only_what_the_key_may_use(trunkline: Trunkline) -> None:
    key = trunkline.new_key("claude", "model:anthropic/*")
    listed = trunkline.call("GET", "/v1/models", key=key).json["data"]

    assert listed
    assert {row["owned_by"] for row in listed} == {"anthropic"}
