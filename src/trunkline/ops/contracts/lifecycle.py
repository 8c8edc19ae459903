"""What a vendor's header fields say of the end of things: RFC 9745 `Deprecation`, RFC 8594 `Sunset`, `Warning`, vendors' own. Pure.

Not for: noticing them (`gateway/notices.py`), nor for models (`shutdowns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from trunkline.core.alerting import Severity
from trunkline.ops.contracts.lock import Lock
from trunkline.ops.contracts.notices import Notice
from trunkline.ops.findings import Finding

KIND = "contract.deprecation"
VERSION_KIND = "contract.version"
SAID_CHARS = 300
NEAR = timedelta(days=14)
"""What ends so soon, or has ended, is critical."""
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)")
_LONG = re.compile(
    rf"\b({_MONTHS})\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(20\d\d)|\b(\d{{1,2}})\.?\s+({_MONTHS})\s+(20\d\d)"
)
_WARNING = re.compile(r'(\d{3})\s+(\S+)\s+"((?:[^"\\]|\\.)*)"|(\d{3})\s+-?\s*([^",]+)')
_LINK = re.compile(r'<([^>]{1,500})>\s*;[^,]*?rel="?([^",;]+)"?')
_ENDS = frozenset(("sunset", "x-sunset", "x-api-sunset", "x-api-sunset-date", "x-deprecated-expiresutc"))
_SINCE = frozenset(("deprecation", "x-deprecation-date", "x-api-deprecation-date"))
SERVED = {
    "stripe-version": "Stripe-Version",
    "x-github-api-version-selected": "X-GitHub-Api-Version-Selected",
    "x-shopify-api-version": "X-Shopify-API-Version",
    "facebook-api-version": "facebook-api-version",
}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of one operation, understood. Days are `YYYY-MM-DD`, empty where nothing was said."""

    deprecated: bool = False
    since: str = ""
    ends: str = ""
    words: list[str] = []
    links: list[str] = []
    served: str = ""
    """The version that answered, where it is another than the one asked for."""


def told(fields: Mapping[str, str], pinned: str = "") -> Told:
    """What header fields say; an empty `Told` if nothing of this kind. Malformed fields are read as far as they go."""
    since = ends = served = ""
    words: list[str] = []
    deprecated = False
    for name, value in sorted(fields.items()):
        if name in SERVED:
            served = value if pinned and value != pinned else ""
        elif name in _ENDS:
            ends = ends or day_in(value)
            deprecated = True
        elif name in _SINCE:
            since = since or day_in(value)
            deprecated = deprecated or value.strip().lower() not in ("false", "?0", "")
        elif name == "warning":
            words += _warnings(value)
        elif name == "api-deprecated-versions":
            if pinned and pinned in re.split(r"[,\s]+", value):
                words.append(f"version {pinned} is deprecated")
        elif name != "link" and value.strip():
            words.append(value.strip()[:SAID_CHARS])
    links = [url for url, rel in _LINK.findall(fields.get("link", "")) if _speaks(rel)]
    ends = ends or next((day for word in words if (day := day_in(word))), "")
    return Told(
        deprecated=deprecated or bool(words),
        since=since,
        ends=ends,
        words=words,
        links=links,
        served=served,
    )


def _speaks(rel: str) -> bool:
    return not {"deprecation", "sunset", "successor-version", "latest-version"}.isdisjoint(
        rel.lower().split()
    )


def _warnings(value: str) -> list[str]:
    """The texts of `Warning` fields (RFC 7234, 5.5) that are no remarks of caches."""
    found = []
    for code, _, text, bare, rest in _WARNING.findall(value):
        if (code or bare) in ("199", "299"):
            found.append((text or rest).replace('\\"', '"').strip()[:SAID_CHARS])
    return [text for text in found if text]


def day_in(text: str) -> str:
    """The day that a text names: `@1688169599`, an HTTP date, an ISO day, `October 1, 2026`, epoch seconds; empty for none."""
    text = text.strip().strip('"')
    if re.fullmatch(r"@?\d{9,11}", text):
        return datetime.fromtimestamp(int(text.lstrip("@")), UTC).date().isoformat()
    days = (_day(*(int(part) for part in found.groups())) for found in _ISO.finditer(text))
    if iso := next(filter(None, days), ""):
        return iso
    if found := _LONG.search(text):
        month, day, year = (found[1], found[2], found[3]) if found[1] else (found[5], found[4], found[6])
        return _day(int(year), _MONTHS.split("|").index(month) + 1, int(day))
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return ""


def _day(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def findings(notice: Notice, today: date) -> list[Finding]:
    """What a person should look at because of one notice."""
    said = told(notice.fields, notice.pinned)
    what = notice.operation or f"{notice.method} {notice.path}"
    found = []
    if said.deprecated or said.ends:
        found.append(
            Finding(
                kind=KIND,
                integration=notice.integration,
                subject=what,
                severity=_severity(said, today),
                title=_title(notice.integration, what, said, today),
                detail={
                    "since": said.since,
                    "ends": said.ends,
                    "said": said.words,
                    "links": said.links,
                    "fields": dict(notice.fields),
                    "affected": f"trunkline logs --integration {notice.integration}",
                },
                correlation_ids=[notice.correlation_id],
                due=said.ends,
            )
        )
    if said.served:
        found.append(
            Finding(
                kind=VERSION_KIND,
                integration=notice.integration,
                subject="api_version",
                severity="warning",
                title=f"{notice.integration} answers with version {said.served}, though {notice.pinned} is pinned",
                detail={"asked": notice.pinned, "served": said.served, "operation": what},
                correlation_ids=[notice.correlation_id],
            )
        )
    return found


def described(lock: Lock, today: date) -> list[Finding]:
    """Operations in the lock of which a vendor's description says that they end."""
    found = []
    for integration, one in lock.integrations.items():
        for name, operation in one.operations.items():
            if operation.deprecated:
                said = Told(deprecated=True, ends=day_in(operation.deprecated))
                found.append(
                    Finding(
                        kind=KIND,
                        integration=integration,
                        subject=name,
                        severity=_severity(said, today),
                        title=_title(integration, name, said, today),
                        detail={
                            "call": operation.call,
                            "ends": said.ends,
                            "source": "the vendor's description, as it was learned",
                            "affected": f"trunkline logs --integration {integration}",
                        },
                        due=said.ends,
                    )
                )
    return found


def _severity(said: Told, today: date) -> Severity:
    if said.ends and date.fromisoformat(said.ends) <= today + NEAR:
        return "critical"
    return "warning"


def _title(integration: str, what: str, said: Told, today: date) -> str:
    words = f": {said.words[0]}" if said.words else ""
    if said.ends:
        verb = "has ended" if date.fromisoformat(said.ends) < today else "ends"
        return f"{integration} {what} {verb} on {said.ends}{words}"
    since = f" since {said.since}" if said.since else ""
    return f"{integration} {what} is deprecated{since}{words}"
