"""One value: which format, a word of a set or not, a key or a name."""

import pytest

from trunkline.ops.contracts.formats import (
    PERSONAL,
    is_random_key,
    is_word,
    number_format,
    text_format,
    word_of,
)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2026-11-21T10:00:00Z", "date-time"),
        ("2026-11-21T10:00:00.123+02:00", "date-time"),
        ("2026-11-21T10:00:00", "date-time-local"),
        ("2026-11-21 10:00:00", "date-time-space"),
        ("2026-11-21", "date"),
        ("11/21/2026", "date-slash"),
        ("Sat, 21 Nov 2026 10:00:00 GMT", "http-date"),
        ("Sat, 21 Nov 2026 10:00:00 +0000", "http-date"),
        ("PT1H30M", "duration"),
        ("P", "text"),
        ("8f14e45f-ceea-467f-a0e6-0a1b2c3d4e5f", "uuid"),
        ("anna@example.com", "email"),
        ("https://example.com/x", "uri"),
        ("12345", "integer-text"),
        ("-1.50", "decimal-text"),
        ("true", "boolean-text"),
        ("succeeded", "text"),
        ("", "empty"),
        ("1" * 500, "text"),
    ],
)
def test_a_text_has_a_format(value: str, form: str) -> None:
    assert text_format(value) == form


@pytest.mark.parametrize(
    ("value", "name", "form"),
    [
        (1_764_000_000, "created", "epoch-s"),
        (1_764_000_000_000, "created_at", "epoch-ms"),
        (1_764_000_000, "expiresAt", "epoch-s"),
        (12, "created", "number"),
        (1_764_000_000, "amount", ""),
        (1_764_000_000, "latency", ""),
    ],
)
def test_an_integer_tells_time_only_under_a_name_that_says_so(value: int, name: str, form: str) -> None:
    assert number_format(value, name) == form


@pytest.mark.parametrize(
    "word", ["succeeded", "requires_payment_method", "END_TURN", "text/plain", "gpt-5", "v2", "Active"]
)
def test_words_of_a_set(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize(
    "other",
    [
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "a b",
        "x" * 41,
        "2026-11-21",
        "",
        "ab12cd34ef",
        "1st",
        "anna@example.com",
    ],
)
def test_what_is_no_word_of_a_set(other: str) -> None:
    assert not is_word(other)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("default_2024_08_21", "default_DATE"),
        ("v-2024-08-21", "v-DATE"),
        ("default.20240821", "default.DATE"),
        ("auto", "auto"),
        ("default_2024_08_21b", ""),
        ("default_2024_13_21", ""),
        ("id_20240821993", ""),
        ("Jane Doe", ""),
    ],
)
def test_a_day_in_a_word_is_any_day(text: str, word: str) -> None:
    assert word_of(text) == word


@pytest.mark.parametrize(
    "key",
    [
        "8f14e45f-ceea-467f-a0e6-0a1b2c3d4e5f",
        "42",
        "cus_NffrFeUfNV2Hib",
        "2026-11-21",
        "anna@example.com",
        "Due date of it",
    ],
)
def test_keys_that_are_data(key: str) -> None:
    assert is_random_key(key)


@pytest.mark.parametrize(
    "key", ["amount", "address_line2", "line1", "x-request-id", "@type", "+1", "subresource_uris"]
)
def test_keys_that_are_names(key: str) -> None:
    assert not is_random_key(key)


def test_names_under_which_words_are_never_kept() -> None:
    kept = ["status", "type", "author_association", "state_reason", "currency"]
    never = ["name", "first_name", "billing_email", "phone", "city", "displayName", "line1", "title"]
    assert (
        [name for name in kept if PERSONAL.search(name)],
        [name for name in never if not PERSONAL.search(name)],
    ) == ([], [])
