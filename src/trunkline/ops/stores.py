"""What is known of secrets in outside stores, without the secrets: one small file in the state folder, for health and lists.

Written by who fetches (`control/stores.py`), read by the gateway, the console and the command line. Not for: values, which lie sealed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder

FILE = "stores.json"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One reference to an outside store. Times are epoch seconds, 0: never."""

    ref: str
    version: str = ""
    fetched_at: float = 0.0
    """When the value in use was got."""
    changed_at: float = 0.0
    """When it took the place of another one."""
    checked_at: float = 0.0
    """When the store last said that it holds."""
    lease_ends_at: float = 0.0
    next_version: str = ""
    next_at: float = 0.0
    """Since when the store holds another value that does not serve yet, because a rotation holds it back; 0: it does not."""
    next_of: str = ""
    """That rotation."""
    failing_since: float = 0.0
    """Since when the store gives no answer about it; 0: it does."""
    problem: str = ""
    cure: str = ""

    @property
    def has_value(self) -> bool:
        """Whether there is a value to use, fresh or not."""
        return self.fetched_at > 0


_decoder: msgspec.json.Decoder[list[Seen]] = json_decoder(list[Seen])


def read(state: Path) -> list[Seen]:
    """What is known; nothing where no outside store is used."""
    try:
        return _decoder.decode((state / FILE).read_bytes())
    except (OSError, DecodeError):
        return []


def words(one: Seen, now: float) -> str:
    """One sentence about a reference that has trouble; empty for one that has none."""
    if not one.problem:
        return ""
    if not one.has_value:
        return f"{one.ref} has no value: {one.problem}. {one.cure}".strip()
    age = age_words(now - max(one.checked_at, one.fetched_at))
    return f"{one.ref} is used as it was {age} ago: {one.problem}. {one.cure}".strip()


def age_words(seconds: float) -> str:
    """An age in one unit, e.g. `40 s`, `12 min`, `3 h`, `5 days`."""
    for least, unit, word in ((172_800, 86_400, "days"), (7200, 3600, "h"), (120, 60, "min")):
        if seconds >= least:
            return f"{seconds / unit:.0f} {word}"
    return f"{max(0.0, seconds):.0f} s"


def told(known: Iterable[Seen], now: float) -> list[dict[str, Any]]:
    """The member `stores` of `/health?detail=1`: every reference with its age and trouble."""
    return [
        {
            "ref": one.ref,
            "version": one.version or None,
            "age_s": round(max(0.0, now - max(one.checked_at, one.fetched_at)), 1) if one.has_value else None,
            "state": "fresh" if not one.problem else "last_known" if one.has_value else "missing",
            "problem": one.problem or None,
        }
        for one in known
    ]


def findings(known: Iterable[Seen], now: float) -> list[dict[str, str]]:
    """What of it somebody should look into although calls go on."""
    return [
        {
            "severity": "warning" if one.has_value else "error",
            "code": "store-trouble",
            "item": one.ref,
            "message": words(one, now).rstrip("."),
        }
        for one in known
        if one.problem
    ]
