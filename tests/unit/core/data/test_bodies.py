"""The labelled corpus: what is found where in bodies and texts, and how well."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support import labelled
from trunkline.core.data.bodies import Seen, is_packed, look

CASES = yaml.safe_load(labelled.BODIES.read_text("utf-8"))


@pytest.mark.row("G2")
@pytest.mark.parametrize("case", CASES, ids=[case["what"] for case in CASES])
def test_each_category_is_found_under_its_path_and_no_other(case: dict) -> None:
    found: dict[str, set[str]] = {}
    for seen in look(case["body"].encode(), case["media"]):
        found.setdefault(seen.path, set()).add(seen.category)
    wanted = {path: {said} if isinstance(said, str) else set(said) for path, said in case["found"].items()}
    assert found == wanted


@pytest.mark.row("G2")
def test_the_corpus_is_found_at_least_as_well_as_the_docs_say() -> None:
    figures = labelled.figures()
    for category, least in labelled.LEAST.items():
        assert (figures[category].precision, figures[category].recall) >= least, category
        assert figures[category].precision >= least[0], category
        assert figures[category].recall >= least[1], category


def test_files_in_base64_are_not_looked_into() -> None:
    assert is_packed("iVBORw0KGgo" * 60)
    assert is_packed("data:image/png;base64," + "A" * 500)
    assert not is_packed("a text with spaces " * 60)


def test_hits_are_counted_by_path() -> None:
    body = b'{"to":[{"email":"a@example.com"},{"email":"b@example.com"}]}'
    assert look(body, "application/json") == {Seen("pii.email", "to[].email"): 2}


def test_nothing_of_a_value_is_in_what_is_kept(tmp_path: Path) -> None:
    for case in CASES:
        for seen in look(case["body"].encode(), case["media"]):
            assert "@" not in seen.path
            assert not any(char.isdigit() for char in seen.path.replace("line1", ""))
