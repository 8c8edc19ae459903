"""Feeds of incidents: RSS 2.0 and Atom (RFC 4287), read without document types and so without entities of their own.

A feed has no field for the state; the word that begins the newest update of an entry is it. Not for: feeds of anything else.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.parsers import expat

from trunkline.ops.outside import Incident, Indicator, Page
from trunkline.ops.status_pages.words import NotAStatusPage, link, text, worst

ENTRIES_MAX = 50
FIELD_MAX = 20_000
RECENT_S = 86400.0
"""An entry without an end that was not touched for so long is taken for over: many feeds forget to say so."""

_STATE = re.compile(
    r"\b(resolved|completed|postmortem|post-mortem|closed|monitoring|identified|investigating|in progress|verifying|update|scheduled)\b",
    re.IGNORECASE,
)
_OVER = ("resolved", "completed", "postmortem", "post-mortem", "closed")
_TAGS = re.compile(r"<[^>]{0,500}>")
_SEVERE: tuple[tuple[str, Indicator], ...] = (
    ("major outage", "critical"),
    ("outage", "major"),
    ("maintenance", "maintenance"),
)


def read(body: bytes, now: float) -> Page:
    """Raises NotAStatusPage."""
    incidents = [found for entry in _entries(body) if (found := _incident(entry, now)) is not None]
    return Page(
        indicator=worst("none", *(one.impact for one in incidents)),
        description="" if incidents else "no incident",
        incidents=incidents[:5],
    )


def _incident(entry: dict[str, str], now: float) -> Incident | None:
    """An entry that tells of something going on; None for what is over, only planned, or old."""
    words = _TAGS.sub(" ", entry.get("content") or entry.get("description") or entry.get("summary") or "")
    name = text(entry.get("title", ""))
    written = entry.get("updated") or entry.get("pubdate") or entry.get("published") or ""
    at = _instant(written)
    if at is None or not -RECENT_S < now - at < RECENT_S:
        return None
    found = _STATE.search(name) or _STATE.search(words)
    state = found[0].lower() if found else ""
    if state in _OVER or state == "scheduled":
        return None
    about = f"{name} {words[:2000]}".lower()
    impact: Indicator = "minor"
    for mark, word in reversed(_SEVERE):
        if mark in about:
            impact = word
    return Incident(
        name=name, status=state, impact=impact, url=link(entry.get("link", "")), updated=text(written)
    )


def _instant(written: str) -> float | None:
    try:
        at = datetime.fromisoformat(written.strip())
    except ValueError:
        try:
            at = parsedate_to_datetime(written.strip())
        except (ValueError, TypeError, IndexError):
            return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _entries(body: bytes) -> list[dict[str, str]]:
    """The fields of each entry, by their names without namespace."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(body, True)
    except expat.ExpatError as fault:
        raise NotAStatusPage(f"it is no well-formed feed (line {fault.lineno})") from None
    if not reader.is_feed:
        raise NotAStatusPage("it is neither RSS nor Atom")
    return reader.entries


def _refuse(*_: object) -> None:
    raise NotAStatusPage("it declares a document type, which no feed needs")


class _Reader:
    """Collects the direct children of `item` and `entry`."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.is_feed = False
        self._depth = 0
        self._inside = 0
        """Depth of the entry that is being read; 0: none."""
        self._field = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        tag = name.rpartition(" ")[2].lower()
        if self._depth == 1:
            self.is_feed = tag in ("rss", "feed", "rdf")
        elif tag in ("item", "entry") and not self._inside and len(self.entries) < ENTRIES_MAX:
            self._inside = self._depth
            self.entries.append({})
        elif self._inside and self._depth == self._inside + 1:
            self._field = tag
            if tag == "link" and attributes.get("href"):
                self.entries[-1].setdefault("link", attributes["href"])

    def end(self, name: str) -> None:
        if self._depth == self._inside:
            self._inside = 0
        elif self._depth == self._inside + 1:
            self._field = ""
        self._depth -= 1

    def data(self, content: str) -> None:
        if self._inside and self._field:
            entry = self.entries[-1]
            before = entry.get(self._field, "")
            if len(before) < FIELD_MAX:
                entry[self._field] = before + content
