"""What stands around a literal: the calls that it is an argument of, and the name that it is given. Pure, on text alone.

Not for: judging what that means (`hosts.py`, `code.py`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

BACK = 600
"""How far back a statement is followed."""
_NAME_BEFORE = re.compile(
    r"(?:new\s+)?([A-Za-z_$@][\w$@]*(?:(?:\s*(?:\.|::|->|\?\.)\s*)[A-Za-z_$@][\w$@!?]*)*)\s*$"
)
_GIVEN = re.compile(
    r"""(?:["']([\w .$/-]{1,60})["']\s*\]?|([A-Za-z_$@][\w$@.-]*))
        (?:[ \t]*:[ \t]*[A-Za-z_][\w.\[\]<>|, ?]*=|\s*(?:=>|:=|\?\?=|\|\|=|=|:))\s*
        (?:[A-Za-z]{0,2}\s*)?$""",
    re.VERBOSE,
)
_ELSE = re.compile(r"""[\w.$\[\]"'?]+(?:\([^()\n]{0,80}\))?\s*(?:\|\||\?\?|\bor\b|\?:)\s*$""")
"""`NAME = something or` before what is taken where there is nothing else."""
_CLOSERS = {")": "(", "]": "[", "}": "{"}


class Around(NamedTuple):
    """The surroundings of a place in code."""

    calls: tuple[str, ...]
    """Names of the calls that enclose it, the innermost first, e.g. `("fmt.Sprintf", "http.NewRequest")`."""
    name: str
    """What the value is assigned to, or its key; empty if nothing."""
    keys: tuple[str, ...]
    """The first arguments of the enclosing calls that are plain names or texts, e.g. `("DATADOG_HOST",)`."""
    before: str
    """The code just before it, on one line."""


def around(code: str, offset: int) -> Around:
    """The surroundings of a literal that begins at `offset` (inside its quotes)."""
    begin = max(0, offset - BACK)
    text = code[begin:offset]
    text = text[:-1] if text[-1:] in "\"'`" else text.removesuffix('"""').removesuffix("'''")
    calls: list[str] = []
    keys: list[str] = []
    name = _given(text)
    at, depth = len(text) - 1, {"(": 0, "[": 0, "{": 0}
    while at >= 0 and len(calls) < 4:
        char = text[at]
        if char in _CLOSERS:
            depth[_CLOSERS[char]] += 1
        elif char in depth:
            if depth[char]:
                depth[char] -= 1
            elif char == "(":
                at = _open(text, at, calls, keys)
                name = name or _given(text[: at + 1])
                continue
            elif char == "{" and not _is_value(text[:at]):
                break
            elif char == "[":
                name = name or _given(text[:at])
        elif char == ";" and not any(depth.values()):
            break
        at -= 1
    return Around(tuple(calls), name, tuple(keys), " ".join(text[-160:].split()))


def _open(text: str, at: int, calls: list[str], keys: list[str]) -> int:
    """Notes the call whose parenthesis opens at `at`; answers where its name begins, less one."""
    match = _NAME_BEFORE.search(text, max(0, at - 120), at)
    if match is None:
        return at - 1
    calls.append(re.sub(r"\s+", "", match[1]))
    first = re.match(r"""\s*["']([\w.-]{1,80})["']\s*,""", text[at + 1 :])
    if first is not None:
        keys.append(first[1])
    return match.start() - 1


def _is_value(before: str) -> bool:
    """Whether a `{` after this text begins an object, not a block of statements."""
    trimmed = before[-40:].rstrip()
    return not trimmed or trimmed.endswith(("(", ",", ":", "=", "[", "?", "&&", "||", "return", "..."))


_RETURNS = re.compile(
    r"(?:function|def|func|fun|\b(?:public|protected|private)\b[\w<>?, ]*)\s+(\w+)\s*\([^)]*\)[^{};]{0,60}[{:\n]?\s*return\s*$"
)


def _given(text: str) -> str:
    """The name in `name = `, `name: `, `"name" => ` at the end of a text, or of the function that returns what follows."""
    match = _GIVEN.search(_ELSE.sub("", text[-200:]))
    if match is None:
        returned = _RETURNS.search(text[-240:])
        return returned[1] if returned else ""
    return (match[1] or match[2] or "").strip().lstrip("$@")


def enclosed(code: str, opening: int, limit: int = 8000) -> int:
    """Offset of the bracket that closes the one at `opening`; -1 if it is not found. Brackets in literals are passed over."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    stack = [pairs[code[opening]]]
    at, end = opening + 1, min(len(code), opening + limit)
    while at < end:
        char = code[at]
        if char in "\"'`":
            at = _past_literal(code, at, end)
            continue
        if char in pairs:
            stack.append(pairs[char])
        elif char == stack[-1]:
            stack.pop()
            if not stack:
                return at
        elif char in ")]}":
            return -1
        at += 1
    return -1


def _past_literal(code: str, at: int, end: int) -> int:
    quote = code[at]
    if code.startswith(quote * 3, at):
        close = code.find(quote * 3, at + 3, end)
        return close + 3 if close >= 0 else end
    there = at + 1
    while there < end:
        if code[there] == "\\":
            there += 1
        elif code[there] == quote:
            return there + 1
        elif code[there] == "\n" and quote != "`":
            return at + 1
        there += 1
    return end
