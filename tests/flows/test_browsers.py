"""Calls from browser pages: a server mints a short-lived token, the page calls with it from its own origin only."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.caller import Answer
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control import keys

pytestmark = pytest.mark.row("W4")

PAGE = "https://shop.example.com"
ITEMS = "/api/proxy/crm/items"
Mint = Callable[..., str]


@pytest.fixture(scope="module")
def browser_key(trunkline: Trunkline) -> str:
    scopes = ["integration:crm", "model:openai/*"]
    return trunkline.new_key("web", *scopes, kind="browser", origins=[PAGE, "https://other.example.com"])


@pytest.fixture
def mint(trunkline: Trunkline, browser_key: str) -> Mint:
    def make(**asked: Any) -> str:
        answer = trunkline.call("POST", "/v1/tokens", {"origin": PAGE, **asked}, key=browser_key)
        assert answer.status == 201, answer.body
        return str(answer.json["token"])

    return make


def preflight(trunkline: Trunkline, origin: str, target: str = ITEMS) -> Answer:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-trunkline-feature",
    }
    return trunkline.call("OPTIONS", target, headers=headers, key="")


def test_a_minted_token_says_what_it_is_good_for(trunkline: Trunkline, browser_key: str) -> None:
    answer = trunkline.call(
        "POST",
        "/v1/tokens",
        {"origin": PAGE, "subject": "user-17", "scopes": ["integration:crm"]},
        key=browser_key,
    )

    assert (answer.status, answer.field("cache-control")) == (201, "no-store")
    told = answer.json
    assert told.pop("token").startswith("tlb_")
    assert re.fullmatch(r"[0-9a-f]{16}", told.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told.pop("expires_at"))
    assert told == {"origin": PAGE, "scopes": ["integration:crm"]}


def test_a_page_calls_with_its_token_and_may_read_the_answer(
    trunkline: Trunkline, simulator: SimulatorProcess, mint: Mint
) -> None:
    allowed = preflight(trunkline, PAGE)
    answer = trunkline.call("POST", ITEMS, {"name": "Ada"}, {"origin": PAGE}, key=mint(subject="user-17"))
    exposed = (answer.field("access-control-expose-headers") or "").split(", ")

    assert (allowed.status, allowed.body) == (204, b"")
    assert allowed.field("access-control-allow-origin") == PAGE
    assert "POST" in (allowed.field("access-control-allow-methods") or "")
    assert "x-trunkline-feature" in (allowed.field("access-control-allow-headers") or "")
    assert (answer.status, answer.field("access-control-allow-origin")) == (201, PAGE)
    assert answer.field("access-control-allow-credentials") is None
    assert "origin" in (answer.field("vary") or "").lower()
    assert {"x-correlation-id", "x-trunkline-cost-usd"} <= set(exposed)
    assert not {"origin", "authorization-token", "cookie"} & set(simulator.ledger()[0].header_names)
    assert trunkline.recorded(answer).begin.subject_hash != ""


def test_a_page_that_no_key_knows_gets_no_leave(trunkline: Trunkline, browser_key: str) -> None:
    answer = preflight(trunkline, "https://evil.example.com")

    assert answer.status == 403
    assert answer.field("access-control-allow-origin") is None


@pytest.mark.parametrize("origin", ["https://evil.example.com", "https://other.example.com", "null", ""])
def test_a_token_is_worth_nothing_from_another_page(
    trunkline: Trunkline, simulator: SimulatorProcess, mint: Mint, origin: str
) -> None:
    answer = trunkline.call("GET", ITEMS, headers={"origin": origin} if origin else {}, key=mint())

    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert simulator.ledger() == []


def test_an_error_can_be_read_by_the_page_too(trunkline: Trunkline, mint: Mint) -> None:
    answer = trunkline.call("GET", "/api/proxy/stripe/v1/charges", headers={"origin": PAGE}, key=mint())

    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert answer.field("access-control-allow-origin") == PAGE


def test_a_stream_can_be_read_by_the_page_too(trunkline: Trunkline, mint: Mint) -> None:
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    answer = trunkline.call("POST", "/v1/chat/completions", body, {"origin": PAGE}, key=mint())

    assert (answer.status, answer.field("access-control-allow-origin")) == (200, PAGE)


def test_a_token_never_reaches_further_than_its_key_or_than_it_asked_for(
    trunkline: Trunkline, mint: Mint
) -> None:
    narrow = mint(scopes=["integration:crm"])
    greedy = mint(scopes=["integration:stripe", "integration:crm", "*"])
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    page = {"origin": PAGE}

    def status(key: str, target: str, body: Any = None) -> int:
        return trunkline.call("POST" if body else "GET", target, body, page, key=key).status

    assert [status(narrow, ITEMS), status(narrow, "/v1/chat/completions", chat)] == [200, 403]
    assert [status(greedy, ITEMS), status(greedy, "/api/proxy/stripe/v1/charges")] == [200, 403]


def test_a_token_is_good_for_its_subject_only(trunkline: Trunkline, mint: Mint) -> None:
    token = mint(subject="user-17")
    own = trunkline.call("GET", ITEMS, headers={"origin": PAGE, "x-trunkline-subject": "user-17"}, key=token)
    other = trunkline.call(
        "GET", ITEMS, headers={"origin": PAGE, "x-trunkline-subject": "user-18"}, key=token
    )

    assert (own.status, other.status, other.json["code"]) == (200, 403, "forbidden")


def test_a_browser_key_only_mints(
    trunkline: Trunkline, browser_key: str, simulator: SimulatorProcess
) -> None:
    calls = trunkline.call("GET", ITEMS, key=browser_key)
    from_page = trunkline.call("GET", ITEMS, headers={"origin": PAGE}, key=browser_key)
    minting_page = trunkline.call("POST", "/v1/tokens", {"origin": PAGE}, {"origin": PAGE}, key=browser_key)

    assert [a.status for a in (calls, from_page, minting_page)] == [403, 403, 403]
    assert simulator.ledger() == []


def test_only_a_browser_key_mints_and_a_token_mints_none(trunkline: Trunkline, mint: Mint) -> None:
    by_app = trunkline.call("POST", "/v1/tokens", {"origin": PAGE})
    by_token = trunkline.call("POST", "/v1/tokens", {"origin": PAGE}, {"origin": PAGE}, key=mint())

    assert [(a.status, a.json["code"]) for a in (by_app, by_token)] == [(403, "forbidden")] * 2


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "https://evil.example.com"},
        {"origin": ""},
        {"origin": PAGE, "ttl_s": 0},
        {"origin": PAGE, "ttl_s": 3601},
        {"origin": PAGE, "ttl_s": "long"},
        {"origin": PAGE, "surprise": 1},
        {"origin": 7},
        [],
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused(trunkline: Trunkline, browser_key: str, asked: Any) -> None:
    answer = trunkline.call("POST", "/v1/tokens", asked, key=browser_key)

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")


def test_a_token_ends_by_itself(trunkline: Trunkline, mint: Mint) -> None:
    page = {"origin": PAGE}

    def lives(ttl_s: int) -> str | None:
        """A token that was good once; None where it was over before it could be used."""
        token = mint(ttl_s=ttl_s)
        return token if trunkline.call("GET", ITEMS, headers=page, key=token).status == 200 else None

    token = next(filter(None, map(lives, (1, 5, 20))))
    eventually(lambda: trunkline.call("GET", ITEMS, headers=page, key=token).status == 401, "the token's end")
    assert "expired" in trunkline.call("GET", ITEMS, headers=page, key=token).json["message"]


def test_a_token_cannot_be_altered(trunkline: Trunkline, mint: Mint) -> None:
    payload, _, signature = mint()[4:].partition(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    said["scopes"] = ["*"]
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
    answer = trunkline.call("GET", ITEMS, headers={"origin": PAGE}, key=f"tlb_{forged}.{signature}")

    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


def test_revoking_the_key_ends_its_tokens(trunkline: Trunkline) -> None:
    key = trunkline.new_key("brief-web", "integration:crm", kind="browser", origins=[PAGE])
    token = trunkline.call("POST", "/v1/tokens", {}, key=key).json["token"]
    assert trunkline.call("GET", ITEMS, headers={"origin": PAGE}, key=token).status == 200

    keys.revoke(trunkline.state, "brief-web")
    trunkline.republish_callers()

    assert trunkline.call("GET", ITEMS, headers={"origin": PAGE}, key=token).status == 401


def test_a_token_stops_when_its_money_is_spent(trunkline: Trunkline, mint: Mint) -> None:
    """It is set aside before each call: what a call of at most 20 tokens may cost fits once."""
    token = mint(spend_usd=0.000025)
    chat = {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}

    def again() -> Answer:
        return trunkline.call("POST", "/v1/chat/completions", chat, {"origin": PAGE}, key=token)

    first, second = again(), again()
    assert (first.status, second.status, second.json["error"]["code"]) == (200, 402, "over_budget")


def test_an_app_key_from_a_page_needs_that_page_in_its_list(trunkline: Trunkline) -> None:
    key = trunkline.new_key("app-with-page", "integration:crm", origins=[PAGE])
    own = trunkline.call("GET", ITEMS, headers={"origin": PAGE}, key=key)
    foreign = trunkline.call("GET", ITEMS, headers={"origin": "https://evil.example.com"}, key=key)

    assert (own.status, own.field("access-control-allow-origin")) == (200, PAGE)
    assert (foreign.status, foreign.field("access-control-allow-origin")) == (403, None)
