"""What is asked of a token endpoint, and what its answers mean (RFC 6749, sections 4.4, 5 and 6)."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.scrub import Scrubber
from trunkline.core.service import Auth
from trunkline.plugins.auth.oauth2 import Fetched, Token, TokenRefused, prepare, token_of, token_request

pytestmark = pytest.mark.row("K2")
SECRET = "client-secret-not-real"
CLIENT = Auth(kind="oauth2", client_id="our app", scopes=["read", "write"], audience="https://api.test")


def form(body: bytes) -> dict[str, list[str]]:
    return parse_qs(body.decode(), strict_parsing=True)


def test_client_credentials_stand_in_a_basic_header_each_encoded() -> None:
    lines, body = token_request(CLIENT, "a:b&c%", "")
    header = next(line for line in lines.split(b"\r\n") if line.startswith(b"authorization: Basic "))
    assert b64decode(header[21:]) == b"our+app:a%3Ab%26c%25"
    assert form(body) == {
        "grant_type": ["client_credentials"],
        "scope": ["read write"],
        "audience": ["https://api.test"],
    }


def test_they_stand_in_the_body_where_the_vendor_wants_that() -> None:
    lines, body = token_request(Auth(kind="oauth2", client_id="app", client_auth="post"), SECRET, "")
    assert b"authorization" not in lines
    assert form(body) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": [SECRET],
    }


def test_a_secret_may_hold_the_client_too() -> None:
    _, body = token_request(Auth(kind="oauth2", client_auth="post"), "app:se:cret", "")
    assert (form(body)["client_id"], form(body)["client_secret"]) == (["app"], ["se:cret"])


def test_a_refresh_token_is_sent_with_its_grant_only() -> None:
    refreshing = Auth(kind="oauth2", grant="refresh_token", client_id="app", refresh="store:R")
    assert form(token_request(refreshing, SECRET, "r-1")[1]) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r-1"],
    }
    assert b"r-1" not in token_request(CLIENT, SECRET, "r-1")[1]


def answered(status: int = 200, **told: Any) -> Token:
    return token_of(status, json.dumps(told).encode(), Scrubber((SECRET,)).text)


@pytest.mark.parametrize(
    ("told", "token"),
    [
        ({"access_token": "t", "token_type": "Bearer", "expires_in": 3600}, Token("t", 3600.0)),
        ({"access_token": "t", "token_type": "bearer", "expires_in": "60"}, Token("t", 60.0)),
        ({"access_token": "t"}, Token("t")),
        ({"access_token": "t", "expires_in": -5, "refresh_token": "r"}, Token("t", None, "r")),
        ({"access_token": "t", "expires_in": None, "refresh_token": 7}, Token("t")),
    ],
)
def test_a_good_answer(told: dict[str, Any], token: Token) -> None:
    assert answered(**told) == token


@pytest.mark.parametrize(
    ("status", "told", "final", "said"),
    [
        (401, {"error": "invalid_client"}, True, "401 invalid_client: check client id and secret"),
        (
            400,
            {"error": "invalid_grant", "error_description": "gone"},
            True,
            "invalid_grant (gone): the refresh token",
        ),
        (400, {"error": "invalid_scope"}, True, "correct `scopes`"),
        (200, {"error": "invalid_client"}, True, "200 invalid_client"),
        (404, {}, True, "404 without a reason: check `token_url`"),
        (429, {}, False, "429 without a reason: it is asked again"),
        (503, {"error": "temporarily_unavailable"}, False, "503 temporarily_unavailable: it is asked again"),
        (302, {}, True, "redirects (302); set `token_url`"),
        (200, {"token": "t"}, False, "200 without an `access_token`"),
        (200, {"access_token": "t", "token_type": "mac"}, True, "of type 'mac'"),
        (400, {"error": "<b>\r\n"}, True, "400 without a reason"),
    ],
)
def test_a_refusal_says_why_and_the_cure(status: int, told: dict[str, Any], final: bool, said: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        answered(status, **told)
    assert (refused.value.final, said in str(refused.value)) == (final, True), str(refused.value)


def test_the_endpoints_words_are_told_without_our_secret() -> None:
    with pytest.raises(TokenRefused) as refused:
        answered(401, error="invalid_client", error_description=f"secret {SECRET} is wrong")
    assert SECRET not in str(refused.value)
    assert "secret *** is wrong" in str(refused.value)


@given(
    st.integers(200, 599),
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text(),
        lambda x: st.dictionaries(
            st.sampled_from(
                ["access_token", "token_type", "expires_in", "error", "error_description", "refresh_token"]
            ),
            x,
        ),
    ).map(lambda told: json.dumps(told).encode()),
)
def test_no_answer_makes_it_fail_in_another_way(status: int, body: bytes) -> None:
    try:
        token = token_of(status, body, str)
    except TokenRefused:
        return
    assert token.text


def test_the_signer_carries_a_token_once_there_is_one_and_never_shows_it() -> None:
    signer = prepare(Auth(kind="oauth2"), SECRET)
    assert (signer.fields, signer.query) == (b"", b"")
    signer.carry("t-1")
    assert signer.fields == b"authorization: Bearer t-1\r\n"
    assert "t-1" not in repr(signer)
    assert "t-1" not in repr(Token("t-1"))
    other = Fetched(Auth(kind="oauth2", name="X-Token", template="Token {secret}"))
    other.carry("t-1")
    assert other.fields == b"x-token: Token t-1\r\n"
    with pytest.raises(ValueError, match="line break") as refused:
        signer.carry("t-1\r\nx: y")
    assert "t-1" not in str(refused.value)
