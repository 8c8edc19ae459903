"""Rules for the source: names, sizes, nothing left open, imports."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from allowed import LONG_MODULES
from tree import ROOT, name, python

MOST_LINES = 400
BANNED = re.compile(r"(utils?|helpers?|common|base|misc|managers?|handlers?|.*_v\d+)")
LEFT_OPEN = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|NotImpl" + r"ementedError)\b")


def lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {part for path in python("src") for part in (*path.relative_to(ROOT).parts[:-1], path.stem)}
    assert [part for part in sorted(parts) if BANNED.fullmatch(part)] == []


@pytest.mark.parametrize("banned", ["util", "utils", "helpers", "common", "base", "plan_v2"])
def test_the_rule_of_names_bites(banned: str) -> None:
    assert BANNED.fullmatch(banned)


def test_no_module_is_too_long() -> None:
    long = {name(path): lines(path) for path in python("src") if lines(path) > MOST_LINES}
    assert {module: length for module, length in long.items() if length > LONG_MODULES.get(module, 0)} == {}
    assert [module for module in LONG_MODULES if module not in long] == [], (
        "no longer needed: take it off the list"
    )


def test_nothing_is_left_open() -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path in python("src")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if LEFT_OPEN.search(line)
    ]
    assert found == []


def test_every_module_opens_with_its_purpose() -> None:
    bare = [
        name(path)
        for path in python("src")
        if path.stat().st_size and not path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert bare == []


def test_imports_keep_to_the_layers() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "trunkline" / "py.typed").is_file()
