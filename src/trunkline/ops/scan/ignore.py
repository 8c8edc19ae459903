"""`.gitignore` rules: does git leave a path out? Pure.

Covers what gitignore(5) says of patterns: `!`, a leading or inner `/`, a trailing `/`, `*`, `?`, `[...]`, `**`, backslashes.
Not for: `.git/info/exclude` and the user's own ignore file, which a checkout elsewhere does not have.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 1000
MOST_RULES = 5000


class Rule(NamedTuple):
    """One line of a `.gitignore`."""

    pattern: re.Pattern[str]
    keep: bool
    """`!`: not ignored after all."""
    only_folders: bool


class Rules:
    """The rules that hold in a folder: those of the folders above, then its own; the last that fits decides."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self._rules = rules

    def within(self, folder: str, text: str) -> Rules:
        """These, and those of the `.gitignore` of a folder (path from the root, `` for the root)."""
        made = [rule for line in text.splitlines()[:MOST_RULES] if (rule := _rule(folder, line)) is not None]
        return Rules((*self._rules, *made)) if made else self

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Whether this path from the root is left out (a folder above it being looked at by the caller)."""
        for rule in reversed(self._rules):
            if (folder or not rule.only_folders) and rule.pattern.fullmatch(path):
                return not rule.keep
        return False


def _rule(folder: str, line: str) -> Rule | None:
    text = line.rstrip("\r\n")
    if not text.endswith("\\ "):
        text = text.rstrip(" ")
    if not text or text.startswith("#") or len(text) > LONGEST:
        return None
    keep = text.startswith("!")
    text = text[1:] if keep else text
    only_folders = text.endswith("/")
    text = text.rstrip("/")
    if not text:
        return None
    anchored = "/" in text
    text = text.lstrip("/")
    below = re.escape(folder) + "/" if folder else ""
    head = below if anchored else below + "(?:.*/)?"
    try:
        return Rule(re.compile(head + _glob(text), re.DOTALL), keep, only_folders)
    except re.error:
        return None


def _glob(text: str) -> str:
    """A glob as a regular expression; `*` and `?` do not cross `/`."""
    out: list[str] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest.startswith("**/"):
            out.append("(?:.*/)?")
            at += 3
        elif rest.startswith("/**") and at + 3 == len(text):
            out.append("/.*")
            at += 3
        elif rest.startswith("*"):
            out.append("[^/]*")
            at += len(rest) - len(rest.lstrip("*"))
        elif rest[0] == "?":
            out.append("[^/]")
            at += 1
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            inside = rest[1:end].replace("\\", "\\\\")
            out.append("[" + ("^" + inside[1:] if inside[0] in "!^" else inside) + "]")
            at += end + 1
        else:
            step = 2 if rest[0] == "\\" and len(rest) > 1 else 1
            out.append(re.escape(rest[step - 1]))
            at += step
    return "".join(out)
