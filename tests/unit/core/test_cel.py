"""Conditions: what they mean, what is refused when they are parsed, what has no value."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.cel import DEEPEST, LONGEST, condition, expression
from trunkline.core.cel_values import CelError, Failed

NAMES = {
    "tokens": "int",
    "share": "double",
    "model": "string",
    "tags": "map",
    "tools": "list:string",
    "stream": "bool",
}
VALUES: dict[str, Any] = {
    "tokens": 2000,
    "share": 0.5,
    "model": "gpt-5",
    "tags": {"tier": "gold", "eu": ""},
    "tools": ["search"],
    "stream": False,
}


def value(text: str) -> Any:
    return expression(text, NAMES).run(VALUES)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 % -2", 1),
        ("7.0 / 2.0", 3.5),
        ("1.0 / 0.0", float("inf")),
        ("0x10", 16),
        ("-9223372036854775808", -(2**63)),
        ("1e3", 1000.0),
        ("\"a\" + 'b'", "ab"),
        (r'"a\"\n"', 'a"\n'),
        ("2 < 10 && tokens >= 2000", True),
        ("1 == 1.0", True),
        ("tokens > 1999.5", True),
        ('"b" > "a"', True),
        ("!stream", True),
        ("!!stream", False),
        ("- -1", 1),
        ('tags.tier == "gold"', True),
        ('tags["tier"] == "gold"', True),
        ('"eu" in tags', True),
        ('"us" in tags', False),
        ('"search" in tools', True),
        ('model in ["gpt-5", "gpt-6"]', True),
        ("tokens in [1, 2]", False),
        ("tools[0]", "search"),
        ("size(tools) + size(model) + tags.size()", 8),
        ("has(tags.tier) && !has(tags.x)", True),
        ('model.startsWith("gpt") && model.endsWith("5") && model.contains("-")', True),
        ('stream ? "a" : tokens > 5 ? "b" : "c"', "b"),
        ('tags.x == "1" || true', True),
        ('false && tags.x == "1"', False),
        ('tags.x == "1" && false', False),
    ],
)
def test_what_expressions_mean(text: str, meant: Any) -> None:
    got = value(text)
    assert got == meant
    assert type(got) is type(meant)


@pytest.mark.parametrize(
    "text",
    [
        "1 / (tokens - 2000)",
        "1 % (tokens * 0)",
        "9223372036854775807 + 1",
        'tags["x"]',
        "tools[1]",
        "tools[-1]",
        'tags.x == "" || false',
    ],
)
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(Failed):
        value(text)


def test_a_condition_without_a_value_does_not_hold() -> None:
    assert condition('tags.x == "1"', NAMES).holds(VALUES) is False


@pytest.mark.parametrize(
    ("text", "told", "at"),
    [
        ("", "ends too early", 0),
        ("tokens >", "ends too early", 8),
        ("tokens > 1 tokens", "not expected here", 11),
        ("nope > 1", "there is no 'nope'; there are model,", 0),
        ('tokens + "a"', "nothing is converted", 7),
        ("1 / 0", "division by zero", 2),
        ("tokens % (1 - 1)", "division by zero", 7),
        ("tokens == model", "cannot be compared", 7),
        ("tags < tags", "cannot be compared", 5),
        ("1 in tags", "cannot look for int", 2),
        ("tokens && true", "must be bool, not int", 7),
        ("!tokens", "must be bool", 0),
        ("-model", "needs a number", 0),
        ('true ? 1 : "a"', "chooses between", 5),
        ("tokens ? 1 : 2", "must be bool", 7),
        ("(1", "')' is missing", 2),
        ('[1, "a"]', "one type only", 0),
        ("model[0]", "has no members", 5),
        ("tags[0]", "must be string", 4),
        ('tools["a"]', "must be int", 5),
        ("size(1)", "has no size", 0),
        ("len(model)", "there is no function 'len'", 0),
        ('model.matches("a")', "there is no method 'matches'", 6),
        ("model.startsWith(1)", "must be string", 6),
        ("9223372036854775808", "beyond 64 bits", 0),
        ('"\\q"', "means nothing", 1),
        ("model = 1", "means nothing here", 6),
        ("tokens > 1 @", "means nothing here", 11),
        ("has(model.x)", "must be map", 10),
        ("(" * (DEEPEST + 1), "nested too deeply", DEEPEST),
        ("!" * (DEEPEST + 1) + "true", "nested too deeply", DEEPEST - 1),
        ("1" * (LONGEST + 1), "at most", 0),
    ],
)
def test_what_is_refused_when_it_is_parsed(text: str, told: str, at: int) -> None:
    with pytest.raises(CelError, match=told.replace("(", r"\(").replace(")", r"\)")) as caught:
        expression(text, NAMES)
    assert caught.value.at == at


def test_a_condition_is_true_or_false() -> None:
    with pytest.raises(CelError, match="comes out as int"):
        condition("tokens", NAMES)


def test_the_variables_it_needs_are_known() -> None:
    assert condition('tokens > 1 || "a" in tags', NAMES).names == {"tokens", "tags"}


@given(st.text(max_size=40) | st.text(alphabet='tokensmdlag.()[]!<>=&|?:+-*/%"1 0', max_size=60))
def test_no_text_is_more_than_a_cel_error(text: str) -> None:
    with contextlib.suppress(CelError):
        condition(text, NAMES).holds(VALUES)


_numbers = st.recursive(
    st.integers(-20, 20).map(str) | st.just("tokens"),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=8,
)


@given(_numbers)
def test_arithmetic_is_that_of_integers(text: str) -> None:
    assert value(text) == eval(text, {}, {"tokens": 2000})
