"""What a runbook (Markdown) says: which of the five questions it answers, when it was reviewed, which commands it names. Pure.

Not for: the facts of a moment (`ops/runbooks`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import NamedTuple

QUESTIONS = {
    "symptom": r"symptom|looks like",
    "triage": r"triage|which logs|diagnos",
    "fallback": r"fallback|degraded",
    "escalation": r"escalat|contact|who owns",
    "recovery": r"recover|healthy again",
}
"""What a runbook must answer (row H3), and how its headings are recognised."""
OPEN = "> Fill in:"
"""How a line begins that the template leaves to people."""
REVIEW_EVERY_DAYS = 180
_REVIEWED = re.compile(r"^\W*reviewed\W*:\W*(?P<day>\d{4}-\d{2}-\d{2})?", re.IGNORECASE)
_CONTACT = re.compile(
    r"[^@\s<>]+@[^@\s<>]+\.[a-z]{2,}|https?://\S+|\+\d[\d ()/.-]{6,}|\b\d{3,}[\d ()/.-]{4,}|(?<!\w)[@#][A-Za-z][\w.-]+"
)
"""A mail address, a web address, a telephone number, a handle or a channel."""
_COMMAND = re.compile(r"(?:^|[`$>]\s*|[;&|]\s*)trunkline[ \t]+(?P<words>[^`\n;|&>]*)", re.MULTILINE)

Commands = Mapping[str, Collection[str]]
"""Command -> its subcommands; none: it has no subcommands."""


class Section(NamedTuple):
    """A heading with what stands below it."""

    heading: str
    line: int
    text: str
    """Without the lines that are left to be filled in."""
    left_open: tuple[int, ...]
    """Numbers of those lines."""


class Problem(NamedTuple):
    """Something that is wrong with a runbook."""

    code: str
    line: int
    message: str
    cure: str


def problems(text: str, *, today: date, commands: Commands | None = None) -> list[Problem]:
    """Everything that is wrong, by line. Without `commands` those that are named are not looked at."""
    found = [
        *_unanswered(text),
        *_left_open(text),
        *_contact(text),
        *_stale(text, today),
        *(_commands(text, commands) if commands is not None else ()),
    ]
    return sorted(found, key=lambda one: one.line)


def open_questions(text: str) -> list[str]:
    """Which of the five questions it does not answer: no heading for it, or nothing below the heading."""
    answered = {name for section in sections(text) if section.text.strip() for name in _asked(section)}
    return [name for name in QUESTIONS if name not in answered]


def sections(text: str) -> list[Section]:
    """The headings in order. A `#` within a code block is no heading."""
    found: list[Section] = []
    heading, at, body, left, fenced = "", 1, list[str](), list[int](), False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and re.match(r" {0,3}#{1,6}(\s|$)", line):
            found.append(Section(heading, at, "\n".join(body), tuple(left)))
            heading, at, body, left = line.strip("# ").strip(), number, [], []
            continue
        if line.strip().startswith(OPEN):
            left.append(number)
        else:
            body.append(line)
    found.append(Section(heading, at, "\n".join(body), tuple(left)))
    return [one for one in found if one.heading or one.text.strip() or one.left_open]


def reviewed(text: str) -> date | None:
    """The day of the line `Reviewed: YYYY-MM-DD`; None without one."""
    for line in text.splitlines():
        found = _REVIEWED.match(line)
        if found and found["day"]:
            try:
                return date.fromisoformat(found["day"])
            except ValueError:
                return None
    return None


def _asked(section: Section) -> list[str]:
    return [name for name, words in QUESTIONS.items() if re.search(words, section.heading.lower())]


def _unanswered(text: str) -> Iterator[Problem]:
    missing = open_questions(text)
    if missing:
        said = f"It does not answer: {', '.join(missing)}."
        yield Problem("runbook-incomplete", 1, said, "Add a heading with text for each.")


def _left_open(text: str) -> Iterator[Problem]:
    for section in sections(text):
        if section.text.strip() or not _asked(section):  # a whole question left open is told as unanswered
            for line in section.left_open:
                said = f"A line below `{section.heading}` is still to be filled in."
                yield Problem(
                    "runbook-incomplete", line, said, f"Write it, or remove the line (`{OPEN} ...`)."
                )


def _contact(text: str) -> Iterator[Problem]:
    asked = [one for one in sections(text) if "escalation" in _asked(one) and one.text.strip()]
    if asked and not any(_CONTACT.search(one.text) for one in asked):
        said = "Its escalation names nobody who can be reached."
        yield Problem(
            "runbook-contact", asked[0].line, said, "Add a mail address, a number, a channel or a link."
        )


def _stale(text: str, today: date) -> Iterator[Problem]:
    day = reviewed(text)
    line = next((n for n, one in enumerate(text.splitlines(), 1) if _REVIEWED.match(one)), 1)
    cure = f"Read it through, try its commands, and write `Reviewed: {today.isoformat()}`."
    if day is None:
        yield Problem("runbook-unreviewed", line, "Nothing says when somebody last read it through.", cure)
    elif (today - day).days > REVIEW_EVERY_DAYS:
        said = f"It was last reviewed on {day.isoformat()}, {(today - day).days} days ago."
        yield Problem("runbook-stale", line, said, cure)


def _commands(text: str, known: Commands) -> Iterator[Problem]:
    for found in _COMMAND.finditer(text):
        words = found["words"].split()
        # Options before the command (`--env prod`) could take a value; such a line is not judged.
        if not words or words[0].startswith("-") or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            continue
        line = text.count("\n", 0, found.start("words")) + 1
        if words[0] not in known:
            said = f"There is no command `trunkline {words[0]}`."
            yield Problem("runbook-command", line, said, "`trunkline --help` lists all.")
            continue
        inner = known[words[0]]
        if inner and len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]) and words[1] not in inner:
            said = f"There is no command `trunkline {words[0]} {words[1]}`."
            yield Problem("runbook-command", line, said, f"`trunkline {words[0]} --help` lists all.")
