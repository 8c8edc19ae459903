"""A part of Markdown as HTML, in which no text of the source is markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.console.markdown import html

pytestmark = pytest.mark.row("H3")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# One\ntwo\nthree\n\nfour", "<h3>One</h3>\n<p>two three</p>\n<p>four</p>"),
        ("- a\n- b\n  c\n", "<ul><li>a</li><li>b c</li></ul>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("> Fill in: x", "<blockquote>Fill in: x</blockquote>"),
        ("```\n# no <b>\n```\nx", "<pre># no &lt;b&gt;</pre>\n<p>x</p>"),
        ("```\nnever closed", "<pre>never closed</pre>"),
        ("**b** `c<d`", "<p><strong>b</strong> <code>c&lt;d</code></p>"),
        ("[t](https://x.example.com/?a=1&b=2)", '<p><a href="https://x.example.com/?a=1&amp;b=2" rel="noreferrer">t</a></p>'),
        ("see https://x.example.com.", '<p>see <a href="https://x.example.com" rel="noreferrer">https://x.example.com</a>.</p>'),
        ("[t](javascript:alert(1))", "<p>[t](javascript:alert(1))</p>"),
        (
            "| a |\n|---|\n| `2` |",
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td><code>2</code></td></tr></tbody></table>",
        ),
        ("", ""),
    ],
)  # fmt: skip
def test_it_is_shown(text: str, shown: str) -> None:
    assert html(text) == shown


TAGS = re.compile(
    r'</?(h[3-6]|p|ul|ol|li|blockquote|pre|strong|code|table|thead|tbody|tr|th|td|a)( href="https?://[^"<>]*" rel="noreferrer")?>'
)


@given(st.text(alphabet=st.sampled_from("<>&\"'`*[](){}#-+>|:/ \n1.hatps"), max_size=200))
def test_nothing_of_a_text_becomes_markup(text: str) -> None:
    left = TAGS.sub("", html(text))
    assert "<" not in left
    assert ">" not in left
