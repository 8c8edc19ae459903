"""References to secrets are told from secrets, and no value is ever shown."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trunkline.registry import references

OUR_WORDS = Path(references.__file__).read_text("utf-8")
"""A text may stand in a message for being one of our own words; Hypothesis takes its examples from there, too."""


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "text",
    [
        "env:OPENAI_API_KEY",
        "env:_x1",
        "file:/run/secrets/key",
        "file:keys.json#openai",
        "file:.env#A_B",
        "store:CRM_TOKEN",
        "store:a/b.c-d",
        "vault:secret/stripe#key",
        "vault:team/kv/deep/stripe?version=3#api.key",
        "aws-sm:prod/stripe#key",
        "aws-sm:arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/stripe-AbCdEf?stage=AWSPREVIOUS",
        "gcp-sm:our-project/stripe?version=7",
        "gcp-sm:projects/our-project/secrets/stripe",
        "azure-kv:our-vault/stripe",
        "doppler:backend/prd/STRIPE_KEY",
        "infisical:0f1e/prod/payments/STRIPE_KEY",
        "keyring:trunkline/stripe",
    ],
)
def test_known_forms_are_references(text: str) -> None:
    assert references.problem(text) is None


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("env:", "bad-reference", "`env:`"),
        ("env:A-B", "bad-reference", "`env:`"),
        ("file:", "bad-reference", "`file:`"),
        ("store:", "bad-reference", "`store:`"),
        ("vault:stripe", "bad-reference", "`vault:`"),
        ("aws-sm:", "bad-reference", "`aws-sm:`"),
        ("azure-kv:stripe", "bad-reference", "`azure-kv:`"),
        ("doppler:prd/STRIPE", "bad-reference", "`doppler:`"),
        ("Vault:kv/stripe#key", "unknown-scheme", "`Vault:`"),
        ("ENV:OPENAI", "unknown-scheme", "`ENV:`"),
        ("os.environ/OPENAI_API_KEY", "bad-reference", "`os.environ/...`"),
        ("${OPENAI_API_KEY}", "bad-reference", "`${...`"),
        ("hunter2:correct-horse", "literal-secret", "not shown"),
        ("correct-horse", "literal-secret", "not shown"),
        ("", "literal-secret", "not shown"),
    ],
)
def test_other_texts_are_a_problem_with_its_cure(text: str, code: str, says: str) -> None:
    problem = references.problem(text)
    assert problem is not None
    assert problem.code == code
    assert says in problem.message
    example = f"Write e.g. `{text.partition(':')[0]}:"
    assert "`env:NAME`" in problem.cure or problem.cure.startswith(example)


FAKE_KEYS = [
    "sk-test-not-a-real-key",
    "sk-proj-notarealkey_notarealkey",
    "sk-ant-not-a-real-key-at-all",
    "sk_live_notarealkey00",
    "rk_test_notarealkey00",
    "ghp_notarealkeynotarealkey",
    "xoxb-not-a-real-key",
    "AIza" + "notarealkey" * 3 + "xx",
    "gsk_notarealkeynotarealkey",
    "SG.notarealkeynotreal.notarealkeynotreal",
    "AKIANOTAREALKEY00000",
    "tl_notarealkeynotarealkey",
    "-----BEGIN PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", FAKE_KEYS)
def test_key_shaped_texts_are_found_wherever_they_stand(key: str) -> None:
    assert references.looks_secret(f"Bearer {key}")
    problem = references.problem(key)
    assert problem is not None
    assert problem.code == "literal-secret"
    assert key not in "".join(problem)


def test_a_key_behind_a_known_scheme_is_still_a_key() -> None:
    problem = references.problem("store:sk-not-a-real-key-at-all")
    assert problem is not None
    assert problem.code == "literal-secret"


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com/v1",
        "ops@example.com",
        "gpt-4o-mini-2024-07-18",
        "risk-free",
        "task-force-of-many-people",
        "pii.email",
    ],
)
def test_ordinary_texts_are_not_taken_for_keys(text: str) -> None:
    assert not references.looks_secret(text)


@given(st.text(min_size=12, max_size=60))
def test_no_problem_repeats_the_text(text: str) -> None:
    problem = references.problem(text)
    assume(text.strip() and text not in OUR_WORDS)
    assert problem is None or text not in "".join(problem)
