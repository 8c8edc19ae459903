"""Every kind of failure has a page that says what to do, in commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trunkline.core.errors import KINDS

DOCS = Path(__file__).parents[3] / "docs"
PAGES = DOCS / "runbooks"
HEADINGS = ["Symptom", "Them or us?", "What to do", "How to verify"]
COMMAND = re.compile(r"`trunkline ([a-z-]+(?: [a-z-]+)?)([^`]*)`")


def test_there_is_a_page_for_each_kind_and_none_besides() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == set(KINDS)
    listed = re.findall(r"\]\((\w+)\.md\)", (PAGES / "README.md").read_text(encoding="utf-8"))
    assert listed == list(KINDS)


@pytest.mark.row("E1")
@pytest.mark.parametrize("code", list(KINDS))
def test_a_page_answers_the_four_questions(code: str) -> None:
    text = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    title, *parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)[1:]
    assert title == code
    assert parts[1::2] == HEADINGS
    assert all(len(answer.split()) >= 3 for answer in parts[2::2])


@pytest.mark.parametrize("code", list(KINDS))
def test_a_page_names_only_commands_and_options_that_exist(code: str) -> None:
    reference = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    sections = dict(
        re.findall(r"^## trunkline ([a-z -]+)\n(.*?)(?=^## |\Z)", reference, re.MULTILINE | re.DOTALL)
    )
    for words, rest in COMMAND.findall((PAGES / f"{code}.md").read_text(encoding="utf-8")):
        command = words if words in sections else words.split()[0]
        assert command in sections, f"no command `trunkline {words}`"
        missing = [option for option in re.findall(r"--[a-z-]+", rest) if option not in sections[command]]
        assert missing == [], f"`trunkline {command}` has no {missing}"
