"""What a runbook must say: five questions, a contact, a review, commands that exist."""

from __future__ import annotations

from datetime import date

import pytest

from trunkline.registry.runbooks import QUESTIONS, open_questions, problems, reviewed, sections

pytestmark = pytest.mark.row("H3")
TODAY = date(2026, 11, 21)
RUNBOOK = """\
# CRM

Reviewed: 2026-11-01 by jan

## Symptom
Contacts are missing.
## Triage: which logs
`trunkline logs --integration crm`
## Fallback
None; contacts are queued.
## Escalation contact
crm-support@example.com
## Recovery
`trunkline health` says healthy.
"""
COMMANDS = {"logs": ["show"], "health": [], "runbook": ["show", "ack"]}


def codes(text: str) -> list[tuple[str, int]]:
    return [(one.code, one.line) for one in problems(text, today=TODAY, commands=COMMANDS)]


def test_a_whole_one_has_no_problems() -> None:
    assert codes(RUNBOOK) == []


def test_it_answers_five_questions() -> None:
    assert open_questions(RUNBOOK) == []
    empty = RUNBOOK.replace("## Fallback\nNone; contacts are queued.\n", "## Fallback\n")
    assert open_questions(empty) == ["fallback"]
    assert open_questions("symptom triage fallback escalation recovery\n") == list(QUESTIONS)
    assert open_questions("") == list(QUESTIONS)
    assert codes("") == [("runbook-incomplete", 1), ("runbook-unreviewed", 1)]


def test_a_heading_within_a_code_block_is_none() -> None:
    text = RUNBOOK.replace("## Recovery\n`trunkline health` says healthy.\n", "```\n## Recovery\nx\n```\n")
    assert open_questions(text) == ["recovery"]
    assert [one.heading for one in sections(text)][-1] == "Escalation contact"


def test_what_the_template_leaves_open_is_told_with_its_line() -> None:
    text = RUNBOOK.replace("Contacts are missing.\n", "Contacts are missing.\n> Fill in: what else?\n")
    (found,) = problems(text, today=TODAY)
    assert (found.code, found.line, found.message) == (
        "runbook-incomplete", 7, "A line below `Symptom` is still to be filled in.",
    )  # fmt: skip
    whole = RUNBOOK.replace("Contacts are missing.\n", "> Fill in: what do people see?\n")
    (found,) = problems(whole, today=TODAY)
    assert found.message == "It does not answer: symptom."


@pytest.mark.parametrize(
    "contact",
    [
        "jan@example.com", "https://support.example.com/tickets", "+49 30 1234567", "call 0800 123 45 67", "@oncall in chat",
        "the channel #crm-vendor", "<jan.k@sub.example.com>",
    ],
)  # fmt: skip
def test_somebody_can_be_reached(contact: str) -> None:
    assert codes(RUNBOOK.replace("crm-support@example.com", contact)) == []


@pytest.mark.parametrize("contact", ["Jan from the platform team", "ask on Monday, room 12", "version 1.2.3"])
def test_a_name_alone_is_no_contact(contact: str) -> None:
    assert codes(RUNBOOK.replace("crm-support@example.com", contact)) == [("runbook-contact", 11)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Reviewed: 2026-05-26", []),
        ("**Reviewed:** 2026-11-01", []),
        ("Reviewed: 2026-05-24", [("runbook-stale", 3)]),
        ("Reviewed: never", [("runbook-unreviewed", 3)]),
        ("Reviewed: 2026-02-31", [("runbook-unreviewed", 3)]),
        ("", [("runbook-unreviewed", 1)]),
    ],
)
def test_it_is_reviewed_twice_a_year(line: str, found: list[tuple[str, int]]) -> None:
    assert codes(RUNBOOK.replace("Reviewed: 2026-11-01 by jan", line)) == found


def test_the_day_of_the_review_is_read() -> None:
    assert reviewed(RUNBOOK) == date(2026, 11, 1)
    assert reviewed("nothing") is None


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("`trunkline health --watch`", ""),
        ("`trunkline runbook show crm`", ""),
        ("$ trunkline logs show ID", ""),
        ("`trunkline logs --state error`", ""),
        ("`trunkline --env prod health`", ""),
        ("ask trunkline people", ""),
        ("`cd x && trunkline healt`", "`trunkline healt`"),
        ("`trunkline runbook display crm`", "`trunkline runbook display`"),
        ("```\ntrunkline loggs --state error\n```", "`trunkline loggs`"),
    ],
)
def test_its_commands_exist(command: str, says: str) -> None:
    found = problems(f"{RUNBOOK}{command}\n", today=TODAY, commands=COMMANDS)
    assert [one.message for one in found] == ([f"There is no command {says}."] if says else [])
    assert problems(f"{RUNBOOK}{command}\n", today=TODAY) == []
