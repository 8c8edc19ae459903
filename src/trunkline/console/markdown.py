"""A small part of Markdown as HTML: headings, paragraphs, lists, quotes, tables, code, links to the web; the rest as it is written.

Every text is escaped, and no HTML of the source gets through: runbooks are written by people, and shown to others. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|\*\*(?P<bold>[^*]+)\*\*"
    r"|\[(?P<text>[^\]]+)\]\((?P<to>https?://[^\s)]+)\)"
    r"|(?P<bare>https?://[^\s<>)\]\"']+[^\s<>)\]\"'.,;:])"
)
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+(?P<text>.*)")
_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})\s+(?P<text>.*?)\s*#*\s*$")
_RULE = re.compile(r"\s*\|?(\s*:?-+:?\s*\|)+\s*:?-*:?\s*$")
DEEPER = 2
"""A page has its own title, so that headings of the text begin below it."""


def html(text: str) -> str:
    """The text as HTML."""
    return "\n".join(_blocks(text.replace("\r\n", "\n").split("\n")))


def inline(text: str) -> str:
    """One line: code, bold, links."""
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        parts.append(_span(found))
        at = found.end()
    return "".join(parts) + escape(text[at:])


def _span(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return f"<code>{escape(found['code'])}</code>"
    if found["bold"] is not None:
        return f"<strong>{escape(found['bold'])}</strong>"
    to, words = (found["to"], found["text"]) if found["to"] is not None else (found["bare"], found["bare"])
    return f'<a href="{escape(to)}" rel="noreferrer">{escape(words)}</a>'


def _blocks(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        heading = _HEADING.match(line)
        if line.lstrip().startswith("```"):
            end = next(
                (n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith("```")), len(lines)
            )
            yield f"<pre>{escape(chr(10).join(lines[at + 1 : end]))}</pre>"
            at = end + 1
        elif heading:
            level = min(6, len(heading["marks"]) + DEEPER)
            yield f"<h{level}>{inline(heading['text'])}</h{level}>"
            at += 1
        elif not line.strip():
            at += 1
        else:
            end = _end(lines, at)
            yield _block(lines[at:end])
            at = end


def _end(lines: list[str], at: int) -> int:
    """Where the block ends that begins here: at an empty line, a heading or code."""
    for n in range(at + 1, len(lines)):
        if not lines[n].strip() or lines[n].lstrip().startswith("```") or _HEADING.match(lines[n]):
            return n
    return len(lines)


def _block(lines: list[str]) -> str:
    if _ITEM.match(lines[0]):
        return _list(lines)
    if lines[0].lstrip().startswith(">"):
        return f"<blockquote>{_joined([line.lstrip().lstrip('>').strip() for line in lines])}</blockquote>"
    if len(lines) > 1 and "|" in lines[0] and _RULE.match(lines[1]):
        return _table(lines)
    return f"<p>{_joined(lines)}</p>"


def _list(lines: list[str]) -> str:
    """Every item on one level; a line that begins none belongs to the one before."""
    items: list[list[str]] = []
    for line in lines:
        found = _ITEM.match(line)
        if found:
            items.append([found["text"]])
        else:
            items[-1].append(line)
    name = "ol" if re.match(r"\s*\d", lines[0]) else "ul"
    return f"<{name}>{''.join(f'<li>{_joined(item)}</li>' for item in items)}</{name}>"


def _table(lines: list[str]) -> str:
    def row(line: str, cell: str) -> str:
        cells = [part.strip() for part in line.strip().strip("|").split("|")]
        return "<tr>" + "".join(f"<{cell}>{inline(text)}</{cell}>" for text in cells) + "</tr>"

    body = "".join(row(line, "td") for line in lines[2:])
    return f"<table><thead>{row(lines[0], 'th')}</thead><tbody>{body}</tbody></table>"


def _joined(lines: list[str]) -> str:
    return inline(" ".join(line.strip() for line in lines))
