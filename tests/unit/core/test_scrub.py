"""Live credentials taken out of texts by their values."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.scrub import Scrubber

SECRET = 'sk-test/not+a real"key=='


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
    ],
)
def test_a_secret_goes_in_each_form_in_which_texts_hold_it(form):
    assert Scrubber([SECRET]).text(f"before {form} after") == "before *** after"


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60),
    st.text(max_size=7),
    st.text(max_size=7),
)
def test_a_secret_goes_in_base64_whatever_stands_around_it(secret, before, after):
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(f"{before}{secret}{after}".encode()).decode()
        clean = Scrubber([secret]).text(f"Basic {encoded}")
        assert secret.encode() not in base64.urlsafe_b64decode(encoded_part(clean))


def encoded_part(text):
    """What is left of the base64, made decodable again."""
    left = text.removeprefix("Basic ").replace("***", "").replace("+", "-").replace("/", "_").rstrip("=")
    return left[: len(left) // 4 * 4]


def test_the_longer_of_two_secrets_goes_whole():
    assert Scrubber(["abcdefgh", "abcdefghijkl"]).text("x abcdefghijkl y abcdefgh z") == "x *** y *** z"


def test_bytes_of_any_encoding_are_scrubbed():
    assert Scrubber(["abcdefgh"]).bytes(b"\xff\xfe abcdefgh \x80") == b"\xff\xfe *** \x80"


def test_other_texts_stay_as_they_are():
    scrubber = Scrubber(["abcdefgh", "", "key"])
    assert scrubber.text("the key is abcdefg") == "the key is abcdefg"
    assert Scrubber().text(SECRET) == SECRET


def test_its_repr_tells_only_how_many():
    assert repr(Scrubber(["abcdefgh", "abcdefgh", "x"])) == "Scrubber(1 secrets)"
