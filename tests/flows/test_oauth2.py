"""OAuth2 toward vendors: a gateway, a token endpoint and an API that wants its tokens (K2; RFC 6749, sections 4.4 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.folders import contents
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.token_server import CLIENT_SECRET, REFRESH, TokenServer, running_token_server
from trunkline.control import rotated, secrets

pytestmark = pytest.mark.row("K2")
Start = Callable[..., Trunkline]
CLIENT = "kind: oauth2, token_url: '{server}/token', client_id: test-client, secret: env:CLIENT"
CREDENTIALS = f"version: 1\nintegrations:\n  crm: {{base_url: '{{server}}/api', auth: {{{CLIENT}}}}}\n"
REFRESHING = (
    "version: 1\nintegrations:\n"
    f"  crm: {{base_url: '{{server}}/api', auth: {{{CLIENT}, grant: refresh_token, refresh: store:CRM_REFRESH}}}}\n"
)
GIVEN = {"CLIENT": CLIENT_SECRET}


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with running_token_server() as running:
        yield running


def registry(text: str, server: TokenServer) -> str:
    return text.replace("{server}", server.address)


def test_calls_carry_a_token_that_was_fetched_once_for_all(start: Start, server: TokenServer) -> None:
    trunkline = start(registry(CREDENTIALS, server), secrets=GIVEN)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: trunkline.call("GET", "/api/proxy/crm/contacts"), range(40)))

    assert {answer.status for answer in answers} == {200}
    assert (len(server.given), server.calls) == (1, 40)
    assert server.forms == [{"grant_type": "client_credentials"}]


def test_a_token_that_was_just_fetched_and_is_refused_is_told_as_the_vendors_refusal(
    start: Start, server: TokenServer
) -> None:
    trunkline = start(registry(CREDENTIALS, server), secrets=GIVEN)
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200
    server.forget()
    # An older one would be replaced and the call made again (tests/unit/gateway/test_tokens.py).
    refused = trunkline.call("GET", "/api/proxy/crm/contacts")
    assert (refused.status, refused.json["code"]) == (401, "auth_invalid")
    assert "access-1-not-real" not in refused.body.decode()


def test_a_token_is_replaced_before_it_ends(start: Start, server: TokenServer) -> None:
    server.life_s = 2
    trunkline = start(registry(CREDENTIALS, server), secrets=GIVEN)
    eventually(lambda: len(server.given) >= 3, "two further tokens")
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200


def test_a_replaced_refresh_token_reaches_the_store_and_never_the_disk_in_plain(
    start: Start, server: TokenServer
) -> None:
    server.replaces_refresh, server.life_s = True, 2
    trunkline = start(
        "version: 1\nintegrations:\n  x: {base_url: 'https://x.test', auth: {kind: none}}\n", secrets=GIVEN
    )
    secrets.set_secret(trunkline.state, "CRM_REFRESH", REFRESH)
    assert trunkline.reload(registry(REFRESHING, server)).ok
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200
    eventually(lambda: len(server.given) >= 3, "two further tokens")
    server.life_s = 3600
    eventually(lambda: trunkline.call("GET", "/api/proxy/crm/contacts").status == 200, "the last token")
    assert rotated.take_over(trunkline.state) == ["store:CRM_REFRESH"]
    # What the console has stored is what the endpoint takes next: a restarted gateway goes on with it.
    assert trunkline.reload(registry(REFRESHING, server)).ok
    trunkline.stop()
    trunkline.spawn()
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200
    files = contents(trunkline.state.path).values()
    assert not any(b"refresh-" in data and b"-not-real" in data for data in files)
    assert not any(b"access-" in data and b"-not-real" in data for data in files)


def test_a_gateway_killed_before_the_store_knows_still_has_the_new_refresh_token(
    start: Start, server: TokenServer
) -> None:
    server.replaces_refresh = True
    trunkline = start(
        "version: 1\nintegrations:\n  x: {base_url: 'https://x.test', auth: {kind: none}}\n", secrets=GIVEN
    )
    secrets.set_secret(trunkline.state, "CRM_REFRESH", REFRESH)
    trunkline.reload(registry(REFRESHING, server))
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200
    trunkline.stop()
    trunkline.spawn()
    assert trunkline.call("GET", "/api/proxy/crm/contacts").status == 200
    assert [form["refresh_token"] for form in server.forms] == [REFRESH, "refresh-1-not-real"]


def test_a_wrong_client_is_this_integrations_alone_with_cause_and_cure(
    start: Start, server: TokenServer
) -> None:
    text = registry(CREDENTIALS, server) + f"  free: {{base_url: '{server.address}', auth: {{kind: none}}}}\n"
    trunkline = start(text, secrets={"CLIENT": "wrong-secret-not-real"})
    answer = trunkline.call("GET", "/api/proxy/crm/contacts")
    health = trunkline.call("GET", "/health?detail=1").json

    assert (answer.status, answer.json["code"], answer.json["source"]) == (502, "auth_invalid", "crm")
    assert "check client id and secret" in answer.json["message"]
    assert (health["integrations"]["crm"], health["integrations"]["free"]) == ("down", "healthy")
    assert "invalid_client" in health["details"]["crm"]["reason"]
    assert "wrong-secret-not-real" not in str(answer.json) + str(health)
    assert (len(server.forms), server.calls) == (1, 0)


def test_an_endpoint_that_is_away_is_asked_again_by_itself(start: Start, server: TokenServer) -> None:
    server.down = True
    trunkline = start(registry(CREDENTIALS, server), secrets=GIVEN)
    first = trunkline.call("GET", "/api/proxy/crm/contacts", headers={"x-trunkline-max-attempts": "1"})
    server.down = False
    assert (first.status, first.json["code"], first.json["retryable"]) == (503, "secret_unavailable", True)
    eventually(lambda: trunkline.call("GET", "/api/proxy/crm/contacts").status == 200, "a token")
