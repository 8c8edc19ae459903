"""Changes to the arguments of a call, as text: one argument replaced or added, and nothing else touched. Pure.

Not for: which argument, and what it should be (`changes.py`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .context import enclosed

BLANK = "[\\s\ue000-\uf8ff]"
"""Blanks, and the signs that stand for comments while arguments are changed."""


class Span(NamedTuple):
    """A stretch of text."""

    start: int
    end: int


def arguments(text: str) -> list[Span]:
    """The arguments between the brackets of a call, without the blanks around them."""
    found: list[Span] = []
    begin, at = 0, 0
    while at < len(text):
        char = text[at]
        if char in "([{":
            close = enclosed(text, at)
            at = close + 1 if close > 0 else at + 1
            continue
        if char in "\"'`":
            match = re.compile(r"\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|`(?:[^`\\]|\\.)*+`").match(text, at)
            at = match.end() if match else at + 1
            continue
        if char == ",":
            found.append(_trimmed(text, begin, at))
            begin = at + 1
        at += 1
    last = _trimmed(text, begin, len(text))
    return [span for span in [*found, last] if span.end > span.start]


def _trimmed(text: str, begin: int, end: int) -> Span:
    inner = text[begin:end]
    found = re.fullmatch(rf"{BLANK}*+((?s:.*?)){BLANK}*", inner)
    return Span(begin + found.start(1), begin + found.end(1)) if found else Span(begin, end)


def with_keyword(text: str, names: list[str], value: str, sign: str, *, positional: bool = False) -> str:
    """The arguments with the keyword (by any of its names) set; `sign` is `=` or `: `.

    With `positional`, a first argument without a name is what the keyword would set.
    """
    spans = arguments(text)
    for span in spans:
        match = re.match(
            rf"(?:{'|'.join(map(re.escape, names))})\s*{re.escape(sign.strip())}\s*",
            text[span.start : span.end],
        )
        if match is not None:
            return text[: span.start + match.end()] + value + text[span.end :]
    if (
        sign == "="
        and (splat := next((s for s in spans if text.startswith("**", s.start)), None)) is not None
    ):
        return _into_splat(text, splat, names[0], value)
    first = text[spans[0].start : spans[0].end] if spans else "*"
    if positional and not re.match(r"\*|[A-Za-z_]\w*\s*(?:=(?!=)|:(?!:))", first):
        return with_first(text, value)
    return _appended(text, spans, f"{names[0]}{sign}{value}")


def splats(text: str) -> int:
    """How many arguments of Python are dictionaries that are made elsewhere."""
    return sum(bool(re.match(r"\*\*\s*[^{\s]", text[span.start : span.end])) for span in arguments(text))


def _into_splat(text: str, span: Span, name: str, value: str) -> str:
    """`**options` with the keyword in it: it may be there already, and twice would be an error."""
    given = text[span.start + 2 : span.end].strip()
    if not given.startswith("{"):
        return f'{text[: span.start]}**{{**{given}, "{name}": {value}}}{text[span.end :]}'
    opening = text.index("{", span.start)
    inner = text[opening + 1 : span.end - 1]
    for one in arguments(inner):
        key = re.match(rf"[\"']{re.escape(name)}[\"']\s*:\s*", inner[one.start : one.end])
        if key is not None:
            new = inner[: one.start + key.end()] + value + inner[one.end :]
            return text[: opening + 1] + new + text[span.end - 1 :]
    new = _appended(inner, arguments(inner), f'"{name}": {value}')
    return text[: opening + 1] + new + text[span.end - 1 :]


def as_array(text: str, key: str) -> str:
    """Arguments of PHP whose first one may be a key or an array of settings: an array of settings."""
    spans = arguments(text)
    if not spans or text[spans[0].start] == "[" or text.startswith("array(", spans[0].start):
        return text
    first = spans[0]
    return f"{text[: first.start]}['{key}' => {text[first.start : first.end]}]{text[first.end :]}"


def with_first(text: str, value: str) -> str:
    """The arguments with another first one."""
    spans = arguments(text)
    if not spans:
        return value
    return text[: spans[0].start] + value + text[spans[0].end :]


def with_member(text: str, names: list[str], value: str, *, quote: bool) -> str:
    """The arguments with a member of their object set; an object is added where there is none."""
    opening = next((span for span in arguments(text) if text[span.start] in "{["), None)
    sign = " => " if quote else ": "
    named = f"'{names[0]}'" if quote else names[0]
    if opening is None:
        made = f"[{named}{sign}{value}]" if quote else f"{{ {named}{sign}{value} }}"
        return _appended(text, arguments(text), made)
    begin, end = opening.start + 1, opening.end - 1
    inner = text[begin:end]
    for span in arguments(inner):
        pattern = rf"[\"']?(?:{'|'.join(map(re.escape, names))})[\"']?(?:\s*(?:=>|:)\s*|$)"
        match = re.match(pattern, inner[span.start : span.end])
        if match is not None:
            new = (
                f"{named}{sign}{value}"
                if match.end() == span.end - span.start
                else inner[span.start : span.start + match.end()] + value
            )
            return text[:begin] + inner[: span.start] + new + inner[span.end :] + text[end:]
    return (
        text[:begin]
        + _appended(inner, arguments(inner), f"{named}{sign}{value}", blank=" " if not inner.strip() else "")
        + text[end:]
    )


def with_option(text: str, call: str, value: str) -> str:
    """The arguments of Go with a functional option set."""
    match = re.search(rf"(?<!\w){re.escape(call)}\(", text)
    if match is not None:
        close = enclosed(text, match.end() - 1)
        if close > 0:
            return text[: match.end()] + value + text[close:]
    return _appended(text, arguments(text), f"{call}({value})")


def with_step(chain: str, step: str, value: str, sign: str = ".") -> str:
    """A chain of calls (`.a(...).b(...)`) with one step set; where there is none it is put first, or behind what reads the environment."""
    match = re.search(rf"{re.escape(sign)}\s*{re.escape(step)}\s*\(", chain)
    if match is not None:
        close = enclosed(chain, match.end() - 1)
        if close > 0:
            return chain[: match.end()] + value + chain[close:]
    environment = re.search(rf"{re.escape(sign)}\s*fromEnv\s*\(\s*\)", chain)
    at = environment.end() if environment else 0
    blank = re.match(r"\s*", chain[at:])
    return f"{chain[:at]}{blank[0] if blank else ''}{sign}{step}({value}){chain[at:]}"


def _appended(text: str, spans: list[Span], new: str, *, blank: str = "") -> str:
    """One more argument, laid out as the last one is."""
    if not spans:
        return f"{blank}{new}{blank}" if not text.strip() else text + new
    last = spans[-1]
    before = text[: last.start]
    newline = before.rfind("\n")
    own_line = newline >= 0 and not before[newline:].strip()
    rest = text[last.end :]
    comma = re.match(rf"{BLANK}*,", rest)
    behind = last.end + (comma.end() if comma else 0)
    if own_line:
        indent = before[newline:]
        remark = re.match(r"[ \t]*[\ue000-\uf8ff]+", text[behind:])
        said = remark[0] if remark else ""
        head = text[:behind] if comma else f"{text[: last.end]},"
        return f"{head}{said}{indent}{new}{',' if comma else ''}{text[behind + len(said) :]}"
    if comma:
        return f"{text[:behind]} {new}{text[behind:]}"
    return f"{text[: last.end]}, {new}{rest}"
