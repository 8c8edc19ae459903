"""What one scope covers of another. Whatever is said to be covered, a caller may really do with the scope that is held."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller
from trunkline.core.scopes import common, covered, covers
from trunkline.plugins.policies.access import may_use_model
from trunkline.testing import caller_key

pytestmark = pytest.mark.row("W1")


@pytest.mark.parametrize(
    ("held", "asked", "does"),
    [
        ("*", "integration:stripe", True),
        ("*", "*", True),
        ("integration:stripe", "*", False),
        ("integration:*", "*", False),
        ("integration:*", "integration:stripe", True),
        ("integration:*", "integration:stripe:refund", True),
        ("integration:stripe", "integration:*", False),
        ("integration:stripe", "integration:stripe", True),
        ("integration:stripe", "integration:stripe:refund", True),
        ("integration:stripe", "integration:stripe2", False),
        ("integration:stripe:refund", "integration:stripe", False),
        ("integration:stripe:refund", "integration:stripe:charge", False),
        ("integration:stripe:*", "integration:stripe:charge", True),
        ("integration:stripe:*", "integration:stripe", False),
        ("integration:openai", "model:openai/gpt-5", True),
        ("integration:openai", "model:openai/*", True),
        ("integration:openai", "model:open*/x", False),
        ("integration:openai", "model:openai", False),
        ("integration:*", "model:openai/*", True),
        ("model:*", "model:openai/*", True),
        ("model:openai/*", "model:*", False),
        ("model:openai/*", "model:openai/gpt-*", True),
        ("model:openai/gpt-?", "model:openai/gpt-*", False),
        ("model:openai/gpt-*", "model:openai/gpt-5", True),
        ("model:openai/gpt-*", "model:openai/*", False),
        ("model:*-mini", "model:*-mini", True),
        ("model:*-mini", "model:gpt-*-mini", False),
        ("model:openai/*", "integration:openai", False),
        ("route:llm", "route:llm", True),
        ("route:llm", "route:pay", False),
        ("health:read", "metrics:read", False),
        ("connection:crm", "integration:crm", False),
    ],
)
def test_a_scope_covers_what_lies_within_it_and_nothing_else(held: str, asked: str, does: bool) -> None:
    assert covers(held, asked) is does


NAME = st.text("ab*?/", min_size=1, max_size=4)


@given(NAME, NAME, st.text("ab/", min_size=1, max_size=5))
def test_no_model_slips_through_a_glob_that_is_covered(outer: str, inner: str, model: str) -> None:
    if covers(f"model:{outer}", f"model:{inner}"):
        wide, narrow = (Caller(caller_key(scopes=[f"model:{glob}"])) for glob in (outer, inner))
        assert may_use_model(wide, "s", model, model) or not may_use_model(narrow, "s", model, model)


def test_what_two_have_in_common_lies_within_both() -> None:
    held = ["integration:stripe", "model:openai/*", "health:read"]
    asked = ["integration:*", "model:openai/gpt-5", "route:llm"]
    assert common(asked, held) == ["model:openai/gpt-5", "integration:stripe", "model:openai/*"]
    assert common(["*"], held) == held
    assert common(["route:llm"], held) == []


SCOPE = st.sampled_from(
    [
        "*",
        "integration:*",
        "integration:a",
        "integration:a:x",
        "integration:b",
        "model:*",
        "model:a/*",
        "model:a/m",
        "route:r",
    ]
)


@given(st.lists(SCOPE, max_size=4), st.lists(SCOPE, max_size=4))
def test_the_common_part_exceeds_neither(asked: list[str], held: list[str]) -> None:
    for one in common(asked, held):
        assert covered(one, held)
        assert covered(one, asked)
