"""The facts of an incident as lines."""

from __future__ import annotations

from trunkline.ops.runbooks import facts


def told(**given: object) -> list[str]:
    """What stands below `Instead:`, of an integration of which nothing else is known."""
    texts = dict.fromkeys(
        ("integration", "title", "owner", "criticality", "environment", "at", "status", "reason"), "x"
    )
    page = facts.RunbookText(path="", reviewed="", problems=[], content="")
    lines = facts.lines(facts.RunbookFacts(**texts, runbook=page, **given))
    at = lines.index("Instead:")
    return [line.strip() for line in lines[at + 1 : lines.index("", at)]]


def test_a_fallback_of_one_operation_that_works_is_a_fallback() -> None:
    assert told(serving=["static (render)"], fallbacks=[]) == ["works now: static (render)"]
    assert told(serving=[], fallbacks=[]) == ["no fallback is declared"]
    assert told(serving=[], fallbacks=["defer"]) == [
        "none of the declared fallbacks is known to work now",
        "declared: defer",
    ]
