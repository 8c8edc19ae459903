"""How much a model is to think: OpenAI's words against Anthropic's and Gemini's budgets of tokens.

The table (docs/explanation/translation.md shows it): a word stands for the budget beside it, and a budget for the first word whose
budget, doubled, is not below it.
"""

from __future__ import annotations

from trunkline.core.conversation import Effort

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 65536}
_UP_TO = {"minimal": 1024, "low": 4096, "medium": 16384, "high": 32767, "xhigh": 65535}


def budget_of(effort: Effort) -> int | None:
    """Tokens to think with; 0: not at all; -1: as the model likes; None: nothing was said."""
    if effort.budget is not None:
        return effort.budget
    if effort.level == "none":
        return 0
    if effort.level:
        return BUDGETS.get(effort.level, BUDGETS["medium"])
    return -1 if effort.adaptive else None


def level_of(effort: Effort) -> str:
    """The word for it; empty where nothing was said, the model is free, or thinking is off, which is most models' default."""
    if effort.budget is None or effort.budget < 0:
        return effort.level
    if effort.budget == 0:
        return ""
    if effort.level:
        return effort.level
    return next((word for word, most in _UP_TO.items() if effort.budget <= most), "max")
