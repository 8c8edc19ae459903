"""`.gitignore` rules, as gitignore(5) has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.ops.scan.ignore import Rules


@pytest.mark.parametrize(
    ("rules", "path", "folder", "ignored"),
    [
        ("*.log", "a/b/x.log", False, True),
        ("*.log\n!keep.log", "a/keep.log", False, False),
        ("/build", "build", True, True),
        ("/build", "a/build", True, False),
        ("build/", "a/build", True, True),
        ("build/", "a/build", False, False),
        ("a/b", "a/b", False, True),
        ("a/b", "x/a/b", False, False),
        ("**/b/c", "x/y/b/c", False, True),
        ("a/**", "a/x/y", False, True),
        ("a/**", "a", True, False),
        ("a/**/z", "a/z", False, True),
        ("a/**/z", "a/x/y/z", False, True),
        ("?.txt", "a.txt", False, True),
        ("?.txt", "ab.txt", False, False),
        ("[ab].txt", "b.txt", False, True),
        ("[!ab].txt", "b.txt", False, False),
        ("# comment\n\n  \n", "# comment", False, False),
        ("\\#x", "#x", False, True),
        ("\\!x", "!x", False, True),
        (".env*\n!.env.example", ".env.local", False, True),
        (".env*\n!.env.example", ".env.example", False, False),
        ("x ", "x", False, True),
        ("*", "a/b", False, True),
    ],
)
def test_a_path_is_left_out_as_git_would(rules: str, path: str, folder: bool, ignored: bool) -> None:
    assert Rules().within("", rules).ignores(path, folder=folder) is ignored


def test_rules_of_a_folder_hold_below_it_and_come_last() -> None:
    rules = Rules().within("", "*.tmp").within("a", "!b.tmp\n/c")

    seen = [rules.ignores(path, folder=False) for path in ("x.tmp", "a/b.tmp", "a/c", "c", "z/b.tmp")]
    assert seen == [True, False, True, False, True]


@given(st.text(max_size=200), st.text(min_size=1, max_size=40))
def test_any_text_is_a_gitignore(text: str, path: str) -> None:
    assert Rules().within("", text).within("a", text).ignores(path, folder=False) in (True, False)
