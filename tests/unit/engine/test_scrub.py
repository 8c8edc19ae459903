"""What looks like a credential leaves no text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.scrub import scrub, scrub_bytes


@pytest.mark.parametrize(
    "secret",
    [
        "sk-test-not-a-real-key-1234",
        "sk-proj-NotARealKey_0123456789",
        "sk-ant-api03-not-a-real-key-xyz",
        "sk_live_notarealkey1234567890",
        "rk_test_notarealkey1234567890",
        "AIzaNotARealKeyNotARealKeyNotAReal12345",
        "xoxb-123456789012-notarealtoken",
        "ghp_notarealtokennotarealtoken123456",
        "github_pat_notarealtoken_1234567890",
        "gsk_notarealkeynotarealkey1234",
        "hf_notarealtokennotareal",
        "tl_notarealcallerkey0123456789",
        "tlb_notarealbrowsertoken012345",
        "xai-notarealkey0123456789",
        "pplx-notarealkey0123456789",
        "AKIANOTAREALKEY12345",
        "SG.notarealid0123.notarealsecret0123",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln",
        "ya29.notarealtoken0123456789",
    ],
)
def test_keys_are_taken_out_wherever_they_stand(secret: str) -> None:
    assert scrub(f"key {secret}.") == "key ***."
    assert scrub(f'{{"k":"{secret}"}}') == '{"k":"***"}'


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer ***"),
        ("https://user:hunter22@example.com/x", "https://***@example.com/x"),
        ("password=not-a-real-password", "password=***"),
        ('"api_key": "0123456789abcdef"', '"api_key": "***"'),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- end", "*** end"),
    ],
)
def test_values_that_are_named_as_secrets_go_too(text: str, clean: str) -> None:
    assert scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "The task-based model gpt-4o-mini-2024-07-18 is unknown.",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "Missing bearer authentication in header",
        "request 550e8400-e29b-41d4-a716-446655440000",
        "https://stripe.com/docs/error-codes/card-declined",
        "Invalid token count: 4096 tokens",
    ],
)
def test_what_helps_to_understand_stays(text: str) -> None:
    assert scrub(text) == text


@given(st.binary(max_size=200))
def test_bytes_without_a_credential_come_back_untouched(body: bytes) -> None:
    clean = scrub_bytes(body)
    assert clean == body or b"***" in clean
