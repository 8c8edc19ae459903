"""Source text taken apart: comments blanked out, string literals with their places. Line breaks and offsets stay as they are.

One regular expression per language; it understands what begins and ends literals and comments and nothing else, so that
any bytes can be read in linear time. Not for: what the code means (`calls.py`, `imports.py`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

LONGEST_LITERAL = 20_000


class Literal(NamedTuple):
    """A string literal. `start` and `end` are the offsets of what stands between the quotes."""

    start: int
    end: int
    text: str
    prose: bool
    """It spans lines or is a heredoc: text for people, mostly."""


class Language(NamedTuple):
    """How a language writes literals and comments."""

    name: str
    token: re.Pattern[str]
    docstrings: bool = False


class Source:
    """One file of code."""

    def __init__(self, text: str, language: Language, path: str = "") -> None:
        self.text = text
        self.language = language.name
        self.path = path
        self.literals: list[Literal] = []
        self.code = self._read(text, language)
        """The text with comments blanked out; literals stand in it."""

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_of(self, offset: int) -> int:
        """1-based line of an offset."""
        return bisect_right(self._lines, offset)

    def line_text(self, line: int) -> str:
        """A line without its end."""
        start = self._lines[line - 1]
        end = self._lines[line] - 1 if line < len(self._lines) else len(self.text)
        return self.text[start:end].rstrip("\r")

    def line_start(self, line: int) -> int:
        """Offset at which a line begins."""
        return self._lines[line - 1]

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def _read(self, text: str, language: Language) -> str:
        pieces: list[str] = []
        done = 0
        for match in language.token.finditer(text):
            kind = match.lastgroup
            start, end = match.span()
            if kind == "comment" or (kind == "long" and language.docstrings and _stands_alone(text, start)):
                pieces += (text[done:start], _blank(text[start:end]))
                done = end
            elif kind in ("string", "long", "heredoc"):
                self._add(match, kind)
        pieces.append(text[done:])
        return "".join(pieces)

    def _add(self, match: re.Match[str], kind: str) -> None:
        whole = match[kind]
        if len(whole) > LONGEST_LITERAL:
            return
        start = match.start(kind)
        if kind == "heredoc":
            head = whole.find("\n") + 1
            self.literals.append(Literal(start + head, start + len(whole), whole[head:], True))
            return
        quote = re.match(r"[A-Za-z]{0,2}(\"\"\"|'''|[\"'`])", whole)
        if quote is None:
            return
        inner = whole[quote.end() : len(whole) - len(quote[1])]
        at = start + quote.end()
        self.literals.append(Literal(at, at + len(inner), inner, "\n" in inner))


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _stands_alone(text: str, start: int) -> bool:
    """Whether nothing stands before it in its line, nor an opening before that: a docstring."""
    before = text[max(0, start - 200) : start].rstrip()
    line = text.rfind("\n", 0, start) + 1
    return not text[line:start].strip() and not before.endswith(
        ("(", "=", ",", "[", "{", "+", "return", "\\")
    )


_QUOTED = r'"(?:[^"\\\n]|\\.)*+"|' + r"'(?:[^'\\\n]|\\.)*+'"
_BACKTICK = r"`(?:[^`\\]|\\.)*+`"
_SLASHES = r"(?P<comment>//[^\n]*+|/\*(?s:.*?)(?:\*/|\Z))"
_REGEX = r"[=(,:\[!&|?{};]\s*+(?P<regex>/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*+\])++/)"


def _language(name: str, pattern: str, *, docstrings: bool = False) -> Language:
    return Language(name, re.compile(pattern), docstrings)


PYTHON = _language(
    "python",
    r"(?P<comment>\#[^\n]*+)|(?P<long>\b[rRbBuUfF]{0,2}(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)''')|\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)''')"
    rf"|(?P<string>\b[rRbBuUfF]{{1,2}}(?:{_QUOTED})|{_QUOTED})",
    docstrings=True,
)
JAVASCRIPT = _language("javascript", rf"{_SLASHES}|(?P<string>{_QUOTED}|{_BACKTICK})|{_REGEX}")
GO = _language(
    "go", rf'{_SLASHES}|(?P<string>"(?:[^"\\\n]|\\.)*+"|`[^`]*+`)|(?P<rune>\'(?:[^\'\\\n]|\\.)*+\')'
)
RUBY = _language(
    "ruby",
    r"(?P<comment>^=begin\b(?s:.*?)(?:^=end\b[^\n]*|\Z)|\#(?!\{)[^\n]*+)"
    r"|(?P<heredoc><<[~-]?(?P<q>[\"'`]?)(?P<tag>[A-Z_][A-Za-z_0-9]*)(?P=q)[^\n]*+\n(?s:.*?)\n[ \t]*(?P=tag)\b)"
    rf"|(?P<string>{_QUOTED})",
)
PHP = _language(
    "php",
    r"(?P<comment>//[^\n]*+|\#(?!\[)[^\n]*+|/\*(?s:.*?)(?:\*/|\Z))"
    r"|(?P<heredoc><<<[\"']?(?P<tag>[A-Za-z_]\w*)[\"']?[^\n]*+\n(?s:.*?)\n[ \t]*(?P=tag)\b)"
    rf"|(?P<string>{_QUOTED})",
)
JAVA = _language(
    "java",
    rf'{_SLASHES}|(?P<long>"""(?s:.*?)""")|(?P<string>"(?:[^"\\\n]|\\.)*+")|(?P<rune>\'(?:[^\'\\\n]|\\.)*+\')',
)
RUBY = RUBY._replace(token=re.compile(RUBY.token.pattern, re.MULTILINE))

BY_SUFFIX = {
    ".py": PYTHON,
    ".pyi": PYTHON,
    **dict.fromkeys(
        (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte", ".astro"),
        JAVASCRIPT,
    ),
    ".go": GO,
    **dict.fromkeys((".rb", ".rake", ".ru"), RUBY),
    ".php": PHP,
    **dict.fromkeys((".java", ".kt", ".kts", ".scala", ".groovy"), JAVA),
}
BY_NAME = {"Rakefile": RUBY, "artisan": PHP}


def language_of(name: str, suffix: str) -> Language | None:
    """The language of a file, by its name."""
    return BY_NAME.get(name) or BY_SUFFIX.get(suffix)


def read(text: str, language: Language, path: str = "") -> Source:
    """A file taken apart. Of components (`.vue`, `.svelte`, `.astro`) only the scripts are read."""
    if path.endswith((".vue", ".svelte")):
        text = only_scripts(text)
    elif path.endswith(".astro"):
        text = _only_frontmatter(text)
    return Source(text, language, path)


def only_scripts(text: str) -> str:
    """Everything outside `<script>` blanked out."""
    pieces: list[str] = []
    done = 0
    for match in re.finditer(r"<script\b[^>]*+>((?s:.*?))</script>", text):
        pieces += (_blank(text[done : match.start(1)]), match[1])
        done = match.end(1)
    return "".join([*pieces, _blank(text[done:])])


def _only_frontmatter(text: str) -> str:
    found = re.match(r"\s*---\n((?s:.*?))\n---", text)
    if found is None:
        return _blank(text)
    return _blank(text[: found.start(1)]) + found[1] + _blank(text[found.end(1) :])
