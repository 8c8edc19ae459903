"""The list of rows, and the reader of the markers."""

import re

from rows import ROOT, named_rows, promised, shown

SOURCE = """
import pytest
pytestmark = pytest.mark.row("Q1")

@pytest.mark.row("P1", "P2")
@pytest.mark.slow
def test_one(): ...

def helper(): ...

class TestTwo:
    @pytest.mark.row("E1")
    async def test_three(self): ...
"""


def test_markers_are_read_from_functions_classes_and_modules() -> None:
    assert list(named_rows(SOURCE)) == [
        ("Q1", "test_one"),
        ("P1", "test_one"),
        ("P2", "test_one"),
        ("Q1", "TestTwo::test_three"),
        ("E1", "TestTwo::test_three"),
    ]


def test_each_promised_row_stands_once() -> None:
    rows = promised((ROOT / "docs" / "rows.txt").read_text(encoding="utf-8"))
    assert rows
    assert len(rows) == len(set(rows))
    assert [row for row in rows if not re.fullmatch(r"[A-Z]\d+", row)] == []


def test_markers_name_rows() -> None:
    assert [row for row in shown(ROOT / "tests") if not re.fullmatch(r"[A-Z]\d+", row)] == []
