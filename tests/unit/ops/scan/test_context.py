"""What stands around a literal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan.context import around, enclosed


@pytest.mark.parametrize(
    ("code", "calls", "name", "keys"),
    [
        ('x = fetch("@', ("fetch",), "x", ()),
        (
            'req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("@',
            ("fmt.Sprintf", "http.NewRequest"),
            "err",
            (),
        ),
        ("const x = await axios.get(\n  `@", ("axios.get",), "", ()),
        ("'url' => env('GRAVATAR_URL', '@", ("env",), "url", ("GRAVATAR_URL",)),
        ('api_base: str = "@', (), "api_base", ()),
        ('host = os.getenv("DATADOG_HOST", "@', ("os.getenv",), "host", ("DATADOG_HOST",)),
        ('return new OpenAI({ apiKey: foo(), baseURL: "@', ("OpenAI",), "baseURL", ()),
        ("$this->client->get('@", ("$this->client->get",), "", ()),
        ("app.get('/x', async (req, res) => { const link = '@", (), "link", ()),
        ("scope: ['a', '@", (), "scope", ()),
        ("public function resolveBaseUrl(): string\n{\n    return '@", (), "resolveBaseUrl", ()),
        ("f(a); g('@", ("g",), "", ()),
        ('"x": "@', (), "x", ()),
    ],
)
def test_enclosing_calls_and_names(
    code: str, calls: tuple[str, ...], name: str, keys: tuple[str, ...]
) -> None:
    near = around(code.replace("@", "https://x"), code.index("@"))
    assert (near.calls, near.name, near.keys) == (calls, name, keys)


@pytest.mark.parametrize(
    ("code", "closing"),
    [
        ("f(a, (b), [c])", 13),
        ("f(')', \")\")", 10),
        ("f(`)${x}`)", 9),
        ("f(", -1),
        ("f(]", -1),
        ("f('''a)b''')", 11),
        ("f('a\n)", 5),
    ],
)
def test_the_closing_bracket_is_found_past_literals(code: str, closing: int) -> None:
    assert enclosed(code, 1) == closing


@given(st.text(alphabet="()[]{}'\"`,;:=.ab \n\\", max_size=200), st.integers(0, 200))
def test_any_code_has_surroundings(code: str, at: int) -> None:
    near = around(code, min(at, len(code)))
    assert len(near.calls) <= 4
    for opening in [n for n, char in enumerate(code) if char in "([{"]:
        close = enclosed(code, opening)
        assert close == -1 or close > opening
