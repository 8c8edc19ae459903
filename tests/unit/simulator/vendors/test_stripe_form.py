"""Nested form encoding."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator.request import Request
from trunkline.simulator.vendors.stripe_form import decoded


def form(text: bytes) -> object:
    request = Request("stripe", "POST", "/", "", {})
    request.body = text
    return decoded(request)


def test_brackets_nest() -> None:
    assert form(b"a=1&b[c]=2&b[d][e]=3&items[0][price]=x&items[1][price]=y&expand[]=p&expand[]=q") == {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3"}},
        "items": [{"price": "x"}, {"price": "y"}],
        "expand": ["p", "q"],
    }


@given(st.text(alphabet="ab[]=&%0", max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(form(text.encode()), dict)
