"""What a vendor's header fields say of the end of things: RFC 9745 `Deprecation`, RFC 8594 `Sunset`, `Warning`, vendors' own. Pure.

Not for: noticing them (`gateway/notices.py`), nor for models (`shutdowns.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec

from trunkline.core.alerting import Severity
from trunkline.ops.contracts.lock import Lock
from trunkline.ops.contracts.notices import Notice
from trunkline.ops.findings import Finding

KIND = "contract.deprecation"
VERSION_KIND = "contract.version"
SAID_CHARS = 300
MILLIS = 13
"""Digits of a time in milliseconds."""
NEAR = timedelta(days=14)
"""What ends so soon, or has ended, is critical."""
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAYS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        r"(?<!\d)(?P<year>20\d\d)([-/])(?P<number>\d\d)\2(?P<day>\d\d)(?!\d)",
        r"(?<![\w.])@?(?P<epoch>\d{9,10}|1\d{12})(?![\w.])",
        r"^(?P<year>20\d\d)(?P<number>\d\d)(?P<day>\d\d)$",
        rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?:\d\d:\d\d:\d\d\s+)?(?P<year>20\d\d)\b",
        rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?[\s-]{_MONTH}[\s,-]+(?P<year>20\d\d)\b",
        rf"day,\s(?P<day>\d\d)-{_MONTH}-(?P<short>\d\d)\b",
    )
)
"""ISO, seconds and milliseconds, the three forms of HTTP dates, and how people write days."""
_PAST = re.compile(
    r"(since|as of|from|deprecated (on|in|at)|introduced|released|updated|published)\W{1,3}(\w+\W{1,2}){0,2}$",
    re.IGNORECASE,
)
"""What stands before a day on which something has begun rather than will end."""
_YES = frozenset(("true", "?1", "1", "yes"))
_NO = frozenset(("false", "?0", "0", "no", "none", ""))
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
    served = ""
    since: list[str] = []
    ends: list[str] = []
    words: list[str] = []
    deprecated = False
    for name, value in sorted(fields.items()):
        flag = value.strip().lower()
        if name in SERVED:
            served = value if pinned and value != pinned else ""
        elif name == "link" or (flag in _NO and name != "warning"):
            continue
        elif name in _ENDS:
            deprecated = True
            ends += days_in(value)
            words += [] if days_in(value) or flag in _YES else [f"{name}: {value.strip()[:SAID_CHARS]}"]
        elif name in _SINCE:
            deprecated = True
            since += days_in(value)
        elif name == "warning":
            words += _warnings(value)
        elif name == "api-deprecated-versions":
            if pinned and pinned in re.split(r"[,\s]+", value):
                words.append(f"version {pinned} is deprecated")
        else:
            deprecated = True
            words += [] if flag in _YES else [value.strip()[:SAID_CHARS]]
    links = [url for url, rel in _LINK.findall(fields.get("link", "")) if _speaks(rel)]
    for word in words:
        past, to_come = _days_of(word)
        since, ends = since or past, ends or to_come
    return Told(
        deprecated=deprecated or bool(words),
        since=min(since, default=""),
        ends=min(ends, default=""),
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
    """The first day that a text names: `@1688169599`, an HTTP date, an ISO day, `October 1, 2026`, epoch seconds; empty for none."""
    return next(iter(days_in(text)), "")


def days_in(text: str) -> list[str]:
    """All days that a text names, in their order."""
    return [day for _, day in _found(text.strip())]


def _days_of(sentence: str) -> tuple[list[str], list[str]]:
    """The days of a sentence since when something holds, and those on which it ends."""
    past: list[str] = []
    to_come: list[str] = []
    for at, day in _found(sentence):
        (past if _PAST.search(sentence[:at]) else to_come).append(day)
    return past, to_come


def _found(text: str) -> list[tuple[int, str]]:
    """Each day with where in the text it stands."""
    found = [(match.start(), _read(match.groupdict())) for form in _DAYS for match in form.finditer(text)]
    return sorted((at, day) for at, day in found if day)


def _read(parts: Mapping[str, str | None]) -> str:
    if epoch := parts.get("epoch"):
        return (
            datetime.fromtimestamp(int(epoch[:10] if len(epoch) == MILLIS else epoch), UTC).date().isoformat()
        )
    month = parts.get("month")
    number = _MONTHS.index(month.lower()) + 1 if month else int(parts.get("number") or 0)
    return _day(int(parts.get("year") or f"20{parts['short']}"), number, int(parts["day"] or 0))


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
