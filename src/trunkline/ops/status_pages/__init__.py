"""Vendors' status pages: where to look for one, and what it says, one format a file. Pure.

Statuspage v2, incident.io, status.io, and feeds (RSS 2.0, Atom). Pages are somebody else's text: sizes are bounded, nothing of
them is followed but a link of the same kind. Not for: fetching (`probes/`), nor for what it means for health (`ops/health.py`).
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from trunkline.core.codec import DecodeError, from_json
from trunkline.ops.outside import Page
from trunkline.ops.status_pages import feed, incident_io, status_io, statuspage
from trunkline.ops.status_pages.words import NotAStatusPage

__all__ = ["NotAStatusPage", "candidates", "read"]

_PLACES = ("/api/v2/summary.json", "/api/v1/summary", "/history.atom", "/feed.rss")
_ITSELF = (".json", ".xml", ".rss", ".atom", "/rss", "/atom", "/feed", "/summary")


def candidates(url: str) -> list[str]:
    """Where the page that people read may be read by a program; an address of such a place is taken as it is."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if parts.hostname == "api.status.io" or "/api/" in path or path.endswith(_ITSELF):
        return [url]
    return [urlunsplit((parts.scheme, parts.netloc, path + place, "", "")) for place in _PLACES]


def read(body: bytes, now: float) -> Page:
    """What a page says, whatever its format. Raises NotAStatusPage."""
    if body.lstrip()[:1] == b"<":
        return feed.read(body, now)
    try:
        told = from_json(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAStatusPage("it is neither JSON nor a feed") from None
    if isinstance(told, dict):
        page = incident_io.read(told) or status_io.read(told) or statuspage.read(told)
        if page is not None:
            return page
    raise NotAStatusPage("it has none of the known forms (Statuspage, incident.io, status.io, RSS, Atom)")
