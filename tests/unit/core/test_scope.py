"""Which calls a scope covers, and by what they are counted."""

from __future__ import annotations

import pytest

from trunkline.core.flow import Scope
from trunkline.core.scope import Labels, counted_by, covers, model_label

CALL = Labels("key-1", "shop", "checkout", "openai", "openai/gpt-4o")


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), True),
        (Scope(team="shop"), True),
        (Scope(team="ops"), False),
        (Scope(feature="checkout", team="shop"), True),
        (Scope(feature="search", team="shop"), False),
        (Scope(key="key-1"), True),
        (Scope(key="web"), True),
        (Scope(key="other"), False),
        (Scope(integration="openai"), True),
        (Scope(integration="stripe"), False),
        (Scope(model="openai/gpt-4o"), True),
        (Scope(model="openai/gpt-*"), True),
        (Scope(model="*/claude-*"), False),
    ],
)
def test_a_scope_covers_what_matches_all_that_it_names(scope: Scope, covered: bool) -> None:
    assert covers(scope, CALL, "web") is covered


def test_a_scope_of_models_covers_nothing_else() -> None:
    assert not covers(Scope(model="*"), CALL._replace(model=""), "web")


@pytest.mark.parametrize(
    ("each", "value"),
    [("", ""), ("team", "shop"), ("feature", "checkout"), ("key", "key-1"), ("integration", "openai"), ("model", "openai/gpt-4o")],
)  # fmt: skip
def test_each_counts_by_that_value(each: str, value: str) -> None:
    assert counted_by(Scope(each=each), CALL) == value  # type: ignore[arg-type]


def test_a_model_is_labelled_with_its_integration_once() -> None:
    assert [model_label("a", m) for m in ("x", "a/x", "b/x", "")] == ["a/x", "a/x", "a/b/x", ""]
