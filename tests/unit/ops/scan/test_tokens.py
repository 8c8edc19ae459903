"""Signed tokens: which let their bearer in, and which are for everybody or from a manual."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import vendors
from trunkline.ops.scan.secrets_seen import Keeper, Seen
from trunkline.ops.scan.tokens import is_token
from trunkline.ops.scan.tree import File

from .made import LETTERS, value


def token(**claims: object) -> str:
    """A made-up one: nobody signed it."""
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, value("BASE64").replace("/", "_").replace("+", "-")])


@pytest.mark.parametrize(
    ("claims", "is_one"),
    [
        ({"sub": "user_81", "role": "service_role"}, True),
        ({"iss": "shop", "exp": 1900000000}, True),
        ({"iss": "supabase", "role": "anon"}, False),
        ({"iss": "supabase-demo", "role": "service_role"}, False),
        ({"sub": "1234567890", "name": "John Doe"}, False),
    ],
)
def test_a_token_counts_unless_it_is_for_everybody_or_from_a_manual(claims: dict, is_one: bool) -> None:
    assert is_token(token(**claims)) is is_one


@pytest.mark.parametrize(
    "text", ["", "eyJhbGciOiJIUzI1NiJ9", "a.b.c", f"eyJ{'x' * 20}.eyJ{'!' * 20}.{'y' * 30}"]
)
def test_other_texts_are_none(text: str) -> None:
    assert not is_token(text)


@given(st.text(LETTERS + "-_", min_size=4, max_size=60))
def test_no_middle_part_breaks_it(part: str) -> None:
    assert is_token(f"eyJhbGciOiJIUzI1NiJ9.eyJ{part}.{'y' * 30}") in (True, False)


@pytest.mark.row("R6")
@pytest.mark.parametrize("name", ["", "ACCESS", "row.text"])
def test_a_token_is_kept_whatever_its_name(name: str) -> None:
    made = token(sub="user_81")
    kept = Keeper(vendors.load()).kept(Seen(name, made, 1, False), File("a.py", "", "code", False), "source")

    assert kept is not None
    assert (kept.valued, kept.by, kept.vendor, kept.last4) == (True, "entropy", "", made[-4:])
