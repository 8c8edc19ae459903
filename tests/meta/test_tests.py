"""Rules for the tests: no sleeping for time, no silent skips.

Parsing the whole suite takes seconds: only files with the words in question are parsed.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from allowed import SLEEPING_TESTS
from tree import name, python

SKIPS = ("skip", "skipif", "xfail", "importorskip")
SLEEPERS = {("time", "sleep"), ("asyncio", "sleep"), ("anyio", "sleep")}


def fixed_sleeps(source: str) -> Iterator[int]:
    """Give the lines where a test sleeps for a constant other than 0."""
    if "sleep" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and _is_sleep(node.func):
            seconds = node.args[0]
            if isinstance(seconds, ast.Constant) and seconds.value:
                yield node.lineno


def _is_sleep(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return (called.value.id, called.attr) in SLEEPERS
    return isinstance(called, ast.Name) and called.id == "sleep"


def bare_skips(source: str) -> Iterator[int]:
    """Give the lines where a test is skipped or expected to fail without a word why."""
    if not any(f".{word}" in source for word in SKIPS):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in SKIPS:
            yield node.lineno


def sleeping() -> dict[str, list[int]]:
    found = {name(path): list(fixed_sleeps(path.read_text(encoding="utf-8"))) for path in python("tests")}
    return {test: numbers for test, numbers in found.items() if numbers}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import time\ntime.sleep(0.1)", [2]),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(1)", [3]),
        ("from time import sleep\nsleep(2)", [2]),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(0)", []),
        ("clock.sleep(5)", []),
    ],
)
def test_the_rule_of_sleeping_bites(source: str, lines: list[int]) -> None:
    assert list(fixed_sleeps(source)) == lines


def test_no_test_sleeps_for_a_fixed_time() -> None:
    found = sleeping()
    assert {test: numbers for test, numbers in found.items() if test not in SLEEPING_TESTS} == {}
    assert [test for test in SLEEPING_TESTS if test not in found] == [], (
        "no longer needed: take it off the list"
    )


def test_no_test_is_skipped() -> None:
    this = Path(__file__)
    found = {
        name(path): numbers
        for path in python("tests")
        if path != this and (numbers := list(bare_skips(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_test_files_carry_names_that_pytest_collects() -> None:
    lost = [
        name(path)
        for path in python("tests")
        if not path.name.startswith("test_")
        and re.search(r"^(?:async )?def test_", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert lost == []
