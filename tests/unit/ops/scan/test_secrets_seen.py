"""Values: what is a credential and what stands for one; what is kept of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import vendors
from trunkline.ops.scan.found import Kind
from trunkline.ops.scan.secrets_seen import Forms, Keeper, Seen, is_placeholder, is_random, safe
from trunkline.ops.scan.tree import File

from .made import SIZES, value


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "changeme",
        "your-api-key",
        "sk-xxxxxxxxxxxxxxxxxxxx",
        "sk-test-not-a-real-key",
        "${OPENAI_API_KEY}",
        "<your key>",
        "***",
        "null",
        "sk_test_...",
        "env:OPENAI_API_KEY",
        "alpha-vantage-api-key",
        "test_session_secret",
        "{{ secret }}",
        "gsk_your_groq_api_key_here",
        "12345678901234567890",
        "aaaaaaaaaaaaaaaaaaaa",
        "REPLACE_ME_NOW!",
        "%SECRET%",
        "SomeClassName",
        "AC00000000000000000000000000000000",
        "dummy-token-for-ci",
    ],
)
def test_what_stands_for_a_value_is_none(text: str) -> None:
    assert is_placeholder(text) or not is_random(text)


@pytest.mark.parametrize("name", [*SIZES, "SENDGRID"])
def test_what_is_made_by_machines_is_random(name: str) -> None:
    for seed in range(20):
        made = value(name, seed)
        assert (is_placeholder(made), is_random(made)) == (False, True), name


@pytest.mark.parametrize(
    "text",
    [
        "application/vnd.github+json",
        "2024-01-01T00:00:00Z",
        "https://api.example.com/v1/x1234567890",
        "gpt-4o-mini-2024-07-18",
        "users.created_at.desc1",
        "getUserByEmailAddress2",
        "this is 1 sentence of words",
        "--some-css-variable-2",
        "MyCompany.Product.Version2",
    ],
)
def test_words_dates_addresses_and_names_are_not(text: str) -> None:
    assert not is_random(text)


@pytest.mark.parametrize(
    ("made", "vendor", "live"),
    [
        ("OPENAI", "openai", None),
        ("STRIPE_LIVE", "stripe", True),
        ("STRIPE_TEST", "stripe", False),
        ("SLACK", "slack", None),
        ("GITHUB", "github", None),
        ("SENDGRID", "sendgrid", None),
    ],
)
def test_a_key_is_known_by_its_form_wherever_it_stands(
    made: str, vendor: str, live: bool | None, known: vendors.Vendors
) -> None:
    key = value(made)
    ((_, found),) = list(Forms(known).places(f'call("{key}"); // {"x" * 9}'))
    kept = Keeper(known).kept(Seen("", found, 3, False), File("a.py", "", "code", False), "source")

    assert found == key
    assert kept is not None
    assert (kept.vendor, kept.live, kept.by, kept.valued, kept.last4) == (
        vendor,
        live,
        "form",
        True,
        key[-4:],
    )


def test_marks_tell_values_apart_within_one_salt_only(known: vendors.Vendors) -> None:
    file = File(".env", "", "code", False)

    def mark(name: str, seed: int, salt: bytes) -> str:
        kept = Keeper(known, salt).kept(Seen("OPENAI_API_KEY", value(name, seed), 1, True), file, "env")
        assert kept is not None
        return kept.mark

    assert mark("OPENAI", 1, b"a" * 32) == mark("OPENAI", 1, b"a" * 32)
    assert (
        len({mark("OPENAI", 1, b"a" * 32), mark("OPENAI", 2, b"a" * 32), mark("OPENAI", 1, b"b" * 32)}) == 3
    )


def test_a_weak_value_gets_no_mark_from_which_it_could_be_guessed(known: vendors.Vendors) -> None:
    kept = Keeper(known, b"a" * 32).kept(
        Seen("DB_PASSWORD", "hunter2hunter2", 1, True), File(".env", "", "code", False), "env"
    )

    assert kept is not None
    assert (kept.mark, kept.last4, kept.own) == ("", "", True)


def is_valued(known: vendors.Vendors, name: str, text: str, kind: Kind = "env") -> bool:
    kept = Keeper(known).kept(Seen(name, text, 1, kind == "env"), File("a", "", "code", False), kind)
    return kept is not None and kept.valued


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Tr4!kvR9wz", True),
        ("tr4kvr9wzq", False),
        ("Summer2024", False),
        ("Tr4!k", False),
        ("TrKvRaWzQp!", False),
    ],
)
def test_a_password_may_be_short_if_its_characters_are_mixed(
    text: str, counts: bool, known: vendors.Vendors
) -> None:
    assert is_valued(known, "DB_PASSWORD", text) is counts
    assert is_valued(known, "API_TOKEN", text) is False


def test_a_key_with_slashes_is_no_path_when_a_part_looks_made(known: vendors.Vendors) -> None:
    key = f"{value('PASSWORD').replace('2', 'Q')}/a{value('PASSWORD', 2)}/Zq"

    assert is_valued(known, "aws_secret_access_key", f"a{key}", "source")
    assert not is_valued(known, "access_token", "Modules/Auth2/Tokens/AccessToken4", "source")


def test_a_key_by_form_may_lack_a_digit_but_not_be_words(known: vendors.Vendors) -> None:
    assert is_valued(known, "", "sk_live_" + "QHtzWKRbnvYXcgLPmdjsFuaE", "source")
    assert not is_valued(known, "", "sk_live_" + "PutTheKeyOfTheShopInHere", "source")


def test_the_default_of_a_reference_is_a_value(known: vendors.Vendors) -> None:
    file = File("compose.yml", "", "code", False)
    kept = [
        Keeper(known).kept(Seen("APP_SECRET", text, 1, True), file, "settings")
        for text in (f"${{APP_SECRET:-{value('HEX')}}}", "${APP_SECRET:-}", "${APP_SECRET}")
    ]

    assert [one.valued for one in kept if one] == [True, False, False]


def test_a_value_is_in_no_repr(known: vendors.Vendors) -> None:
    seen = Seen("OPENAI_API_KEY", value("OPENAI"), 1, True)
    kept = Keeper(known).kept(seen, File(".env", "", "code", False), "env")

    assert value("OPENAI") not in repr(seen) + repr(kept)


def test_a_name_that_is_itself_a_credential_is_masked(known: vendors.Vendors) -> None:
    key = value("STRIPE_LIVE")
    kept = Keeper(known).kept(Seen(key, value("HEX"), 1, True), File(".env", "", "code", False), "env")

    assert kept is None or key not in repr(kept)
    assert safe(f"set as {key}") == "set as ***"
    assert (
        safe("OPENAI_API_KEY of the_production_environment_2")
        == "OPENAI_API_KEY of the_production_environment_2"
    )


@given(st.text(max_size=200), st.text(max_size=40))
def test_any_value_is_judged(text: str, name: str) -> None:
    table = vendors.Vendors({})
    Keeper(table, b"a" * 32).kept(Seen(name, text, 1, True), File("a", "", "code", False), "env")


@pytest.mark.parametrize(
    "piece", ["a", "A", "1", "-", "aA", "a1", "a-", "Aa1_", " a", "$", "${", "<", "x.", "aB-9/"]
)
def test_long_values_take_no_longer_than_their_length(piece: str) -> None:
    """A pattern that tried all ways of reading these would not end before the suite is stopped."""
    text = piece * 20_000
    is_placeholder(text)
    is_random(text)
