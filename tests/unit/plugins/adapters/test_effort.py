"""Words and budgets stand for each other by one table, there and back."""

from __future__ import annotations

import pytest

from trunkline.core.conversation import Effort
from trunkline.plugins.adapters.effort import BUDGETS, budget_of, level_of


@pytest.mark.parametrize("word", list(BUDGETS))
def test_a_word_comes_back_from_its_budget(word: str) -> None:
    assert level_of(Effort(budget=budget_of(Effort(level=word)))) == word


@pytest.mark.parametrize(
    ("effort", "budget", "word"),
    [
        (Effort(), None, ""),
        (Effort(level="none"), 0, "none"),
        (Effort(budget=0), 0, ""),
        (Effort(budget=0, level="high"), 0, ""),
        (Effort(budget=-1), -1, ""),
        (Effort(adaptive=True), -1, ""),
        (Effort(adaptive=True, level="high"), 24576, "high"),
        (Effort(level="never heard of"), 8192, "never heard of"),
        (Effort(budget=5000), 5000, "medium"),
        (Effort(budget=100_000), 100_000, "max"),
        (Effort(budget=5000, level="low"), 5000, "low"),
    ],
)
def test_what_was_said_is_what_is_meant(effort: Effort, budget: int | None, word: str) -> None:
    assert (budget_of(effort), level_of(effort)) == (budget, word)
