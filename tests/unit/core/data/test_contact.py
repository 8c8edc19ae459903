"""Ways to reach somebody, and what only looks like one."""

from __future__ import annotations

import pytest

from trunkline.core.data import contact


@pytest.mark.parametrize(
    "address",
    [
        "jane@example.com",
        "jane.doe+tag@mail.example.co.uk",
        "ÿvonne@exämple.de",
        "j_d-1@xn--bcher-kva.example",
        "o'neil@example.org",
    ],
)
def test_an_address_is_found_with_nothing_around_it(address: str) -> None:
    text = f"(to: <{address}>, now)."
    assert [text[a:b] for a, b in contact.emails(text)] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "jane@example",
        "@example.com",
        "a@b@c",
        "logo@2x.png",
        "git@github.com:acme/app",
        "user at example.com",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert list(contact.emails(text)) == []


@pytest.mark.parametrize(
    "number",
    [
        "+49 30 901820", "+1 (415) 555-0132", "(415) 555-0132", "415-555-0132 ext. 12", "06 12 34 56 78", "0171/2345678 12", "+14155550132",
        "0049 30 901820",
    ],
)  # fmt: skip
def test_a_number_is_told_by_its_form(number: str) -> None:
    text = f"or {number}, whatever"
    assert {text[a:b] for a, b in contact.phones(text)} == {number}


def test_bare_digits_need_a_word_beside_them() -> None:
    assert list(contact.phones("it returned 5551234567 rows")) == []
    assert list(contact.phones("call me: 5551234567")) == [(9, 19)]
    assert list(contact.phones("5551234567 office")) == [(0, 10)]
    assert list(contact.phones("5551234567", hint=True)) == [(0, 10)]


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-02 12:30",
        "order number 0171 234567 88",
        "+999 123 456",
        "call on 2026-04-02",
        "0.12345678901",
        "1763300000123",
        "10.12.0.4",
    ],
)
def test_what_is_no_number_to_call(text: str) -> None:
    assert list(contact.phones(text)) == []


def test_public_addresses_are_found_and_private_ones_and_versions_are_not() -> None:
    text = "from 81.2.69.142 or 2001:db8::1, not 10.0.0.1, 127.0.0.1, v1.2.3.4, 1.2.3.4.5, 12:34:56, 00:1B:44:11:3A:B7"
    assert [text[a:b] for a, b in contact.addresses(text)] == ["81.2.69.142", "2001:db8::1"]
