"""A browser token opens as it was minted, until it expires, and in no other form; it never allows more than its key."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller
from trunkline.core.errors import CallError
from trunkline.plugins.policies.tokens import LONGEST_S, Token, minted, narrowed, opened
from trunkline.testing import caller_key

KEY = b"token-key-of-tests"
NOW = 1_795_262_400.0
PARENT = Caller(
    caller_key(kind="browser", scopes=["integration:acme", "model:openai/gpt-*", "integration:crm:read"])
)


def mint(parent: Caller = PARENT, **changes: Any) -> tuple[bytes, Token]:
    given_: dict[str, Any] = {
        "origin": "https://shop.test", "subject": "user-7", "scopes": [], "spend_usd": 0.5, "ttl_s": 900.0, "token_key": KEY, "now": NOW,
    }  # fmt: skip
    text, token = minted(parent, **{**given_, **changes})
    return text.encode(), token


TEXT, TOKEN = mint()


def opens(text: bytes, key: bytes = KEY, now: float = NOW) -> bool:
    try:
        opened(text, key, now)
    except CallError as refusal:
        if refusal.code != "unauthenticated":
            raise
        return False
    return True


@pytest.mark.row("W4")
def test_a_token_opens_as_what_was_minted_until_it_expires() -> None:
    assert opened(TEXT, KEY, NOW) == TOKEN
    assert (TOKEN.key, TOKEN.origin, TOKEN.subject, TOKEN.spend_usd, TOKEN.expires_at) == (
        "key-1", "https://shop.test", "user-7", 0.5, NOW + 900,
    )  # fmt: skip
    assert [opens(TEXT, now=NOW + t) for t in (899.9, 900.0, 10**9)] == [True, False, False]


@pytest.mark.row("W4")
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 255))
def test_an_altered_token_never_opens(at: int, byte: int) -> None:
    altered = TEXT[:at] + bytes([byte]) + TEXT[at + 1 :]
    assert opens(altered) is (altered == TEXT) or altered[:4] != b"tlb_"


@pytest.mark.row("W4")
@pytest.mark.parametrize("at", [TEXT.index(b".") - 1, len(TEXT) - 1])
def test_the_spare_bits_of_base64_are_no_second_spelling(at: int) -> None:
    spellings = [byte for byte in range(256) if opens(TEXT[:at] + bytes([byte]) + TEXT[at + 1 :])]
    assert spellings == [TEXT[at]]


@pytest.mark.row("W4")
@given(st.integers(4, len(TEXT)), st.binary(min_size=1, max_size=4))
def test_a_token_with_anything_added_never_opens(at: int, added: bytes) -> None:
    assert not opens(TEXT[:at] + added + TEXT[at:])


@pytest.mark.row("W4")
@given(st.integers(4, len(TEXT) - 1), st.integers(1, 9))
def test_a_token_with_anything_missing_never_opens(at: int, length: int) -> None:
    assert not opens(TEXT[:at] + TEXT[at + length :])


@pytest.mark.row("W4")
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_a_forged_token_never_opens(payload: bytes, signature: bytes) -> None:
    def encode(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    assert not opens(b"tlb_" + payload)
    assert not opens(b"tlb_" + encode(payload) + b"." + encode(signature))
    assert not opens(TEXT.partition(b".")[0] + b"." + encode(signature))


@pytest.mark.row("W4")
def test_another_installations_key_and_no_key_at_all_open_nothing() -> None:
    assert not opens(TEXT, key=b"another")
    text, _ = mint(token_key=b"")
    assert not opens(text, key=b"")


@pytest.mark.row("W4")
def test_a_signed_payload_of_another_shape_does_not_open() -> None:
    import hmac

    for payload in (b"{}", b"[]", b"not json", b'"\xff"', b"[" * 5000):
        signature = hmac.digest(KEY, payload, "sha256")
        parts = [base64.urlsafe_b64encode(data).rstrip(b"=") for data in (payload, signature)]
        assert not opens(b"tlb_" + b".".join(parts))


def test_no_token_lives_longer_than_an_hour_and_no_two_are_the_same() -> None:
    _, long = mint(ttl_s=10**6)
    assert long.expires_at == NOW + LONGEST_S == NOW + 3600
    assert long.id != TOKEN.id


@pytest.mark.row("W4", "W1")
@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ([], ["integration:acme", "model:openai/gpt-*", "integration:crm:read"]),
        (["integration:acme"], ["integration:acme"]),
        (["integration:acme:charge"], ["integration:acme:charge"]),
        (["model:acme/tiny"], ["model:acme/tiny"]),
        (["model:openai/gpt-*"], ["model:openai/gpt-*"]),
        (["*"], []),
        (["model:*"], []),
        (["model:acm*/tiny"], []),
        (["integration:crm"], []),
        (["integration:crm:write"], []),
        (["integration:*"], []),
        (["health:read"], []),
        (["integration:other", "integration:acme"], ["integration:acme"]),
    ],
)
def test_a_token_never_allows_more_than_its_key(asked: list[str], got: list[str]) -> None:
    _, token = mint(scopes=asked)
    assert token.scopes == got
    assert narrowed(token.scopes, PARENT) == got


@pytest.mark.row("W4")
def test_a_key_that_was_narrowed_narrows_its_tokens() -> None:
    text, _ = mint(scopes=["integration:acme", "model:openai/gpt-*"])
    narrower = Caller(caller_key(kind="browser", scopes=["model:openai/gpt-*"], concurrency=7))
    made = opened(text, KEY, NOW).caller(narrower)
    assert (made.integrations, made.models, made.token_id, made.subject, made.origin, made.spend_usd, made.key.concurrency) == (
        set(), ["openai/gpt-*"], opened(text, KEY, NOW).id, "user-7", "https://shop.test", 0.5, 7,
    )  # fmt: skip


def test_a_key_for_everything_gives_what_is_asked() -> None:
    everything = Caller(caller_key(scopes=["*"]))
    assert mint(everything, scopes=["integration:x"])[1].scopes == ["integration:x"]
    assert mint(everything)[1].scopes == ["*"]
