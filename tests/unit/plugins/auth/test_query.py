"""The credential in a query parameter that the vendor names."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.service import Auth
from trunkline.plugins.auth.query import prepare


@pytest.mark.row("K1")
@given(st.text(min_size=1), st.text(min_size=1))
def test_name_and_value_come_back_from_the_query(name: str, secret: str) -> None:
    name, secret = (text.encode("utf-8", "replace").decode() for text in (name, secret))
    signer = prepare(Auth(kind="query", name=name), secret)
    assert parse_qsl(signer.query.decode(), keep_blank_values=True) == [(name, secret)]
    assert signer.fields == b""


def test_a_template_is_encoded_with_the_secret_in_it() -> None:
    assert prepare(Auth(kind="query", name="t", template="a b&{secret}"), "x/y").query == b"t=a%20b%26x%2Fy"
