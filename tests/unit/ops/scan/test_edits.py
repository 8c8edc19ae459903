"""Arguments changed as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan import edits


def parts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in edits.arguments(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" a , b(c, d), [e, f], 'g, h' ", ["a", "b(c, d)", "[e, f]", "'g, h'"]),
        ("a,\n  b,\n", ["a", "b"]),
        ("{x: 1, y: `a,${b}`}", ["{x: 1, y: `a,${b}`}"]),
        ("'open, a", ["'open", "a"]),
    ],
)
def test_arguments_are_told_apart(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "key=V"),
        ("key=old", "key=V"),
        ("a=1, key = old(x, y)", "a=1, key = V"),
        ("a=1", "a=1, key=V"),
        ("\n    a=1,\n", "\n    a=1,\n    key=V,\n"),
        ("\n    a=1\n", "\n    a=1,\n    key=V\n"),
        ("old, timeout=3", "V, timeout=3"),
        ("**options", '**{**options, "key": V}'),
        ("monkey=1", "monkey=1, key=V"),
        ("former=old", "former=V"),
    ],
)
def test_keywords(text: str, changed: str) -> None:
    assert edits.with_keyword(text, ["key", "former"], "V", "=", positional=True) == changed


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "{ key: V }"),
        ("{}", "{ key: V }"),
        ("{ key: old }", "{ key: V }"),
        ("{ key }", "{ key: V }"),
        ("{ a: 1 }", "{ a: 1, key: V }"),
        ("{\n  a: { key: 1 },\n}", "{\n  a: { key: 1 },\n  key: V,\n}"),
        ("token, { a: 1 }", "token, { a: 1, key: V }"),
        ("token", "token, { key: V }"),
    ],
)
def test_members(text: str, changed: str) -> None:
    assert edits.with_member(text, ["key"], "V", quote=False) == changed


def test_arrays_of_php_options_of_go_and_chains() -> None:
    assert edits.with_member("['a' => 1]", ["key"], "V", quote=True) == "['a' => 1, 'key' => V]"
    assert edits.with_member("", ["key"], "V", quote=True) == "['key' => V]"
    assert edits.with_option("o.WithKey(f(x)), o.Other()", "o.WithKey", "V") == "o.WithKey(V), o.Other()"
    assert edits.with_option("opts...", "o.WithKey", "V") == "opts..., o.WithKey(V)"
    assert edits.with_step("\n  .key(old(x))\n  .build()", "key", "V") == "\n  .key(V)\n  .build()"
    assert edits.with_step("\n  .build()", "key", "V") == "\n  .key(V)\n  .build()"
    assert edits.with_first(" a, b", "V") == " V, b"


ARGUMENT = st.text(alphabet="ab(){}[]'\",=: \n*", max_size=60)


@given(ARGUMENT)
def test_any_text_can_be_changed(text: str) -> None:
    for span in edits.arguments(text):
        assert 0 <= span.start < span.end <= len(text)
    assert "V" in edits.with_keyword(text, ["key"], "V", "=", positional=True)
    assert "V" in edits.with_member(text, ["key"], "V", quote=False)
    assert "V" in edits.with_option(text, "o", "V")
