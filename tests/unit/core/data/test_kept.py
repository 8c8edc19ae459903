"""A path keeps what operations are made of, and nothing that tells who somebody is."""

from __future__ import annotations

import pytest

from trunkline.core.data.kept import without_emails, without_persons

PLAIN = [
    "/v1/charges/ch_3NqX2eLkdIwHu7ix0abc",
    "/v19.0/1234567890123456/messages",
    "/2015-03-31/functions/thumbs/invocations",
    "/rest/api/3/issue/SHOP-1234",
    "/npm/@scope/name@1.2.3/logo@2x.png",
    "/v1/users/0b5e8a5e-6f6b-4d2b-9b1e-0d8f5a1c2b3d",
    "/a+b/1+1",
    "/at/2024-01-01T00:00:00+02:00",
    "",
]


@pytest.mark.row("G3", "W2")
@pytest.mark.parametrize("path", PLAIN)
def test_paths_without_persons_stay_as_they_are(path: str) -> None:
    assert without_persons(path) == (path, ())


@pytest.mark.row("G3", "W2")
@pytest.mark.parametrize(
    ("path", "kept", "persons"),
    [
        ("/v3/contacts/jane@example.com", "/v3/contacts/[pii.email]", ("jane@example.com",)),
        ("/v3/contacts/Jane%40Example.com/lists", "/v3/contacts/[pii.email]/lists", ("Jane@Example.com",)),
        ("/x/jane%2540example.com", "/x/[pii.email]", ("jane@example.com",)),
        ("/users('jane@example.com')/mail", "/users('[pii.email]')/mail", ("jane@example.com",)),
        ("/a/b@c.io;d@e.io", "/a/[pii.email];[pii.email]", ("b@c.io", "d@e.io")),
        ("/a/b@c.io/again/b@c.io", "/a/[pii.email]/again/[pii.email]", ("b@c.io",)),
        ("/jane%2Bnews%40example.com", "/[pii.email]", ("jane+news@example.com",)),
        ("/v1/PhoneNumbers/%2B14155550100", "/v1/PhoneNumbers/[pii.phone]", ("+14155550100",)),
        ("/v2/lookup/+442071838750", "/v2/lookup/[pii.phone]", ("+442071838750",)),
        ("/iban/DE89370400440532013000", "/iban/[payment.iban]", ()),
        ("/bin/4242424242424242", "/bin/[payment.card]", ()),
        ("/bin/4242-4242-4242-4242", "/bin/[payment.card]", ()),
        ("/u/%ff%40/j%C3%B6rg@example.com", "/u/%ff%40/[pii.email]", ("jörg@example.com",)),
    ],
)
def test_persons_are_taken_out(path: str, kept: str, persons: tuple[str, ...]) -> None:
    assert without_persons(path) == (kept, persons)


@pytest.mark.row("G3", "W2")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "no such customer: jane@example.com (or <j@x.io>)",
            "no such customer: [pii.email] (or <[pii.email]>)",
        ),
        ("npm@11 failed at logo@2x.png", "npm@11 failed at logo@2x.png"),
        ("overloaded", "overloaded"),
    ],
)
def test_messages_are_kept_without_addresses(text: str, kept: str) -> None:
    assert without_emails(text) == kept
