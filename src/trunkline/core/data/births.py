"""Dates of birth: a date behind a word that says so, or under a key that does. Pure. Any other date is nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_YEAR = r"(?:19\d\d|20[0-2]\d)"
_MONTH = (
    r"(?:jan|feb|febr|m[aä]r|mar|apr|avr|ma[iy]|mei|jun|jui?n|jul|juil|juli|aug|ao[uû]t|ago|sep|sept|okt|oct|out|nov|dec|dez|d[eé]c|dic|"
    r"ene|gen|mag|giu|lug|set|ott|mrt|abr|fev|f[eé]v)[a-zçéûäõ]{0,8}\.?"
)
DATE = re.compile(
    rf"(?<![\d/.-])(?:{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])"
    rf"|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:{_YEAR}|\d\d)"
    rf"|(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|\.|er|º)? ?(?:of |de |d')?{_MONTH},? ?(?:de )?{_YEAR}"
    rf"|{_MONTH} (?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?,? {_YEAR})(?![\d-])",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"\bborn\b|birth ?da(?:y|te)|date of birth|\bd\.?o\.?b\b|\bgeb(?:oren|\.)|geburts|n[eé]+(?:\(e\)|e)? le\b|naissance|nacid[oa]|"
    r"nacimiento|"
    r"nat[oa] (?:il|a)\b|nascita|nasc(?:ido|ida|imento)|geboorte|urodz|f[öo]d(?:d|t|sel|elsedag)|syntym|narozen|szület|родил|рожден|出生|"
    r"生年月日|生まれ",
    re.IGNORECASE,
)
_STEMS = (
    "born", "birth", "dob", "d.o.b", "geb", "né", "nee ", "naissance", "nacid", "nacimiento", "nat", "nasc", "geboorte",
    "urodz", "fød", "föd", "syntym", "narozen", "szület", "родил", "рожден", "出生", "生",
)  # fmt: skip
"""What all of these words hold: a quick look whether there can be any."""
_AFTER = re.compile(r"\s*(?:in \w+ )?(?:geboren|born|född|født)\b")
_ENDS = re.compile(r"[.!?]\s+[A-ZÄÖÜ]|\n\s*\n")
"""The end of a sentence or a paragraph."""
_BEFORE = 40


def births(text: str) -> Iterator[Span]:
    """Dates behind a word of birth, at most a few words away and in the same sentence."""
    small = text.lower()
    if not any(word in small for word in _STEMS):
        return
    for found in DATE.finditer(text):
        before = text[max(0, found.start() - _BEFORE) : found.start()]
        words = list(_WORDS.finditer(before))
        between = before[words[-1].end() :] if words else ""
        near = bool(words) and not DATE.search(between) and not _ENDS.search(between)
        if near or _AFTER.match(text, found.end()):
            yield found.span()
