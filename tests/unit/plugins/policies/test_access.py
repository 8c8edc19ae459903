"""Who calls, and may they."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller
from trunkline.core.errors import CallError
from trunkline.core.service import CallerKey, Callers, Ended, Operation
from trunkline.plugins.policies.access import Access, credential, may_use_model, within
from trunkline.testing import KEY, FakeClock, Trial, answers, caller_key, request, service
from trunkline.testing.trial import PEPPER, TOKEN_KEY

PLACES = ["x-trunkline-key", "authorization", "x-api-key", "x-goog-api-key", "api-key"]


def access(*keys: CallerKey, clock: FakeClock | None = None, proxies: tuple[str, ...] = ()) -> Access:
    made = clock or FakeClock()
    callers = Callers(version="1", keys=list(keys) or [caller_key()])
    return Access(callers, PEPPER, TOKEN_KEY, wall=made.wall, trusted_proxies=proxies)


def asked(*headers: tuple[str, str], target: str = "/x", key: str = "", peer: str = "192.0.2.1") -> Any:
    made = request("GET", target, b"", *headers, key=key)
    made.peer = peer
    return made


def refusal(made: Access, asked_: Any) -> CallError:
    with pytest.raises(CallError) as caught:
        made.identify(asked_)
    return caught.value


@pytest.mark.row("W1", "P2")
@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_taken_wherever_an_sdk_puts_it(place: str) -> None:
    value = f"Bearer {KEY}" if place == "authorization" else KEY
    assert access().identify(asked((place, value))).id == "key-1"
    assert credential(asked((place, value), ("authorization", "Bearer sk-of-somebody"))) == KEY.encode()


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("headers", "target", "found"),
    [
        ([("authorization", f"bearer {KEY}")], "/x", KEY),
        ([("authorization", f"Bearer  {KEY} ")], "/x", KEY),
        ([], f"/v1beta/models/m:generateContent?key={KEY}", KEY),
        ([], f"/v1/models/m:generateContent?a=1&key={KEY}", KEY),
        ([("x-api-key", "tl_a"), ("x-trunkline-key", "tl_a")], "/x", "tl_a"),
    ],
)
def test_other_spellings(headers: list[tuple[str, str]], target: str, found: str) -> None:
    assert credential(asked(*headers, target=target)) == found.encode()


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("headers", "target", "code"),
    [
        ([], "/x", "unauthenticated"),
        ([], f"/x?key={KEY}", "unauthenticated"),
        ([("authorization", "Bearer sk-abc")], "/x", "unauthenticated"),
        ([("authorization", f"Basic {KEY}")], "/x", "unauthenticated"),
        ([("cookie", f"key={KEY}")], "/x", "unauthenticated"),
        ([("x-api-key", "tl_a"), ("authorization", "Bearer tl_b")], "/x", "invalid_request"),
        ([("x-trunkline-key", "tl_a"), ("api-key", "tl_b")], "/x", "invalid_request"),
    ],
)
def test_no_key_and_two_keys_are_refused(headers: list[tuple[str, str]], target: str, code: str) -> None:
    with pytest.raises(CallError) as caught:
        credential(asked(*headers, target=target))
    assert caught.value.code == code


@pytest.mark.row("W1")
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
def test_a_key_that_is_not_known_never_shows_in_its_refusal(rest: str) -> None:
    key = f"tl_{rest}"
    error = refusal(access(), asked(("x-trunkline-key", key)))
    assert error.code == "unauthenticated"
    assert (
        rest not in error.message
        or rest in "this Trunkline key is not known (revoked, mistyped, or of another installation)"
    )


@pytest.mark.row("W1")
def test_a_key_that_was_let_in_before_is_refused_once_it_is_gone_or_has_expired() -> None:
    clock = FakeClock()
    made = access(caller_key(expires_at=clock.wall() + 10), clock=clock)
    one = asked(key=KEY)
    assert made.identify(one).id == "key-1"
    clock.advance(10)
    assert refusal(made, one).message == "the key 'tests' has expired"
    made.load(Callers(version="2", keys=[]), PEPPER, TOKEN_KEY)
    assert "is not known" in refusal(made, one).message


@pytest.mark.row("W1")
def test_an_unknown_key_is_looked_for_once_more_since_it_may_be_new() -> None:
    made = access(caller_key("tl_other"))
    looked: list[int] = []

    def refresh() -> bool:
        looked.append(1)
        made.load(Callers(version="2", keys=[caller_key()]), PEPPER, TOKEN_KEY)
        return True

    made.refresh = refresh
    assert made.identify(asked(key=KEY)).id == "key-1"
    assert made.identify(asked(key=KEY)).id == "key-1"
    assert looked == [1]


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("peer", "let_in"), [("10.1.2.3", True), ("192.0.2.1", False), ("2001:db8::1", True), ("nonsense", False)]
)
def test_a_key_may_be_bound_to_networks(peer: str, let_in: bool) -> None:
    made = access(caller_key(ips=["10.0.0.0/8", "2001:db8::/32"]))
    if let_in:
        assert made.identify(asked(key=KEY, peer=peer)).id == "key-1"
    else:
        assert refusal(made, asked(key=KEY, peer=peer)).code == "forbidden"


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "address"),
    [
        ((), "192.0.2.1", "10.0.0.1", "192.0.2.1"),
        (("192.0.2.0/24",), "192.0.2.1", "10.0.0.1", "10.0.0.1"),
        (("192.0.2.0/24",), "192.0.2.1", "10.0.0.9, 10.0.0.1", "10.0.0.1"),
        (("198.51.100.0/24",), "192.0.2.1", "10.0.0.1", "192.0.2.1"),
        (("192.0.2.0/24",), "192.0.2.1", None, "192.0.2.1"),
    ],
)
def test_what_a_proxy_says_is_believed_from_a_trusted_one_only(
    proxies: tuple[str, ...], peer: str, forwarded: str | None, address: str
) -> None:
    headers = [] if forwarded is None else [("x-forwarded-for", forwarded)]
    assert access(proxies=proxies).address(asked(*headers, peer=peer)) == address


def test_addresses_lie_within_networks_or_not() -> None:
    assert within("10.0.0.1", ("10.0.0.1/8",))
    assert not within("10.0.0.1", ("::/0",))
    assert not within("", ("0.0.0.0/0",))


@pytest.mark.row("W4")
@pytest.mark.parametrize(
    ("kind", "origin", "let_in"),
    [
        ("app", "https://shop.test", True),
        ("app", "https://evil.test", False),
        ("browser", "https://shop.test", False),
        ("app", "null", False),
    ],
)
def test_an_origin_must_be_one_of_the_keys(kind: Any, origin: str, let_in: bool) -> None:
    made = access(caller_key(kind=kind, origins=["https://shop.test"]))
    if let_in:
        assert made.identify(asked(("origin", origin), key=KEY)).id == "key-1"
    else:
        assert refusal(made, asked(("origin", origin), key=KEY)).code == "forbidden"


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("scopes", "target", "status"),
    [
        (["*"], "/api/proxy/acme/charges", 200),
        (["integration:acme"], "/api/proxy/acme/charges", 200),
        (["integration:*"], "/api/proxy/acme/charges", 200),
        (["integration:acme:charge"], "/api/proxy/acme/charges", 200),
        (["integration:acme:*"], "/api/proxy/acme/other", 200),
        (["integration:acme:charge"], "/api/proxy/acme/other", 403),
        (["route:pay"], "/api/proxy/pay/charges", 200),
        (["route:pay"], "/api/proxy/acme/charges", 403),
        (["integration:other"], "/api/proxy/acme/charges", 403),
        (["model:*"], "/api/proxy/acme/charges", 403),
        ([], "/api/proxy/acme/charges", 403),
    ],
)
async def test_a_scope_opens_what_it_names(scopes: list[str], target: str, status: int) -> None:
    spec = service(operations=[Operation(name="charge", method="POST", path="/charges")])
    trial = Trial(
        answers(200, b"{}"), services=[spec], keys=[caller_key(scopes=scopes)], routes={"pay": "acme"}
    )
    heard = await trial.ask("POST", target, b"{}")
    assert (heard.status, len(trial.wire.sent)) == (status, int(status == 200))
    if status == 403:
        assert b"it needs the scope 'integration:acme'" in heard.body
        assert trial.ends[0].code == "forbidden"


@pytest.mark.row("W1", "A1")
@pytest.mark.parametrize(
    ("scopes", "asked_", "may"),
    [
        (["model:openai/gpt-4o"], "gpt-4o", True),
        (["model:openai/*"], "gpt-4o", True),
        (["model:fast"], "fast", True),
        (["model:fast"], "gpt-4o", False),
        (["model:*"], "gpt-4o", True),
        (["integration:openai"], "gpt-4o", True),
        (["integration:openai:chat"], "gpt-4o", False),
        (["model:gpt-*"], "gpt-4o", True),
        (["model:openai/GPT-4o"], "gpt-4o", False),
        (["route:openai"], "gpt-4o", False),
    ],
)
def test_a_model_is_allowed_by_integration_or_glob(scopes: list[str], asked_: str, may: bool) -> None:
    assert may_use_model(Caller(caller_key(scopes=scopes)), "openai", "gpt-4o", asked_) is may


@pytest.mark.row("W1")
async def test_a_refused_model_names_the_scope_that_is_missing() -> None:
    trial = Trial(keys=[caller_key(scopes=["model:other/*"])])
    heard = await trial.ask("POST", "/v1/chat/completions", b'{"model":"tiny"}')
    assert heard.status == 403
    assert b"it needs the scope 'model:acme/tiny'" in heard.body


@pytest.mark.row("W4")
async def test_a_token_ends_with_its_key() -> None:
    trial = Trial(keys=[caller_key(kind="browser", origins=["https://shop.test"])])
    import json

    token = json.loads((await trial.ask("POST", "/v1/tokens", b"{}")).body)["token"]
    trial.access.load(Callers(version="2", keys=[]), PEPPER, TOKEN_KEY)
    heard = await trial.ask("GET", "/api/proxy/acme/x", b"", ("origin", "https://shop.test"), key=token)
    assert (heard.status, json.loads(heard.body)["message"]) == (
        401,
        "the key that minted this token was revoked",
    )


@pytest.mark.row("W2")
def test_subjects_are_hashed_under_the_salt() -> None:
    one, two = access(), access()
    two.load(Callers(version="1", keys=[], subject_salt=b"salt"), PEPPER, TOKEN_KEY)
    assert one.subject_hash("a") == one.subject_hash("a") != one.subject_hash("b")
    assert one.subject_hash("a") != two.subject_hash("a")


@pytest.mark.row("W1")
def test_who_holds_a_key_that_has_ended_is_told_why_and_does_not_count_as_guessing() -> None:
    gone = Ended(caller_key("tl_test_gone").hash, "shop", "is suspended: its maker ana is disabled")
    made = Access(Callers(version="1", keys=[], ended=[gone]), PEPPER, TOKEN_KEY, wall=FakeClock().wall)
    for _ in range(50):
        found = refusal(made, asked(("authorization", "Bearer tl_test_gone")))
        said = "the key 'shop' is suspended: its maker ana is disabled"
        assert (found.code, found.message) == ("unauthenticated", said)
    assert made.locks == []
