"""`Authorization: Basic` in its three forms (RFC 7617)."""

from __future__ import annotations

from base64 import b64decode

import pytest

from trunkline.core.service import Auth
from trunkline.plugins.auth.basic import prepare


@pytest.mark.row("K1")
@pytest.mark.parametrize(
    ("username", "secret", "pair"),
    [
        ("", "AC1:token", "AC1:token"),
        ("", "sk_test_x", "sk_test_x:"),
        ("api", "key-1", "api:key-1"),
        ("api", "k:with:colons", "api:k:with:colons"),
        ("", "näme:wörd", "näme:wörd"),
    ],
)
def test_the_pair(username: str, secret: str, pair: str) -> None:
    fields = prepare(Auth(kind="basic", username=username), secret).fields
    assert fields.startswith(b"authorization: Basic ")
    assert b64decode(fields.removeprefix(b"authorization: Basic ").removesuffix(b"\r\n")).decode() == pair
